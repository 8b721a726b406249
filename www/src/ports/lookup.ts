/**
 * Looks up the state of the number that stands on the keypad: a moment after the last digit, again while it stands
 * there, and at once when the page comes back to the front. What could not be renewed stays, marked as old: nobody is
 * shown a state as if it were of now that is not.
 */
import { now } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { PeerState } from '../store/state.ts';

/** After the last digit. */
const DEBOUNCE = 400;
/** Between two look-ups of a number that stays; the edge allows one a second. */
const AGAIN = 15_000;
/** As old as this it is said to be old, whether or not a look-up has failed since. */
export const FRESH = 30_000;

/** What the edge says of a number: its state, or `unknown` where there is nothing to say to this caller. */
export type Look = (number: string) => Promise<Exclude<PeerState, 'failed'>>;

/** Times and what is seen, apart from the browser: tests have their own. */
export interface Surroundings {
  now: () => number;
  later: (work: () => void, ms: number) => () => void;
}

const browser: Surroundings = {
  now,
  later: (work, ms) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

export class Lookup {
  readonly #store: Store;
  readonly #look: Look;
  readonly #around: Surroundings;
  #number = '';
  #cancel: (() => void) | null = null;

  constructor(store: Store, look: Look, around: Surroundings = browser) {
    this.#store = store;
    this.#look = look;
    this.#around = around;
  }

  /** The number that stands on the keypad in front of somebody; empty when none does. */
  watch(number: string): void {
    if (number === this.#number) return;
    this.#number = number;
    this.#cancel?.();
    this.#cancel = number ? this.#around.later(() => void this.#ask(number), DEBOUNCE) : null;
  }

  /** The page or its connection is back: what is shown may be old. */
  renew(): void {
    if (!this.#number) return;
    this.#cancel?.();
    void this.#ask(this.#number);
  }

  async #ask(number: string): Promise<void> {
    // Two answers that cross belong to two numbers: the one that stands there now is the one that counts.
    const state = await this.#look(number).catch((): PeerState => 'failed');
    if (number !== this.#number) return;
    this.#store.dispatch({ type: 'peer', peer: { number, state, at: this.#around.now() } });
    this.#cancel?.();
    this.#cancel = this.#around.later(() => void this.#ask(number), AGAIN);
  }
}
