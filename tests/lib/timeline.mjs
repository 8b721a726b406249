// The timeline of a wake, put together from what was seen on the wire, at the push service and on
// the screen. A step that was not seen is absent.

/** Reports of the service worker, and the browser's own look for a newer one: nothing waits for them. */
const UNAWAITED = /\/(shown|opened|sw\.js)$/;

/** SIP header by its long name. */
export function header(message, name) {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)\\r?$`, 'im').exec(message)?.[1];
}

/** `{wake, state}` of a message's Wakeline-Wake header. */
export function wakeOf(message) {
  const value = header(message, 'Wakeline-Wake');
  const [wake, ...parameters] = value?.split(';') ?? [];
  return value ? { wake, state: /state=(\w+)/.exec(parameters.join(';'))?.[1] } : {};
}

export const status = (message) => Number(/^SIP\/2\.0 (\d{3})/.exec(message)?.[1] ?? 0);
export const isResponse = (message, code, method) => status(message) === code && new RegExp(`^CSeq[ \\t]*:[ \\t]*\\d+ ${method}\\b`, 'im').test(message);

/**
 * Steps since the caller's INVITE: `{device, state, at_ms}`, `device` being "wake" for what the edge
 * told the caller of the whole wake, and "callee" for what was seen of the woken device.
 */
export function steps(world, { invite, wire, push, notifications }) {
  const since = invite.at;
  const seen = [];
  const add = (device, state, at) => {
    if (at === undefined || at < since - 1 || seen.some((step) => step.device === device && step.state === state)) return;
    seen.push({ device, state, at_ms: Math.round((at - since) * 10) / 10 });
  };
  for (const event of world.wire.log.events.slice(wire)) {
    if (event.name === 'received' && event.side === 'caller') {
      const { state } = wakeOf(event.text);
      if (state && /^SIP\/2\.0/.test(event.text)) add('wake', state, event.at);
    }
    if (event.side !== 'callee') continue;
    if (event.name === 'response' && event.status < 300) {
      const report = /^\/v1\/wakes\/[^/]+\/(opened|ready)/.exec(event.path)?.[1];
      // When the page said so; that it was accepted is what the answer is for, and an INVITE may overtake that.
      if (report) add('callee', report, event.asked);
    }
    if (event.name === 'received' && isResponse(event.text, 200, 'REGISTER')) add('callee', 'registered', event.at);
    if (event.name === 'received' && /^INVITE /.test(event.text)) add('callee', 'invited', event.at);
    if (event.name === 'sent' && isResponse(event.text, 180, 'INVITE')) add('callee', 'ringing', event.at);
    if (event.name === 'sent' && isResponse(event.text, 200, 'INVITE')) add('callee', 'answered', event.at);
    if (event.name === 'sent' && isResponse(event.text, 603, 'INVITE')) add('callee', 'declined', event.at);
  }
  add('callee', 'pushed', world.push.log.find((event) => event.name === 'push' && event.status === 201, push)?.at);
  add('callee', 'shown', world.notifications.log.find('shown', notifications)?.at);
  return seen.sort((one, other) => one.at_ms - other.at_ms);
}

/**
 * Sequential round trips of the page from its first script to the INVITE: backwards from the INVITE,
 * each time the exchange whose answer came last before the present one was sent. What nothing
 * waits for is not counted.
 */
export function roundTrips(world, { wire }, firstScript) {
  const exchanges = [];
  const asked = new Map();
  let inviteAt;
  for (const event of world.wire.log.events.slice(wire)) {
    if (event.side !== 'callee' || inviteAt) continue;
    const key = `${event.connection}`;
    if (event.name === 'response' && !UNAWAITED.test(event.path)) exchanges.push({ what: `${event.method} ${event.path}`, from: event.asked, to: event.at });
    if (event.name === 'upgrade') asked.set(`${key} upgrade`, event.at);
    if (event.name === 'upgraded') exchanges.push({ what: 'upgrade', from: asked.get(`${key} upgrade`), to: event.at });
    if (event.name === 'sent' && /^(REGISTER|OPTIONS) /.test(event.text)) asked.set(`${key} ${header(event.text, 'CSeq')}`, event.at);
    if (event.name === 'received' && /^SIP\/2\.0 [2-6]/.test(event.text)) {
      const from = asked.get(`${key} ${header(event.text, 'CSeq')}`);
      if (from) exchanges.push({ what: header(event.text, 'CSeq').split(' ')[1], from, to: event.at });
    }
    if (event.name === 'received' && /^INVITE /.test(event.text)) {
      inviteAt = event.at;
      // "ready" is answered by the INVITE, whichever of both arrives first.
      const ready = world.wire.log.find((one) => one.name === 'request' && /\/ready$/.test(one.path) && one.at >= world.wire.log.events[wire].at, wire);
      if (ready) exchanges.push({ what: 'ready', from: ready.at, to: inviteAt });
    }
  }
  if (!inviteAt) return null;
  const chain = [];
  let cursor = inviteAt + 1;
  for (;;) {
    const before = exchanges.filter((one) => one.to < cursor && one.from >= firstScript && !(one.what.endsWith('/ready'))).sort((a, b) => b.to - a.to)[0];
    if (!before) return { count: chain.length, chain };
    chain.unshift(before.what);
    cursor = before.from + 0.5;
  }
}
