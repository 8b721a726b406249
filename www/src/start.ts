/**
 * Stands in the page itself, ahead of every file: the wasm core is fetched and compiled, the stored session read, and
 * for a tapped invitation the socket opened, while the page's own code is still on its way. Each millisecond here is one
 * in which a caller waits. The build puts it into `index.html`, and its digest into the content security policy.
 */
import { compile, dial, stored } from '../../client-wasm/js/early.ts';

/** Where the build put the core. */
declare const __CORE__: string;

/** What is under way before the first module runs. */
export interface Start {
  core: Promise<WebAssembly.Module | null>;
  record: Promise<unknown>;
  socket: WebSocket | null;
}

declare global {
  // Only a `var` is seen from the modules.
  var wakelineStart: Start;
}

performance.mark('wakeline:script');

globalThis.wakelineStart = {
  socket: location.search.includes('wake=') ? dial(location.origin) : null,
  core: compile(__CORE__),
  record: stored(location.origin),
};
