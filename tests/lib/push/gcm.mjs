// A local stand-in for the vendor's device services, as Chromium's push client speaks to them:
// check-in and registration by HTTP, the messaging connection (MCS) by TLS, and the RFC 8030
// endpoint. Chromium hands out endpoints under the vendor's own host, which no flag changes: the
// test harness routes the edge's requests for that host here (see `../edge.mjs`).
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { EventLog } from '../events.mjs';
import { field, frame, readFields, takeFrames } from './protobuf.mjs';
import { answeredByTest, checkPush, checkVapid, readBody, Refusal } from './request.mjs';

/** The host that Chromium's endpoints name: fixed in the browser. */
export const VENDOR_HOST = 'jmt17.google.com';

// Tags of the messaging connection: google_apis/gcm/base/mcs_util.h
const TAG = { heartbeatPing: 0, heartbeatAck: 1, loginRequest: 2, loginResponse: 3, iqStanza: 7, dataMessage: 8 };
const MCS_VERSION = 41;

export class GcmPush {
  #registrations = new Map(); // token → {sender, app, subtype}
  #sockets = new Map(); // android id → socket
  #devices = 0;
  #queue = [];
  log = new EventLog();
  answer = null;
  /** The same for the next pushes, one each; see `answeredByTest`. */
  answers = [];

  static async open({ dir }) {
    const service = new GcmPush();
    await service.#listen(dir);
    return service;
  }

  async #listen(dir) {
    const [key, cert] = [join(dir, 'mcs.key'), join(dir, 'mcs.crt')];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1',
      '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    this.http = createServer((request, response) => this.#request(request, response));
    this.mcs = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (socket) => this.#connection(socket));
    await new Promise((resolve) => this.http.listen(0, '127.0.0.1', resolve));
    await new Promise((resolve) => this.mcs.listen(0, '127.0.0.1', resolve));
    this.address = `127.0.0.1:${this.http.address().port}`;
    this.origin = `http://${this.address}`;
  }

  /** What Chromium is started with to use this service. */
  get flags() {
    return [
      `--gcm-checkin-url=${this.origin}/checkin`,
      `--gcm-registration-url=${this.origin}/register3`,
      `--gcm-mcs-endpoint=https://127.0.0.1:${this.mcs.address().port}`,
      '--ignore-certificate-errors',
    ];
  }

  async #request(request, response) {
    const at = Date.now();
    try {
      const body = await readBody(request);
      const path = new URL(request.url, this.origin).pathname;
      if (path === '/checkin') return this.#checkIn(response);
      if (path === '/register3') return this.#register(request, body, response);
      return this.#push(at, path, request, body, response);
    } catch (error) {
      const status = error.status ?? 500;
      this.log.record('push', { at, status, topic: request.headers.topic, error: error.message });
      return response.writeHead(status, { 'content-type': 'text/plain' }).end(error.message);
    }
  }

  #checkIn(response) {
    this.#devices += 1;
    response.writeHead(200, { 'content-type': 'application/x-protobuf' });
    response.end(Buffer.concat([field.number(1, 1), field.number(3, Date.now()), field.fixed64(7, 4320 + this.#devices), field.fixed64(8, 9876)]));
  }

  #register(request, body, response) {
    const form = new URLSearchParams(body.toString());
    if (form.get('delete') === 'true') {
      for (const [token, registration] of this.#registrations) {
        if (registration.subtype === (form.get('X-subtype') ?? '')) this.#registrations.delete(token);
      }
      response.writeHead(200).end(`deleted=${form.get('app')}`);
      this.log.record('unregistered');
      return;
    }
    const token = randomBytes(24).toString('base64url');
    const device = /AidLogin (\d+):/.exec(request.headers.authorization ?? '')?.[1] ?? form.get('device');
    this.#registrations.set(token, { device, sender: form.get('sender'), app: form.get('app'), subtype: form.get('X-subtype') ?? '' });
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`token=${token}`);
    this.log.record('registered', { device });
  }

  #push(at, path, request, body, response) {
    const token = /^\/(?:fcm\/send|wp)\/([^/]+)$/.exec(path)?.[1];
    if (request.method !== 'POST' || !token) throw new Refusal(404, 'no such resource');
    if (answeredByTest(this, at, request, response)) return;
    const registration = this.#registrations.get(token);
    if (!registration) throw new Refusal(410, 'subscription is gone');
    const { ttl, topic, urgency } = checkPush(request.headers, body);
    checkVapid(request.headers.authorization, registration.sender, `https://${VENDOR_HOST}`);
    const id = randomBytes(6).toString('hex');
    const message = { id, registration, token, ttl, topic, sent: at, expires: at + ttl * 1000, body };
    const socket = this.#sockets.get(registration.device);
    if (topic) this.#queue = this.#queue.filter((queued) => queued.token !== token || queued.topic !== topic);
    this.log.record('push', { at, status: 201, ttl, topic, urgency, size: body.length, online: Boolean(socket), version: id });
    response.writeHead(201, { location: `https://${VENDOR_HOST}/message/${id}` }).end();
    if (socket) this.#deliver(socket, message);
    else if (ttl > 0) this.#queue.push(message);
  }

  #deliver(socket, { id, registration, ttl, sent, body }) {
    const pair = (key, value) => field.bytes(7, Buffer.concat([field.bytes(1, key), field.bytes(2, value)]));
    socket.write(frame(TAG.dataMessage, Buffer.concat([
      field.bytes(2, id),
      field.bytes(3, registration.sender),
      field.bytes(5, registration.app),
      ...(registration.subtype ? [pair('subtype', registration.subtype)] : []),
      ...(body.length ? [pair('content-encoding', 'aes128gcm')] : []),
      field.bytes(9, `0:${id}`),
      field.number(17, ttl),
      field.number(18, sent),
      ...(body.length ? [field.bytes(21, body)] : []),
    ])));
    this.log.record('delivered', { version: id });
  }

  #connection(socket) {
    let pending = Buffer.alloc(0);
    let versionSeen = false;
    let device;
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#sockets.get(device) === socket) this.#sockets.delete(device);
    });
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      if (!versionSeen) {
        versionSeen = true;
        pending = pending.subarray(1);
      }
      const { frames, rest } = takeFrames(pending);
      pending = rest;
      for (const { tag, message } of frames) {
        if (tag === TAG.heartbeatPing) socket.write(frame(TAG.heartbeatAck, Buffer.alloc(0)));
        if (tag !== TAG.loginRequest) continue;
        // LoginRequest: 3 user = android id in decimal
        device = readFields(message).get(3)?.[0]?.toString();
        socket.write(Buffer.concat([Buffer.from([MCS_VERSION]), frame(TAG.loginResponse, Buffer.concat([field.bytes(1, 'local'), field.number(8, Date.now())]))]));
        this.#sockets.set(device, socket);
        this.log.record('hello', { device });
        const mine = this.#queue.filter((queued) => queued.registration.device === device);
        this.#queue = this.#queue.filter((queued) => queued.registration.device !== device);
        for (const queued of mine) if (queued.expires > Date.now()) this.#deliver(socket, queued);
      }
    });
  }

  forgetSubscriptions() {
    this.#registrations.clear();
  }

  get waiting() {
    return this.#queue;
  }

  async close() {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.http.closeAllConnections();
    this.mcs.close();
    await new Promise((resolve) => this.http.close(resolve));
  }
}
