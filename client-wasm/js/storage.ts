/** The core's IndexedDB as scripts without the core read it: `wakeline`, store `session`, one record per edge origin. */

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

/** The record of this edge (an origin), as it lies there; undefined where there is none. */
export async function readSession(edge: string): Promise<unknown> {
  const database = await openDatabase();
  try {
    return await new Promise((resolve, reject) => {
      const reading = database.transaction('session').objectStore('session').get(edge);
      reading.onsuccess = () => resolve(reading.result);
      reading.onerror = () => reject(reading.error);
    });
  } finally {
    database.close();
  }
}
