/**
 * What can begin before the core is there, in a script of a few hundred octets: fetching and compiling it, and the
 * socket to the edge. Both are handed to `preload`.
 */

/** The compiled core; null where the browser or the server cannot compile while it loads. */
export const compile = (url: string): Promise<WebAssembly.Module | null> =>
  WebAssembly.compileStreaming(fetch(url)).catch(() => null);

/** A socket on its way to the edge (an origin). Whoever opens it closes it if no phone has taken it. */
export function dial(edge: string): WebSocket {
  const socket = new WebSocket(`${edge.replace(/^http/, 'ws')}/sip`, 'sip');
  socket.binaryType = 'arraybuffer';
  return socket;
}
