-- Why a call expired: how far its furthest device came (`unopened`, `refused`, `unregistered`, `unready`, `unrung`).
ALTER TABLE calls ADD COLUMN why TEXT;
