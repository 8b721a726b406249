// What any push service checks in a request of an application server: RFC 8030 (TTL, Topic,
// Urgency), RFC 8291 (one aes128gcm record of at most 4096 octets) and RFC 8292 (VAPID).
import { createPublicKey, verify } from 'node:crypto';

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Reads a whole body, keeping at most what a push may hold. */
export async function readBody(request, cap = 4096) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= cap) chunks.push(chunk);
  }
  if (size > cap) throw new Refusal(413, `payload of ${size} octets`);
  return Buffer.concat(chunks);
}

/** Checks headers and body; answers `{ttl, topic, urgency}`. */
export function checkPush(headers, body) {
  if (!/^\d+$/.test(headers.ttl ?? '')) throw new Refusal(400, 'TTL missing or invalid');
  if (headers.topic !== undefined && !/^[\w-]{1,32}$/.test(headers.topic)) throw new Refusal(400, 'Topic invalid');
  if (headers.urgency !== undefined && !/^(very-low|low|normal|high)$/.test(headers.urgency)) throw new Refusal(400, 'Urgency invalid');
  if (body.length > 0) {
    if (headers['content-encoding'] !== 'aes128gcm') throw new Refusal(400, 'Content-Encoding is not aes128gcm');
    // RFC 8188 §2.1: salt (16), record size (4), key id length (1), key id: here the sender's P-256 point.
    const keyLength = body[20];
    if (body.length < 21 + 65 + 17 || keyLength !== 65 || body[21] !== 4) throw new Refusal(400, 'not an aes128gcm header with a P-256 key');
    if (body.readUInt32BE(16) < body.length - 86) throw new Refusal(400, 'more than one record');
  }
  return { ttl: Number(headers.ttl), topic: headers.topic, urgency: headers.urgency ?? 'normal' };
}

/** RFC 8292: the sender holds the key that the subscription names, and signed for this service. */
export function checkVapid(authorization, key, audience) {
  const scheme = /^vapid\s+(.*)$/i.exec(authorization ?? '');
  if (!scheme) throw new Refusal(401, 'no vapid credentials');
  const fields = Object.fromEntries(scheme[1].split(',').map((field) => {
    const at = field.indexOf('=');
    return [field.slice(0, at).trim(), field.slice(at + 1).trim()];
  }));
  if (!fields.t || fields.k !== key) throw new Refusal(403, 'k is not the key of this subscription');
  const point = Buffer.from(key, 'base64url');
  const publicKey = createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') },
  });
  const [head, claims, signature] = fields.t.split('.');
  const valid = verify('sha256', Buffer.from(`${head}.${claims}`), { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature ?? '', 'base64url'));
  if (!valid || decode(head).alg !== 'ES256') throw new Refusal(401, 'token is not signed by k');
  const { aud, exp, sub } = decode(claims);
  const now = Date.now() / 1000;
  if (aud !== audience) throw new Refusal(401, `aud is ${aud}, not ${audience}`);
  if (!(exp > now && exp <= now + 24 * 3600 + 60)) throw new Refusal(401, 'exp is past or more than a day away');
  if (sub !== undefined && !/^(mailto:|https:)/.test(sub)) throw new Refusal(401, 'sub is no contact');
}

/**
 * What a test wants a push service to say in place of its own judgement: `service.answers`, one for each push to come,
 * then `service.answer` for all. `{status, headers}`, 'hang' (never answers), 'reset' (breaks the connection), or null
 * to let the service judge. True when that was done.
 */
export function answeredByTest(service, at, request, response) {
  const answer = service.answers.length ? service.answers.shift() : service.answer;
  if (!answer) return false;
  service.log.record('push', { at, status: answer.status ?? answer, topic: request.headers.topic });
  if (answer === 'reset') response.destroy();
  else if (answer !== 'hang') response.writeHead(answer.status, answer.headers).end();
  return true;
}

const decode = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());
