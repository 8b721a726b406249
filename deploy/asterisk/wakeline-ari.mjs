#!/usr/bin/env node
// Calls to pages that may be asleep, led from outside of Asterisk: a Stasis application (ARI) in place of [wakeline-wake].
//
//   node wakeline-ari.mjs [/etc/asterisk]
//
// What it has over the dialplan: a caller who hangs up is noticed at once, the edge hears of "ringing" when it rings, and a page that
// is registered but sleeps is waited for while it is dialled. It needs Node 22 or newer, no package, and beside it `enabled=yes` in
// ari.conf and `woken_by=stasis` in wakeline.conf. Run it as a service: without it such calls end with 503.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const APP = 'wakeline';
const folder = process.argv[2] ?? '/etc/asterisk';

/** Sections and settings of one of Asterisk's files; enough for the ones that we ship. */
function settings(file) {
  const sections = {};
  let section = {};
  for (const raw of readFileSync(join(folder, file), 'utf8').split('\n')) {
    const line = raw.replace(/(^|\s);.*$/, '').trim();
    const name = /^\[([\w-]+)\]/.exec(line)?.[1];
    if (name) section = sections[name] ??= {};
    else if (line.includes('=')) section[line.slice(0, line.indexOf('=')).trim()] = line.slice(line.indexOf('=') + 1).trim();
  }
  return sections;
}

const { edge, limits, caller: heard } = settings('wakeline.conf');
const http = settings('http.conf').general;
const basic = Buffer.from(`wakeline:${settings('ari.conf').wakeline.password}`).toString('base64');
const ARI = `http://127.0.0.1:${http.bindport}/ari`;
const [GIVE_UP_S, RING_S] = [Number(limits.give_up_s), Number(limits.ring_s)];

const log = (...words) => console.log(new Date().toISOString(), ...words);
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** One request to Asterisk; what is gone already (404, 409, 412) is null. */
async function ari(method, path, query = {}, body) {
  const response = await fetch(`${ARI}${path}?${new URLSearchParams(query)}`, {
    method, headers: { authorization: `Basic ${basic}`, ...(body && { 'content-type': 'application/json' }) }, body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if ([404, 409, 412].includes(response.status)) return null;
  if (!response.ok) throw new Error(`Asterisk answers ${response.status} to ${method} ${path}`);
  return text ? JSON.parse(text) : {};
}

/** One request to the edge: `{status, view}`; throws when there is no answer. */
async function ask(method, path, body, { signal, ms = 4000 } = {}) {
  const over = AbortSignal.any([AbortSignal.timeout(ms), ...(signal ? [signal] : [])]);
  const headers = { authorization: `Bearer ${edge.credential}`, ...(body && { 'content-type': 'application/json' }) };
  const response = await fetch(edge.origin + path, { method, headers, body: body && JSON.stringify(body), signal: over });
  return { status: response.status, view: await response.json() };
}

/** Tells the edge one event of a call, until it has heard it: a repeated one changes nothing there. */
async function telling(wake, event, more = {}) {
  for (let n = 0; n < 20; n += 1) {
    try {
      const { status, view } = await ask('POST', `/v1/wakes/${encodeURIComponent(wake)}/events`, { event, ...more });
      if (status < 500) return view;
    } catch { /* it restarts, perhaps */ }
    await pause(Math.min(250 * 2 ** n, 5000));
  }
  log('the edge was not told', event, 'of', wake);
  return null;
}

const told = new Map();

/** Tells the edge how a call goes on, one event after the other. */
function tell(wake, event, more) {
  const next = (told.get(wake) ?? Promise.resolve()).then(() => telling(wake, event, more));
  told.set(wake, next);
  next.finally(() => { if (told.get(wake) === next) told.delete(wake); });
  return next;
}

/** What a leg's Q.850 cause means to the caller. */
const statusOf = (cause) => ({ 17: 486, 21: 603 })[cause] ?? 480;

const calls = new Map();
const legs = new Map();

class Call {
  constructor(channel, number, uid) {
    Object.assign(this, { id: channel.id, channel, number, uid, legs: new Map(), over: new AbortController(), until: Date.now() + GIVE_UP_S * 1000, called: 0 });
  }

  async run() {
    const { number, name } = this.channel.caller;
    // A character of a name may be several octets; the edge takes 128 of them.
    const shown = [...(name ?? '').replace(/\p{Cc}/gu, '')].slice(0, 32).join('');
    const caller = { number: number.replace(/[^0-9A-Za-z+*#._-]/g, '').slice(0, 64) || 'anonymous', ...(shown && { name: shown }) };
    const whom = this.uid ? { uid: this.uid } : { number: this.number };
    const body = { call: this.id, ...whom, caller };
    // Which pages are here already is looked up before anybody is woken: one that comes is not called before its "ready".
    const here = this.uid ? null : await this.contacts();
    // A caller who hangs up now does not take the question back: the edge has it already, and is told by the id that it answers.
    const first = await this.#patiently(() => ask('POST', '/v1/wakes', body), 3);
    if (!first?.view.state) {
      log('the edge does not take call', this.id, first?.status ?? 'no answer');
      return this.end(503);
    }
    this.wake = first.view.id;
    if (this.uid) this.number = first.view.number;
    // For whoever runs after this process.
    await ari('POST', `/channels/${this.id}/variable`, { variable: 'WL_WAKE', value: this.wake });
    // Hung up while the edge was asked.
    if (this.gone) return tell(this.wake, 'cancelled');
    let { view } = first;
    if (!view.final) await this.dial(here ?? await this.#before());
    while (!this.over.signal.aborted) {
      if (view.final) return this.end(view.sip?.status ?? 480);
      // One more page is ready, perhaps while another rings.
      if (view.state === 'ready' || view.ready > this.called) await this.dial(await this.contacts());
      else if (view.state !== 'targeted' && !this.rang) await this.announce();
      this.called = view.ready;
      const after = view.version;
      // Ready, and no contact here: one that did not answer in time, perhaps, and does so soon.
      const wait = view.state === 'ready' && !this.legs.size ? 1 : 20;
      const path = `/v1/wakes/${encodeURIComponent(this.wake)}?wait=${wait}&after=${after}`;
      const next = await this.#patiently(() => ask('GET', path, undefined, { signal: this.over.signal, ms: 25_000 }), Infinity);
      if (next?.view.state) view = next.view;
      else if (next) await pause(300);
      if (!next && !this.over.signal.aborted) {
        tell(this.wake, 'failed', { status: 480 });
        return this.end(480);
      }
    }
    return undefined;
  }

  /** An edge that restarts is asked again. */
  async #patiently(question, tries) {
    for (let n = 0; n < tries && !this.over.signal.aborted && Date.now() < this.until; n += 1) {
      try {
        return await question();
      } catch {
        await pause(300);
      }
    }
    return null;
  }

  /**
   * Pages of a user, whose line is known only now, that were here before anybody was woken: those that are here, if nobody has opened
   * anything by then. One that comes is not called before its "ready".
   */
  async #before() {
    const found = await this.contacts();
    if (!found.length) return found;
    const now = await this.#patiently(() => ask('GET', `/v1/wakes/${encodeURIComponent(this.wake)}`), 1);
    return ['targeted', 'pushed', 'shown'].includes(now?.view.state) ? found : [];
  }

  async announce() {
    if (this.announced || !heard.announcement) return;
    this.announced = true;
    await ari('POST', `/channels/${this.id}/moh`, { mohClass: heard.announcement });
  }

  /** Where pages of the line are registered. */
  async contacts() {
    // A line that Asterisk does not have is an error there.
    const found = await ari('GET', `/channels/${this.id}/variable`, { variable: `PJSIP_DIAL_CONTACTS(${this.number})` }).catch(() => null);
    return (found?.value ?? '').split('&').filter(Boolean);
  }

  /** Makes a leg for every contact that has none yet; it is dialled once it is ours to lead (`lead`). */
  async dial(contacts) {
    const under = new Set([...this.legs.values()].map((leg) => leg.endpoint));
    await Promise.all(contacts.filter((endpoint) => !under.has(endpoint)).map(async (endpoint) => {
      const variables = { 'PJSIP_HEADER(add,Wakeline-Wake)': `${this.wake};state=invited` };
      // Named by us, so that what is told of it is understood even if it comes before the answer to this request.
      const channelId = `${this.id}-${this.made = (this.made ?? 0) + 1}`;
      this.legs.set(channelId, { endpoint });
      legs.set(channelId, this);
      const leg = await ari('POST', '/channels/create', { endpoint, app: APP, appArgs: 'leg', originator: this.id, channelId }, { variables }).catch((error) => log(error.message));
      if (!leg) this.#forget(channelId);
    }));
  }

  /** A leg has come to this application: before that Asterisk refuses to dial it. */
  async lead(id) {
    const dialled = !this.over.signal.aborted && await ari('POST', `/channels/${id}/dial`, { caller: this.id, timeout: RING_S }).catch((error) => log(error.message));
    if (!dialled) await ari('DELETE', `/channels/${id}`);
  }

  #forget(id) {
    this.legs.delete(id);
    legs.delete(id);
  }

  async ringing() {
    if (this.rang || this.talks) return;
    this.rang = true;
    tell(this.wake, 'ringing');
    if (this.announced) await ari('DELETE', `/channels/${this.id}/moh`);
    await ari('POST', `/channels/${this.id}/ring`);
  }

  async answered(id) {
    if (this.talks || this.gone) {
      await ari('DELETE', `/channels/${id}`, { reason: 'answered_elsewhere' });
      return;
    }
    this.talks = id;
    this.over.abort();
    tell(this.wake, 'answered');
    for (const other of this.legs.keys()) if (other !== id) ari('DELETE', `/channels/${other}`, { reason: 'answered_elsewhere' });
    if (this.announced && !this.rang) await ari('DELETE', `/channels/${this.id}/moh`);
    await ari('POST', `/channels/${this.id}/answer`);
    const bridge = await ari('POST', '/bridges', { type: 'mixing' });
    this.bridge = bridge.id;
    // One of both may be gone by now.
    const joined = await ari('POST', `/bridges/${bridge.id}/addChannel`, { channel: `${this.id},${id}` }).catch(() => null);
    if (!joined) for (const one of [this.id, id]) await ari('DELETE', `/channels/${one}`);
  }

  /** A leg is over. */
  async left(id, cause) {
    this.#forget(id);
    if (id === this.talks) {
      await ari('DELETE', `/channels/${this.id}`, { reason_code: String(cause || 16) });
      return;
    }
    if (this.talks || this.gone || this.ended) return;
    this.said = Math.max(this.said ?? 0, statusOf(cause));
    // Declined on one is declined on all.
    if (this.legs.size && this.said !== 603) return;
    // Nobody was there: a contact that is none any more. The next "ready" is for another.
    if (!this.rang && this.said === 480) {
      this.silent = (this.silent ?? 0) + 1;
      if (this.silent < 4) return;
    }
    this.over.abort();
    const view = await tell(this.wake, 'failed', { status: this.said });
    await this.end(view?.sip?.status ?? this.said);
  }

  /** Gives the caller back to the dialplan, which ends the call with this status. */
  async end(status) {
    if (this.ended || this.gone) return;
    this.ended = true;
    this.over.abort();
    for (const id of this.legs.keys()) ari('DELETE', `/channels/${id}`).catch(() => {});
    await ari('POST', `/channels/${this.id}/variable`, { variable: 'WL_STATUS', value: String(status) });
    await ari('POST', `/channels/${this.id}/continue`);
  }

  /** The caller is gone. */
  async hungUp() {
    if (this.gone) return;
    this.gone = true;
    this.over.abort();
    calls.delete(this.id);
    for (const id of this.legs.keys()) ari('DELETE', `/channels/${id}`).catch(() => {});
    if (this.bridge) ari('DELETE', `/bridges/${this.bridge}`).catch(() => {});
    if (this.wake && !this.ended) await tell(this.wake, this.talks ? 'ended' : 'cancelled');
  }
}

const on = {
  StasisStart({ channel, args }) {
    // One that nobody waits for any more is of a call that has ended.
    if (args[0] === 'leg') return legs.get(channel.id)?.lead(channel.id) ?? ari('DELETE', `/channels/${channel.id}`);
    const call = new Call(channel, args[0], args[1]);
    calls.set(channel.id, call);
    // It is hung up, and what follows from that is told; if Asterisk itself is gone, that is.
    return call.run().catch((error) => {
      log('call', call.id, error.message);
      return ari('DELETE', `/channels/${call.id}`, { reason_code: '42' });
    });
  },
  Dial: ({ peer, dialstatus }) => {
    if (dialstatus === 'RINGING') return legs.get(peer.id)?.ringing();
    if (dialstatus === 'ANSWER') return legs.get(peer.id)?.answered(peer.id);
    return undefined;
  },
  StasisEnd: ({ channel }) => calls.get(channel.id)?.hungUp(),
  ChannelDestroyed: ({ channel, cause }) => legs.get(channel.id)?.left(channel.id, cause) ?? calls.get(channel.id)?.hungUp(),
};

/** Calls that an earlier process left behind: nobody leads them any more. */
async function clear() {
  const application = await ari('GET', `/applications/${APP}`);
  for (const id of application?.channel_ids ?? []) {
    const wake = await ari('GET', `/channels/${id}/variable`, { variable: 'WL_WAKE' });
    if (wake?.value) tell(wake.value, 'ended');
    await ari('DELETE', `/channels/${id}`);
  }
}

async function listen() {
  const socket = new WebSocket(`${ARI.replace('http', 'ws')}/events?app=${APP}`, { headers: { authorization: `Basic ${basic}` } });
  const closed = new Promise((resolve) => { socket.onclose = resolve; });
  socket.onerror = () => {};
  socket.onopen = () => clear().then(() => log('leads calls'), (error) => log(error.message));
  socket.onmessage = ({ data }) => {
    const event = JSON.parse(data);
    Promise.resolve(on[event.type]?.(event)).catch((error) => log(`${event.type}:`, error.message));
  };
  await closed;
  // With Asterisk its calls are gone.
  for (const call of [...calls.values()]) call.hungUp();
  legs.clear();
}

for (;;) {
  await listen();
  await pause(500);
}
