/**
 * The words that a tapped page says before its core is there, and who calls. The worker that opens the page takes the words
 * out of the store while the browser makes a window, and puts both into the page itself: nothing else is as fast. They are
 * said once, and only by a page beside which there is no other.
 */
import { readOpening, takeOpening } from '../../../client-wasm/js/core/storage.js';
import type { Tapped } from '../messages.ts';

/** What is being read, by wake. */
const reading = new Map<string, Promise<Tapped | null>>();

/** The words as they lay there when the push came. */
let prepared: Promise<unknown> | null = null;

/** Somebody may tap soon: has the words at hand. They stay in the store until then. */
export function prepare(edge: string): void {
  prepared = readOpening(edge).catch(() => null);
}

/** A page is about to be opened for this wake, and it is the only one. `done` settles when the store has them no more. */
export function take(wake: string, edge: string, caller: Tapped['caller']): { done: Promise<unknown> } {
  const done = takeOpening(edge).catch(() => null);
  const atHand = prepared;
  prepared = null;
  reading.set(wake, (async () => {
    const opening = (await atHand) ?? (await done);
    return opening ? { opening, caller } : null;
  })());
  return { done };
}

/** What was taken for the page of this wake, once; null where no tap of this worker's has opened it. */
export function taken(wake: string): Promise<Tapped | null> | null {
  const found = reading.get(wake) ?? null;
  reading.delete(wake);
  return found;
}

/**
 * The shell with what was taken in it, if there is anything: data, which no policy lets run. Its beginning goes out while
 * that is still being read, for a browser takes its time to make a page.
 */
export function into(shell: string, tapped: Promise<Tapped | null>, headers: Headers): Response {
  const own = new Headers(headers);
  // Nobody has opened this window but we: there is no opener to be severed from, and that costs a process.
  own.delete('cross-origin-opener-policy');
  own.delete('content-length');
  const head = shell.indexOf('<head>') + '<head>'.length;
  const body = new ReadableStream<Uint8Array>({
    async start(stream) {
      const encoder = new TextEncoder();
      stream.enqueue(encoder.encode(shell.slice(0, head)));
      const found = await tapped;
      const rest = shell.slice(head);
      const json = JSON.stringify(found).replaceAll('<', '\\u003c');
      stream.enqueue(encoder.encode(found ? `<script type="application/json" id="tapped">${json}</script>${rest}` : rest));
      stream.close();
    },
  });
  return new Response(body, { headers: own });
}
