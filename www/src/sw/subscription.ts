/** `pushsubscriptionchange`: subscribe anew and tell the edge by the device credential, with no page and no session. */
import { deviceCredential } from '../../../client-wasm/js/credential.ts';
import { fromBase64Url } from '../encoding.ts';

declare const self: ServiceWorkerGlobalScope;
type Change = ExtendableEvent & { oldSubscription?: PushSubscription | null; newSubscription?: PushSubscription | null };

export async function renew(event: Change): Promise<void> {
  const credential = await deviceCredential(self.location.origin);
  if (!credential) return;
  const subscription = event.newSubscription ?? (await self.registration.pushManager.getSubscription()) ?? (await subscribe(event));
  const { endpoint, keys } = subscription.toJSON();
  const tell = async (at: number): Promise<Response> => {
    const sig = await credential.sign('push', at);
    return fetch(`/v1/devices/${credential.device}/push`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `WakelineDevice number=${credential.number},at=${at},sig=${sig}` },
      body: JSON.stringify({ kind: 'webpush', endpoint, p256dh: keys?.p256dh, auth: keys?.auth }),
    });
  };
  const response = await tell(Date.now());
  if (response.status !== 401) return;
  // A device with a wrong clock is told the right time, and signs again.
  const { now } = (await response.json()) as { now?: unknown };
  if (typeof now === 'number') await tell(now);
}

async function subscribe({ oldSubscription }: Change): Promise<PushSubscription> {
  const response = await fetch('/v1/vapid');
  const { public_key } = (await response.json()) as { public_key: string };
  // The edge's key of today: the old subscription's may be the one that was rotated away.
  const key = public_key ? fromBase64Url(public_key) : (oldSubscription?.options.applicationServerKey ?? null);
  return self.registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}
