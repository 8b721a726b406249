// @ts-check
/**
 * One alarm that also goes off on time in a hidden page (`timer.rs`): browsers slow a hidden page's own timers down to one a
 * minute, but not those of its workers (keepalive would come too late). The worker is made for the first alarm that is far away:
 * until then nothing is slowed down, and a page that is being opened has better things to do.
 */

/** Each message sets the alarm anew (ms), or takes it away (negative). */
const SCRIPT = 'let t;onmessage=e=>{clearTimeout(t);if(e.data>=0)t=setTimeout(()=>postMessage(0),e.data)}';

/** An alarm that goes off within this time, ms, is on time without a worker: browsers begin to slow timers down later than that. */
const NEAR_MS = 15_000;

/**
 * A worker that rings; null where a page's policy forbids one: its own timers are used then.
 * @param {() => void} ring
 */
function start(ring) {
  try {
    const url = URL.createObjectURL(new Blob([SCRIPT], { type: 'text/javascript' }));
    try {
      const worker = new Worker(url);
      worker.onmessage = () => ring();
      return worker;
    } finally {
      // The worker has its script; without one there is nothing to keep either.
      URL.revokeObjectURL(url);
    }
  } catch {
    return null;
  }
}

export class Alarm {
  #ring;
  /** Once it is wanted. @type {Worker | null | undefined} */
  #worker;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {() => void} ring */
  constructor(ring) {
    this.#ring = ring;
  }

  /** It ticks in a worker. */
  get inWorker() {
    return !!this.#worker;
  }

  /**
   * Rings once after this many milliseconds, in place of what was set before; never when undefined.
   * @param {number | undefined} after
   */
  set(after) {
    if (after !== undefined && after > NEAR_MS && this.#worker === undefined) this.#worker = start(this.#ring);
    // One of the two holds what is set.
    clearTimeout(this.#timer);
    if (this.#worker) this.#worker.postMessage(after ?? -1);
    else if (after !== undefined) this.#timer = setTimeout(this.#ring, after);
  }

  /** Rings no more. */
  close() {
    clearTimeout(this.#timer);
    this.#worker?.terminate();
  }
}
