// @ts-check
/** The page itself (`page.rs`): its time, what is on its screen, and when time may have passed unseen. */

/** A hidden page paints nothing; a busy one is not waited for longer than this. */
const PAINT_CAP_MS = 100;
/** The longest time that a browser's timer knows. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Resolves after this many milliseconds.
 * @param {number} ms
 * @returns {Promise<void>}
 */
export const sleep = (ms) => new Promise((done) => void setTimeout(done, Math.min(ms, LONGEST_MS)));

/**
 * What is answered within this time; undefined where nothing is. In the fewest turns: a call asks for its microphone behind it.
 * @param {number} ms
 * @param {Promise<unknown>} answer
 */
export const within = (ms, answer) => Promise.race([answer, sleep(ms)]);

/** Resolves when the next frame is on the screen, or there is none to wait for. */
export const painted = async () => {
  if (globalThis.document?.visibilityState !== 'visible') return;
  // The callback runs before the frame is painted; a task after it runs behind the painting.
  await within(PAINT_CAP_MS, new Promise((done) => void requestAnimationFrame(() => setTimeout(done))));
};

/**
 * Tells, until it is aborted, that time may have passed unseen (undefined), or that the network came (true) or went (false).
 * @param {(online?: boolean) => void} tell
 */
export function hints(tell) {
  const deaf = new AbortController();
  if (globalThis.document) {
    addEventListener('online', () => tell(true), deaf);
    addEventListener('offline', () => tell(false), deaf);
    addEventListener('pageshow', () => tell(), deaf);
    document.addEventListener('resume', () => tell(), deaf);
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') tell();
    }, deaf);
  }
  return deaf;
}
