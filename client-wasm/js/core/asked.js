// @ts-check
/** What is remembered of a line's server from one page to the next (`asked.rs`). No secret; a browser that keeps nothing forgets it. */

/**
 * @template T
 * @param {() => T} what
 */
const tried = (what) => {
  try {
    return what();
  } catch {
    // Storage may be forbidden, and a worker has none.
    return undefined;
  }
};

/** @param {string} line @returns {string | undefined} */
export const recall = (line) => tried(() => localStorage.getItem(line)) ?? undefined;

/**
 * @param {string} line
 * @param {string | undefined} asked
 */
export const keep = (line, asked) => tried(() => (asked === undefined ? localStorage.removeItem(line) : localStorage.setItem(line, asked)));
