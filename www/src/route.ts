/** What a URL of this page asks for. */
export interface Route {
  /** The wake whose notification was tapped. */
  wake: string | null;
  /** The notification's "Answer" was used. */
  answer: boolean;
}

const WAKE = /^[A-Za-z0-9_-]{1,64}$/;

export function parseRoute(search: string): Route {
  const query = new URLSearchParams(search);
  const wake = query.get('wake') ?? '';
  const known = WAKE.test(wake);
  return { wake: known ? wake : null, answer: known && query.get('answer') === '1' };
}
