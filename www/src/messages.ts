/** What the service worker tells a page that was already open. */
export interface WakeMessage {
  type: 'wake';
  wake: string;
  answer: boolean;
}
