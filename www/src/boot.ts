/**
 * Evaluated before anything that renders: the session is read and the socket opened while the rest of the page is
 * still being built. Each millisecond here is one in which a caller waits.
 */
import { Phone, Session } from 'wakeline';
import { parseRoute } from './route.ts';

performance.mark('wakeline:script');

/** How this page was opened. The URL is cleaned at once: a reload must not answer again. */
export const route = parseRoute(location.search);
if (route.wake) history.replaceState(null, '', location.pathname);

const open = async (): Promise<{ session: Session; phone: Phone } | null> => {
  const session = await Session.restore({ edge: location.origin });
  if (!session) return null;
  return { session, phone: await Phone.open(route.wake ? { session, wake: route.wake } : { session }) };
};

/** The phone of the stored session, or null when nobody is signed in. */
export const restored = open();
restored.catch(() => undefined); // reported where it is awaited
