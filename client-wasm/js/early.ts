/**
 * What can begin before the core is there, in a script of a kilobyte: fetching and compiling it, reading the stored
 * session, the socket to the edge, and on it the words that the core has prepared. All are handed to the core when it
 * stands. Nothing here decides anything about SIP: a text is sent, its answer known by a mark, and the call that the page
 * was opened for is told to ring (`ringing.ts`) once that is on the screen.
 */
import { callsFor, ringing } from './ringing.ts';
import { readSession } from './core/storage.js';

/** The compiled core; null where the browser or the server cannot compile while it loads. */
export const compile = (url: string): Promise<WebAssembly.Module | null> =>
  WebAssembly.compileStreaming(fetch(url)).catch(() => null);

/** The record that the core keeps for this edge (an origin); undefined where there is none, or it cannot be had. */
export const stored = (edge: string): Promise<unknown> => readSession(edge).catch(() => undefined);

/** What the core has prepared (`opening.rs`). */
export interface Opening {
  /** The REGISTER, with the token in it. */
  frame: string;
  /** Stands in its response and in no other frame. */
  mark: string;
  /** Our tag in the first dialog, and what is ours in its 180. */
  tag: string;
  ringing: string;
  /** The lock of the tab that leads. */
  lock: string;
  device: string;
  token: string;
  /** The token is good until then, by the clock of this device. */
  until: number;
}

/** What was said and heard, each with its time by the core's clock (`clock.rs`). */
export interface Said {
  /** When the opening was sent; 0 if it was not: then the core says it. */
  at: number;
  heard: [at: number, frame: string | ArrayBuffer][];
  /** When the caller was told that it rings; 0 if that was not said: then the core says it. */
  rang: number;
  /** The edge's answer to "ready", null where it did not take it; absent if it was not said. */
  ready: Promise<unknown> | null;
}

/** What the page shows meanwhile. */
export interface Screen {
  /** The call may come soon. */
  prepare(): void;
  /** It is here. Resolves when that is on the screen; with false, or never, where it cannot be shown. */
  ring(): Promise<boolean>;
  /** The caller knows that it rings: what there was to say is said. */
  spoken(): void;
  /** It is gone again. */
  hush(): void;
}

/** A page's first words. */
export interface Early {
  readonly socket: WebSocket;
  readonly opening: Opening | null;
  /** The lock that was claimed without one (`ahead.ts`). */
  readonly lock?: string;
  /** What the server answers to what was asked there meanwhile (`ahead.ts`), or nothing of use; absent where nothing was. */
  readonly challenge?: Promise<unknown> | undefined;
  /** Whether this tab leads: it holds the lock. */
  readonly leads: Promise<boolean>;
  /** Settles when it leads no more: rejected when another one took the lock. */
  readonly led: Promise<unknown>;
  /** Lets another tab lead. */
  readonly release: () => void;
  /** The core goes on from here: what was said and heard so far. */
  readonly take: () => Said;
  /** Nobody goes on. */
  readonly giveUp: () => void;
}

const now = (): number => performance.timeOrigin + performance.now();

/**
 * Opens a socket to the edge (an origin); with an opening it registers on it, says that this wake's page is ready, and, with
 * a screen to show the call on, that it rings.
 */
export function speak(edge: string, wake: string, prepared: Opening | null, screen: Screen | null = null): Early {
  const socket = new WebSocket(`${edge.replace(/^http/, 'ws')}/sip`, 'sip');
  socket.binaryType = 'arraybuffer';
  const opening = prepared && prepared.until > now() && 'locks' in navigator ? prepared : null;
  const said: Said = { at: 0, heard: [], rang: 0, ready: null };
  let taken = false;
  let calls = 0;
  let over = false;
  let release = (): void => undefined;
  let leads: Promise<boolean> = Promise.resolve(false);
  let led: Promise<unknown> = leads;

  const take = (): Said => {
    taken = true;
    socket.onopen = socket.onmessage = socket.onclose = null;
    return said;
  };
  const callOff = (): void => {
    over = true;
    screen?.hush();
  };
  /** The first call of this flow, if it is the one that was tapped, and this tab the one that leads. */
  const answer = async (invite: string, { tag, ringing: ours }: Opening): Promise<void> => {
    const text = callsFor(wake, invite) ? ringing(invite, tag, ours) : null;
    if (!text || !screen || !(await leads) || !(await screen.ring())) return;
    if (taken || over || socket.readyState !== WebSocket.OPEN) return;
    socket.send(text);
    said.rang = now();
    screen.spoken();
  };
  if (opening) {
    // Whoever made this page knows of no other; should there be one after all, the core finds that it does not lead.
    leads = new Promise((resolve) => {
      led = navigator.locks.request(opening.lock, { ifAvailable: true }, (lock) => {
        resolve(lock !== null);
        return lock && new Promise<void>((done) => (release = done));
      });
      led.catch(() => resolve(false));
    });
    socket.onopen = () => {
      socket.send(opening.frame);
      said.at = now();
    };
    socket.onclose = callOff;
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      said.heard.push([now(), data]);
      // Only an edge that took the registration is told that the page is ready.
      if (typeof data !== 'string') return;
      if (!said.ready && data.startsWith('SIP/2.0 200 ') && data.includes(opening.mark)) said.ready = ready(edge, wake, opening);
      else if (data.startsWith('INVITE ') && !calls++) void answer(data, opening);
      else if (data.startsWith('CANCEL ')) callOff();
    };
  }
  // The socket takes its time.
  if (opening) screen?.prepare();
  return {
    socket,
    opening,
    leads,
    led,
    release: () => release(),
    take,
    giveUp: () => {
      take();
      callOff();
      release();
      socket.close();
    },
  };
}

/** Says "ready". Answers the wake, or null where the edge did not take it. */
const ready = (edge: string, wake: string, { device, token }: Opening): Promise<unknown> =>
  fetch(`${edge}/v1/wakes/${encodeURIComponent(wake)}/ready`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ device }),
    keepalive: true,
    signal: AbortSignal.timeout(3000),
  }).then((answer) => (answer.ok ? answer.json() : null)).catch(() => null);
