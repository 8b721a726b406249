// sipp plays scenarios of messages. It speaks no WebSocket: a bridge of ours carries each of its TCP connections as one.
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import WebSocket, { WebSocketServer } from 'ws';
import { until } from '../events.mjs';
import { freePort } from '../ports.mjs';
import { Part } from './bench.mjs';

// sipp reads one challenge and knows MD5 only; servers list others before it.
const UNREAD = /\r\n(?:WWW|Proxy)-Authenticate: (?:Bearer\b|Digest [^\r]*algorithm=SHA)[^\r]*(?=\r\n)/gi;
const END = Buffer.from('\r\n\r\n');

/** One SIP message off the front of a TCP stream: `[message, rest]`, or null while it is incomplete. */
export function frame(stream) {
  let from = 0;
  while (stream[from] === 13 && stream[from + 1] === 10) from += 2;
  const head = stream.indexOf(END, from);
  if (head < 0) return null;
  const length = /\r\n(?:content-length|l)[ \t]*:[ \t]*(\d+)/i.exec(stream.toString('latin1', from, head + 2));
  const to = head + 4 + Number(length?.[1] ?? 0);
  return stream.length < to ? null : [stream.subarray(from, to), stream.subarray(to)];
}

/** Listens for TCP on loopback and carries each connection to `url` as SIP over WebSocket. Keepalives are answered here. */
export async function bridge(url, options = {}) {
  const sockets = new Set();
  const server = createServer((tcp) => {
    const web = new WebSocket(url, 'sip', { perMessageDeflate: false, ...options });
    sockets.add(tcp);
    let waiting = [];
    let buffer = Buffer.alloc(0);
    web.on('open', () => {
      for (const message of waiting) web.send(message, { binary: false });
      waiting = null;
    });
    web.on('message', (bytes) => {
      const text = bytes.toString('latin1');
      if (text.trim()) tcp.write(Buffer.from(text.replace(UNREAD, ''), 'latin1'));
    });
    web.on('close', () => tcp.destroy());
    web.on('error', () => tcp.destroy());
    tcp.on('data', (bytes) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (let found = frame(buffer); found; found = frame(buffer)) {
        buffer = found[1];
        if (waiting) waiting.push(found[0]);
        else web.send(found[0], { binary: false });
      }
    });
    tcp.on('error', () => {});
    tcp.on('close', () => {
      sockets.delete(tcp);
      web.close();
    });
  });
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  return {
    port,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The other way: a server of SIP over WebSocket that hands each connection to the TCP port `to` of loopback. */
export async function bridged(to) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols: () => 'sip' });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (web) => {
    const tcp = connect(to, '127.0.0.1');
    let buffer = Buffer.alloc(0);
    tcp.on('data', (bytes) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (let found = frame(buffer); found; found = frame(buffer)) {
        buffer = found[1];
        web.send(found[0].toString());
      }
    });
    tcp.on('error', () => {}).on('close', () => web.close());
    web.on('message', (data) => {
      if (data.toString().trim()) tcp.write(data);
      else web.send('\r\n');
    });
    web.on('close', () => tcp.destroy());
  });
  return {
    url: `ws://127.0.0.1:${server.address().port}`,
    close: () => {
      for (const one of server.clients) one.terminate();
      server.close();
    },
  };
}

export class Sipp extends Part {
  name = 'sipp';

  /**
   * Starts one scenario over TCP towards `port`, or over UDP (`udp`, from the port `from`); `fields` are the rows of its injection file.
   * `done` says how it ended.
   */
  async open({ scenario, called, port, from, udp = false, fields, calls = 1, args = [], seconds = 30 }) {
    const file = join(this.dir, 'scenario.xml');
    writeFileSync(file, scenario);
    const other = join(this.dir, 'called.xml');
    if (called) writeFileSync(other, called);
    const rows = join(this.dir, 'fields.csv');
    if (fields) writeFileSync(rows, `SEQUENTIAL\n${fields.map((row) => row.join(';')).join('\n')}\n`);
    this.run('sipp', [
      `127.0.0.1:${port}`, '-sf', file, '-i', '127.0.0.1', '-p', String(from ?? await freePort()), '-t', udp ? 'u1' : 't1', '-m', String(calls), '-nostdin',
      '-timeout', String(seconds), '-timeout_error', '-trace_err', '-error_file', join(this.dir, 'errors'), '-trace_msg', '-message_file',
      join(this.dir, 'messages'), ...(fields ? ['-inf', rows] : []), ...(called ? ['-oocsf', other] : []), ...args,
    ]);
    this.messages = join(this.dir, 'messages');
    this.done = this.process.exited.then(({ code }) => code === 0);
  }

  /** What it found wrong. */
  said() {
    const file = join(this.dir, 'errors');
    return existsSync(file) ? readFileSync(file, 'utf8').slice(0, 3000) : this.process.logTail();
  }

  /** Awaits a message that sipp has received. */
  sees(match, what) {
    const received = () => readFileSync(this.messages, 'utf8').split(/^-{20,}.*$/m).some((one) => /message received/.test(one) && match.test(one) && /SIP\/2\.0 200/.test(one));
    return until(() => this.alive() && existsSync(this.messages) && received(), { ms: 20_000, every: 50, what: `sipp has ${what}` });
  }
}
