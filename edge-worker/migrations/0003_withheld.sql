-- Why a call was kept from its callee: `blocked` or `do_not_disturb`. Never shown to the caller.
ALTER TABLE calls ADD COLUMN withheld TEXT;
