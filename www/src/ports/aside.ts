/**
 * A call that rings in a page that is open and not before anybody's eyes is shown as a notification, as one that a push
 * brings; the same one, where both come. It goes when the call rings no more, or the page is looked at.
 */
import type { Notice } from '../sw/notice.ts';
import { languages } from '../i18n/index.ts';
import type { Store } from '../store/store.ts';
import type { CallView, State } from '../store/state.ts';

/** What is shown, by the service worker's registration. */
export interface Notices {
  /** A wake's own notification is on the screen: the push was there first, and says more. */
  shows: (wake: string) => Promise<boolean>;
  show: (title: string, options: Notice['options']) => Promise<void>;
  /** Takes those with this tag off the screen. */
  close: (tag: string) => Promise<void>;
}

export class Aside {
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #watched: () => boolean;
  /** Somebody comes to the page for these wakes. */
  readonly #expected = new Set<string>();
  /** The calls that are shown, each until what was asked for last has been done. */
  readonly #shown = new Map<string, { tag: Promise<string>; turn: Promise<unknown> }>();

  constructor(store: Store, notices: Notices, watched: () => boolean) {
    this.#store = store;
    this.#notices = notices;
    this.#watched = watched;
    store.subscribe((state, before) => this.#follow(state, before));
  }

  /** The notification of this wake was tapped: the page is on its way to somebody's eyes. */
  tapped(wake: string | null): void {
    if (wake) this.#expected.add(wake);
  }

  /** The page is before somebody's eyes, or is no longer. */
  watch(): void {
    this.#follow(this.#store.state, this.#store.state);
  }

  #follow(state: State, before: State): void {
    const ringing = state.role === 'leading' && !this.#watched() ? state.calls.filter(({ phase }) => phase === 'incoming') : [];
    for (const [id, { tag, turn }] of this.#shown) {
      if (ringing.some((call) => call.id === id)) continue;
      this.#shown.delete(id);
      void turn.then(async () => this.#notices.close(await tag)).catch(() => undefined);
    }
    for (const call of ringing) {
      const rang = before.calls.some(({ id, phase }) => id === call.id && phase === 'incoming');
      if (rang || this.#shown.has(call.id) || this.#expected.has(call.wake ?? '')) continue;
      const tag = tagOf(call);
      this.#shown.set(call.id, { tag, turn: this.#show(call, tag).catch(() => undefined) });
    }
  }

  async #show({ wake, remote, id }: CallView, tag: Promise<string>): Promise<void> {
    if (wake && await this.#notices.shows(wake)) return;
    const { notice } = await import('../sw/notice.ts');
    const { title, options } = notice({
      kind: 'invitation', title: '', body: '', tag: await tag, lang: languages[this.#store.state.language].tag, silent: false, navigate: '/', wake, caller: remote,
      issuedAt: 0, expiresAt: Infinity, capability: null, attempt: 1,
    }, { now: 0, state: null, buttons: false });
    // It may have been taken meanwhile.
    if (this.#shown.has(id)) await this.#notices.show(title, options);
  }
}

/** As the edge's pushes have it: the beginning of the SHA-256 of the wake's id, in base64url. */
export async function tagOf({ wake, id }: CallView): Promise<string> {
  if (!wake) return `call-${id}`;
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(wake)));
  return btoa(String.fromCharCode(...hash.subarray(0, 24))).replaceAll('+', '-').replaceAll('/', '_');
}
