/** How good a call sounds, from what is measured of its packets. Pure. */

/** One second of a call. */
export interface Sample {
  /** Round trip, ms; null when it is not known yet. */
  rtt: number | null;
  /** Of the packets that come in, ms. */
  jitter: number;
  /** The share of packets that did not come, 0 to 1. */
  loss: number;
  /** Packets that came. */
  packets: number;
}

export type Grade = 'excellent' | 'great' | 'good' | 'fair' | 'degraded';
/** `silence`: nothing comes in although the other side should be heard. */
export type Warning = 'jitter' | 'rtt' | 'mos' | 'silence';

/** What a sample means. */
export interface Judgement {
  /** Mean opinion score, 1 to 4.5; null for a second in which nothing came. */
  mos: number | null;
  grade: Grade | null;
  /** Warnings that stand. */
  warnings: Warning[];
  /** Those of them that are new. */
  raised: Warning[];
  /** Those that stand no longer. */
  cleared: Warning[];
}

/** Of the last five seconds this many must be bad. */
const [WINDOW, BAD] = [5, 3];

/** The E-model of ITU-T G.107, reduced to delay and loss as is usual for calls in browsers. */
export function mos({ rtt, jitter, loss }: Pick<Sample, 'rtt' | 'jitter' | 'loss'>): number {
  // Jitter costs twice what it is: the buffer that hides it waits.
  const delay = (rtt ?? 0) + jitter * 2 + 10;
  const transmission = 94.2 - (delay < 160 ? delay / 40 : (delay - 120) / 10) - loss * 100 * 2.5;
  const r = Math.min(100, Math.max(0, transmission));
  return Math.max(1, 1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r));
}

export function grade(score: number): Grade {
  // As it is read: with one decimal.
  const read = Math.round(score * 10) / 10;
  if (score > 4.2) return 'excellent';
  if (read >= 4.1) return 'great';
  if (read >= 3.7) return 'good';
  return read >= 3.1 ? 'fair' : 'degraded';
}

const bad: Record<Warning, (sample: Sample, score: number | null) => boolean> = {
  jitter: ({ jitter }) => jitter > 30,
  rtt: ({ rtt }) => (rtt ?? 0) > 400,
  mos: (_, score) => score !== null && score < 3,
  silence: ({ packets }) => packets === 0,
};

/** Looks at a call second by second. A warning is raised when three of five seconds are bad, cleared when at most one is. */
export class Judge {
  readonly #seconds: Warning[][] = [];
  readonly #standing = new Set<Warning>();

  add(sample: Sample): Judgement {
    const score = sample.packets > 0 ? mos(sample) : null;
    const kinds = Object.keys(bad) as Warning[];
    this.#seconds.push(kinds.filter((kind) => bad[kind](sample, score)));
    if (this.#seconds.length > WINDOW) this.#seconds.shift();
    const count = (kind: Warning): number => this.#seconds.filter((second) => second.includes(kind)).length;
    const raised = kinds.filter((kind) => !this.#standing.has(kind) && count(kind) >= BAD);
    const cleared = kinds.filter((kind) => this.#standing.has(kind) && count(kind) <= 1);
    for (const kind of raised) this.#standing.add(kind);
    for (const kind of cleared) this.#standing.delete(kind);
    return { mos: score, grade: score === null ? null : grade(score), warnings: kinds.filter((kind) => this.#standing.has(kind)), raised, cleared };
  }

  /** What was before says nothing of what comes: the call was held. */
  forget(): Warning[] {
    const cleared = [...this.#standing];
    this.#seconds.length = 0;
    this.#standing.clear();
    return cleared;
  }
}
