/** What goes wrong, as a page catches it. */
import type { Wake } from '../../build/client/wakeline_client.js';

/** An RFC 9457 problem as an exception; `status` 0 means that it did not come from the edge (see `type`). */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** Seconds to wait before the next try, in 429 and 503. */
  readonly retryAfter?: number;
  /** The wake as it ended, when it was too late for it (410). */
  readonly wake?: Wake;

  constructor(o: { status: number; type?: string; title: string; detail?: string; retryAfter?: number; wake?: Wake }) {
    super(o.detail || o.title);
    this.name = 'Problem';
    this.status = o.status;
    this.type = o.type ?? 'about:blank';
    this.title = o.title;
    this.detail = o.detail ?? '';
    if (o.retryAfter !== undefined) this.retryAfter = o.retryAfter;
    if (o.wake) this.wake = o.wake;
  }
}

/** What the core throws has the members of a `Problem`, but not yet its class. */
function problem(error: unknown): unknown {
  return error instanceof Error && error.name === 'Problem' && !(error instanceof Problem)
    ? new Problem(error as unknown as Problem)
    : error;
}

/** What the core answers, or a `Problem` thrown. */
export async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw problem(error);
  }
}

/** What the core does at once, or a `Problem` thrown. */
export function done<T>(what: () => T): T {
  try {
    return what();
  } catch (error) {
    throw problem(error);
  }
}
