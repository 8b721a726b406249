// States and records: user_property, user_call, look-up, retention, deletion, counters, stories; with the real D1 and real objects.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const DAY = 86_400_000;
let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ retention_days: 30, limits: { lookups_per_minute: 8 } }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

async function device(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  return it;
}
const online = async (number) => (await device(number)).online();
async function asleep(number) {
  const sink = await Sink.open({ vapid: edge.vapid });
  closing.push(sink);
  const it = await device(number);
  assert.equal((await it.bind({ sink })).status, 201);
  return Object.assign(it, { sink });
}

const property = async (uid) => (await edge.api('GET', `/v1/users/${uid}`)).body.user_property?.[0];
const look = (who, number) => who.api('GET', `/v1/presence/${number}`);

test('user_property follows the connections: 1 with an address, then 0 without', async () => {
  const it = await online('6001');
  const there = await until(() => property('6001'));
  assert.deepEqual([there.User_id, there.User_netstate, there.number], ['6001', 1, '6001']);
  assert.match(there.User_ip, /^(127\.0\.0\.1|::1|::ffff:127\.0\.0\.1)$/);
  await edge.evictAll();
  await it.close();
  const gone = await until(async () => (await property('6001')).User_netstate === 0 && property('6001'));
  assert.equal(gone.User_ip, undefined, 'nobody keeps an address of somebody who is away');
  assert.ok(gone.at >= there.at);
});

test('user_call is there as soon as it is asked, the callee online or not, and closed with its outcome', async () => {
  const [caller, callee] = [await online('6011'), await asleep('6012')];
  const call = caller.call('6012');
  const { wake } = await callee.sink.push('invitation');
  const asked = await until(async () => (await edge.api('GET', '/v1/users/6011/calls')).body.user_call[0]);
  assert.deepEqual([asked.id, asked.User_id, asked.Callee_id, asked.Outcome], [wake, '6011', '6012', undefined]);
  assert.ok(Math.abs(asked.Call_date - Date.now()) < 20_000);
  await call.cancel();
  await call.final();
  const closed = await until(async () => (await edge.api('GET', '/v1/users/6011/calls')).body.user_call.find((one) => one.Outcome));
  assert.deepEqual([closed.id, closed.Outcome, closed.Call_date], [wake, 'cancelled', asked.Call_date]);
});

test('D1 away while a call is asked: the call goes on, and both its records follow', async () => {
  const [caller, callee] = [await online('6021'), await online('6022')];
  await edge.rows('ALTER TABLE calls RENAME TO calls_away');
  try {
    const call = caller.call('6022');
    const incoming = await callee.incoming();
    incoming.ring();
    await Promise.all([incoming.answer(), call.final()]);
    const bye = call.dialog.request('BYE');
    callee.respond(await incoming.sees('BYE'), 200, 'OK');
    assert.equal((await bye).status, 200);
  } finally {
    await edge.rows('ALTER TABLE calls_away RENAME TO calls');
  }
  const row = await until(async () => (await edge.rows("SELECT outcome, started_at, ended_at, caller_uid FROM calls WHERE caller = '6021'"))[0], { ms: 20_000, every: 200 });
  assert.deepEqual([row.outcome, row.caller_uid], ['answered', '6021']);
  assert.ok(row.started_at <= row.ended_at);
});

test('a caller looks up the callee: online, asleep, offline; as it is now, not as it was recorded', async () => {
  const viewer = await online('6031');
  const callee = await asleep('6032');
  const state = async () => (await look(viewer, '6032')).body.state;
  assert.equal(await state(), 'asleep');
  await callee.online();
  const { status, body } = await look(viewer, '6032');
  assert.deepEqual([status, body.number, body.state], [200, '6032', 'online']);
  assert.ok(Math.abs(body.at - Date.now()) < 20_000);
  await callee.close();
  await until(async () => await state() === 'asleep', { every: 1500 });
});

test('hidden, unknown, and no number at all look the same; nobody without a token looks', async () => {
  const viewer = await online('6041');
  const hidden = await online('6042');
  const set = await hidden.api('PUT', '/v1/presence', { visibility: 'nobody' });
  assert.deepEqual([set.status, set.body], [200, { state: 'online', visibility: 'nobody' }]);
  await edge.evictAll();
  const [first, second, third] = [await look(viewer, '6042'), await look(viewer, '6049'), await look(viewer, 'no%20number')];
  assert.deepEqual([first.status, first.body], [404, second.body]);
  assert.deepEqual([first.status, first.body], [third.status, third.body]);
  assert.equal((await hidden.api('GET', '/v1/presence')).body.visibility, 'nobody');
  assert.equal((await edge.api('GET', '/v1/presence/6042', { token: null })).status, 401);
  // A missed call from somebody who hides: nothing is said of where they are.
  const call = hidden.call('6041');
  const incoming = await viewer.incoming();
  incoming.ring();
  await call.hears(180);
  await call.cancel();
  await call.final();
  const [missed] = (await viewer.api('GET', '/v1/missed')).body.missed;
  assert.deepEqual([missed.caller.number, missed.caller_online], ['6042', undefined]);
  const back = await hidden.api('PUT', '/v1/presence', { visibility: 'everyone' });
  assert.equal(back.body.visibility, 'everyone');
  assert.equal((await look(viewer, '6042')).status, 200);
});

test('one line looks up only so many states in a minute', async () => {
  const viewer = await online('6051');
  const answers = [];
  for (let i = 0; i < 9; i += 1) answers.push((await look(viewer, '6051')).status);
  assert.deepEqual(answers, [200, 200, 200, 200, 200, 200, 200, 200, 429]);
});

test('the daily handler deletes what is older than the site keeps it, and nothing else', async () => {
  const start = Date.now();
  for (const [id, days] of [['old', 31], ['young', 29]]) {
    await edge.rows('INSERT INTO calls (site, id, caller, callee, started_at, ended_at, outcome) VALUES (?, ?, ?, ?, ?, ?, ?)', 'test', id, '6061', '6062', start - days * DAY, start - days * DAY, 'answered');
  }
  await edge.scheduled();
  assert.deepEqual((await edge.rows("SELECT id FROM calls WHERE caller = '6061'")).map(({ id }) => id), ['young']);
});

test('a user is deleted everywhere, by the site\'s key: parked calls end, tokens die, records of others name nobody', async () => {
  const account = await edge.account('6072', { display_name: 'Grace', uid: 'u-6072' });
  const [caller, friend] = [await online('6071'), await asleep('6073')];
  const callee = await asleep('6072');
  // They called somebody, who missed it; and somebody is calling them.
  await callee.online();
  const out = callee.call('6073');
  await friend.sink.push('invitation');
  await out.cancel();
  await out.final();
  await callee.close();
  const parked = caller.call('6072');
  await callee.sink.push('invitation');
  await until(async () => (await edge.rows("SELECT id FROM calls WHERE callee = '6072'")).length);

  assert.equal((await edge.api('DELETE', '/v1/users/u-6072')).status, 204);
  assert.equal((await parked.final()).status, 480);
  assert.equal((await callee.api('GET', '/v1/account')).status, 401, 'their token is dead');
  assert.equal((await callee.renew()).status, 401, 'their device is gone');
  const again = await (await callee.open()).register();
  assert.equal(again.status, 403);
  assert.equal((await edge.api('POST', '/v1/sessions', { body: { number: '6072', password: account.password }, token: null })).status, 401);
  assert.equal((await caller.call('6072').final()).status, 404);

  await until(async () => (await edge.rows("SELECT count(*) AS n FROM calls WHERE caller = '6072' OR callee = '6072' OR caller_uid = 'u-6072' OR callee_uid = 'u-6072'"))[0].n === 0, { ms: 20_000 });
  for (const table of ['accounts WHERE number', 'user_property WHERE number']) {
    assert.deepEqual(await edge.rows(`SELECT * FROM ${table} = '6072'`), [], table);
  }
  const theirs = (await edge.api('GET', '/v1/users/6071/calls')).body.user_call;
  assert.deepEqual(theirs.map((one) => one.Callee_id), [''], 'the other\'s record stays, without a name');
  const [missed] = (await friend.api('GET', '/v1/missed')).body.missed;
  assert.deepEqual(missed.caller, { number: 'anonymous', display_name: '' });
  const text = JSON.stringify(await Promise.all(['accounts', 'calls', 'user_property', 'deleted_users', 'counters', 'tries'].map((table) => edge.rows(`SELECT * FROM ${table}`))));
  assert.doesNotMatch(text, /u-6072|"6072"|Grace/);
  // Nothing of them is in any object's rows, but for the call that has just ended and is remembered for minutes.
  const lines = await edge.runtime.listDurableObjectIds('LineObject');
  for (const id of lines) {
    const storage = await edge.runtime.unsafeGetDurableObjectStorage('wakeline', 'LineObject', { id });
    const rows = await storage.exec("SELECT tbl, value FROM rows WHERE tbl IN ('account', 'devices', 'bindings', 'missed', 'ended', 'records', 'noted', 'jobs', 'deleted')").catch(() => []);
    assert.doesNotMatch(JSON.stringify(rows), /u-6072|Grace/);
  }
  // Asked again it has nothing to do; and the number is free.
  assert.equal((await edge.api('DELETE', '/v1/users/u-6072')).status, 204);
  assert.equal((await edge.api('POST', '/v1/accounts', { body: { number: '6072', password: 'another one' } })).status, 201);
});

test('a user deletes themselves, not by a slip', async () => {
  await edge.account('6081');
  const it = await online('6081');
  assert.equal((await it.api('DELETE', '/v1/account', {})).status, 400);
  assert.equal((await it.api('DELETE', '/v1/account', { confirm: '6082' })).status, 400);
  assert.equal((await it.api('GET', '/v1/account')).status, 200);
  assert.equal((await it.api('DELETE', '/v1/account', { confirm: '6081' })).status, 204);
  assert.equal((await it.api('GET', '/v1/account')).status, 401);
  await until(async () => (await edge.rows("SELECT number FROM accounts WHERE number = '6081'")).length === 0);
});

test('a record that comes after its user was deleted names nobody', async () => {
  const [caller, callee] = [await online('6091'), await online('6092')];
  const call = caller.call('6092');
  const incoming = await callee.incoming();
  incoming.ring();
  await Promise.all([incoming.answer(), call.final()]);
  await until(async () => (await edge.rows("SELECT id FROM calls WHERE caller = '6091'")).length);
  assert.equal((await edge.api('DELETE', '/v1/users/6091')).status, 204);
  await until(async () => (await edge.rows("SELECT who FROM deleted_users")).length >= 3);
  // Whoever hangs up first: the caller's socket is being closed, so that this BYE may be answered by nobody for 32 s, or the
  // callee may be told meanwhile. What is looked at is the record.
  incoming.dialog.request('BYE').catch(() => {});
  const row = await until(async () => (await edge.rows("SELECT * FROM calls WHERE callee = '6092' AND ended_at IS NOT NULL"))[0], { ms: 60_000 });
  assert.deepEqual([row.caller, row.caller_uid, row.outcome], ['', '', 'answered']);
});

test('a call\'s story is told by its id, while it goes on and afterwards, without a name', async () => {
  const [caller, callee] = [await online('6101'), await asleep('6102')];
  const call = caller.call('6102');
  const push = await callee.sink.push('invitation');
  await call.hears('pushed');
  const story = () => edge.api('GET', `/v1/calls/${push.wake}/story`);
  const open = await until(async () => (await story()).status === 200 && story());
  assert.deepEqual([open.body.state, open.body.ended_at], ['pushed', undefined]);
  assert.deepEqual(open.body.pushes.map(({ provider, answer, device: place }) => [provider, answer, place]), [['other', 'accepted', 1]]);
  await callee.report(push.wake, 'shown', { capability: push.said.wakeline.capability });
  await callee.report(push.wake, 'decline', { capability: push.said.wakeline.capability });
  assert.equal((await call.final()).status, 603);
  const over = await until(async () => (await story()).body.ended_at && story());
  assert.equal(over.body.state, 'declined');
  assert.deepEqual(over.body.steps.map(({ state }) => state), ['targeted', 'pushed', 'shown', 'declined']);
  assert.ok(over.body.steps.every((step) => step.device === 1 && step.at >= over.body.asked_at));
  assert.doesNotMatch(JSON.stringify(over.body), new RegExp(`610[12]|${callee.device}`));
  assert.equal((await edge.api('GET', `/v1/calls/${'A'.repeat(22)}/story`)).status, 404);

  // As `cargo xtask story` prints it.
  const script = new URL('../../xtask/src/story.mjs', import.meta.url).pathname;
  const tell = (key, id = push.wake, at = edge.origin) => promisify(execFile)(process.execPath, [script, id, at], { env: { ...process.env, WAKELINE_SITE_KEY: key } });
  const { stdout } = await tell(edge.apiKey);
  assert.match(stdout, new RegExp(`^call ${push.wake}, asked for at \\S+, declined\n +0\\.000 s +asked for\n`));
  assert.match(stdout, /device 1 +pushed\n[^]*push service \(other\): accepted\n[^]*device 1 +shown\n[^]*over: declined\n$/);
  assert.doesNotMatch(stdout, new RegExp(`\\b610[12]\\b|${callee.device}`));
  await assert.rejects(tell('not the key of this site'), /does not know this key/);
  await assert.rejects(tell(edge.apiKey, 'A'.repeat(22)), /no call has the id/);
  await assert.rejects(tell(edge.apiKey, push.wake, 'http://edge.example'), /must not travel in the clear/);
});

test('counters: for the operator alone, in Prometheus\' format, without identities, each call once', async () => {
  for (const token of [null, edge.apiKey, await edge.token('6111')]) assert.equal((await edge.api('GET', '/v1/metrics', { token })).status, 401);
  const read = async () => {
    const { status, headers, body } = await edge.api('GET', '/v1/metrics', { token: edge.operatorKey });
    assert.equal(status, 200);
    assert.match(headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    return body;
  };
  const value = (text, series) => Number(text.split('\n').find((line) => line.startsWith(series))?.split(' ').at(-1) ?? 0);
  const unbound = 'wakeline_wakes_total{site="test",outcome="unbound"}';
  const before_ = value(await read(), unbound);
  const caller = await online('6111');
  await edge.token('6112');
  assert.equal((await caller.call('6112').final()).status, 480);
  const text = await until(async () => {
    const now = await read();
    return value(now, unbound) === before_ + 1 && now;
  });
  for (const line of text.trim().split('\n')) {
    assert.match(line, /^(# (HELP|TYPE) wakeline_\w+ .+|wakeline_\w+\{[a-z_]+="[\w.+-]+"(,[a-z_]+="[\w.+-]+")*\} \d+(\.\d+)?)$/);
  }
  assert.doesNotMatch(text, /\b6\d\d\d\b|127\.0\.0\.1/);
  assert.ok(value(text, 'wakeline_push_answers_total{site="test",provider="other",answer="accepted"}') >= 1);
  assert.ok(value(text, 'wakeline_wake_step_seconds_bucket{site="test",step="pushed",le="+Inf"}') >= 1);
  assert.ok(value(text, 'wakeline_users_online{site="test"}') >= 1);
  // The same record once more, as a line would send it whose word of success was lost.
  const [{ id }] = await edge.rows("SELECT id FROM calls WHERE callee = '6112'");
  assert.ok(id);
  await edge.evictAll();
  assert.equal(value(await read(), unbound), before_ + 1);
});

test('/healthz says what was checked, keeps no secret in it, and tells D1 from what calls need', async () => {
  const fine = await edge.api('GET', '/healthz', { token: null });
  assert.deepEqual([fine.status, fine.body], [200, { status: 'ok', storage: 'ok', database: 'ok', keys: 'ok' }]);
  await edge.rows('ALTER TABLE calls RENAME TO calls_away');
  try {
    const ill = await until(async () => {
      const answer = await edge.api('GET', '/healthz', { token: null });
      return answer.body.status !== 'ok' && answer;
    }, { ms: 15_000, every: 500 });
    assert.deepEqual([ill.status, ill.body], [200, { status: 'degraded', storage: 'ok', database: 'failing', keys: 'ok' }]);
  } finally {
    await edge.rows('ALTER TABLE calls_away RENAME TO calls');
  }
});

test('numbers, users and addresses are in no log line', () => {
  const log = edge.lines.join('\n');
  assert.ok(!/\b6[01]\d\d\b|u-60|127\.0\.0\.1|eyJ/.test(log), log.slice(0, 2000));
});
