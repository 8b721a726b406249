/**
 * The core's IndexedDB as scripts without the core read it: `wakeline`, store `session`, one record per edge origin, and
 * beside it the opening that was prepared for it (`store.rs`).
 */

/** The database; it is made if it is not there, as the core would. Closed when another version wants it. */
export const openDatabase = (): Promise<IDBDatabase> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open('wakeline', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('session');
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      database.onversionchange = () => database.close();
      resolve(database);
    };
  });

/** What `asks` asks of the store, all in one transaction. */
async function inStore(mode: IDBTransactionMode, asks: (store: IDBObjectStore) => IDBRequest[]): Promise<unknown[]> {
  const database = await openDatabase();
  try {
    const answer = (request: IDBRequest): Promise<unknown> => new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    return await Promise.all(asks(database.transaction('session', mode).objectStore('session')).map(answer));
  } finally {
    database.close();
  }
}

/** The record of this edge (an origin), as it lies there; undefined where there is none. */
export const readSession = async (edge: string): Promise<unknown> =>
  (await inStore('readonly', (store) => [store.get(edge)]))[0];

/** The opening, as it lies there. */
export const readOpening = async (edge: string): Promise<unknown> =>
  (await inStore('readonly', (store) => [store.get(`${edge} opening`)]))[0];

/** The opening, taken out as it is read: it is said once. */
export const takeOpening = async (edge: string): Promise<unknown> => {
  const key = `${edge} opening`;
  return (await inStore('readwrite', (store) => [store.get(key), store.delete(key)]))[0];
};
