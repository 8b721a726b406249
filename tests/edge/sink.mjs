// A push service of one subscription on loopback (allowed in development only): takes RFC 8030 requests, judges them, and reads
// what they say (RFC 8291) with Node's own cryptography.
import { createDecipheriv, createECDH, hkdfSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { EventLog } from '../lib/events.mjs';
import { checkPush, checkVapid, readBody } from '../lib/push/request.mjs';

export class Sink {
  log = new EventLog();
  /**
   * What the next pushes are answered: statuses, or `{status, headers, ms}`, the answer coming after `ms`; `{hangs: true}` is
   * never answered. 201 when there is none left.
   */
  answers = [];

  static async open({ vapid } = {}) {
    const sink = new Sink();
    sink.vapid = vapid;
    sink.keys = createECDH('prime256v1');
    sink.keys.generateKeys();
    sink.auth = randomBytes(16);
    sink.server = createServer((request, response) => sink.#take(request, response));
    await new Promise((resolve) => sink.server.listen(0, '127.0.0.1', resolve));
    sink.origin = `http://127.0.0.1:${sink.server.address().port}`;
    return sink;
  }

  /** Another subscription at the same service, in the place of the one that is gone. */
  renew() {
    this.auth = randomBytes(16);
  }

  get subscription() {
    return {
      kind: 'webpush',
      endpoint: `${this.origin}/push/${this.auth.toString('hex')}`,
      p256dh: this.keys.getPublicKey('base64url'),
      auth: this.auth.toString('base64url'),
    };
  }

  async #take(request, response) {
    const at = Date.now();
    try {
      const body = await readBody(request);
      const { ttl, topic, urgency } = checkPush(request.headers, body);
      if (this.vapid) checkVapid(request.headers.authorization, this.vapid.public_key, this.origin);
      const said = JSON.parse(this.#decrypt(body));
      const next = this.answers.shift() ?? 201;
      const { status, headers = {}, ms = 0, hangs = false } = typeof next === 'number' ? { status: next } : next;
      this.log.record('push', { at, ttl, topic, urgency, said, kind: said.wakeline.kind, wake: said.wakeline.wake, status, hangs, ms, authorization: request.headers.authorization });
      if (hangs) return;
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
      response.writeHead(status, headers).end();
    } catch (error) {
      this.log.record('bad', { at, error });
      response.writeHead(error.status ?? 400).end(String(error));
    }
  }

  /** RFC 8291 §3.4 and RFC 8188 §2. */
  #decrypt(body) {
    const salt = body.subarray(0, 16);
    const sender = body.subarray(21, 86);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.keys.getPublicKey(), sender]);
    const ikm = Buffer.from(hkdfSync('sha256', this.keys.computeSecret(sender), this.auth, info, 32));
    const key = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: aes128gcm\0', 16));
    const nonce = Buffer.from(hkdfSync('sha256', ikm, salt, 'Content-Encoding: nonce\0', 12));
    const open = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(body.subarray(-16));
    const plain = Buffer.concat([open.update(body.subarray(86, -16)), open.final()]);
    return plain.subarray(0, plain.lastIndexOf(2)).toString();
  }

  /** Waits for a push of this kind. */
  push(kind, { since = 0, ms } = {}) {
    return this.log.wait((e) => e.name === 'push' && e.kind === kind, { since, ms, what: `push "${kind}"` });
  }

  count(kind) {
    return this.log.filter((e) => e.name === 'push' && e.kind === kind).length;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
