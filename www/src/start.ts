/**
 * Stands in the page itself, ahead of every file. For a tapped invitation the socket is opened, the prepared words are said
 * and the answering screen is drawn; the wasm core, the stored session and the page's own code come behind what a caller
 * waits for, in any other page at once. The build puts it into `index.html`, and its digest into the content security policy.
 */
import { compile, speak, stored, type Early, type Opening } from '../../client-wasm/js/early.ts';
import { FirstScreen } from './first.ts';
import type { Tapped } from './messages.ts';
import { parseRoute } from './route.ts';

/** Where the build put the core, the page's first module, and what that will import; the page's style sheet. */
declare const __CORE__: string;
declare const __BOOT__: string;
declare const __MODULES__: readonly string[];
declare const __STYLE__: string;

/** The rest of the page does not wait longer for the call than this, ms: on a slow way it is fetched meanwhile. */
const PATIENCE_MS = 400;

/** What is under way before the first module runs. */
export interface Start {
  core: Promise<WebAssembly.Module | null>;
  record: Promise<unknown>;
  /** For a tapped invitation. */
  early: Early | null;
  first: FirstScreen | null;
  /** Has the page's style sheet adopted. */
  style: () => void;
}

declare global {
  // Only a `var` is seen from the modules.
  var wakelineStart: Start;
}

performance.mark('wakeline:script');

/** What the service worker has put into the page that it opened. */
function tapped(): Tapped | null {
  const block = document.getElementById('tapped');
  block?.remove();
  return block && JSON.parse(block.textContent ?? '') as Tapped;
}

function style(): void {
  if (document.adoptedStyleSheets.length) return;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(__STYLE__);
  document.adoptedStyleSheets = [sheet];
}

const { wake } = parseRoute(location.search);
const { opening = null, caller = null } = tapped() ?? {};

let go = (): void => undefined;
const gone = new Promise<void>((resolve) => (go = resolve));
const first = opening !== null && caller ? new FirstScreen(caller, style, go) : null;
globalThis.wakelineStart = {
  early: wake ? speak(location.origin, wake, opening as Opening | null, first) : null,
  core: gone.then(() => compile(__CORE__)),
  record: gone.then(() => stored(location.origin)),
  first,
  style,
};

const link = (rel: string, href: string): void => document.head.append(Object.assign(document.createElement('link'), { rel, href }));

void gone.then(() => {
  for (const href of __MODULES__) link('modulepreload', href);
  void import(__BOOT__);
  document.querySelector('link[rel=icon]')?.remove();
  link('icon', '/icons/icon.svg');
  link('apple-touch-icon', '/icons/icon-180.png');
  link('manifest', '/manifest.webmanifest');
});
if (first) setTimeout(go, PATIENCE_MS);
else go();
