/**
 * The app shell, kept here so that a tap paints without the network. One cache per build; the generation before stays,
 * for pages that still run it and load a screen late.
 */

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: the files of this build, and a digest of them. */
declare const __PRECACHE__: readonly string[];
declare const __BUILD__: string;

const PREFIX = 'wakeline-';
const name = `${PREFIX}${__BUILD__}`;
const SHELL = '/';

/** Where the browser can, hashed files come from the cache without waking this worker. */
type Routing = { addRoutes?(rules: { condition: { urlPattern: { pathname: string } }; source: 'cache' }[]): Promise<void> };

export async function install(event: ExtendableEvent): Promise<void> {
  await (event as Routing).addRoutes?.([{ condition: { urlPattern: { pathname: '/assets/*' } }, source: 'cache' }]);
  const cache = await caches.open(name);
  await cache.addAll(__PRECACHE__.map((path) => new Request(path, { cache: path.startsWith('/assets/') ? 'default' : 'reload' })));
  await self.skipWaiting();
}

export async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((key) => key.startsWith(PREFIX) && key !== name);
  await Promise.all(old.slice(0, -1).map((key) => caches.delete(key)));
  await self.clients.claim();
}

/** The answer for a request that the shell covers; null leaves it to the browser. */
export function respond(request: Request): Promise<Response> | null {
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return null;
  if (request.mode === 'navigate') return url.pathname === SHELL ? shell(request) : null;
  return __PRECACHE__.includes(url.pathname) || url.pathname.startsWith('/assets/') ? file(request) : null;
}

const shell = async (request: Request): Promise<Response> => (await (await caches.open(name)).match(SHELL)) ?? fetch(request);
const file = async (request: Request): Promise<Response> =>
  (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
