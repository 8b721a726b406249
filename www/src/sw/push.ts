/** `push`: always shows something; rings only what is still alive. */
import { notice } from './notice.ts';
import { parsePayload } from './payload.ts';
import { report, wakeState } from './edge.ts';

declare const self: ServiceWorkerGlobalScope;

/** How long the edge has to say how the wake stands. */
const ASK_MS = 1000;

export async function push(event: PushEvent): Promise<void> {
  const payload = parsePayload(read(event), self.location.origin);
  const { wake, capability } = payload;
  const asks = payload.kind === 'invitation' && wake !== null && capability !== null;
  const state = asks ? await wakeState(wake, capability, ASK_MS) : null;
  const { title, options, rings } = notice(payload, { now: Date.now(), state, buttons: buttons() });
  await self.registration.showNotification(title, options);
  if (rings && asks) await report(wake, capability, 'shown');
}

const buttons = (): boolean => ('Notification' in self ? ((Notification as { maxActions?: number }).maxActions ?? 0) : 0) >= 2;

/** The payload as JSON; a browser that knows declarative push may hand over its own notification instead. */
function read(event: PushEvent): unknown {
  try {
    const json: unknown = event.data?.json();
    if (json) return json;
  } catch {
    // not JSON: shown as an empty one
  }
  const proposed = (event as { notification?: Notification & { navigate?: string } }).notification;
  if (!proposed) return null;
  const { title, body, tag, lang, data, navigate } = proposed;
  return { notification: { title, body, tag, lang, data: data as unknown, navigate } };
}
