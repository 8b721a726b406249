/**
 * A person may tap what has just been shown: what the page will want first is made ready meanwhile. A database that
 * somebody holds open opens at once for the page; it is let go with this worker, or when another version wants it.
 */
import { openDatabase } from '../../../client-wasm/js/core/storage.js';
import * as shell from './cache.ts';

let database: IDBDatabase | null = null;

/** Never fails: without it the page is only slower. */
export async function warm(): Promise<void> {
  const opening = database ? null : openDatabase().then((opened) => {
    database = opened;
    opened.addEventListener('close', () => (database = null));
    opened.addEventListener('versionchange', () => (database = null));
  });
  await Promise.allSettled([opening, shell.warm()]);
}
