/**
 * The list of missed calls, as the edge keeps it: asked for when somebody opens it, when the line is back while it is looked at, and when a
 * call is told of meanwhile. What is known stays on the screen until an answer comes; whoever looks at the list has seen what is new on it.
 */
import { screenOf } from '../store/screen.ts';
import type { Store } from '../store/store.ts';
import type { MissedView, State } from '../store/state.ts';

/** What is asked of the edge, and told to it. `list` rejects where it cannot be asked; `seen` never does. */
export interface MissedCalls {
  listMissed: () => Promise<MissedView[]>;
  missedSeen: (ids: string[]) => Promise<void>;
}

export class MissedList {
  readonly #store: Store;
  readonly #edge: MissedCalls;
  readonly #watched: () => boolean;
  #asked = 0;

  /** `watched`: somebody has this page before them. */
  constructor(store: Store, edge: MissedCalls, watched: () => boolean) {
    this.#store = store;
    this.#edge = edge;
    this.#watched = watched;
    store.subscribe((state, before) => this.#follow(state, before));
  }

  /** The page is before somebody's eyes again: what is shown may be old. */
  renew(): void {
    if (screenOf(this.#store.state) === 'missed') void this.ask();
  }

  async ask(): Promise<void> {
    const nth = ++this.#asked;
    const known = this.#store.state.missed;
    this.#store.dispatch({ type: 'missed-busy' });
    const list = await this.#edge.listMissed().catch(() => null);
    // An older answer may lack what a newer question was asked for.
    if (nth !== this.#asked) return;
    if (list) this.#store.dispatch({ type: 'missed-list', missed: list });
    else this.#store.dispatch({ type: 'missed-failed' });
    // Without an answer, what was known is on the screen all the same, and must not be new again later.
    await this.#tell(list ?? known);
  }

  #follow(state: State, before: State): void {
    if (state.session !== 'signed-in') {
      // Whoever signs in next does not get what this one has asked for.
      this.#asked += 1;
      return;
    }
    if (screenOf(state) !== 'missed') return;
    const opened = screenOf(before) !== 'missed';
    const back = state.registration.state === 'registered' && before.registration.state !== 'registered';
    const answered = before.missedList.busy && !state.missedList.busy;
    const told = !answered && state.missed.some(({ id }) => !before.missed.some((known) => known.id === id));
    if (opened || back || told) void this.ask();
  }

  /** What is new, and somebody looks at now, or did while the edge was asked. */
  async #tell(list: MissedView[]): Promise<void> {
    const { state } = this.#store;
    const looking = screenOf(state) === 'missed' && this.#watched();
    const ids = list.filter(({ id, seen }) => !seen && (looking || state.missed.some((one) => one.id === id && one.seen))).map(({ id }) => id);
    if (ids.length) await this.#edge.missedSeen(ids);
  }
}
