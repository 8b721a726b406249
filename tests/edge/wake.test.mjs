// The wake, without a browser: a parked call, a push that really arrives and is read, a page that comes, and every other end;
// with every object forgotten before each step.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
let quick;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null });
  // Deadlines that a test can wait for.
  quick = await Edge.open({ assets: null, sites: [{ limits: { ready_s: 7, ring_s: 7, tap_grace_s: 2 }, push: { repush_s: 6 } }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await Promise.all([edge?.close(), quick?.close()]);
});

async function online(number, at = edge) {
  const it = new Device(at, number, { token: await at.token(number) });
  closing.push(it);
  return it.online();
}

/** A device that is bound, and away. */
async function asleep(number, at = edge) {
  const sink = await Sink.open({ vapid: at.vapid });
  const it = new Device(at, number, { token: await at.token(number) });
  closing.push(it, sink);
  const { status } = await it.bind({ sink });
  assert.equal(status, 201);
  return Object.assign(it, { sink });
}

const capability = (push) => push.said.wakeline.capability;
const missed = async (it) => (await it.api('GET', '/v1/missed')).body.missed;

/** The whole job; `between` runs before each step. */
async function wake(numbers, between = async () => {}) {
  const [caller, callee] = [await online(numbers[0]), await asleep(numbers[1])];
  await between('invite');
  const call = caller.call(numbers[1]);
  const push = await callee.sink.push('invitation');
  assert.equal(push.said.web_push, 8030);
  assert.equal(push.said.wakeline.caller.number, numbers[0]);
  assert.equal(push.urgency, 'high');
  assert.ok(push.ttl > 50 && push.ttl <= 60, `TTL ${push.ttl}`);
  const id = push.wake;
  assert.equal((await call.hears('pushed')).status, 182);

  await between('shown');
  const shown = await callee.report(id, 'shown', { capability: capability(push) });
  assert.deepEqual([shown.status, shown.body.state], [200, 'shown']);
  assert.equal((await call.hears('shown')).status, 182);

  await between('opened');
  const opened = await callee.report(id, 'opened', { capability: capability(push) });
  assert.deepEqual([opened.status, opened.body.state], [200, 'opened']);
  assert.equal((await call.hears('opened')).status, 182);

  await between('not registered');
  assert.equal((await callee.report(id, 'ready')).status, 409);

  await between('socket');
  await callee.open();
  await between('register');
  const registered = await callee.register();
  assert.equal(registered.status, 200);
  assert.match(registered.all('wakeline-waiting'), new RegExp(id));

  await between('ready');
  const ready = await callee.report(id, 'ready');
  assert.equal(ready.status, 200, JSON.stringify(ready.body));
  const incoming = await callee.incoming();
  assert.deepEqual(incoming.wake, { id, state: 'invited' });

  await between('ringing');
  incoming.ring();
  assert.equal((await call.hears(180)).wake.state, 'ringing');

  await between('answered');
  const [, final] = await Promise.all([incoming.answer(), call.final()]);
  assert.equal(final.status, 200);

  await between('over');
  const late = await callee.report(id, 'decline', { capability: capability(push) });
  assert.equal(late.status, 410);
  assert.equal(late.body.wake.state, 'answered');

  await between('bye');
  const bye = call.dialog.request('BYE');
  callee.respond(await incoming.sees('BYE'), 200, 'OK');
  assert.equal((await bye).status, 200);
  assert.deepEqual(await missed(callee), []);
  return { caller, callee, id };
}

test('a sleeping line is woken, rings, answers and hangs up', () => wake(['4001', '4002']));

test('the same with every object forgotten before each step', async () => {
  const steps = [];
  await wake(['4011', '4012'], async (step) => {
    steps.push(step);
    await edge.evictAll();
  });
  assert.equal(steps.length, 11);
});

test('INVITE to push is quick also on a busy machine (the bench holds it to 15 ms)', async () => {
  const [caller, callee] = [await online('4021'), await asleep('4022')];
  const times = [];
  for (let i = 0; i < 10; i++) {
    const since = callee.sink.log.mark();
    const begun = Date.now();
    const call = caller.call('4022');
    const { at } = await callee.sink.push('invitation', { since });
    if (i > 0) times.push(at - begun);
    await call.hears('pushed');
    await call.cancel();
    await call.final();
  }
  times.sort((a, b) => a - b);
  console.log(`# INVITE to push, ms: ${times.join(' ')}`);
  assert.ok(times[4] <= 500, `median ${times[4]} ms`);
});

test('declined on the notification: 603, no page opens', async () => {
  const [caller, callee] = [await online('4031'), await asleep('4032')];
  const call = caller.call('4032');
  const push = await callee.sink.push('invitation');
  await edge.evictAll();
  const declined = await callee.report(push.wake, 'decline', { capability: capability(push) });
  assert.deepEqual([declined.status, declined.body.state], [200, 'declined']);
  const final = await call.final();
  assert.deepEqual([final.status, final.wake.state], [603, 'declined']);
  const again = await edge.api('GET', `/v1/wakes/${push.wake}`, { token: null, authorization: `Wake ${capability(push)}` });
  assert.deepEqual([again.status, again.body.state], [200, 'declined']);
});

test('the caller hangs up before the tap: 487, the notification becomes a missed call', async () => {
  const [caller, callee] = [await online('4041'), await asleep('4042')];
  const call = caller.call('4042');
  const push = await callee.sink.push('invitation');
  await call.hears('pushed');
  await edge.evictAll();
  assert.equal((await call.cancel()).status, 200);
  assert.equal((await call.final()).status, 487);
  const replaced = await callee.sink.push('cancelled');
  assert.equal(replaced.topic, push.topic);
  assert.equal(replaced.ttl, 24 * 3600);
  const [entry] = await missed(callee);
  assert.deepEqual([entry.id, entry.caller.number, entry.outcome, entry.caller_online, entry.seen], [push.wake, '4041', 'cancelled', true, false]);
  const waiting = (await callee.api('GET', '/v1/waiting')).body;
  assert.deepEqual([waiting.wakes, waiting.missed.map((m) => m.id)], [[], [push.wake]]);
  await callee.api('POST', '/v1/missed/seen', { ids: [push.wake] });
  assert.equal((await missed(callee))[0].seen, true);
  assert.deepEqual((await callee.api('GET', '/v1/waiting')).body.missed, []);
});

test('never tapped: pushed again while it waits, then 480, a missed call and its push', async () => {
  const [caller, callee] = [await online('4051', quick), await asleep('4052', quick)];
  const call = caller.call('4052');
  const first = await callee.sink.push('invitation');
  await quick.evictAll();
  const final = await call.final({ ms: 15_000 });
  assert.deepEqual([final.status, final.wake.state], [480, 'expired']);
  assert.match(final.header('reason'), /^SIP;\s*cause=480/);
  const replaced = await callee.sink.push('missed');
  assert.equal(replaced.topic, first.topic);
  assert.ok(callee.sink.count('invitation') >= 2, 'pushed again');
  assert.equal((await missed(callee))[0].outcome, 'expired');
  await until(async () => (await quick.rows("SELECT outcome FROM calls WHERE callee = '4052'"))[0]?.outcome === 'expired');
});

test('ringing, not answered: 480 and a missed call', async () => {
  const [caller, callee] = [await online('4061', quick), await online('4062', quick)];
  const call = caller.call('4062');
  const incoming = await callee.incoming();
  incoming.ring();
  await call.hears(180);
  await quick.evictAll();
  const final = await call.final({ ms: 15_000 });
  assert.deepEqual([final.status, final.wake.state], [480, 'unanswered']);
  await incoming.sees('CANCEL');
  assert.equal((await missed(callee))[0].outcome, 'unanswered');
});

test('tapped too late: 410, and what became of it', async () => {
  const [caller, callee] = [await online('4071', quick), await asleep('4072', quick)];
  const call = caller.call('4072');
  const push = await callee.sink.push('invitation');
  await call.final({ ms: 15_000 });
  await callee.online();
  const late = await callee.report(push.wake, 'ready');
  assert.equal(late.status, 410);
  assert.equal(late.body.wake.state, 'expired');
});

test('a page opened by hand while an invitation waits learns of it and rings', async () => {
  const [caller, callee] = [await online('4081'), await asleep('4082')];
  const call = caller.call('4082');
  await callee.sink.push('invitation');
  const { body } = await callee.api('GET', '/v1/waiting');
  assert.equal(body.wakes[0].caller.number, '4081');
  await callee.online();
  await callee.report(body.wakes[0].id, 'ready');
  (await callee.incoming()).ring();
  await call.hears(180);
  await call.cancel();
  await call.final();
});

test('a tab that sleeps with its socket open is pushed, and rings once when it comes back', async () => {
  const [caller, callee] = [await online('4091'), await asleep('4092')];
  await callee.online();
  callee.alive = false;
  const call = caller.call('4092');
  const push = await callee.sink.push('invitation', { ms: 5000 });
  assert.equal(callee.log.filter((e) => e.method === 'INVITE').length, 0, 'a silent flow is not invited');
  callee.alive = true;
  assert.equal((await callee.register()).status, 200);
  await callee.report(push.wake, 'ready');
  (await callee.incoming()).ring();
  await call.hears(180);
  assert.equal(callee.log.filter((e) => e.method === 'INVITE').length, 1);
  await call.cancel();
  await call.final();
});

test('a subscription that is gone is forgotten; a push service that is busy is tried again', async () => {
  const caller = await online('4101');
  const gone = await asleep('4102');
  gone.sink.answers = [410];
  const call = caller.call('4102');
  const final = await call.final();
  assert.deepEqual([final.status, final.wake.state], [480, 'unreachable']);
  assert.equal((await gone.api('GET', '/v1/devices')).body.devices[0].push, undefined);
  const busy = await asleep('4103');
  busy.sink.answers = [{ status: 503, headers: { 'retry-after': '1' } }];
  const again = caller.call('4103');
  await again.hears('pushed', { ms: 6000 });
  assert.equal(busy.sink.count('invitation'), 2);
  await again.cancel();
  await again.final();
});

test('a redirect of a push service is not followed', async () => {
  const [caller, callee, other] = [await online('4111'), await asleep('4112'), await asleep('4113')];
  callee.sink.answers = [{ status: 307, headers: { location: other.sink.subscription.endpoint } }];
  const final = await caller.call('4112').final();
  assert.equal(final.wake.state, 'unreachable');
  assert.equal(other.sink.log.events.length, 0);
});

test('a revoked device is not pushed', async () => {
  const [caller, callee] = [await online('4121'), await asleep('4122')];
  assert.equal((await callee.api('DELETE', `/v1/devices/${callee.device}`)).status, 204);
  const final = await caller.call('4122').final();
  assert.deepEqual([final.status, final.wake.state], [480, 'unbound']);
  assert.equal(callee.sink.log.events.length, 0);
});

test('two devices: one declines for the line, the other\'s notification is replaced', async () => {
  const caller = await online('4131');
  const [one, two] = [await asleep('4132'), await asleep('4132')];
  const call = caller.call('4132');
  const [push] = [await one.sink.push('invitation'), await two.sink.push('invitation')];
  await one.report(push.wake, 'decline', { capability: capability(push) });
  assert.equal((await call.final()).status, 603);
  assert.equal((await two.sink.push('declined')).ttl, 60);
});

test('a week later: the token has ended, the device credential renews it, and the line rings', async () => {
  const [caller, callee] = [await online('4141'), await asleep('4142')];
  callee.token = null;
  const call = caller.call('4142');
  const push = await callee.sink.push('invitation');
  const renewed = await callee.renew();
  assert.equal(renewed.status, 200);
  callee.token = renewed.body.token;
  await callee.online();
  assert.equal((await callee.report(push.wake, 'ready')).status, 200);
  (await callee.incoming()).ring();
  await call.hears(180);
  await call.cancel();
  await call.final();
});

test('a capability speaks for its own wake and device only, and reveals nothing of others', async () => {
  const [caller, callee, other] = [await online('4151'), await asleep('4152'), await asleep('4153')];
  const [a, b] = [caller.call('4152'), caller.call('4153')];
  const [mine, theirs] = [await callee.sink.push('invitation'), await other.sink.push('invitation')];
  const foreign = await edge.api('POST', `/v1/wakes/${theirs.wake}/decline`, { token: null, authorization: `Wake ${capability(mine)}` });
  const nothing = await edge.api('POST', `/v1/wakes/${'A'.repeat(22)}/decline`, { token: null, authorization: `Wake ${capability(mine)}` });
  assert.deepEqual([foreign.status, foreign.body], [401, nothing.body]);
  const [text, tag] = capability(mine).split('.');
  const forged = `${Buffer.from(Buffer.from(text, 'base64url').toString().replace('4152', '4153').replace(mine.wake, theirs.wake)).toString('base64url')}.${tag}`;
  assert.equal((await edge.api('GET', `/v1/wakes/${theirs.wake}`, { token: null, authorization: `Wake ${forged}` })).status, 401);
  assert.equal((await edge.api('GET', `/v1/wakes/${theirs.wake}`, { token: callee.token })).status, 404);
  assert.equal((await callee.report(theirs.wake, 'shown')).status, 404);
  assert.equal((await callee.report(theirs.wake, 'shown', { body: {} })).status, 404);
  assert.equal((await callee.report(mine.wake, 'shown', { body: {} })).status, 400);
  assert.equal((await callee.report(mine.wake, 'shown', { capability: capability(mine), body: { device: other.device } })).status, 403);
  assert.equal((await callee.report(mine.wake, 'ready', { capability: capability(mine) })).status, 401);
  for (const call of [a, b]) {
    await call.cancel();
    await call.final();
  }
});

test('a capability is dead when its wake is over: it reports nothing and ends nothing', async () => {
  const [caller, callee] = [await online('4161'), await asleep('4162')];
  const first = caller.call('4162');
  const push = await callee.sink.push('invitation');
  const by = (what) => callee.report(push.wake, what, { capability: capability(push) });
  assert.equal((await by('shown')).status, 200);
  await first.cancel();
  await first.final();
  for (const what of ['shown', 'opened', 'decline']) {
    const late = await by(what);
    // It hears that it is over, and that is all: nothing follows from what it says.
    const over = late.status === 410 ? late.body.wake : late.body;
    assert.equal(over.state, 'cancelled', `${what}: ${late.status}`);
    assert.ok(!over.devices.some(({ state }) => ['opened', 'declined'].includes(state)), JSON.stringify(over.devices));
  }
  // Nor does it touch the next call to the same device.
  const since = callee.sink.log.mark();
  const next = caller.call('4162');
  const fresh = await callee.sink.push('invitation', { since });
  assert.notEqual(fresh.wake, push.wake);
  assert.equal((await edge.api('POST', `/v1/wakes/${fresh.wake}/decline`, { token: null, authorization: `Wake ${capability(push)}` })).status, 401);
  assert.equal((await callee.report(fresh.wake, 'decline', { capability: capability(fresh) })).status, 200);
  assert.equal((await next.final()).status, 603);
});

test('D1 away: a call goes on as if nothing were, and its record follows', async () => {
  const [caller, callee] = [await online('4171'), await online('4172')];
  await edge.rows('ALTER TABLE calls RENAME TO calls_away');
  try {
    const call = caller.call('4172');
    const incoming = await callee.incoming();
    incoming.ring();
    await Promise.all([incoming.answer(), call.final()]);
    const bye = call.dialog.request('BYE');
    callee.respond(await incoming.sees('BYE'), 200, 'OK');
    assert.equal((await bye).status, 200);
  } finally {
    await edge.rows('ALTER TABLE calls_away RENAME TO calls');
  }
  await until(async () => (await edge.rows("SELECT outcome FROM calls WHERE caller = '4171'"))[0]?.outcome === 'answered', { ms: 20_000, every: 200 });
});

test('numbers, capabilities and endpoints are in no log line', () => {
  const log = [...edge.lines, ...quick.lines].join('\n');
  assert.ok(!/\b4[01]\d\d\b|eyJ|\/push\/|\.[\w-]{43}/.test(log), log.slice(0, 2000));
});
