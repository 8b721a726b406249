/**
 * The words that a tapped page says before its core is there. The worker that opens the page takes them out of the store
 * while the browser makes a window, and puts them into the page itself: nothing else is as fast. They are said once, and
 * only by a page beside which there is no other.
 */
import { takeOpening } from '../../../client-wasm/js/storage.ts';

const taken = new Map<string, Promise<unknown>>();

/** A page is about to be opened for this wake, and it is the only one. */
export function take(wake: string, edge: string): void {
  taken.set(wake, takeOpening(edge).catch(() => null));
}

/** The shell for the page of this wake, with the words in it if there are any: data, which no policy lets run. */
export async function into(shell: string, wake: string | null): Promise<string> {
  if (!wake) return shell;
  const opening = await taken.get(wake);
  taken.delete(wake);
  if (!opening) return shell;
  const json = JSON.stringify(opening).replaceAll('<', '\\u003c');
  return shell.replace('<head>', () => `<head><script type="application/json" id="opening">${json}</script>`);
}
