/**
 * Tells someone far away how something stands, so that in the end there stands what was said last. Each word goes out at once, for the page may
 * be closed the next moment; what is said while another one is under way is said again behind both, for they may have overtaken each other.
 */
export class LastWord {
  #last: Promise<unknown> | null = null;

  /** Says it; `word` reads how things stand when it is called, and never rejects. Answers what was answered to it last. */
  say<T>(word: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const own = word();
    const settled: Promise<T> = before
      // Whoever speaks behind this one says it again anyway.
      ? Promise.all([own, before]).then(([answer]) => (this.#last === settled ? word() : answer))
      : own;
    this.#last = settled;
    void settled.then(() => {
      if (this.#last === settled) this.#last = null;
    });
    return settled;
  }
}
