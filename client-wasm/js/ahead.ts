/** A line at a SIP server, and what a page begins for it while its core is still being fetched and compiled: it claims the lead, connects, and asks to be challenged. */
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

/** One whose parts stand in a header as they are. */
const PLAIN = /^(sips?:)[\w.+-]+@([\w.-]+(?::\d+)?)$/;
/** A server that has not answered by then is not waited for, ms. */
const ANSWERS_MS = 1000;

/**
 * Claims the lock of the tab that leads this line, and opens the socket to the line's first server beside it: what is known last
 * would be waited for. A tab that finds that it follows closes it, with nothing said. One that leads asks which bindings the line has (RFC 3261
 * §10.2.3), where that is proven by digest: it changes nothing, and the server's challenge is there when the core is, whose first REGISTER
 * answers it. Null where all of that is left to the core, as everything is that is wrong with a line.
 */
export function ahead({ server, addressOfRecord, password, ha1, token }: ServerLine): Early | null {
  const servers = [server].flat();
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
  let challenge: Promise<unknown> | undefined;
  const [, scheme, domain] = PLAIN.exec(addressOfRecord) ?? [];
  if (domain && !token && (password ?? ha1) != null) {
    const id = crypto.randomUUID();
    socket.onopen = async () => {
      // The core may have taken over.
      if (!(await leads) || !socket.onopen) return;
      challenge = new Promise((resolve) => {
        socket.onmessage = ({ data }) => {
          // "100 Trying" is no answer yet.
          if (String(data).includes(id) && !data.startsWith('SIP/2.0 1')) resolve(data);
        };
        setTimeout(resolve, ANSWERS_MS);
      }).finally(() => { socket.onmessage = null; });
      socket.send([
        `REGISTER ${scheme}${domain} SIP/2.0`,
        `Via: SIP/2.0/${socket.url.split(':')[0]!.toUpperCase()} ${id}.invalid;branch=z9hG4bK${id}`,
        'Max-Forwards: 70',
        `From: <${addressOfRecord}>;tag=${id}`,
        `To: <${addressOfRecord}>`,
        `Call-ID: ${id}`,
        'CSeq: 1 REGISTER',
        'Content-Length: 0\r\n\r\n',
      ].join('\r\n'));
    };
  }
  return {
    socket,
    get challenge() { return challenge; },
    opening: null,
    lock,
    leads,
    led,
    release: () => release(),
    take: () => {
      socket.onopen = null;
      return { at: 0, heard: [], rang: 0, ready: null };
    },
    giveUp: () => {
      release();
      socket.close();
    },
  };
}
