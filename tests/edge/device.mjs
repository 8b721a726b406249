// A scripted device: SIP over WebSocket (RFC 7118) as a page speaks it, and its REST calls. No browser, no library of ours, so
// that what the edge says is judged by another reading of the RFCs.
import { randomBytes, randomUUID, webcrypto } from 'node:crypto';
import WebSocket from 'ws';
import { EventLog } from '../lib/events.mjs';

const id = (octets = 8) => randomBytes(octets).toString('hex');
export const SDP = 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=rtpmap:111 opus/48000/2\r\n';

const COMPACT = { v: 'via', f: 'from', t: 'to', i: 'call-id', m: 'contact', l: 'content-length', c: 'content-type', k: 'supported' };

/** A SIP message, parsed far enough for a script. */
export class Message {
  constructor(text) {
    this.text = text;
    const end = text.indexOf('\r\n\r\n');
    const [start, ...lines] = text.slice(0, end < 0 ? undefined : end).split('\r\n');
    this.start = start;
    this.body = end < 0 ? '' : text.slice(end + 4);
    const answer = /^SIP\/2\.0 (\d{3}) ?(.*)$/.exec(start);
    this.status = answer ? Number(answer[1]) : null;
    this.reason = answer?.[2];
    this.method = answer ? null : start.split(' ')[0];
    this.uri = answer ? null : start.split(' ')[1];
    this.headers = {};
    for (const line of lines) {
      const at = line.indexOf(':');
      const name = line.slice(0, at).trim().toLowerCase();
      (this.headers[COMPACT[name] ?? name] ??= []).push(line.slice(at + 1).trim());
    }
  }

  header(name) {
    return this.headers[name.toLowerCase()]?.[0];
  }

  all(name) {
    return (this.headers[name.toLowerCase()] ?? []).join(', ');
  }

  get callId() {
    return this.header('call-id');
  }

  get cseq() {
    // An answer to what was no SIP may have none.
    const [number, method] = (this.header('cseq') ?? '').split(/\s+/);
    return { number: Number(number), method };
  }

  tag(name) {
    return /;tag=([^;>\s]+)/.exec(this.header(name) ?? '')?.[1];
  }

  /** `{id, state}` of the Wakeline-Wake header. */
  get wake() {
    const value = /^([\w-]+);\s*state=(\w+)/.exec(this.header('wakeline-wake') ?? '');
    return value && { id: value[1], state: value[2] };
  }
}

export class Device {
  log = new EventLog();
  cseq = 0;
  /** What it offers and answers with. */
  sdp = SDP;
  /** Answer BYE at once. */
  hangsUp = false;
  /** Answer the edge's probes (OPTIONS); a frozen tab does not. */
  alive = true;

  constructor(edge, number, { device = randomUUID(), token } = {}) {
    Object.assign(this, { edge, number, device, token, domain: edge.domain });
    this.contact = `<sip:${id(4)}@${id(6)}.invalid;transport=ws>`;
  }

  get aor() {
    return `sip:${this.number}@${this.domain}`;
  }

  // REST

  api(method, path, body, { authorization, ...more } = {}) {
    return this.edge.api(method, path, { body, ...(authorization ? { authorization } : { token: this.token }), ...more });
  }

  /** Makes the device credential and the push subscription known. */
  async bind({ sink, lang } = {}) {
    this.keys ??= await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
    const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', this.keys.publicKey);
    return this.api('PUT', `/v1/devices/${this.device}`, { push: sink?.subscription, public_key: { kty, crv, x, y }, lang });
  }

  async sign(what, at = Date.now(), { number = this.number, device = this.device, origin = this.edge.origin } = {}) {
    const text = `wakeline-${what}\n${origin}\n${number}\n${device}\n${at}`;
    const octets = await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, this.keys.privateKey, Buffer.from(text));
    return Buffer.from(octets).toString('base64url');
  }

  async renew(at = Date.now(), changes = {}) {
    const body = { device: this.device, number: this.number, nonce_at: at, signature: await this.sign('renew', at), ...changes };
    return this.edge.api('POST', '/v1/tokens/renew', { body, token: null });
  }

  report(wake, what, { capability, body } = {}) {
    const authorization = capability && `Wake ${capability}`;
    return this.api('POST', `/v1/wakes/${wake}/${what}`, body ?? (capability ? undefined : { device: this.device }), { authorization });
  }

  // SIP

  async open() {
    const socket = new WebSocket(this.server ?? `${this.edge.origin.replace('http', 'ws')}/sip`, 'sip');
    this.socket = socket;
    socket.on('message', (data) => this.receive(data.toString()));
    socket.on('close', (code) => this.log.record('closed', { code, socket }));
    await new Promise((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
    });
    return this;
  }

  receive(text) {
    if (!text.trim()) return this.log.record('keepalive');
    const message = new Message(text);
    this.log.record(message.status ? 'response' : 'request', { message, status: message.status, method: message.method ?? message.cseq.method });
    if (message.method === 'OPTIONS' && this.alive) this.respond(message, 200, 'OK');
    if (message.method === 'BYE' && this.hangsUp) this.respond(message, 200, 'OK');
    if (message.method === 'CANCEL') {
      this.respond(message, 200, 'OK');
      const invite = this.invites?.get(message.callId + message.cseq.number);
      if (invite && !invite.final) this.respond(invite, 487, 'Request Terminated');
    }
    if (message.method === 'INVITE' && !message.tag('to')) {
      (this.invites ??= new Map()).set(message.callId + message.cseq.number, message);
      this.respond(message, 100, 'Trying');
    }
    return undefined;
  }

  send(text) {
    this.socket.send(text);
  }

  request(method, uri, headers, body = '') {
    const lines = [`${method} ${uri} SIP/2.0`, ...headers, `Content-Length: ${Buffer.byteLength(body)}`];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  via(branch = `z9hG4bK${id()}`) {
    return `Via: SIP/2.0/WS ${id(6)}.invalid;branch=${branch}`;
  }

  /** Waits for a request, past or future, after `since`. */
  async sees(method, { since = 0, ms } = {}) {
    return (await this.log.wait((e) => e.name === 'request' && e.method === method, { since, ms, what: `${this.number}: ${method}` })).message;
  }

  async hears(test, { since = 0, ms, what } = {}) {
    return (await this.log.wait((e) => e.name === 'response' && test(e.message), { since, ms, what: `${this.number}: ${what ?? test}` })).message;
  }

  /** REGISTER with the Bearer token in the first try; answers the final response. */
  async register({ token = this.token, expires = 300, authorization = token && `Bearer ${token}`, aor = this.aor, ms } = {}) {
    const callId = (this.registerCallId ??= id());
    const cseq = ++this.cseq;
    this.request('REGISTER', `sip:${this.domain}`, [
      this.via(),
      'Max-Forwards: 70',
      `From: <${aor}>;tag=${id()}`,
      `To: <${aor}>`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} REGISTER`,
      `Contact: ${this.contact};+sip.instance="<urn:uuid:${this.device}>";reg-id=1;expires=${expires}`,
      'Supported: outbound, path',
      ...(authorization ? [`Authorization: ${authorization}`] : []),
    ]);
    return this.hears((m) => m.callId === callId && m.cseq.number === cseq && m.status >= 200, { ms, what: 'answer to REGISTER' });
  }

  /** Opens a socket and registers. */
  async online({ ms } = {}) {
    await this.open();
    const answer = await this.register({ ms });
    if (answer.status !== 200) throw new Error(`REGISTER: ${answer.start}`);
    return this;
  }

  /** Calls a number; without an offer where `sdp` is empty. */
  call(number, { headers = [], sdp = this.sdp } = {}) {
    return new OutgoingCall(this, number, headers, sdp);
  }

  /** Takes the next INVITE. */
  async incoming({ since = 0, ms } = {}) {
    const seen = await this.log.wait((e) => e.name === 'request' && e.method === 'INVITE' && !e.message.tag('to'), { since, ms, what: `${this.number}: INVITE` });
    return new IncomingCall(this, seen.message);
  }

  respond(request, status, reason, { headers = [], body = '', tag = request.ourTag ??= id() } = {}) {
    if (status >= 200) Object.assign(request, { final: true, finalStatus: status, finalAt: Date.now() });
    const to = request.tag('to') || status === 100 ? request.header('to') : `${request.header('to')};tag=${tag}`;
    const lines = [
      `SIP/2.0 ${status} ${reason}`,
      ...request.headers.via.map((v) => `Via: ${v}`),
      ...(request.headers['record-route'] ?? []).map((v) => `Record-Route: ${v}`),
      `From: ${request.header('from')}`,
      `To: ${to}`,
      `Call-ID: ${request.callId}`,
      `CSeq: ${request.header('cseq')}`,
      ...headers,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    this.send(`${lines.join('\r\n')}\r\n\r\n${body}`);
  }

  async close() {
    if (!this.socket || this.socket.readyState === WebSocket.CLOSED) return;
    const socket = this.socket;
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.close();
    // A reader that threw hears no goodbye.
    const deaf = setTimeout(() => socket.terminate(), 2000);
    await closed;
    clearTimeout(deaf);
  }
}

/** Requests inside a dialog, for both sides. */
class Dialog {
  constructor(device, { callId, local, remote, target, routes, cseq }) {
    Object.assign(this, { device, callId, local, remote, target, routes, cseq });
  }

  /** Sends a request in the dialog; answers its final response (none for ACK). */
  async request(method, { cseq = method === 'ACK' ? this.cseq : ++this.cseq, headers = [], body = '' } = {}) {
    this.device.request(method, this.target, [
      this.device.via(),
      'Max-Forwards: 70',
      ...this.routes.map((route) => `Route: ${route}`),
      `From: ${this.local}`,
      `To: ${this.remote}`,
      `Call-ID: ${this.callId}`,
      `CSeq: ${cseq} ${method}`,
      ...headers,
    ], body);
    if (method === 'ACK') return undefined;
    return this.device.hears((m) => m.callId === this.callId && m.cseq.method === method && m.cseq.number === cseq && m.status >= 200, { what: `answer to ${method}` });
  }
}

const routeSet = (message) => (message.headers['record-route'] ?? []).flatMap((value) => value.split(/,\s*(?=<)/));
const uriOf = (value) => /<([^>]+)>/.exec(value)?.[1] ?? value;

export class OutgoingCall {
  constructor(device, number, headers, sdp) {
    this.device = device;
    this.sdp = sdp;
    this.callId = id();
    this.cseq = 1;
    this.branch = `z9hG4bK${id()}`;
    this.from = `${device.display ? `${device.display} ` : ''}<${device.aor}>;tag=${id()}`;
    this.uri = `sip:${number}@${device.domain}`;
    this.viaLine = device.via(this.branch);
    this.since = device.log.mark();
    this.headers = headers;
    this.#invite();
  }

  #invite() {
    const { device, headers, sdp } = this;
    device.request('INVITE', this.uri, [
      this.viaLine,
      'Max-Forwards: 70',
      `From: ${this.from}`,
      `To: <${this.uri}>`,
      `Call-ID: ${this.callId}`,
      'CSeq: 1 INVITE',
      `Contact: ${device.contact}`,
      'Supported: outbound',
      ...(sdp ? ['Content-Type: application/sdp'] : []),
      ...headers,
    ], sdp);
  }

  /** The same INVITE over the device's new socket, as a page repeats it that lost its flow. */
  again() {
    this.branch = `z9hG4bK${id()}`;
    this.viaLine = this.device.via(this.branch);
    this.since = this.device.log.mark();
    this.#invite();
  }

  /** Waits for a response: by status, or by the wake's state. */
  hears(wanted, { ms } = {}) {
    const test = typeof wanted === 'number' ? (m) => m.status === wanted : (m) => m.wake?.state === wanted;
    return this.device.hears((m) => m.callId === this.callId && m.cseq.method === 'INVITE' && test(m), { since: this.since, ms, what: `${wanted} for the INVITE` });
  }

  /**
   * Waits for the final response and acknowledges it, as RFC 3261 §17.1.1.3 says where it is not a 2xx; with this answer where the 2xx
   * brought the offer.
   */
  async final({ ms, sdp } = {}) {
    const answer = await this.device.hears((m) => m.callId === this.callId && m.cseq.method === 'INVITE' && m.status >= 200, { since: this.since, ms, what: 'final answer' });
    if (answer.status < 300) {
      this.dialog = new Dialog(this.device, {
        callId: this.callId,
        local: this.from,
        remote: answer.header('to'),
        target: uriOf(answer.header('contact')),
        routes: routeSet(answer).reverse(),
        cseq: 1,
      });
      await this.dialog.request('ACK', sdp && { headers: ['Content-Type: application/sdp'], body: sdp });
    } else {
      this.device.request('ACK', this.uri, [this.viaLine, 'Max-Forwards: 70', `From: ${this.from}`, `To: ${answer.header('to')}`, `Call-ID: ${this.callId}`, 'CSeq: 1 ACK']);
    }
    return answer;
  }

  cancel() {
    this.device.request('CANCEL', this.uri, [this.viaLine, 'Max-Forwards: 70', `From: ${this.from}`, `To: <${this.uri}>`, `Call-ID: ${this.callId}`, 'CSeq: 1 CANCEL']);
    return this.device.hears((m) => m.callId === this.callId && m.cseq.method === 'CANCEL' && m.status >= 200, { what: 'answer to CANCEL' });
  }
}

export class IncomingCall {
  constructor(device, invite) {
    Object.assign(this, { device, invite, callId: invite.callId });
  }

  get wake() {
    return this.invite.wake;
  }

  ring() {
    this.device.respond(this.invite, 180, 'Ringing', { headers: [`Contact: ${this.device.contact}`] });
  }

  /** 200 with SDP; resolves when the ACK is here. */
  async answer({ ms } = {}) {
    this.device.respond(this.invite, 200, 'OK', { headers: [`Contact: ${this.device.contact}`, 'Content-Type: application/sdp'], body: this.device.sdp });
    this.dialog = new Dialog(this.device, {
      callId: this.callId,
      local: `${this.invite.header('to')};tag=${this.invite.ourTag}`,
      remote: this.invite.header('from'),
      target: uriOf(this.invite.header('contact')),
      routes: routeSet(this.invite),
      cseq: 0,
    });
    const ack = await this.device.log.wait((e) => e.name === 'request' && e.method === 'ACK' && e.message.callId === this.callId, { ms, what: `${this.device.number}: ACK` });
    return ack.message;
  }

  refuse(status, reason) {
    this.device.respond(this.invite, status, reason);
  }

  /** Waits for a request of this call. */
  async sees(method, { ms } = {}) {
    return (await this.device.log.wait((e) => e.name === 'request' && e.method === method && e.message.callId === this.callId, { ms, what: `${this.device.number}: ${method}` })).message;
  }
}
