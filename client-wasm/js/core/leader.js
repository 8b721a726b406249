// @ts-check
/** One tab of a browser profile leads: it holds a Web Lock (`leader.rs`). The others wait for the lock, or steal it. */

/**
 * Looks after a lock that is held: its request ends when the lock is let go, or fails when another tab takes it away.
 * @param {Promise<unknown>} ended
 * @param {(stolen: boolean) => void} tell
 */
export const held = (ended, tell) => void ended.then(() => tell(false), () => tell(true));

/**
 * Claims the lock of this name: if nobody has it, now, whoever has it (`steal`), or after all who waited before, unless `waiting` is
 * aborted. Answers what lets it go again; null where it was not to be had.
 * @param {string} name
 * @param {boolean} ifAvailable
 * @param {boolean} steal
 * @param {AbortController | undefined} waiting
 * @param {(stolen: boolean) => void} tell
 * @returns {Promise<(() => void) | null>}
 */
export const claim = (name, ifAvailable, steal, waiting, tell) => new Promise((resolve, reject) => {
  // A browser without locks: each tab is alone.
  if (!navigator.locks) return resolve(() => undefined);
  const ended = navigator.locks.request(name, { ifAvailable, steal, signal: waiting?.signal }, (lock) => {
    if (!lock) return resolve(null);
    held(ended, tell);
    // The lock is held until this promise is resolved.
    return new Promise((done) => resolve(() => done(undefined)));
  });
  ended.catch(reject);
});
