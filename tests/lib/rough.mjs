// A rough stretch of network before a UDP server: what goes through is lost, late, or out of order, as a test wants it at that moment. Each
// client gets a port of its own towards the server, which is where the server sees it.
import dgram from 'node:dgram';

const bound = () => new Promise((resolve) => {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1', () => resolve(socket));
});

export class Rough {
  /** The share of packets that are lost, each way. */
  loss = 0;
  /** How long a packet is on its way at least, ms. */
  delay = 0;
  /** How much longer it may be, ms. */
  jitter = 0;
  #clients = new Map();

  /** Before a server at this port of loopback. */
  static async open(to) {
    const rough = new Rough();
    rough.to = to;
    rough.socket = await bound();
    rough.port = rough.socket.address().port;
    rough.socket.on('message', async (bytes, { address, port }) => {
      const key = `${address}:${port}`;
      if (!rough.#clients.has(key)) rough.#clients.set(key, rough.#client(port, address));
      const towards = await rough.#clients.get(key);
      rough.#pass(() => towards.send(bytes, rough.to, '127.0.0.1'));
    });
    return rough;
  }

  async #client(port, address) {
    const towards = await bound();
    towards.on('message', (bytes) => this.#pass(() => this.socket.send(bytes, port, address)));
    return towards;
  }

  #pass(send) {
    if (!this.open || Math.random() < this.loss) return;
    const late = this.delay + Math.random() * this.jitter;
    if (late) setTimeout(() => this.open && send(), late);
    else send();
  }

  open = true;

  async close() {
    this.open = false;
    this.socket.close();
    for (const client of this.#clients.values()) (await client).close();
  }
}
