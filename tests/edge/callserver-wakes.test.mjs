// A call server in front of the edge: it parks the call, asks for a wake, waits for "ready", INVITEs the page itself and says how
// the call went on. Here a script is the call server, and real pushes wake scripted devices; the objects are forgotten at every step.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { EventLog, until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({
    assets: null,
    sites: [{ call_servers: [{ id: 'pbx', may: ['wake'] }, { id: 'other', may: ['wake'] }, { id: 'none' }], limits: { parked: 200 } }],
  });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

const secretOf = (id) => edge.secrets.test.call_servers[id][0];
const bearer = (id = 'pbx') => `Bearer ${id}.${secretOf(id)}`;
const rest = (method, path, body, id) => edge.api(method, path, { body, authorization: bearer(id), token: null });
const ask = (number, { call = randomUUID(), caller = { number: '13800138000', name: 'Ada' }, server, ...more } = {}) =>
  rest('POST', '/v1/wakes', { call, number, caller, ...more }, server);
const show = (id, query = '', server) => rest('GET', `/v1/wakes/${id}${query}`, undefined, server);
const tell = (id, event, more = {}, server) => rest('POST', `/v1/wakes/${id}/events`, { event, ...more }, server);

/** A device that is bound, and away. */
async function asleep(number) {
  const sink = await Sink.open({ vapid: edge.vapid });
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it, sink);
  assert.equal((await it.bind({ sink })).status, 201);
  return Object.assign(it, { sink });
}

const capability = (push) => push.said.wakeline.capability;
const missed = async (it) => (await it.api('GET', '/v1/missed')).body.missed;

async function whole(number, between = async () => {}) {
  const callee = await asleep(number);
  await between();
  const call = randomUUID();
  const asked = await ask(number, { call });
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  const { id } = asked.body;
  assert.equal(asked.headers.get('location'), `/v1/wakes/${id}`);
  assert.deepEqual([asked.body.call, asked.body.number, asked.body.final, asked.body.why], [call, number, false, null]);
  const push = await callee.sink.push('invitation');
  assert.equal(push.wake, id, 'one id through push and call server');
  assert.deepEqual(push.said.wakeline.caller, { number: '13800138000', display_name: 'Ada' });
  let version = asked.body.version;
  const reaches = async (state) => {
    const { body } = await until(async () => {
      const answer = await show(id, `?wait=25&after=${version}`);
      assert.equal(answer.status, 200);
      return answer.body.state === state && answer;
    });
    assert.ok(body.version > version, 'a version for each state');
    version = body.version;
    return body;
  };
  await reaches('pushed');
  await between();
  await callee.report(id, 'shown', { capability: capability(push) });
  await reaches('shown');
  await between();
  await callee.report(id, 'opened', { capability: capability(push) });
  await reaches('opened');
  await between();
  // No REGISTER at this edge: the page is registered with the call server.
  const said = await callee.report(id, 'ready');
  assert.deepEqual([said.status, said.body.state], [200, 'ready'], JSON.stringify(said.body));
  await reaches('ready');
  for (const [event, state] of [['invited', 'invited'], ['ringing', 'ringing'], ['answered', 'answered']]) {
    await between();
    const told = await tell(id, event);
    assert.deepEqual([told.status, told.body.state], [200, state]);
    assert.deepEqual((await tell(id, event)).body, told.body, 'said twice');
  }
  const end = await show(id, '?wait=25');
  assert.deepEqual([end.body.final, end.body.sip.status], [true, 200]);
  await between();
  assert.equal((await tell(id, 'ended')).status, 200);
  assert.equal((await ask(number, { call })).status, 200, 'asked again it is known');
  const rows = await until(async () => {
    const found = await edge.rows('SELECT * FROM calls WHERE id = ? AND ended_at IS NOT NULL', id);
    return found.length && found;
  });
  assert.deepEqual([rows[0].outcome, rows[0].caller, rows[0].callee, rows[0].device], ['answered', '13800138000', number, callee.device]);
  assert.deepEqual(await missed(callee), []);
  return { callee, id };
}

test('a call server has a page woken, and learns of each state', () => whole('8001'));

test('the same with every object forgotten before each step', () => whole('8002', () => edge.evictAll()));

test('asked at once and from two places it is one wake, with one push', async () => {
  const callee = await asleep('8011');
  const call = randomUUID();
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask('8011', { call })));
  assert.deepEqual(answers.map((a) => a.status).sort(), [200, 200, 200, 200, 200, 200, 200, 201]);
  assert.equal(new Set(answers.map((a) => a.body.id)).size, 1);
  await callee.sink.push('invitation');
  const other = await ask('8011', { call, server: 'other', caller: { number: '139' } });
  assert.equal(other.status, 201, 'of another server another');
  assert.equal((await show(answers[0].body.id, '', 'other')).status, 404);
  assert.equal((await tell(answers[0].body.id, 'cancelled', {}, 'other')).status, 404);
  assert.equal((await show(answers[0].body.id, '', 'none')).status, 403);
});

test('a poll is answered when the state changes, at once when it has, and after its time', async () => {
  const callee = await asleep('8021');
  const { body } = await ask('8021');
  const push = await callee.sink.push('invitation');
  const pushed = (await show(body.id, `?wait=25&after=${body.version}`)).body;
  const begun = Date.now();
  const same = await show(body.id, `?wait=1&after=${pushed.version}`);
  assert.equal(same.body.version, pushed.version);
  assert.ok(Date.now() - begun >= 900, 'it waited');
  const waiting = show(body.id, `?wait=25&after=${pushed.version}`);
  const without = show(body.id, '?wait=25');
  await callee.report(body.id, 'opened', { capability: capability(push) });
  for (const answer of await Promise.all([waiting, without])) assert.equal(answer.body.state, 'opened');
  for (const query of ['?wait=x', '?after=-1', '?wait=']) assert.equal((await show(body.id, query)).status, 400, query);
  // Forgotten while somebody waits: they are answered early, and ask again.
  const version = (await show(body.id)).body.version;
  const cut = show(body.id, `?wait=25&after=${version}`);
  const settled = cut.then((answer) => answer.status);
  await edge.evict(edge.lineName('8021')).catch(() => {});
  await tell(body.id, 'cancelled');
  assert.equal(await settled, 200);
});

const patient = { skip: !process.env.WAKELINE_FULL && 'waits for 25 s: with --full', timeout: 60_000 };

test('a poll that asks for a minute is answered after 25 s, before a proxy cuts it, as the wake stands', patient, async () => {
  const callee = await asleep('8022');
  const { body } = await ask('8022', { limits: { ready_s: 60 } });
  await callee.sink.push('invitation');
  const { version } = (await show(body.id, `?wait=25&after=${body.version}`)).body;
  const begun = Date.now();
  const late = await show(body.id, `?wait=60&after=${version}`);
  const took = Date.now() - begun;
  assert.deepEqual([late.status, late.body.state, late.body.version, late.body.final], [200, 'pushed', version, false]);
  assert.ok(took > 24_500 && took < 30_000, `after ${took} ms`);
  await tell(body.id, 'cancelled');
});

test('a poll that is dropped is a hint and no more: the wake goes on, and is followed by another', async () => {
  const callee = await asleep('8023');
  const { body } = await ask('8023');
  await callee.sink.push('invitation');
  const { version } = (await show(body.id, `?wait=25&after=${body.version}`)).body;
  const cut = new AbortController();
  const dropped = Array.from({ length: 3 }, () => fetch(`${edge.origin}/v1/wakes/${body.id}?wait=25&after=${version}`, { headers: { authorization: bearer() }, signal: cut.signal }));
  const settled = Promise.allSettled(dropped);
  // It is behind them at the same object, and waits as they do.
  const same = await show(body.id, `?wait=1&after=${version}`);
  cut.abort();
  assert.ok((await settled).every(({ status }) => status === 'rejected'), 'none had been answered');
  const later = await show(body.id, `?wait=1&after=${version}`);
  assert.deepEqual([later.body.version, later.body.final], [same.body.version, false]);
  assert.equal((await callee.report(body.id, 'ready')).status, 200);
  assert.equal((await show(body.id, `?wait=25&after=${version}`)).body.state, 'ready');
  await tell(body.id, 'cancelled');
});

test('polls beyond the cap answer the oldest early and the newest when it is time', async () => {
  const callee = await asleep('8025');
  const { body } = await ask('8025');
  await callee.sink.push('invitation');
  const { version } = (await show(body.id, `?wait=25&after=${body.version}`)).body;
  const log = new EventLog();
  const polls = Array.from({ length: 40 }, async (_, nth) => {
    const answer = await show(body.id, `?wait=25&after=${version}`);
    log.record('answered', { nth, version: answer.body.version });
  });
  await until(() => log.events.length >= 8);
  assert.ok(log.events.every((e) => e.version === version), 'early, and as it stands');
  await tell(body.id, 'cancelled');
  await Promise.all(polls);
  assert.equal(log.events.filter((e) => e.version > version).length, 32);
});

test('the caller hangs up: within two seconds the invitation is a missed call, and the poll ends', async () => {
  const callee = await asleep('8031');
  const { body } = await ask('8031');
  await callee.sink.push('invitation');
  const poll = until(async () => (await show(body.id, '?wait=25')).body.final);
  const begun = Date.now();
  const told = await tell(body.id, 'cancelled');
  assert.deepEqual([told.body.state, told.body.final, told.body.sip.status], ['cancelled', true, 487]);
  await callee.sink.push('cancelled');
  assert.ok(Date.now() - begun < 2000);
  await poll;
  assert.equal((await missed(callee)).length, 1);
});

test('declined on the notification: the call server reads it, and is not told of the page again', async () => {
  const callee = await asleep('8041');
  const { body } = await ask('8041');
  const push = await callee.sink.push('invitation');
  await callee.report(body.id, 'decline', { capability: capability(push) });
  const end = (await show(body.id, '?wait=25')).body;
  assert.deepEqual([end.state, end.sip.status], ['declined', 603]);
  assert.equal((await tell(body.id, 'cancelled')).body.state, 'declined', 'late words change nothing');
});

test('nobody taps: the limit of the question ends it, and says why', async () => {
  const callee = await asleep('8051');
  const { body } = await ask('8051', { limits: { ready_s: 2 } });
  await callee.sink.push('invitation');
  const end = await until(async () => {
    const answer = (await show(body.id, '?wait=25')).body;
    return answer.final && answer;
  });
  assert.deepEqual([end.state, end.why, end.sip.status], ['expired', 'unopened', 480]);
});

test('refusals of the page are read from status and cause', async () => {
  const ends = [[{ status: 486 }, 'busy'], [{ cause: 17 }, 'busy'], [{ status: 603 }, 'declined'], [{ cause: 38 }, 'failed'], [{}, 'failed']];
  for (const [nth, [why, state]] of ends.entries()) {
    await asleep(`806${nth}`);
    const { body } = await ask(`806${nth}`);
    const told = await tell(body.id, 'failed', why);
    assert.equal(told.body.state, state, JSON.stringify(why));
  }
  await asleep('8069');
  const { body } = await ask('8069');
  await tell(body.id, 'ringing');
  assert.equal((await tell(body.id, 'failed', { status: 480 })).body.state, 'unanswered');
});

test('no such line, or none with a device: a wake that is over, with what the caller is to hear', async () => {
  const call = randomUUID();
  const unknown = await ask('8999', { call });
  assert.deepEqual([unknown.status, unknown.body.state, unknown.body.final, unknown.body.sip.status, unknown.body.uid], [201, 'unbound', true, 404, null]);
  assert.deepEqual((await ask('8999', { call })).body.id, unknown.body.id);
  const nobody = await rest('POST', '/v1/wakes', { call: randomUUID(), uid: 'u-nobody', caller: { number: '1' } });
  assert.deepEqual([nobody.status, nobody.body.sip.status, nobody.body.number], [201, 404, null]);
  await edge.account('8072');
  const bare = await ask('8072');
  assert.deepEqual([bare.status, bare.body.state, bare.body.sip.status], [201, 'unbound', 480]);
  assert.equal((await show(bare.body.id, '?wait=25')).body.final, true, 'final is answered at once');
});

test('a line is found by its user', async () => {
  await edge.account('8081', { uid: 'u-8081' });
  const sink = await Sink.open({ vapid: edge.vapid });
  const signedIn = await edge.api('POST', '/v1/tokens', { body: { number: '8081', uid: 'u-8081' } });
  const callee = new Device(edge, '8081', { token: signedIn.body.token });
  closing.push(callee, sink);
  await callee.bind({ sink });
  const asked = await rest('POST', '/v1/wakes', { call: randomUUID(), uid: 'u-8081', caller: { number: '13800138000' } });
  assert.deepEqual([asked.status, asked.body.number, asked.body.uid], [201, '8081', 'u-8081']);
  await sink.push('invitation');
});

test('what cannot be understood is refused with what to do', async () => {
  const good = { call: 'c', number: '8001', caller: { number: '1' } };
  const bad = [
    [{ ...good, call: '' }, 400], [{ ...good, call: 'x'.repeat(129) }, 400], [{ ...good, call: 'a\nb' }, 400], [{ ...good, uid: 'u' }, 400],
    [{ call: 'c', caller: { number: '1' } }, 400], [{ ...good, number: 'a b' }, 400], [{ ...good, caller: { number: 'a b' } }, 400],
    [{ ...good, caller: { number: '1', name: 'x'.repeat(129) } }, 400], [{ ...good, limits: { ready_s: 0 } }, 400], [{ ...good, limits: { ring_s: 601 } }, 400],
    [{ ...good, callback: 'http://pbx.example.com/' }, 422], [{ ...good, callback: 'https://10.0.0.1/' }, 422], [{ ...good, callback: 'https://pbx/' }, 422],
    [{ ...good, callback: 'https://metadata.google.internal/' }, 422],
  ];
  for (const [body, status] of bad) {
    const answer = await rest('POST', '/v1/wakes', body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
  }
  await asleep('8091');
  const { body } = await ask('8091');
  for (const wrong of [{ event: 'exploded' }, { event: 'failed', status: 200 }, { event: 'failed', cause: 0 }]) {
    assert.equal((await rest('POST', `/v1/wakes/${body.id}/events`, wrong)).status, 400, JSON.stringify(wrong));
  }
  for (const id of ['A'.repeat(22), `${'A'.repeat(22)}ODA5MQ`, 'x']) {
    assert.equal((await show(id)).status, 404);
    assert.equal((await tell(id, 'cancelled')).status, 404);
  }
});

test('a caller who calls too often is told so, and the call server when to ask again', async () => {
  await asleep('8101');
  assert.equal((await ask('8101')).status, 201);
  assert.equal((await ask('8101')).status, 201);
  const third = await ask('8101');
  assert.deepEqual([third.status, third.body.type], [429, '/problems/too-many']);
  assert.equal(third.headers.get('retry-after'), '10');
});

test('callbacks are signed, come in order and until they are taken', async () => {
  const callee = await asleep('8111');
  const log = new EventLog();
  const answers = [500, null];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => {
      log.record('told', { signature: request.headers['wakeline-signature'], body, wake: JSON.parse(body) });
      const status = answers.shift();
      if (status === null) return request.socket.destroy();
      response.writeHead(status ?? 204).end();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { body } = await ask('8111', { callback: `http://127.0.0.1:${server.address().port}/wakes` });
    const push = await callee.sink.push('invitation');
    await until(() => log.events.length >= 3, { ms: 30_000 });
    await edge.evictAll();
    await callee.report(body.id, 'opened', { capability: capability(push) });
    await callee.report(body.id, 'ready');
    await tell(body.id, 'cancelled');
    await until(() => log.events.some((e) => e.wake.state === 'cancelled'), { ms: 60_000 });
    const versions = log.events.map((e) => e.wake.version);
    assert.deepEqual(versions, [...versions].sort((a, b) => a - b), 'in order');
    assert.deepEqual(log.events.at(-1).wake, (await show(body.id)).body, 'the view as it is asked for');
    for (const { signature, body: sent, wake } of log.events) {
      const [, at, id, sig] = /^at=(\d+),id=([\w.-]+),sig=([\w-]+)$/.exec(signature);
      assert.ok(Math.abs(Date.now() - at) < 120_000);
      assert.equal(id, `${wake.id}.${wake.version}`);
      assert.equal(sig, createHmac('sha256', secretOf('pbx')).update(`${at}.${id}.${sent}`).digest('base64url'));
    }
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('a hundred wakes at once each end once, and nothing is left behind', async () => {
  const numbers = Array.from({ length: 20 }, (_, n) => `82${String(n).padStart(2, '0')}`);
  const callees = await Promise.all(numbers.map(asleep));
  const wakes = await Promise.all(Array.from({ length: 100 }, async (_, n) => {
    const { status, body } = await ask(numbers[n % 20], { caller: { number: `139${n}` } });
    assert.equal(status, 201, JSON.stringify(body));
    return { id: body.id, callee: callees[n % 20], n };
  }));
  const ends = await Promise.all(wakes.map(async ({ id, callee, n }) => {
    const poll = until(async () => {
      const { body } = await show(id, '?wait=25');
      return body.final && body.state;
    }, { ms: 60_000 });
    if (n % 4 === 0) await tell(id, 'cancelled');
    else if (n % 4 === 1) await callee.report(id, 'decline');
    else {
      await callee.report(id, 'ready');
      await tell(id, n % 4 === 2 ? 'answered' : 'failed', n % 4 === 3 ? { status: 486 } : {});
    }
    const end = await poll;
    await tell(id, 'ended');
    return end;
  }));
  for (const [n, end] of ends.entries()) assert.equal(end, ['cancelled', 'declined', 'answered', 'busy'][n % 4], String(n));
  await until(async () => (await edge.rows("SELECT id FROM calls WHERE callee LIKE '82%' AND ended_at IS NOT NULL")).length === 100, { ms: 30_000 });
  for (const callee of callees) assert.deepEqual((await callee.api('GET', '/v1/waiting')).body.wakes, []);
});

test('no secret and no name is in a log line', () => {
  const log = edge.lines.join('\n');
  for (const secret of [secretOf('pbx'), secretOf('other'), 'Ada', '13800138000']) assert.ok(!log.includes(secret), secret);
});
