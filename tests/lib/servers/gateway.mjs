// The voice gateway's SIP leg: one UDP address between the call server and real phones that play the mobiles. It knows how well it
// receives the callee's mobile and says so in each INVITE, and it sees all that the mobile caller is told.
import { createSocket } from 'node:dgram';
import { EventLog } from '../events.mjs';

export class Gateway {
  name = 'gateway';
  /** dBm, 'none', or null where the gateway has decided to divert by itself. */
  signal = null;
  /** 'asked' {text}: from the caller to the server. 'told' {text}: from the server to the caller. */
  log = new EventLog();

  static async open() {
    const gateway = new Gateway();
    gateway.socket = createSocket('udp4');
    await new Promise((resolve) => gateway.socket.bind(0, '127.0.0.1', resolve));
    gateway.port = gateway.socket.address().port;
    gateway.address = `127.0.0.1:${gateway.port}`;
    gateway.socket.on('message', (bytes, from) => gateway.#pass(bytes.toString('latin1'), from.port));
    return gateway;
  }

  /** `server` is the call server's `host:port`; `caller` and `mobile` are started `Baresip`s. */
  connect({ server, caller, mobile }) {
    Object.assign(this, { server: Number(server.split(':')[1]), caller: caller.port, mobile: mobile.port });
  }

  #pass(text, from) {
    if (from !== this.server) {
      if (from === this.caller) this.log.record('asked', { text });
      return this.#send(from === this.caller ? this.#signalled(text) : text, this.server);
    }
    const response = text.startsWith('SIP/2.0 ');
    // A call that the server sends to a mobile, and what belongs to it; all else is for the caller.
    const callee = !response && /^(INVITE|ACK|CANCEL|OPTIONS) /.test(text);
    if (!callee) this.log.record('told', { text });
    return this.#send(text, callee ? this.mobile : this.caller);
  }

  #signalled(text) {
    if (this.signal === null || !/^INVITE /.test(text) || /^To:.*;tag=/im.test(text)) return text;
    return text.replace('\r\n', `\r\nX-Signal-Dbm: ${this.signal}\r\n`);
  }

  #send(text, port) {
    this.socket.send(Buffer.from(text, 'latin1'), port, '127.0.0.1');
  }

  /** The statuses of the INVITE that the caller was told, once each, in their order. */
  statuses(since = 0) {
    const lines = this.log.filter((event) => event.name === 'told' && /^CSeq:\s*\d+ INVITE/im.test(event.text), since)
      .map(({ text }) => text.slice(8, text.indexOf('\r\n')));
    return lines.filter((line, i) => lines.indexOf(line) === i);
  }

  async close() {
    await new Promise((resolve) => this.socket.close(resolve));
  }
}
