/** A line at a SIP server, and what a page begins for it while its core is still being fetched and compiled: it claims the lead, and connects. */
import type { Early } from './early.ts';
import type { Ways } from './ways.ts';

/** A line at a SIP server of another make. */
export interface ServerLine {
  /** `wss://pbx.example.com/ws`, or several in the order in which they are tried: the next when one is dead or in trouble. */
  server: string | string[];
  /** `sip:ada@example.com` */
  addressOfRecord: string;
  /** The name that others see. */
  displayName?: string;
  /** The name to authenticate by; the address's user when left out. */
  user?: string;
  password?: string;
  /** H(A1) in hexadecimal in place of the password: 32 digits for MD5, 64 for SHA-256. */
  ha1?: string;
  /** A token (RFC 8898) in place of both. */
  token?: string;
  /** What is done otherwise at this server. Only in the whole client, the package. */
  ways?: Ways;
}

/** The part of an address that names a line; the core reads the rest, and what is not written so. */
const ADDRESS = /^sips?:([^:@;?%]+)@/i;

/**
 * Claims the lock of the tab that leads this line, and opens the socket to the line's first server beside it: what is known last
 * would be waited for. A tab that finds that it follows closes it, with nothing said. Null where all of that is left to the core, as everything
 * is that is wrong with a line.
 */
export function ahead(servers: string[], addressOfRecord: string): Early | null {
  const number = ADDRESS.exec(addressOfRecord)?.[1];
  const [url] = servers;
  if (!number || !url || !navigator.locks || !servers.every((it) => URL.canParse(it))) return null;
  const lock = `wakeline:${servers.map((it) => new URL(it).href).join(' ')}:${number}`;
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, 'sip');
  } catch {
    // Where this page may open no such socket, the core finds that, too, and tells.
    return null;
  }
  let over = false;
  let release = (): void => void (over = true);
  let led: Promise<unknown> = Promise.resolve();
  const leads = new Promise<boolean>((resolve) => {
    led = navigator.locks.request(lock, { ifAvailable: true }, (held) => {
      resolve(held !== null && !over);
      if (held && !over) return new Promise<void>((done) => (release = done));
      socket.close();
      return undefined;
    });
    led.catch(() => resolve(false));
  });
  return {
    socket,
    opening: null,
    lock,
    leads,
    led,
    release: () => release(),
    take: () => ({ at: 0, heard: [], rang: 0, ready: null }),
    giveUp: () => {
      release();
      socket.close();
    },
  };
}
