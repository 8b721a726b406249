/** Microphone and notifications: what the browser has decided, and the one gesture that asks for both. */
import type { Permission, Setup } from '../store/state.ts';
import { needsInstall } from './platform.ts';

type Permissions = Pick<Setup, 'microphone' | 'notifications'>;

const notifications = (): Permission => {
  if (needsInstall()) return 'install';
  if (!('Notification' in window) || !('PushManager' in window) || !navigator.serviceWorker) return 'unsupported';
  return ({ default: 'prompt', granted: 'granted', denied: 'blocked' } as const)[Notification.permission];
};

export async function microphone(): Promise<Permission> {
  if (!navigator.mediaDevices?.getUserMedia) return 'unsupported';
  try {
    const { state } = await navigator.permissions.query({ name: 'microphone' });
    return state === 'denied' ? 'blocked' : state;
  } catch {
    return 'prompt'; // a browser that does not tell
  }
}

export const currentPermissions = async (): Promise<Permissions> => ({ microphone: await microphone(), notifications: notifications() });

/** Must be called in a gesture: both prompts are asked for before anything is awaited. */
export async function askBoth(): Promise<Permissions> {
  const wanted = notifications() === 'prompt' ? Notification.requestPermission() : null;
  const stream = navigator.mediaDevices?.getUserMedia({ audio: true });
  let refused: Permission | null = null;
  try {
    const tracks = (await stream)?.getTracks() ?? [];
    for (const track of tracks) track.stop(); // asked for the permission, not for the sound: the light goes out
  } catch (error) {
    refused = error instanceof DOMException && error.name === 'NotFoundError' ? 'missing' : 'blocked';
  }
  await wanted?.catch(() => undefined);
  const now = await currentPermissions();
  // A browser that asks anew each time says "prompt" even after a yes.
  if (refused === null && now.microphone === 'prompt') return { ...now, microphone: 'granted' };
  return refused ? { ...now, microphone: refused } : now;
}

/** Tells when the user changes a permission in the browser's own settings. */
export function watchPermissions(changed: () => void): void {
  for (const name of ['microphone', 'notifications'] as const) {
    navigator.permissions?.query({ name }).then((status) => status.addEventListener('change', changed), () => undefined);
  }
}
