/** What the service worker tells a page that was already open. */
export interface WakeMessage {
  type: 'wake';
  wake: string;
  answer: boolean;
}

/** What it puts into a page that it opens for a tap. */
export interface Tapped {
  /** The words that are prepared for it, as the core has stored them (`Opening` in `early.ts`). */
  opening: unknown;
  /** As the push named them; null where it did not. */
  caller: { number: string; displayName: string } | null;
}
