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

/** A server that asks no more is given no proof unasked for longer than this. */
const DAYS = 30;

const today = () => Math.floor(Date.now() / 86_400_000);

/**
 * What was kept of this line lately.
 * @param {string} line
 * @returns {string | undefined}
 */
export function recallLately(line) {
  const [, day, words] = /^(\d+) ([^]*)/.exec(recall(line) ?? '') ?? [];
  return today() - Number(day) < DAYS ? words : undefined;
}

/**
 * @param {string} line
 * @param {string | undefined} words
 */
export const keepLately = (line, words) => keep(line, words && `${today()} ${words}`);
