// @ts-check
/** This device's credential: an ECDSA P-256 key pair whose private half cannot be exported (`device.rs`). */

/** What signs; it is only there in secure contexts: https, localhost, 127.0.0.1. */
const subtle = () => {
  if (!crypto.subtle) throw new DOMException('the page must come over https or from this machine', 'SecurityError');
  return crypto.subtle;
};

/** A new key pair that only signs and only here. */
export const newKey = () => subtle().generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);

/** @type {WeakMap<CryptoKey, Promise<JsonWebKey>>} */
const halves = new WeakMap();

/**
 * The public half, for the edge. It is asked of the browser once: a page that is about to be closed has no time to wait for it, and Firefox
 * answers in another turn.
 * @param {CryptoKeyPair} key
 */
export function publicKey({ publicKey: half }) {
  const known = halves.get(half);
  if (known) return known;
  const asked = subtle().exportKey('jwk', half);
  halves.set(half, asked);
  // One that was refused is asked for again.
  asked.catch(() => halves.delete(half));
  return asked;
}

/**
 * base64url of the raw `r‖s` signature over the message.
 * @param {CryptoKeyPair} key
 * @param {string} message
 */
export async function sign(key, message) {
  const signature = await subtle().sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, new TextEncoder().encode(message));
  return btoa(String.fromCharCode(...new Uint8Array(signature))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** A new device id, a lower-case UUID. */
export const newId = () => subtle() && crypto.randomUUID();

/**
 * Fills in octets from the browser's generator.
 * @param {Uint8Array<ArrayBuffer>} octets
 */
export const random = (octets) => void (subtle() && crypto.getRandomValues(octets));

/**
 * What a token says about itself.
 * @param {string} token
 */
export function claims(token) {
  const payload = token.split('.')[1] ?? '.';
  const octets = atob(payload.replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(octets, (it) => it.charCodeAt(0))));
}
