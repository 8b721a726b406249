// Loopback ports.
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
