/**
 * `notificationclick`: open or focus at once, or the browser takes the permission back. Only the browser's own list of
 * pages is asked for first; every report to the edge goes beside it.
 */
import type { WakeMessage } from '../messages.ts';
import { notice, type NoticeData } from './notice.ts';
import { report } from './edge.ts';
import { take } from './opening.ts';
import { parsePayload } from './payload.ts';
import { warm } from './warm.ts';

declare const self: ServiceWorkerGlobalScope;

export function click(event: NotificationEvent): void {
  const { notification } = event;
  const data = notification.data as NoticeData | null;
  if (event.action === 'decline' && data?.wake && data.capability) {
    const { wake, capability } = data;
    notification.close();
    return event.waitUntil(decline(wake, capability, notification));
  }
  const answer = event.action === 'answer';
  const opened = open(data, answer);
  notification.close();
  const told = data?.wake && data.capability && data.kind === 'invitation' ? report(data.wake, data.capability, 'opened') : null;
  event.waitUntil(Promise.all([opened, warm(), told]));
}

/** Where a tap leads. */
export function target(data: NoticeData | null, answer: boolean, origin: string): { href: string; ours: boolean } {
  const url = new URL(data?.navigate ?? '/', origin);
  const ours = url.pathname === '/';
  if (ours && data?.wake) url.searchParams.set('wake', data.wake);
  if (ours && answer) url.searchParams.set('answer', '1');
  return { href: url.href, ours };
}

async function open(data: NoticeData | null, answer: boolean): Promise<void> {
  const { href, ours } = target(data, answer, self.location.origin);
  // The list of pages is the one thing that must be known first; it comes without the network.
  const pages = ours ? await self.clients.matchAll({ type: 'window', includeUncontrolled: true }) : [];
  const page = pages.length ? pick(pages, await leader()) : null;
  if (!page) {
    const taken = ours && data?.wake ? take(data.wake, self.location.origin, data.kind === 'invitation' ? data.caller : null) : null;
    await Promise.all([self.clients.openWindow(href), taken?.done]);
    return;
  }
  if (data?.wake) page.postMessage({ type: 'wake', wake: data.wake, answer } satisfies WakeMessage);
  try {
    await page.focus();
  } catch {
    await self.clients.openWindow(href);
  }
}

/** The tab that leads holds the line's lock. */
async function leader(): Promise<string | null> {
  const { held } = (await self.navigator.locks?.query()) ?? {};
  return held?.find(({ name }) => name?.startsWith('wakeline:'))?.clientId ?? null;
}

/** Of the app's pages the one that leads, else the one that is looked at, else the one that was looked at last. */
export const pick = (pages: readonly WindowClient[], leading: string | null): WindowClient | null => {
  const ours = pages.filter((page) => new URL(page.url).pathname === '/');
  return ours.find((page) => page.id === leading) ?? ours.find((page) => page.focused) ?? ours.find((page) => page.visibilityState === 'visible') ?? ours[0] ?? null;
};

/** Declined without a page: said to the edge; where that fails the call stays visible, as what it will be. */
async function decline(wake: string, capability: string, { tag, lang, title, body, data }: Notification): Promise<void> {
  if (await report(wake, capability, 'decline')) return;
  const payload = parsePayload({ notification: { title, body, tag, lang, navigate: (data as NoticeData).navigate }, wakeline: { kind: 'other', wake } }, self.location.origin);
  const { options } = notice(payload, { now: Date.now(), state: null, buttons: false });
  await self.registration.showNotification(title, { ...options, silent: true });
}
