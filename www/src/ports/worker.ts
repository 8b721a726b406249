/** The service worker from the page's side: registering it, its push subscription, its messages, its notifications. */
import { fromBase64Url } from '../encoding.ts';
import type { WakeMessage } from '../messages.ts';

/** How long a first installation may take before the device is bound without push. */
const INSTALL_MS = 10_000;

export const registerWorker = async (): Promise<ServiceWorkerRegistration | null> =>
  (await navigator.serviceWorker?.register('/sw.js').catch(() => null)) ?? null;

/** The registration once it can be pushed to; null where there is none, or its installation fails. */
export async function activeWorker(): Promise<ServiceWorkerRegistration | null> {
  if (!await registerWorker()) return null;
  const late = new Promise<null>((resolve) => setTimeout(resolve, INSTALL_MS, null));
  return Promise.race([navigator.serviceWorker.ready, late]);
}

export function onWakeMessage(listener: (message: WakeMessage) => void): void {
  navigator.serviceWorker?.addEventListener('message', ({ data }: MessageEvent<Partial<WakeMessage> | null>) => {
    if (data?.type === 'wake' && typeof data.wake === 'string') listener({ type: 'wake', wake: data.wake, answer: data.answer === true });
  });
  navigator.serviceWorker?.startMessages();
}

/** Whether this browser would give a subscription. */
const subscribable = (worker: ServiceWorkerRegistration): boolean => Boolean(worker.pushManager) && Notification.permission === 'granted';

/** The subscription that there is, if it was made for this key. */
export async function presentSubscription(worker: ServiceWorkerRegistration, vapidKey: string): Promise<PushSubscription | null> {
  const present = subscribable(worker) ? await worker.pushManager.getSubscription() : null;
  return present && sameKey(present.options.applicationServerKey, fromBase64Url(vapidKey)) ? present : null;
}

/** A new subscription, in the place of one for another key. Takes as long as the browser's push service. */
export async function subscribe(worker: ServiceWorkerRegistration, vapidKey: string): Promise<PushSubscription | null> {
  if (!subscribable(worker)) return null;
  await (await worker.pushManager.getSubscription())?.unsubscribe();
  return worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64Url(vapidKey) });
}

export async function unsubscribe(): Promise<void> {
  const worker = await navigator.serviceWorker?.getRegistration();
  await (await worker?.pushManager?.getSubscription())?.unsubscribe();
}

/** For a call that rings in a page that nobody looks at. */
export const notices = {
  shows: async (wake: string): Promise<boolean> =>
    (await shown()).some(({ data }) => (data as { kind?: string; wake?: string } | null)?.wake === wake && (data as { kind?: string }).kind === 'invitation'),
  show: async (title: string, options: NotificationOptions): Promise<void> => {
    if (globalThis.Notification?.permission === 'granted') await (await navigator.serviceWorker?.getRegistration())?.showNotification(title, options);
  },
  close: async (tag: string): Promise<void> => {
    for (const notification of await shown()) if (notification.tag === tag) notification.close();
  },
};

const shown = async (): Promise<Notification[]> => (await (await navigator.serviceWorker?.getRegistration())?.getNotifications?.()) ?? [];

/** Takes the notifications of these wakes (or of all) off the screen. */
export async function closeNotifications(of: (wake: string) => boolean): Promise<void> {
  for (const notification of await shown()) {
    const wake = (notification.data as { wake?: string } | null)?.wake;
    if (wake && of(wake)) notification.close();
  }
}

function sameKey(present: ArrayBuffer | null, wanted: Uint8Array): boolean {
  // A browser that does not tell the key of a subscription gets the benefit of the doubt.
  if (!present) return true;
  const bytes = new Uint8Array(present);
  return bytes.length === wanted.length && bytes.every((byte, index) => byte === wanted[index]);
}
