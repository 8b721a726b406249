/** What the page's first script has begun before the core was there: the next phone goes on with it. */
import type { Early } from './early.ts';

let offered: Early | null = null;

/** Hands it over. */
export function offerEarly(early: Early): void {
  offered = early;
}

/** Opens a phone with it; what is not gone on with is given up. */
export async function takingOver<T>(open: (early: Early | null) => Promise<T>): Promise<T> {
  const early = offered;
  offered = null;
  try {
    return await open(early);
  } catch (error) {
    early?.giveUp();
    throw error;
  }
}
