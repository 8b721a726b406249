// @ts-check
/**
 * What this device remembers of its edges: IndexedDB `wakeline`, store `session`, one record per edge origin, and beside it the opening
 * that was prepared for it (`store.rs`, `opening.rs`). The core reads and writes them by these functions, and so do scripts that run
 * without it.
 */

/**
 * The database; it is made if it is not there. Closed when another version wants it.
 * @returns {Promise<IDBDatabase>}
 */
export const openDatabase = () =>
  new Promise((resolve, reject) => {
    if (!globalThis.indexedDB) throw new DOMException('this browser keeps no IndexedDB here', 'NotSupportedError');
    const opening = indexedDB.open('wakeline', 1);
    // The only upgrade there is: from nothing to version 1.
    opening.onupgradeneeded = () => opening.result.createObjectStore('session');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      database.onversionchange = () => database.close();
      resolve(database);
    };
  });

/**
 * What a request answers.
 * @param {IDBRequest} request
 * @returns {Promise<unknown>}
 */
const answer = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

/**
 * What `asks` asks of the store, all in one transaction.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => Promise<T>} asks
 */
async function inStore(mode, asks) {
  const database = await openDatabase();
  try {
    return await asks(database.transaction('session', mode).objectStore('session'));
  } finally {
    database.close();
  }
}

/** @param {string} edge */
const openingOf = (edge) => `${edge} opening`;

/**
 * The record of this edge (an origin), as it lies there; undefined where there is none.
 * @param {string} edge
 */
export const readSession = (edge) => inStore('readonly', (store) => answer(store.get(edge)));

/**
 * Stores the record of this edge in place of the one before; an opening of that one is of no use any more.
 * @param {string} edge
 * @param {unknown} record
 */
export const saveSession = (edge, record) => inStore('readwrite', (store) => {
  store.delete(openingOf(edge));
  return answer(store.put(record, edge));
});

/**
 * Forgets what is known of this edge.
 * @param {string} edge
 */
export const forgetSession = (edge) => inStore('readwrite', (store) => {
  store.delete(openingOf(edge));
  return answer(store.delete(edge));
});

/**
 * Keeps the opening that was made for this token of this device, unless the session is another one by now.
 * @param {string} edge
 * @param {string} token
 * @param {string} device
 * @param {unknown} opening
 */
export const keepOpening = (edge, token, device, opening) => inStore('readwrite', async (store) => {
  const kept = /** @type {{ token?: unknown, device?: unknown } | undefined} */ (await answer(store.get(edge)));
  if (kept?.token === token && kept.device === device) await answer(store.put(opening, openingOf(edge)));
});

/**
 * The opening, as it lies there.
 * @param {string} edge
 */
export const readOpening = (edge) => inStore('readonly', (store) => answer(store.get(openingOf(edge))));

/**
 * The opening, taken out as it is read: it is said once.
 * @param {string} edge
 */
export const takeOpening = (edge) => inStore('readwrite', async (store) => {
  const [opening] = await Promise.all([answer(store.get(openingOf(edge))), answer(store.delete(openingOf(edge)))]);
  return opening;
});
