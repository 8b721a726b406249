/** What the service worker tells the edge, and asks it, by a push's own capability: nobody is signed in here. */

const wakeUrl = (wake: string, what = ''): string => `/v1/wakes/${encodeURIComponent(wake)}${what}`;
const by = (capability: string): HeadersInit => ({ authorization: `Wake ${capability}` });

/** The wake's state, or null when the edge does not say so within `limit` ms. */
export async function wakeState(wake: string, capability: string, limit: number): Promise<string | null> {
  try {
    const response = await fetch(wakeUrl(wake), { headers: by(capability), cache: 'no-store', signal: AbortSignal.timeout(limit) });
    if (!response.ok) return null;
    const { state } = (await response.json()) as { state?: unknown };
    return typeof state === 'string' ? state : null;
  } catch {
    return null;
  }
}

/** Reports outlive the page that they may open, and are worth a second try but no more. */
export async function report(wake: string, capability: string, what: 'shown' | 'opened' | 'decline'): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      const response = await fetch(wakeUrl(wake, `/${what}`), { method: 'POST', headers: by(capability), keepalive: true });
      if (response.status < 500) return response.ok || response.status === 410;
    } catch {
      // once more
    }
  }
  return false;
}
