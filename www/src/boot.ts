/**
 * Evaluated before anything that renders: the session is read and the socket opened while the rest of the page is
 * still being built.
 */
import { Phone, Session, preload } from 'wakeline';
import { parseRoute } from './route.ts';
import { core, socket } from './start.ts';

preload(core, socket).catch(() => undefined); // reported by whoever needs it

/** How this page was opened. The URL is cleaned at once: a reload must not answer again. */
export const route = parseRoute(location.search);
if (route.wake) history.replaceState(null, '', location.pathname);

const open = async (): Promise<{ session: Session; phone: Phone } | null> => {
  const session = await Session.restore({ edge: location.origin });
  const phone = session && await Phone.open(route.wake ? { session, wake: route.wake } : { session });
  if (phone?.role !== 'leading') socket?.close(); // nobody took it
  return session && phone && { session, phone };
};

/** The phone of the stored session, or null when nobody is signed in. */
export const restored = open();
restored.catch(() => undefined); // reported where it is awaited
