// @ts-check
/** A few words that are remembered from one page to the next (`asked.rs`, `line.ts`). None is a secret; a browser that keeps nothing forgets them. */

/**
 * @template T
 * @param {() => T} what
 */
const tried = (what) => {
  try {
    return what();
  } catch {
    // Storage may be forbidden or full, and a worker has none.
    return undefined;
  }
};

/** @param {string} name @returns {string | undefined} */
export const recall = (name) => tried(() => localStorage.getItem(name)) ?? undefined;

/**
 * @param {string} name
 * @param {string | undefined} word
 */
export const keep = (name, word) => tried(() => (word === undefined ? localStorage.removeItem(name) : localStorage.setItem(name, word)));
