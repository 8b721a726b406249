/**
 * The push payload as the edge sends it (declarative shape, RFC 8030/8291 below it), parsed once, here. A payload that
 * cannot be understood still becomes a notification: a push that shows nothing costs the subscription.
 */

import { parseRoute, wakeOf } from '../route.ts';

export type Kind = 'invitation' | 'missed' | 'elsewhere' | 'cancelled' | 'declined' | 'other';

export interface Payload {
  kind: Kind;
  title: string;
  body: string;
  tag: string;
  lang: string;
  silent: boolean;
  /** Where a tap leads: same origin, or the app's own page. */
  navigate: string;
  wake: string | null;
  caller: { number: string; displayName: string };
  issuedAt: number;
  expiresAt: number;
  /** For this wake and this device only. */
  capability: string | null;
  attempt: number;
}

type Json = Record<string, unknown>;
const kinds: readonly string[] = ['invitation', 'missed', 'elsewhere', 'cancelled', 'declined'];

export function parsePayload(json: unknown, origin: string): Payload {
  const root = object(json);
  const notification = object(root.notification);
  const own = object(root.wakeline ?? object(notification.data).wakeline);
  const caller = object(own.caller);
  const navigate = sameOrigin(text(notification.navigate), origin);
  // Where a browser hands over the declarative notification alone, its URL still names the wake.
  const wake = wakeOf(text(own.wake)) ?? parseRoute(new URL(navigate).search).wake;
  const kind = text(own.kind);
  return {
    kind: kinds.includes(kind) ? (kind as Kind) : 'other',
    title: text(notification.title) || 'Wakeline',
    body: text(notification.body),
    tag: text(notification.tag) || wake || 'wakeline',
    lang: text(notification.lang),
    silent: notification.silent === true,
    navigate,
    wake,
    caller: { number: text(caller.number), displayName: text(caller.display_name) },
    issuedAt: number(own.issued_at),
    expiresAt: number(own.expires_at),
    capability: text(own.capability) || null,
    attempt: number(own.attempt) || 1,
  };
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 2048) : '');
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

function sameOrigin(href: string, origin: string): string {
  try {
    const url = new URL(href, origin);
    if (href && url.origin === origin) return url.href;
  } catch {
    // not a URL: the app's own page is
  }
  return `${origin}/`;
}
