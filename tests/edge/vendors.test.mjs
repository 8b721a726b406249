// Push to apps beside Web Push: Getui and uni-push 2.0, by the stand-ins of `tests/lib/push`; what the edge makes of their answers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Getui } from '../lib/push/getui.mjs';
import { Unicloud } from '../lib/push/unicloud.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
let getui;
let cloud;
const closing = [];

before(async () => {
  [getui, cloud] = await Promise.all([Getui.open(), Unicloud.open()]);
  edge = await Edge.open({ assets: null, sites: [{ push: { getui: getui.policy, unicloud: cloud.policy } }] });
  cloud.key = edge.secrets.test.unicloud.key;
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
  await Promise.all([getui?.close(), cloud?.close()]);
});

async function online(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  return it.online();
}

/** A device of this line that is bound, and away. */
async function asleep(number, target) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  const { status, body } = await it.bind({ sink: { subscription: target }, lang: 'en' });
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body.push, target.provider);
  return it;
}

const devices = async (it) => (await it.api('GET', '/v1/devices')).body.devices;

/** From the push on: the person taps, the app opens the page, the page says "ready", it rings and is answered. */
async function tapped(call, callee, push) {
  assert.equal(new URL(push.data.url).searchParams.get('wake'), push.wake);
  assert.equal((await call.hears('pushed')).status, 182);
  // No capability travels by way of a vendor: the page proves itself by its own session.
  const opened = await callee.report(push.wake, 'opened');
  assert.deepEqual([opened.status, opened.body.state], [200, 'opened']);
  await callee.online();
  assert.equal((await callee.report(push.wake, 'ready')).status, 200);
  const incoming = await callee.incoming();
  incoming.ring();
  assert.equal((await call.hears(180)).wake.state, 'ringing');
  const [, final] = await Promise.all([incoming.answer(), call.final()]);
  assert.equal(final.status, 200);
  const bye = call.dialog.request('BYE');
  callee.respond(await incoming.sees('BYE'), 200, 'OK');
  assert.equal((await bye).status, 200);
}

test('an app in touch with Getui: pushed, tapped, ready, rings, answered', async () => {
  const phone = getui.phone();
  const [caller, callee] = [await online('7001'), await asleep('7002', phone.target)];
  const call = caller.call('7002');
  const push = await getui.push(phone, 'invitation');
  assert.equal(push.title, 'Incoming call');
  assert.equal(push.data.wakeline.caller.number, '7001');
  assert.ok(push.ttl > 50_000 && push.ttl <= 60_000, `ttl ${push.ttl}`);
  assert.equal(JSON.stringify(push.data).includes('capability'), false);
  await tapped(call, callee, push);
});

test('an app that is away: by the phone\'s vendor, and the same to the end', async () => {
  const phone = getui.phone('offline');
  const [caller, callee] = [await online('7011'), await asleep('7012', phone.target)];
  const call = caller.call('7012');
  await tapped(call, callee, await getui.push(phone, 'invitation'));
});

test('one sign-in serves all lines of a site, also after the whole edge was restarted', async () => {
  const before = getui.count('sign-in');
  assert.equal(before, 1);
  await edge.restart();
  const phones = [getui.phone(), getui.phone(), getui.phone()];
  const caller = await online('7021');
  const calls = [];
  for (const [n, phone] of phones.entries()) {
    await asleep(`702${n + 2}`, phone.target);
    calls.push(caller.call(`702${n + 2}`));
  }
  await Promise.all(phones.map((phone) => getui.push(phone, 'invitation')));
  await Promise.all(calls.map(async (call) => { await call.cancel(); return call.final(); }));
  assert.equal(getui.count('sign-in'), before);
});

test('a token that Getui no longer takes (10001) is renewed once, although two lines ask at once, and the pushes arrive', async () => {
  const phones = [getui.phone(), getui.phone()];
  const caller = await online('7031');
  await Promise.all(phones.map((phone, n) => asleep(`703${n + 2}`, phone.target)));
  getui.expireTokens();
  const [signIns, refused] = [getui.count('sign-in'), getui.count('refused', (e) => e.code === 10001)];
  const calls = phones.map((_, n) => caller.call(`703${n + 2}`));
  await Promise.all(phones.map((phone) => getui.push(phone, 'invitation')));
  assert.equal(getui.count('sign-in'), signIns + 1);
  assert.ok(getui.count('refused', (e) => e.code === 10001) > refused);
  assert.equal(getui.count('lost'), 0);
  await Promise.all(calls.map(async (call) => { await call.cancel(); return call.final(); }));
});

test('a CID that Getui does not know is dropped, and not pushed to again', async () => {
  const phone = getui.phone();
  const [caller, callee] = [await online('7041'), await asleep('7042', phone.target)];
  assert.equal((await devices(callee))[0].push, 'getui');
  getui.cids.delete(phone.cid);
  const final = await caller.call('7042').final();
  assert.deepEqual([final.status, final.wake.state], [480, 'unreachable']);
  assert.equal((await devices(callee))[0].push, undefined);
  const asked = getui.count('refused');
  assert.equal((await caller.call('7042').final()).status, 480);
  assert.equal(getui.count('refused'), asked);
  // What the vendor has forgotten is not taken again; another is.
  const again = await callee.bind({ sink: { subscription: phone.target } });
  assert.deepEqual([again.status, again.body.push], [200, undefined]);
  const other = await callee.bind({ sink: { subscription: getui.phone().target } });
  assert.deepEqual([other.status, other.body.push], [200, 'getui']);
});

test('a phone whose app nobody used for 90 days is not reached, and stays bound', async () => {
  const phone = getui.phone('ignore');
  const [caller, callee] = [await online('7051'), await asleep('7052', phone.target)];
  const final = await caller.call('7052').final();
  assert.deepEqual([final.status, final.wake.state], [480, 'unreachable']);
  assert.equal((await devices(callee))[0].push, 'getui');
});

test('too many a minute (10005), and a service that is starting (2): tried again', async () => {
  const phone = getui.phone();
  const caller = await online('7061');
  await asleep('7062', phone.target);
  getui.answers.push([200, 2, 'starting']);
  const call = caller.call('7062');
  await getui.push(phone, 'invitation');
  assert.equal((await call.hears('pushed')).status, 182);
  await call.cancel();
  await call.final();
  await getui.push(phone, 'cancelled');
});

test('a browser and two kinds of app ring for one line; the caller hangs up: each notification is replaced', async () => {
  const sink = await Sink.open({ vapid: edge.vapid });
  closing.push(sink);
  const [phone, other] = [getui.phone(), cloud.phone()];
  const caller = await online('7071');
  const browser = new Device(edge, '7072', { token: await edge.token('7072') });
  closing.push(browser);
  assert.equal((await browser.bind({ sink, lang: 'en' })).status, 201);
  await asleep('7072', phone.target);
  await asleep('7072', other.target);
  assert.deepEqual((await devices(browser)).map((it) => it.push).sort(), ['getui', 'unicloud', 'webpush']);

  const call = caller.call('7072');
  const pushes = await Promise.all([sink.push('invitation'), getui.push(phone, 'invitation'), cloud.push(other, 'invitation')]);
  assert.equal(new Set(pushes.map((push) => push.wake)).size, 1);
  assert.equal(pushes[2].message.force_notification, true);
  await call.hears('pushed');
  assert.deepEqual([...phone.screen.values()].map((it) => it.title), ['Incoming call']);

  const began = Date.now();
  await call.cancel();
  assert.equal((await call.final()).status, 487);
  const [, , last] = await Promise.all([sink.push('cancelled'), getui.push(phone, 'cancelled'), cloud.push(other, 'cancelled')]);
  assert.ok(Date.now() - began < 2000, `${Date.now() - began} ms`);
  // One notification, which says something else now.
  assert.deepEqual([...phone.screen.values()].map((it) => it.title), ['Missed call']);
  assert.equal(last.message.title, 'Missed call');
  // The function runs in a realm of its own: compared as JSON.
  assert.equal(JSON.stringify(last.message.options), JSON.stringify(pushes[2].message.options));
});

test('an app by uni-push 2.0: the shipped cloud function takes what the edge signed, and rings', async () => {
  const phone = cloud.phone();
  const [caller, callee] = [await online('7081'), await asleep('7082', phone.target)];
  const call = caller.call('7082');
  const push = await cloud.push(phone, 'invitation');
  await tapped(call, callee, { wake: push.wake, data: push.message.payload });
});

test('the cloud function refuses what the edge did not sign, and a stale request', async () => {
  const asked = (headers) => fetch(cloud.url, { method: 'POST', headers, body: '{"push_clientid":""}' });
  const fields = (at, sig) => ({ 'wakeline-signature': `at=${at},id=${'a'.repeat(32)},sig=${sig}` });
  const { createHmac } = await import('node:crypto');
  const sign = (at) => createHmac('sha256', cloud.key).update(`${at}.${'a'.repeat(32)}.{"push_clientid":""}`).digest('hex');
  const now = Date.now();
  assert.equal((await asked({})).status, 401);
  assert.equal((await asked(fields(now, 'b'.repeat(64)))).status, 401);
  assert.equal((await asked(fields(now - 600_000, sign(now - 600_000)))).status, 401);
  // Signed, but nobody is named: uni-push would push to everybody.
  assert.equal((await asked(fields(now, sign(now)))).status, 400);
});

test('a CID that cannot be one, and a vendor that the site has no account at, are refused with the way out', async () => {
  const bare = await Edge.open({ assets: null });
  closing.push(bare);
  const it = new Device(edge, '7091', { token: await edge.token('7091') });
  const bad = await it.bind({ sink: { subscription: { provider: 'getui', cid: 'a"b":"c' } } });
  assert.equal(bad.status, 400);
  assert.match(bad.body.detail, /cid is not 8 to 128/);
  const foreign = await it.bind({ sink: { subscription: { provider: 'acme', cid: 'a'.repeat(32) } } });
  assert.equal(foreign.status, 400);
  const elsewhere = new Device(bare, '7091', { token: await bare.token('7091') });
  const none = await elsewhere.bind({ sink: { subscription: getui.phone().target } });
  assert.equal(none.status, 422);
  assert.match(none.body.detail, /no account at getui/);
});

test('answers are counted by provider, and no log holds a CID, a token or a secret', async () => {
  const text = await until(async () => {
    const { body } = await edge.api('GET', '/v1/metrics', { token: edge.operatorKey });
    return /provider="unicloud",answer="accepted"/.test(body) && body;
  });
  for (const counted of ['provider="getui",answer="accepted"', 'provider="getui",answer="gone"', 'provider="getui",answer="later"', 'provider="getui",answer="refused"']) {
    assert.ok(text.includes(counted), `${counted} in\n${text}`);
  }
  const log = edge.lines.join('\n');
  for (const secret of [...getui.cids.keys(), ...cloud.cids, ...getui.tokens, getui.app.secret, cloud.key]) assert.equal(log.includes(secret), false);
  assert.equal(log.includes('push_fault'), false, log);
  assert.deepEqual(getui.log.filter((e) => e.name === 'bad'), []);
});
