/** Which notification a push becomes. Pure: the clock, the wake's state and what the platform offers come in. */
import { notices, type Notices } from '../i18n/notices.ts';
import type { Kind, Payload } from './payload.ts';

/** What a notification carries for the tap on it. */
export interface NoticeData {
  kind: Kind;
  wake: string | null;
  capability: string | null;
  navigate: string;
  /** Who calls, as it was pushed. */
  caller: Payload['caller'];
}

export interface Notice {
  title: string;
  options: NotificationOptions & { data: NoticeData; tag: string };
  /** It rings: the edge is told that it is on the screen. */
  rings: boolean;
}

export interface Circumstances {
  /** This device's clock. */
  now: number;
  /** The wake's state if the edge answered in time; `null` when nothing could be asked. */
  state: string | null;
  /** The platform shows buttons. */
  buttons: boolean;
}

const over: Record<string, Kind> = {
  answered: 'elsewhere', declined: 'declined', busy: 'missed', unanswered: 'missed', expired: 'missed',
  cancelled: 'cancelled', unbound: 'missed', unreachable: 'missed', failed: 'missed',
};

/**
 * An invitation rings only while its wake lives. The edge's word counts; without it (no network) the invitation's own
 * end does, so that one that was stored for long says "missed call".
 */
export function kindNow(payload: Payload, { now, state }: Circumstances): Kind {
  if (payload.kind !== 'invitation') return payload.kind;
  if (state !== null) return over[state] ?? 'invitation';
  return payload.expiresAt > now ? 'invitation' : 'missed';
}

export function notice(payload: Payload, circumstances: Circumstances): Notice {
  const kind = kindNow(payload, circumstances);
  const t = notices(payload.lang);
  const rings = kind === 'invitation';
  // Our own words where they say more than the payload's.
  const asPushed = kind === 'other' || (kind === payload.kind && payload.caller.number === '');
  const words = asPushed ? { title: payload.title, body: payload.body } : t[kind](name(payload) || t.somebody, payload.caller.number);
  return {
    title: words.title,
    rings,
    options: {
      body: words.body,
      tag: payload.tag,
      lang: payload.lang || t.lang,
      icon: '/icons/icon-192.png',
      badge: '/icons/badge-96.png',
      data: { kind, wake: payload.wake, capability: payload.capability, navigate: payload.navigate, caller: payload.caller },
      ...(rings
        ? { requireInteraction: true, renotify: true, vibrate: [600, 400, 600, 400, 600], ...(circumstances.buttons ? { actions: buttons(t) } : {}) }
        : { silent: kind !== 'other' || payload.silent }),
    } as Notice['options'],
  };
}

const buttons = (t: Notices): { action: string; title: string }[] => [
  { action: 'answer', title: t.answer },
  { action: 'decline', title: t.decline },
];

const name = ({ caller }: Payload): string => caller.displayName.trim() || caller.number;
