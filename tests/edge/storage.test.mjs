// The storage of a line's object fails in the middle of a wake: nothing leaves that was not committed, and when it works
// again the call goes on, once. The failure is SQLite's own, in the file that workerd has open.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const closing = [];
let edge;

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ limits: { ready_s: 40 } }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

/** The SQLite file of the line that holds this number. */
async function fileOf(number) {
  const folder = join(edge.dir, 'storage');
  const files = readdirSync(folder, { recursive: true }).map(String).filter((file) => file.endsWith('.sqlite') && !file.endsWith('metadata.sqlite'));
  for (const file of files) {
    const database = new DatabaseSync(join(folder, file), { readOnly: true });
    try {
      const { found } = database.prepare("SELECT count(*) AS found FROM rows WHERE tbl = 'account' AND value LIKE ?").get(`%"number":"${number}"%`);
      if (found) return join(folder, file);
    } catch {
      // another object's, or none of ours
    } finally {
      database.close();
    }
  }
  throw new Error(`no object of ${number} among ${files.length} files`);
}

/** From now on each write of a call's row fails, until the answer is called. */
function failing(file) {
  const run = (sql) => {
    const database = new DatabaseSync(file, { timeout: 10_000 });
    database.exec(sql);
    database.close();
  };
  const fails = (event) => `CREATE TRIGGER fails_${event} BEFORE ${event} ON rows WHEN ${event === 'DELETE' ? 'OLD' : 'NEW'}.tbl = 'calls' BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;`;
  run(fails('INSERT') + fails('DELETE'));
  return () => run('DROP TRIGGER fails_INSERT; DROP TRIGGER fails_DELETE;');
}

const failures = () => edge.lines.filter((line) => /the disk is full/.test(line)).length;

async function online(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  return it.online();
}

async function asleep(number) {
  const sink = await Sink.open({ vapid: edge.vapid });
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it, sink);
  assert.equal((await it.bind({ sink })).status, 201);
  return Object.assign(it, { sink });
}

test('an INVITE that cannot be stored leaves nothing; stored later, it wakes once', { timeout: 60_000 }, async () => {
  const [caller, callee] = [await online('3001'), await asleep('3002')];
  const works = failing(await fileOf('3002'));
  const since = failures();
  const call = caller.call('3002');
  // The flow keeps the message and brings it again; each time the line's turn fails as a whole.
  await until(() => failures() >= since + 2, { ms: 20_000, what: 'two turns that could not be stored' });
  assert.equal(callee.sink.count('invitation'), 0, 'no push left');
  assert.equal(caller.log.filter((event) => event.name === 'response' && event.method === 'INVITE' && event.status > 100).length, 0, 'the caller was told nothing but 100');
  works();
  const push = await callee.sink.push('invitation', { ms: 20_000 });
  assert.equal((await call.hears('pushed')).status, 182);
  await callee.online();
  await callee.report(push.wake, 'ready');
  await callee.sees('INVITE');
  assert.equal(callee.sink.count('invitation'), 1, 'one push for one call');
});

test('a "ready" that cannot be stored is refused, and no INVITE leaves; said again, it rings', { timeout: 60_000 }, async () => {
  const [caller, callee] = [await online('3003'), await asleep('3004')];
  const call = caller.call('3004');
  const push = await callee.sink.push('invitation');
  await call.hears('pushed');
  await callee.online();
  const works = failing(await fileOf('3004'));
  const refused = await callee.report(push.wake, 'ready');
  assert.equal(refused.status, 500, JSON.stringify(refused.body));
  assert.match(refused.headers.get('content-type'), /problem\+json/);
  assert.equal(callee.log.filter((event) => event.name === 'request' && event.method === 'INVITE').length, 0, 'no INVITE left');
  const state = await callee.api('GET', `/v1/wakes/${push.wake}`);
  assert.ok(['pushed', 'opened', 'registered'].includes(state.body.state), `${state.body.state}: it is as it was stored`);
  works();
  const taken = await callee.report(push.wake, 'ready');
  assert.equal(taken.status, 200, JSON.stringify(taken.body));
  await callee.sees('INVITE');
  assert.equal(callee.log.filter((event) => event.name === 'request' && event.method === 'INVITE').length, 1);
});
