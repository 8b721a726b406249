// Loopback ports.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Below the ports that the system gives out by itself.
const [LOW, HIGH] = [20_000, 32_000];
const given = new Set();

/** A range of UDP ports for media, `[first, last]`, whose ends were free a moment ago. */
export async function freeRange(count) {
  for (;;) {
    const first = LOW + 2 * Math.floor((Math.random() * (HIGH - LOW - count)) / 2);
    const last = first + count - 1;
    if ([...given].some(([low, high]) => first <= high && low <= last)) continue;
    if ((await Promise.all([first, last].map(isFree))).includes(false)) continue;
    given.add([first, last]);
    return [first, last];
  }
}

/** Two ports, one after the other, that were free a moment ago for UDP and TCP: for SIP, and for SIP over TLS beside it. */
export async function freePair() {
  for (;;) {
    const pair = await freeRange(2);
    if (!(await Promise.all(pair.map(isFreeForTcp))).includes(false)) return pair;
  }
}

/** A UDP port that is named before its owner listens there: nobody else is given it until it is let go. */
export class KeptPort {
  static async open() {
    for (;;) {
      const kept = new KeptPort();
      // Where the system gives out none by itself, should it be free for a moment.
      kept.port = LOW + Math.floor(Math.random() * (HIGH - LOW));
      if (await kept.hold().then(() => true, () => false)) return kept;
    }
  }

  /** Takes it, or takes it back. */
  hold() {
    return new Promise((resolve, reject) => {
      const socket = createSocket('udp4').once('error', reject);
      socket.bind(this.port, '127.0.0.1', () => {
        this.socket = socket;
        resolve();
      });
    });
  }

  /** Lets it go, for its owner. */
  async letGo() {
    const { socket } = this;
    this.socket = undefined;
    if (socket) await new Promise((resolve) => socket.close(resolve));
  }
}

function isFree(port) {
  return new Promise((resolve) => {
    const socket = createSocket('udp4').once('error', () => resolve(false));
    socket.bind(port, '127.0.0.1', () => socket.close(() => resolve(true)));
  });
}

function isFreeForTcp(port) {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

let dead;
/**
 * A port where every connection is cut at once: what a browser is given as its proxy, so that
 * nothing it wants from outside ever leaves this machine.
 */
export async function deadPort() {
  dead ??= new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.destroy();
    }).once('error', reject);
    server.unref();
    server.listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
  return dead;
}
