/**
 * Stands in the page itself, ahead of every file: the wasm core is fetched and compiled, the stored session read, and for
 * a tapped invitation the socket opened and the prepared words said, while the page's own code is still on its way. Each
 * millisecond here is one in which a caller waits. The build puts it into `index.html`, and its digest into the content
 * security policy.
 */
import { compile, speak, stored, type Early, type Opening } from '../../client-wasm/js/early.ts';

/** Where the build put the core. */
declare const __CORE__: string;

/** What is under way before the first module runs. */
export interface Start {
  core: Promise<WebAssembly.Module | null>;
  record: Promise<unknown>;
  /** For a tapped invitation. */
  early: Early | null;
}

declare global {
  // Only a `var` is seen from the modules.
  var wakelineStart: Start;
}

performance.mark('wakeline:script');

/** What the service worker has put into the page that it opened (`sw/opening.ts`). */
function prepared(): Opening | null {
  const block = document.getElementById('opening');
  block?.remove();
  return block && JSON.parse(block.textContent ?? '') as Opening;
}

const wake = new URLSearchParams(location.search).get('wake');
globalThis.wakelineStart = {
  early: wake ? speak(location.origin, wake, prepared()) : null,
  core: compile(__CORE__),
  record: stored(location.origin),
};
