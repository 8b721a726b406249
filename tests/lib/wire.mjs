// The wire between the browsers and the edge: a transparent proxy that stamps every request and
// every WebSocket message with the time it passed, in both browsers alike, and can cut it. The page
// of each side is told apart by the host name it was opened under. A test may also come between: refuse, hold or swallow
// what a page sends.
import { Agent, createServer, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { EventLog } from './events.mjs';
import { FrameReader, textFrame } from './frames.mjs';
import { header } from './timeline.mjs';

export class Wire {
  #sockets = new Set();
  #connections = 0;
  #between = [];
  #swallowed = new Set();
  #dark = new Set();
  #unplugged = new Set();
  #late = [];
  /**
   * 'request' {side, method, path, at}, 'response' {…, status, asked}, 'upgrade' / 'upgraded' /
   * 'closed' {side, connection}, 'sent' / 'received' {side, connection, text} as the page sees it.
   */
  log = new EventLog();

  /** Forwards to `edge`; `sides` maps a host name to the name of a side. */
  static async open({ edge, sides, port }) {
    const wire = new Wire();
    Object.assign(wire, { edge, sides, agent: new Agent({ keepAlive: true, maxSockets: Infinity }) });
    wire.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => wire.#forward(request, response));
    wire.server.on('upgrade', (request, socket, head) => wire.#upgrade(request, socket, head));
    await new Promise((resolve) => wire.server.listen(port ?? 0, '127.0.0.1', resolve));
    wire.port = wire.server.address().port;
    return wire;
  }

  /** The origin under which a side opens its page. */
  origin(side) {
    const host = Object.keys(this.sides).find((name) => this.sides[name] === side);
    return `http://${host}:${this.port}`;
  }

  #side(request) {
    return this.sides[(request.headers.host ?? '').replace(/:\d+$/, '')] ?? 'other';
  }

  /**
   * Comes between a side's page and the edge until `leaveAlone`. `sip` is asked about each SIP message that the page
   * sends, `http` about each request (method, path); either answers nothing to let it pass, 'swallow' to lose it as a
   * network does, a promise to hold it until then, or `{status, reason}` to refuse it in the edge's place; `http` also 'late', to hold
   * the edge's answer until `leaveAlone`.
   */
  between(side, { sip = () => undefined, http = () => undefined }) {
    this.#between.push({ side, sip, http });
  }

  /** What passes, passes untouched from now on. */
  leaveAlone() {
    this.#between = [];
    this.#unplugged.clear();
    for (const pass of this.#late.splice(0)) pass();
    // A browser does not quit before its last reports have an end.
    for (const response of this.#swallowed) response.destroy();
    this.#swallowed.clear();
    for (const upstream of this.#dark) upstream.destroy();
    this.#dark.clear();
  }

  #verdict(side, kind, ...what) {
    for (const one of this.#between.filter((each) => each.side === side)) {
      const verdict = one[kind](...what);
      if (verdict) return verdict;
    }
    return undefined;
  }

  async #forward(request, response) {
    const side = this.#side(request);
    const asked = Date.now();
    const { method, url: path } = request;
    this.log.record('request', { side, method, path, at: asked, authorization: request.headers.authorization });
    if (this.#unplugged.has(side)) return void response.destroy();
    const verdict = this.#verdict(side, 'http', method, path);
    if (verdict === 'swallow') {
      this.#swallowed.add(response);
      return void request.resume();
    }
    if (verdict?.status) {
      request.resume();
      this.log.record('response', { side, method, path, status: verdict.status, asked });
      return void response.writeHead(verdict.status, { 'content-type': 'application/problem+json' })
        .end(JSON.stringify({ type: '/problems/test', title: verdict.reason ?? 'Refused', status: verdict.status, detail: '' }));
    }
    await verdict;
    const onward = httpRequest({ host: '127.0.0.1', port: this.edge.port, method, path, headers: request.headers, agent: this.agent, setHost: false }, (answer) => {
      const pass = () => {
        this.log.record('response', { side, method, path, status: answer.statusCode, asked });
        response.writeHead(answer.statusCode, answer.rawHeaders);
        answer.pipe(response);
      };
      if (verdict === 'late') this.#late.push(pass);
      else pass();
      if (answer.statusCode >= 400) answer.once('data', (chunk) => this.log.record('refused', { side, path, body: chunk.toString('utf8', 0, 500) }));
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  }

  #upgrade(request, socket, head) {
    const side = this.#side(request);
    if (this.#unplugged.has(side)) return void socket.destroy();
    const connection = ++this.#connections;
    const upstream = connect(this.edge.port, '127.0.0.1');
    const entry = { side, socket, upstream, dark: false };
    for (const [one, other] of [[socket, upstream], [upstream, socket]]) {
      const ends = () => entry.dark || other.destroy();
      one.setNoDelay(true);
      one.on('error', ends);
      one.on('close', ends);
    }
    this.#sockets.add(entry);
    socket.on('close', () => this.#sockets.delete(entry));
    socket.on('close', () => this.log.record('closed', { side, connection }));
    this.log.record('upgrade', { side, connection, path: request.url });

    // Without the offer of compression the frames stay readable.
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) {
      if (!/^sec-websocket-extensions$/i.test(request.rawHeaders[i])) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    }
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);

    const look = (name) => (text) => this.log.record(name, { side, connection, text });
    const received = new FrameReader(look('received'));
    // One after the other: what is held holds what follows.
    let turn = Promise.resolve();
    let held = 0;
    const pass = (octets) => {
      if (!upstream.destroyed && !entry.dark) upstream.write(octets);
    };
    const sent = new FrameReader(look('sent'), (octets, text) => {
      const verdict = text === null ? undefined : this.#verdict(side, 'sip', text);
      if (verdict === 'swallow') return;
      if (verdict?.status) {
        const refusal = refusalOf(text, verdict);
        look('received')(refusal);
        socket.write(textFrame(refusal));
      } else if (verdict || held) {
        held += 1;
        turn = turn.then(() => verdict).then(() => pass(octets)).finally(() => (held -= 1));
      } else {
        pass(octets);
      }
    });
    if (head.length) sent.read(head);
    socket.on('data', (chunk) => sent.read(chunk));
    let answer = Buffer.alloc(0);
    upstream.on('data', (chunk) => {
      if (entry.dark) return undefined;
      socket.write(chunk);
      if (answer === null) return received.read(chunk);
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return undefined;
      const rest = answer.subarray(end + 4);
      this.log.record('upgraded', { side, connection, status: Number(answer.toString('latin1', 9, 12)) });
      answer = null;
      return rest.length ? received.read(rest) : undefined;
    });
    socket.on('end', () => entry.dark || upstream.end());
    upstream.on('end', () => entry.dark || socket.end());
  }

  /** Cuts the WebSockets of a side, as a network does that goes away. */
  cut(side) {
    for (const entry of this.#sockets) {
      if (entry.side === side) entry.socket.destroy();
    }
  }

  /** A side has no network: what it has open breaks, and nothing opens until `leaveAlone`. */
  unplug(side) {
    this.#unplugged.add(side);
    this.cut(side);
  }

  /** The WebSockets of a side carry nothing more, either way, and neither end is told when the other one closes. */
  goesDark(side) {
    for (const entry of this.#sockets) {
      if (entry.side !== side) continue;
      entry.dark = true;
      this.#dark.add(entry.upstream);
    }
  }

  /** How many WebSockets a side has open. */
  openSockets(side) {
    return [...this.#sockets].filter((entry) => entry.side === side).length;
  }

  /** Awaits a SIP message that a side sent or received. */
  sip(side, direction, match, { since = 0, ms = 15_000, what } = {}) {
    const test = typeof match === 'function' ? match : (text) => match.test(text);
    return this.log.wait((event) => event.name === direction && event.side === side && test(event.text), { since, ms, what: what ?? `${side} ${direction} ${match}` });
  }

  async close() {
    this.leaveAlone();
    for (const { socket } of this.#sockets) socket.destroy();
    this.server.closeAllConnections();
    this.agent.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** A response to a request, as a server that refuses it writes it. */
function refusalOf(request, { status, reason = 'Refused', headers = [] }) {
  const copied = ['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(request, name)}${name === 'To' ? ';tag=between' : ''}`);
  return `${[`SIP/2.0 ${status} ${reason}`, ...copied, ...headers, 'Content-Length: 0'].join('\r\n')}\r\n\r\n`;
}
