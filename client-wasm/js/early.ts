/**
 * What can begin before the core is there, in a script of a few hundred octets: fetching and compiling it, reading the
 * stored session, and the socket to the edge. All are handed to the core when it stands.
 */
import { readSession } from './storage.ts';

/** The compiled core; null where the browser or the server cannot compile while it loads. */
export const compile = (url: string): Promise<WebAssembly.Module | null> =>
  WebAssembly.compileStreaming(fetch(url)).catch(() => null);

/** A socket on its way to the edge (an origin). Whoever opens it closes it if no phone has taken it. */
export function dial(edge: string): WebSocket {
  const socket = new WebSocket(`${edge.replace(/^http/, 'ws')}/sip`, 'sip');
  socket.binaryType = 'arraybuffer';
  return socket;
}

/** The record that the core keeps for this edge (an origin); undefined where there is none, or it cannot be had. */
export const stored = (edge: string): Promise<unknown> => readSession(edge).catch(() => undefined);
