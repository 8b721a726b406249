/**
 * A browser compiles what a call runs when it is run for the first time: a page that rests has that behind it before its first call. All of it
 * takes some ten ms, a hundred on an old phone, and is done a few at a time, when the browser is idle.
 */
import { rehearse } from '../../build/client/wakeline_client.js';

/** What comes meanwhile waits no longer than this and one step, ms. */
const SLICE_MS = 8;

let [steps, ended] = [0, false];
/** Who asked: each phone of the page says whether it still rests. */
const asked = new Set<() => boolean>();

/** Once for a page. It stops where the page no longer rests, and goes on when it is asked again. */
export function rehearsed(rests: () => boolean): void {
  if (ended) return;
  const pending = asked.size > 0;
  asked.add(rests);
  if (pending) return;
  const slice = (): void => {
    const resting = [...asked].filter((it) => it());
    asked.clear();
    if (!resting.length) return;
    try {
      const until = performance.now() + SLICE_MS;
      while (!ended && performance.now() < until) ended = rehearse((steps += 1));
    } catch {
      // Calls do without.
      ended = true;
    }
    resting.forEach(rehearsed);
  };
  // Neither Safari nor a worker has idle callbacks.
  if ('requestIdleCallback' in globalThis) requestIdleCallback(slice);
  else setTimeout(slice);
}
