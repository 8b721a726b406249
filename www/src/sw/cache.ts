/**
 * The app shell, kept here so that a tap paints without the network. One cache per build; the generation before stays,
 * for pages that still run it and load a screen late.
 */
import { into, taken } from './opening.ts';

declare const self: ServiceWorkerGlobalScope;
/** Filled in by the build: the files of this build, and a digest of them. */
declare const __PRECACHE__: readonly string[];
declare const __BUILD__: string;

const PREFIX = 'wakeline-';
const name = (): string => `${PREFIX}${__BUILD__}`;
const SHELL = '/';

/** Where the browser can, hashed files come from the cache, and the edge answers, without waking this worker. */
type Routing = { addRoutes?(rules: { condition: { urlPattern: { pathname: string } }; source: 'cache' | 'network' }[]): Promise<void> };

export async function install(event: ExtendableEvent): Promise<void> {
  await (event as Routing).addRoutes?.([
    { condition: { urlPattern: { pathname: '/assets/*' } }, source: 'cache' },
    { condition: { urlPattern: { pathname: '/v1/*' } }, source: 'network' },
  ]);
  const cache = await caches.open(name());
  await cache.addAll(__PRECACHE__.map((path) => new Request(path, { cache: path.startsWith('/assets/') ? 'default' : 'reload' })));
  await self.skipWaiting();
}

export async function activate(): Promise<void> {
  const old = (await caches.keys()).filter((key) => key.startsWith(PREFIX) && key !== name());
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

/** What has been read into memory, by path. */
const inMemory = new Map<string, Promise<Response | null>>();

/** Reads the shell and the files of this build into memory: a tap may open a page that wants them all at once. */
export async function warm(): Promise<void> {
  const cache = await caches.open(name());
  const assets = __PRECACHE__.filter((path) => path.startsWith('/assets/'));
  for (const path of [SHELL, ...assets]) {
    if (!inMemory.has(path)) inMemory.set(path, read(cache, path).catch(() => null));
  }
  await Promise.all(inMemory.values());
}

async function read(cache: Cache, path: string): Promise<Response | null> {
  const kept = await cache.match(path, { ignoreVary: true });
  return kept ? new Response(await kept.arrayBuffer(), { headers: kept.headers }) : null;
}

async function shell(request: Request): Promise<Response> {
  const kept = (await inMemory.get(SHELL))?.clone() ?? (await (await caches.open(name())).match(SHELL));
  if (!kept) return fetch(request);
  const wake = new URL(request.url).searchParams.get('wake');
  const tapped = wake && taken(wake);
  return tapped ? into(await kept.text(), tapped, kept.headers) : kept;
}
const file = async (request: Request): Promise<Response> =>
  (await inMemory.get(new URL(request.url).pathname))?.clone() ?? (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
