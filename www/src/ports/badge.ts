/** The badge of the installed page: how many missed calls nobody has seen. */
import { screenOf, unseen } from '../store/screen.ts';
import type { Store } from '../store/store.ts';
import type { State } from '../store/state.ts';

export class Badge {
  readonly #store: Store;
  readonly #show: (count: number) => void;
  readonly #watched: () => boolean;
  #shown: number | null = null;

  /** `watched`: somebody has this page before them. */
  constructor(store: Store, show: (count: number) => void, watched: () => boolean) {
    this.#store = store;
    this.#show = show;
    this.#watched = watched;
    store.subscribe((state, before) => this.#follow(state, state.missed !== before.missed));
  }

  /** The page is before somebody's eyes, or is no longer. */
  watch(): void {
    const { state } = this.#store;
    // Whoever has had the list before them has read it; what comes meanwhile is new when they are back.
    if (!this.#watched() && screenOf(state) === 'missed') this.#store.dispatch({ type: 'missed-seen' });
    this.#follow(this.#store.state, false);
  }

  #follow(state: State, told: boolean): void {
    const count = screenOf(state) === 'missed' && this.#watched() ? 0 : unseen(state);
    // Before the edge has told of any, the badge is as the last page has left it.
    if (count === this.#shown || (this.#shown === null && !told)) return;
    this.#shown = count;
    this.#show(count);
  }
}
