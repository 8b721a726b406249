// Loopback ports.
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

// Below the ports that the system gives out by itself: nobody gets one of these by chance before its owner listens there, or while its
// owner is ended and started again. Apart from each other, for a server takes the ports of its range only as it needs them.
const SINGLE = { low: 12_000, high: 20_000 };
const RANGES = { low: 20_000, high: 32_000 };
const given = [];

/** Some even number: where media comes in pairs, RTP has the even port. */
const some = ({ low, high }) => low + 2 * Math.floor((Math.random() * (high - low)) / 2);

/** Gives a range, `[first, last]`, whose ends are free for UDP, and for TCP as well if that is asked for. */
async function give({ low, high }, count, tcp) {
  for (;;) {
    const first = some({ low, high: high - count });
    const last = first + count - 1;
    if (given.some((one) => first <= one.last && one.first <= last)) continue;
    given.push({ first, last });
    const ends = [...new Set([first, last])];
    if (!(await Promise.all([...ends.map(isFree), ...(tcp ? ends.map(isFreeForTcp) : [])])).includes(false)) return [first, last];
  }
}

/** A port that was free a moment ago for UDP and TCP. */
export async function freePort() {
  const [port] = await give(SINGLE, 1, true);
  return port;
}

/** A range of UDP ports for media, `[first, last]`, whose ends were free a moment ago. */
export const freeRange = (count) => give(RANGES, count, false);

/** Two ports, one after the other, that were free a moment ago for UDP and TCP: for SIP, and for SIP over TLS beside it. */
export const freePair = () => give(SINGLE, 2, true);

/** A UDP port that is named before its owner listens there: nobody else is given it until it is let go. */
export class KeptPort {
  static async open() {
    for (;;) {
      const kept = new KeptPort();
      kept.port = some(SINGLE);
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
