/**
 * The device's credential for a service worker, which signs without the wasm core: the same records, the same words as
 * `wakeline_edge_api::{renew_message, push_message}`.
 */
import { sign } from './core/key.js';
import { readSession } from './core/storage.js';

interface StoredSession {
  account: { number: string };
  device: string;
  key: CryptoKeyPair;
}

/** What a device can prove to its edge. */
export interface DeviceCredential {
  readonly number: string;
  readonly device: string;
  /** base64url of the raw r‖s ECDSA P-256 SHA-256 signature for this purpose at this time (ms since the epoch). */
  sign(purpose: 'renew' | 'push', at: number): Promise<string>;
}

/** The credential of the line that is signed in on this edge; null when none is. */
export async function deviceCredential(edge: string): Promise<DeviceCredential | null> {
  const origin = new URL(edge).origin;
  const stored = await readSession(origin) as StoredSession | undefined;
  if (!stored) return null;
  const { account: { number }, device, key } = stored;
  return {
    number,
    device,
    sign: (purpose, at) => sign(key, `wakeline-${purpose}\n${origin}\n${number}\n${device}\n${at}`),
  };
}
