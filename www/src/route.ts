/** What a URL of this page asks for. */
export interface Route {
  /** The wake whose notification was tapped. */
  wake: string | null;
  /** The notification's "Answer" was used. */
  answer: boolean;
}

/** A wake's id, as the edge makes them: what a call server asked for names its line as well. */
export const wakeOf = (id: string): string | null => (/^[A-Za-z0-9_-]{1,128}$/.test(id) ? id : null);

export function parseRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const wake = wakeOf(query.get('wake') ?? '');
  return { wake, answer: wake !== null && query.get('answer') === '1' };
}
