/** `push`: always shows something; rings only what is still alive. */
import { notice } from './notice.ts';
import { parsePayload, type Payload } from './payload.ts';
import { report, wakeState } from './edge.ts';
import { prepare } from './opening.ts';
import { warm } from './warm.ts';

declare const self: ServiceWorkerGlobalScope;

/** How long the edge has to say how the wake stands. */
const ASK_MS = 1000;

/** The pushes that are still being shown, by tag: a replacement waits its turn, or the older one would come out on top. */
const turns = new Map<string, Promise<unknown>>();

export async function push(event: PushEvent): Promise<void> {
  const payload = parsePayload(read(event), self.location.origin);
  const { tag, wake, capability } = payload;
  const shown = (turns.get(tag) ?? Promise.resolve()).then(() => show(payload));
  const turn = shown.catch(() => undefined);
  turns.set(tag, turn);
  const rings = await shown;
  if (turns.get(tag) === turn) turns.delete(tag);
  if (rings) prepare(self.location.origin);
  if (rings && wake && capability) await Promise.all([report(wake, capability, 'shown'), warm()]);
}

/** Shows it, and says whether it rings. */
async function show(payload: Payload): Promise<boolean> {
  const { kind, wake, capability } = payload;
  const state = kind === 'invitation' && wake && capability ? await wakeState(wake, capability, ASK_MS) : null;
  const { title, options, rings } = notice(payload, { now: Date.now(), state, buttons: buttons() });
  await self.registration.showNotification(title, options);
  return rings;
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
