/**
 * The app around the page, when it runs in a uni-app web-view: such a web-view has no Web Push, so the app's shell hands over the client
 * id (CID) that its push SDK gave it, and this device is bound by that.
 *
 * - In the address the shell opens: `https://phone.example/#provider=getui&cid=…`, or `?provider=…&cid=…`. The fragment is better: it never
 *   leaves the device. Either is taken out of the address at once. Only in a web-view of uni-app (by its user agent): a link that
 *   somebody was sent must not bind a stranger's app, which would then hear of every call.
 * - Later, from the shell's own script in this page (`evalJS`): `window.postMessage({wakeline: {provider: 'unicloud', cid: '…'}})`. Another
 *   window is not listened to.
 */
import type { Session } from 'wakeline';

type AppTarget = { provider: 'getui' | 'unicloud'; cid: string };

/** What `uni-app` and `5+` put into the user agents of their web-views. */
const IN_UNI_APP = /\b(uni-app|Html5Plus)\b/i;

function appTarget(provider: unknown, cid: unknown): AppTarget | null {
  if (provider !== 'getui' && provider !== 'unicloud') return null;
  return typeof cid === 'string' && /^[\w-]{8,128}$/.test(cid) ? { provider, cid } : null;
}

/** The CID in the page's address, which then no longer shows it. */
function fromAddress(): AppTarget | null {
  const query = new URLSearchParams(location.search);
  const fragment = new URLSearchParams(location.hash.slice(1));
  const from = fragment.has('cid') ? fragment : query;
  if (!from.has('cid')) return null;
  const found = appTarget(from.get('provider') ?? 'getui', from.get('cid'));
  for (const name of ['cid', 'provider']) from.delete(name);
  const [search, hash] = [query.toString(), fragment.toString()];
  history.replaceState(history.state, '', location.pathname + (search && `?${search}`) + (from === fragment ? hash && `#${hash}` : location.hash));
  return IN_UNI_APP.test(navigator.userAgent) ? found : null;
}

/** What the shell has handed over in the life of this page, and who it is for. */
let handed: AppTarget | null = null;
let bound: Session | null = null;

async function bind(session: Session, push: AppTarget): Promise<boolean> {
  try {
    const answer = await fetch(`${session.edge}/v1/devices/${session.deviceId}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${await session.token()}`, 'content-type': 'application/json' },
      body: JSON.stringify({ push }),
    });
    return answer.ok && ((await answer.json()) as { push?: string }).push === push.provider;
  } catch {
    return false; // the next load binds again
  }
}

function hear({ source, origin, data }: MessageEvent<{ wakeline?: Partial<AppTarget> } | null>): void {
  if (source !== window || origin !== location.origin) return;
  const later = appTarget(data?.wakeline?.provider, data?.wakeline?.cid);
  if (!later) return;
  handed = later;
  if (bound) void bind(bound, later);
}

/** Binds this device by the CID that the shell hands over, now or later. Resolves with whether the edge has one now. */
export async function bindByShell(session: Session): Promise<boolean> {
  if (!bound) addEventListener('message', hear);
  bound = session;
  handed = fromAddress() ?? handed;
  return handed !== null && bind(session, handed);
}
