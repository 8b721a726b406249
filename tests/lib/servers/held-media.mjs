// A wire to rtpengine on which what it is asked about an answer can be held back: whoever waits for it holds the call's transaction.
import dgram from 'node:dgram';
import { once } from 'node:events';

export class HeldMedia {
  #peers = new Map();
  #held = null;

  /** To the control port of an `RtpEngine`; `control` is where to ask instead. */
  static async open({ port }) {
    const wire = new HeldMedia();
    wire.near = dgram.createSocket('udp4');
    wire.near.on('message', (bytes, { port: from }) => {
      const pass = () => wire.#towards(port, from).send(bytes, port, '127.0.0.1');
      if (wire.#held && bytes.includes('7:command6:answer')) {
        wire.#held.waiting.push(pass);
        wire.#held.seen();
      } else pass();
    });
    wire.near.bind(0, '127.0.0.1');
    await once(wire.near, 'listening');
    wire.control = `127.0.0.1:${wire.near.address().port}`;
    return wire;
  }

  /** From now on. Answers `asked`, which resolves when something is held, and `release()`. */
  hold() {
    const waiting = [];
    let seen;
    const asked = new Promise((resolve) => (seen = resolve));
    this.#held = { waiting, seen };
    return {
      asked,
      release: () => {
        this.#held = null;
        for (const pass of waiting) pass();
      },
    };
  }

  close() {
    this.near.close();
    for (const far of this.#peers.values()) far.close();
  }

  /** Each process of the server that asks has a port of its own, and hears of its own questions. */
  #towards(port, from) {
    if (!this.#peers.has(from)) {
      const far = dgram.createSocket('udp4');
      far.on('message', (bytes) => this.near.send(bytes, from, '127.0.0.1'));
      this.#peers.set(from, far);
    }
    return this.#peers.get(from);
  }
}
