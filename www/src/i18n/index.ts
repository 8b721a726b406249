/** The languages, and how times read in them. */
import type { Language } from '../store/state.ts';
import { en, type Messages } from './en.ts';
import { zh } from './zh.ts';

export { LANGUAGE, pickLanguage } from './pick.ts';
export type { Messages };
export const languages: Record<Language, Messages> = { en, zh };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** "3 minutes ago", "today at 10:32" … short enough for a list. */
export function when(at: number, now: number, t: Messages): string {
  const age = now - at;
  if (age >= -MINUTE && age < HOUR) return relative(t).format(-Math.max(0, Math.round(age / MINUTE)), 'minute');
  const date = new Date(at);
  const time = new Intl.DateTimeFormat(t.tag, { hour: '2-digit', minute: '2-digit' }).format(date);
  const days = Math.round((midnight(now) - midnight(at)) / (24 * HOUR));
  if (days === 0 || days === 1) return `${relative(t).format(-days, 'day')} ${time}`;
  return `${new Intl.DateTimeFormat(t.tag, { month: 'short', day: 'numeric' }).format(date)} ${time}`;
}

/** "1:05", "1:02:03". */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** One sentence after the other, as the language sets them. */
export const sentences = (t: Messages, ...said: string[]): string => said.filter(Boolean).join(t.tag.startsWith('zh') ? '' : ' ');

const relative = (t: Messages): Intl.RelativeTimeFormat => new Intl.RelativeTimeFormat(t.tag, { numeric: 'auto' });
const midnight = (at: number): number => new Date(at).setHours(0, 0, 0, 0);
