// A SIP-over-WebSocket client as cheap as Node can have it, so that what is measured is the server: frames are masked by
// zero (RFC 6455 asks for a mask, not for a good one on loopback), and messages are read only as far as a script needs.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const md5 = (text) => createHash('md5').update(text).digest('hex');
let serial = 0;
const unique = () => `${process.pid}x${(serial += 1)}`;

export class SipSocket {
  /** `url` is `ws://127.0.0.1:PORT/path`; `line` is `{number, domain, password, token}`. */
  static async open(url, line) {
    const socket = new SipSocket();
    Object.assign(socket, line, { waiting: new Map(), cseq: 0, count: 0 });
    socket.host = `${unique()}.invalid`;
    socket.contact = `<sip:${line.number}@${socket.host};transport=ws>`;
    const { port, pathname } = new URL(url);
    socket.tcp = connect(Number(port), '127.0.0.1');
    socket.tcp.setNoDelay(true);
    socket.tcp.on('error', () => {});
    await new Promise((resolve, reject) => {
      let head = Buffer.alloc(0);
      const shake = (bytes) => {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        socket.tcp.off('data', shake);
        if (!head.toString('latin1').startsWith('HTTP/1.1 101')) return reject(new Error(head.toString('latin1').slice(0, 300)));
        socket.buffer = head.subarray(end + 4);
        socket.tcp.on('data', (more) => socket.#bytes(more));
        resolve();
      };
      socket.tcp.on('data', shake);
      socket.tcp.once('error', reject);
      socket.tcp.once('close', () => reject(new Error('the server closed the connection')));
      socket.tcp.write([
        `GET ${pathname} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Protocol: sip', '', '',
      ].join('\r\n'));
    });
    socket.tcp.on('close', () => { socket.closed = true; for (const fail of socket.failing ?? []) fail(new Error(`${line.number}: the socket closed`)); });
    return socket;
  }

  #bytes(bytes) {
    this.buffer = this.buffer.length ? Buffer.concat([this.buffer, bytes]) : bytes;
    for (;;) {
      const { buffer } = this;
      if (buffer.length < 2) return;
      let [size, at] = [buffer[1] & 127, 2];
      if (size === 126) [size, at] = [buffer.length < 4 ? Infinity : buffer.readUInt16BE(2), 4];
      else if (size === 127) [size, at] = [buffer.length < 10 ? Infinity : Number(buffer.readBigUInt64BE(2)), 10];
      if (buffer.length < at + size) return;
      const text = buffer.toString('latin1', at, at + size);
      const kind = buffer[0] & 15;
      this.buffer = buffer.subarray(at + size);
      if (kind === 1 || kind === 2) this.#message(text);
      else if (kind === 9) this.#frame(10, text);
    }
  }

  #frame(kind, text) {
    const size = Buffer.byteLength(text, 'latin1');
    const head = size < 126 ? Buffer.from([128 | kind, 128 | size, 0, 0, 0, 0]) : Buffer.from([128 | kind, 254, size >> 8, size & 255, 0, 0, 0, 0]);
    this.tcp.write(Buffer.concat([head, Buffer.from(text, 'latin1')]));
  }

  send(lines) {
    this.#frame(1, `${lines.join('\r\n')}\r\n\r\n`);
  }

  #message(text) {
    if (text.length < 8) return;
    if (!text.startsWith('SIP/2.0')) {
      if (text.startsWith('OPTIONS')) this.reply(text, '200 OK');
      else this.asked?.(text);
      return;
    }
    const status = Number(text.slice(8, 11));
    const key = `${field(text, 'Call-ID')} ${field(text, 'CSeq')}`;
    const waits = this.waiting.get(key);
    if (!waits || (status < 200 && !waits.each)) return;
    if (status < 200) waits.each(status, text);
    else {
      this.waiting.delete(key);
      waits.done({ status, text });
    }
  }

  /** Sends a request; answers its final response. `each` hears the provisional ones. */
  ask(method, uri, { callId = unique(), cseq, headers, each }) {
    return new Promise((resolve, reject) => {
      this.failing ??= new Set();
      const fail = (error) => reject(error);
      this.failing.add(fail);
      const done = (answer) => { this.failing.delete(fail); resolve(answer); };
      this.waiting.set(`${callId} ${cseq} ${method}`, { done, each });
      this.send([`${method} ${uri} SIP/2.0`, ...headers, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`, 'Max-Forwards: 70', 'Content-Length: 0']);
    });
  }

  via(branch = unique()) {
    return `Via: SIP/2.0/WS ${this.host};branch=z9hG4bK${branch}`;
  }

  /** Answers a request with what every response has. */
  reply(request, line, { tag = 'b', headers = [] } = {}) {
    const to = field(request, 'To');
    this.send([
      `SIP/2.0 ${line}`, ...fields(request, 'Via'), ...fields(request, 'Record-Route'), `From: ${field(request, 'From')}`,
      `To: ${to.includes(';tag=') ? to : `${to};tag=${tag}`}`, `Call-ID: ${field(request, 'Call-ID')}`, `CSeq: ${field(request, 'CSeq')}`, ...headers, 'Content-Length: 0',
    ]);
  }

  /** One REGISTER that succeeds, by token or digest; a challenge is answered once and its nonce used on. */
  async register({ expires = 600, instance } = {}) {
    this.callId ??= unique();
    for (let tries = 0; tries < 3; tries += 1) {
      const cseq = (this.cseq += 1);
      const uri = `sip:${this.domain}`;
      const answer = await this.ask('REGISTER', uri, {
        callId: this.callId, cseq,
        headers: [
          this.via(), `From: <sip:${this.number}@${this.domain}>;tag=${cseq}`, `To: <sip:${this.number}@${this.domain}>`,
          `Contact: ${this.contact}${instance ? `;+sip.instance="<urn:uuid:${instance}>";reg-id=1` : ''};expires=${expires}`,
          ...(this.token ? [`Authorization: Bearer ${this.token}`] : this.#digest('Authorization', 'REGISTER', uri)),
        ],
      });
      if (answer.status === 200) return answer;
      if (answer.status !== 401 || this.token) throw new Error(`REGISTER ${this.number}: ${answer.text.slice(0, 200)}`);
      this.#challenged(answer.text, 'WWW-Authenticate');
    }
    throw new Error(`REGISTER ${this.number}: challenged again and again`);
  }

  #challenged(text, name) {
    const challenge = fields(text, name).find((one) => /Digest/.test(one) && !/SHA-256/.test(one));
    const realm = /realm="([^"]*)"/.exec(challenge)[1];
    this.nonce = /nonce="([^"]*)"/.exec(challenge)[1];
    this.ha1 ??= md5(`${this.number}:${realm}:${this.password}`);
    this.realm = realm;
    this.count = 0;
  }

  #digest(name, method, uri) {
    if (!this.nonce) return [];
    this.count += 1;
    const nc = this.count.toString(16).padStart(8, '0');
    const response = md5(`${this.ha1}:${this.nonce}:${nc}:c:auth:${md5(`${method}:${uri}`)}`);
    return [`${name}: Digest username="${this.number}", realm="${this.realm}", nonce="${this.nonce}", uri="${uri}", algorithm=MD5, qop=auth, nc=${nc}, cnonce="c", response="${response}"`];
  }

  /** INVITE; `{answer, invite}`. A proxy's challenge is answered. `each` hears the provisional responses. */
  async invite(number, each) {
    const uri = `sip:${number}@${this.domain}`;
    const callId = unique();
    let invite = { uri, callId, from: `From: <sip:${this.number}@${this.domain}>;tag=${unique()}`, to: `To: <${uri}>`, cseq: 0 };
    for (let tries = 0; tries < 2; tries += 1) {
      invite = { ...invite, cseq: invite.cseq + 1, branch: unique() };
      this.calling = invite;
      const answer = await this.ask('INVITE', uri, {
        callId, cseq: invite.cseq, each,
        headers: [this.via(invite.branch), invite.from, invite.to, `Contact: ${this.contact}`, ...this.#digest('Proxy-Authorization', 'INVITE', uri)],
      });
      if (answer.status >= 300) {
        this.send([`ACK ${uri} SIP/2.0`, this.via(invite.branch), invite.from, `To: ${field(answer.text, 'To')}`, `Call-ID: ${callId}`, `CSeq: ${invite.cseq} ACK`, 'Max-Forwards: 70', 'Content-Length: 0']);
      }
      if (answer.status !== 407) return { answer, invite };
      this.#challenged(answer.text, 'Proxy-Authenticate');
    }
    throw new Error(`INVITE ${this.number}: challenged again and again`);
  }

  /** Takes the INVITE under way back. */
  cancel() {
    const { uri, callId, cseq, branch, from, to } = this.calling;
    return this.ask('CANCEL', uri, { callId, cseq, headers: [this.via(branch), from, to] });
  }

  /** ACK and BYE of an answered INVITE. */
  async finish({ answer, invite }) {
    const target = /<([^>]+)>/.exec(field(answer.text, 'Contact'))[1];
    const routes = fields(answer.text, 'Record-Route').map((one) => one.replace(/^Record-Route/i, 'Route')).reverse();
    const inside = [...routes, invite.from, `To: ${field(answer.text, 'To')}`];
    this.send([`ACK ${target} SIP/2.0`, this.via(), ...inside, `Call-ID: ${invite.callId}`, `CSeq: ${invite.cseq} ACK`, 'Max-Forwards: 70', 'Content-Length: 0']);
    const bye = await this.ask('BYE', target, { callId: invite.callId, cseq: invite.cseq + 1, headers: [this.via(), ...inside] });
    if (bye.status !== 200) throw new Error(`BYE: ${bye.text.slice(0, 200)}`);
  }

  /** Takes every call at once, and every BYE. */
  answers() {
    this.asked = (text) => {
      if (text.startsWith('INVITE')) this.reply(text, '200 OK', { tag: unique(), headers: [`Contact: ${this.contact}`] });
      else if (text.startsWith('BYE') || text.startsWith('CANCEL')) this.reply(text, '200 OK');
    };
  }

  close() {
    this.failing = null;
    this.tcp.destroy();
  }
}

/** The first header of this name. */
export function field(text, name) {
  return new RegExp(`\\r\\n${name}[ \\t]*:[ \\t]*([^\\r]*)`, 'i').exec(text)?.[1] ?? '';
}

/** Every header line of this name, as written. */
export function fields(text, name) {
  const head = text.slice(0, text.indexOf('\r\n\r\n'));
  return head.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`));
}
