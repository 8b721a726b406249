/**
 * The page's first module, before anything that renders: the session takes shape and the phone registers, while
 * the rest of the page is built.
 */
import { Phone, Session, preload } from 'wakeline';
import { parseRoute } from './route.ts';
import type {} from './start.ts';

const { core, record, early } = globalThis.wakelineStart;
performance.mark('wakeline:boot');

preload(core, early).catch(() => undefined); // reported by whoever needs it

/** How this page was opened. The URL is cleaned at once: a reload must not answer again. */
export const route = parseRoute(location.search);
if (route.wake) history.replaceState(null, '', location.pathname);

const open = async (): Promise<{ session: Session; phone: Phone } | null> => {
  let phone: Phone | null = null;
  try {
    const session = await Session.restore({ edge: location.origin, record });
    performance.mark('wakeline:session');
    phone = session && await Phone.open(route.wake ? { session, wake: route.wake } : { session });
    performance.mark('wakeline:phone');
    return session && phone && { session, phone };
  } finally {
    if (phone?.role !== 'leading') early?.giveUp(); // nobody took it
  }
};

/** The phone of the stored session, or null when nobody is signed in. */
export const restored = open();
restored.catch(() => undefined); // reported where it is awaited

// The phone is under way; what renders comes beside it.
void import('./main.ts');
