/**
 * What every screen is: properties in, `…-request` events out. Screens render into the document itself (no shadow
 * root), so that labels, live regions, password managers and the one style sheet reach into them.
 */
import { LitElement } from 'lit';
import type { SoundSettings } from '../store/media.ts';
import type { Language, Page, Person } from '../store/state.ts';
import type { Messages } from '../i18n/index.ts';

/** Everything a screen can ask for. */
export interface Requests {
  'sign-in': { number: string; password: string };
  'sign-in-again': object;
  'set-up': object;
  'set-up-later': object;
  dial: { number: string };
  call: { number: string; video?: boolean };
  answer: { call: string; video?: boolean };
  listen: { call: string };
  microphone: { call: string };
  'wake-again': { wake: string };
  decline: { call: string };
  swap: { from: string; to: string };
  'hang-up': { call: string };
  mute: { call: string; on: boolean };
  hold: { call: string; on: boolean };
  digit: { call: string; digit: string };
  transfer: { call: string; to: string };
  connect: { call: string; other: string };
  'call-too': { number: string };
  dismiss: object;
  'beside-read': object;
  show: { page: Page };
  'missed-again': object;
  block: Person;
  unblock: { number: string };
  quiet: { on: boolean };
  revoke: { device: string };
  'sign-out': object;
  'take-over': object;
  hear: object;
  visible: { visible: boolean };
  language: { language: Language };
  sound: Partial<SoundSettings>;
  'sound-panel': { open: boolean };
  record: { call: string; on: boolean };
  check: object;
  video: { call: string; show: 'camera' | 'screen' | null };
}
export type RequestName = keyof Requests;

export class Screen extends LitElement {
  static override properties: Record<string, object> = { t: { attribute: false } };
  declare t: Messages;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Whoever had the focus in something that is gone finds it at the top of the screen, not of the document. */
  protected override performUpdate(): void {
    const had = this.contains(document.activeElement) ? document.activeElement : null;
    super.performUpdate();
    if (had && !had.isConnected) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
  }

  protected ask<K extends RequestName>(name: K, detail: Requests[K]): void {
    this.dispatchEvent(new CustomEvent(`${name}-request`, { detail, bubbles: true }));
  }
}

/** Lit's description of properties that are handed over as they are. */
export const props = (...names: string[]): Record<string, object> =>
  Object.fromEntries(['t', ...names].map((name) => [name, { attribute: false }]));
