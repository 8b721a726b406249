/** A line at a SIP server as the core takes it (`server.rs`): checked, and completed by what the browser keeps, while the core is still on its way. */
import type { ServerLine } from './ahead.ts';
import { keep, recall } from './core/memory.js';
import { newId } from './core/key.js';
import { Problem } from './problem.ts';

/** Where this browser profile keeps the device's id: one for all of its servers. */
const INSTANCE = 'wakeline-instance';

const refused = (title: string, detail: string): Problem => new Problem({ status: 0, type: '/problems/browser', title, detail });
const wrong = (detail: string): Problem => refused('SyntaxError', detail);

/** The servers' addresses, all of one kind: Via says which it is. */
function addresses(servers: string[]): string[] {
  const urls = servers.map((it) => {
    if (!URL.canParse(it)) throw wrong(`no address of a server: ${it}`);
    return new URL(it);
  });
  if (!urls[0]) throw wrong('a line has a server');
  const { protocol } = urls[0];
  if (!['wss:', 'ws:'].includes(protocol) || urls.some((it) => it.protocol !== protocol)) throw wrong("a server's address begins with wss://");
  return urls.map((it) => it.href);
}

function made(): string {
  try {
    return newId();
  } catch (error) {
    // A page that came over http may have none.
    const { name, message } = error as DOMException;
    throw refused(name, message);
  }
}

/** The device's id, the same after a reload (RFC 5626 §4.1). A profile that keeps nothing, and a worker, has a new one each time. */
function instance(): string {
  const kept = recall(INSTANCE);
  if (kept) return kept;
  const id = made();
  keep(INSTANCE, id);
  return id;
}

/** Throws a `Problem` where a server's address is none. */
export const lineAt = (o: ServerLine): object =>
  ({ ...o, server: addresses([o.server].flat()), displayName: o.displayName ?? '', instance: instance() });
