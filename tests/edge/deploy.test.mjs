// A new version over a running one: the process ends and starts again on the same storage, with rows that the version before
// wrote, while calls are parked, ringing and talking. Devices come back by themselves, as pages do; no call is lost.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ limits: { ready_s: 60, ring_s: 60, lost_s: 40 } }] });
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

/** Every object's database file with rows in it. */
function databases(storage) {
  const files = readdirSync(storage, { recursive: true }).filter((file) => /Object[\\/].*\.sqlite$/.test(file));
  return files.map((file) => join(storage, file)).flatMap((file) => {
    const db = new DatabaseSync(file);
    const has = db.prepare("SELECT name FROM sqlite_master WHERE name = 'rows'").get();
    if (has) return [{ file, db }];
    db.close();
    return [];
  });
}

/** Turns rows into what the worker of version 1 wrote: the steps backwards. */
function asVersion1(storage) {
  let [objects, records] = [0, 0];
  for (const { db } of databases(storage)) {
    objects += 1;
    for (const { key, value } of db.prepare("SELECT key, value FROM rows WHERE tbl = 'records'").all()) {
      const { record, ...rest } = JSON.parse(value);
      db.prepare("DELETE FROM rows WHERE tbl = 'records' AND key = ?").run(key);
      if (!record.call) continue;
      records += 1;
      delete record.call.steps;
      delete record.call.pushes;
      db.prepare("INSERT INTO rows (tbl, key, value) VALUES ('records', ?, ?)").run(key.replace('call:', ''), JSON.stringify({ record: record.call, ...rest }));
    }
    db.exec("DELETE FROM rows WHERE tbl IN ('noted', 'visibility', 'deleted')");
    for (const [tbl, field] of [['calls', 'pushes'], ['bindings', 'address'], ['flow', 'address']]) {
      for (const { key, value } of db.prepare('SELECT key, value FROM rows WHERE tbl = ?').all(tbl)) {
        const row = JSON.parse(value);
        delete row[field];
        db.prepare('UPDATE rows SET value = ? WHERE tbl = ? AND key = ?').run(JSON.stringify(row), tbl, key);
      }
    }
    db.exec("UPDATE rows SET value = '1' WHERE tbl = 'schema'");
    db.close();
  }
  return { objects, records };
}

function versions(storage) {
  return databases(storage).map(({ db }) => {
    const { value } = db.prepare("SELECT value FROM rows WHERE tbl = 'schema'").get();
    db.close();
    return value;
  });
}

test('parked, ringing and talking calls live through a restart with rows of the version before', async () => {
  const [sleeps, rings, talks] = [await asleep('7002'), await online('7004'), await online('7006')];
  const [a, b, c, d] = [await online('7001'), await online('7003'), await online('7005'), await online('7007')];
  const parked = a.call('7002');
  const { wake, said } = await sleeps.sink.push('invitation');
  await parked.hears('pushed');
  const ringing = b.call('7004');
  const alerting = await rings.incoming();
  alerting.ring();
  await ringing.hears(180);
  const talk = c.call('7006');
  const talking = await talks.incoming();
  talking.ring();
  await Promise.all([talking.answer(), talk.final()]);
  // A record that D1 has not taken yet, written by the old version.
  await edge.rows('ALTER TABLE calls RENAME TO calls_away');
  const declined = d.call('7006');
  (await talks.incoming({ since: talks.log.mark() - 1 })).refuse(486, 'Busy Here');
  assert.equal((await declined.final()).status, 486);

  const marks = new Map([a, b, c, rings, talks].map((it) => [it, it.log.mark()]));
  let old;
  await edge.restart({ between: (storage) => { old = asVersion1(storage); } });
  await edge.rows('ALTER TABLE calls_away RENAME TO calls');
  assert.ok(old.objects >= 8 && old.records === 1, JSON.stringify(old));
  // All sockets are cut. Each device comes back on a new one, registers, and repeats what a page repeats.
  for (const it of [a, b, c, rings, talks]) await it.log.wait('closed', { since: marks.get(it) });
  for (const it of [rings, talks, a, b, c]) await it.online();
  for (const call of [parked, ringing]) call.again();

  // Parked: tapped now, it rings and is answered.
  const opened = await sleeps.report(wake, 'opened', { capability: said.wakeline.capability });
  assert.deepEqual([opened.status, opened.body.state], [200, 'opened']);
  await sleeps.online();
  assert.equal((await sleeps.report(wake, 'ready')).status, 200);
  const woken = await sleeps.incoming();
  woken.ring();
  const [, first] = await Promise.all([woken.answer(), parked.final({ ms: 30_000 })]);
  assert.equal(first.status, 200);

  // Ringing: the page that registers anew is invited anew, and rings once more in place of the branch that was cut.
  const view = await rings.api('GET', '/v1/waiting');
  const mark = marks.get(rings);
  if (view.body.wakes[0]) await rings.report(view.body.wakes[0].id, 'ready');
  const anew = await rings.incoming({ since: mark, ms: 20_000 });
  anew.ring();
  const [, second] = await Promise.all([anew.answer(), ringing.final({ ms: 30_000 })]);
  assert.equal(second.status, 200);

  // Talking: neither side is hung up; a request inside the dialog passes.
  const info = talk.dialog.request('INFO');
  const seen = await talks.log.wait((e) => e.name === 'request' && e.method === 'INFO', { since: marks.get(talks), what: 'INFO' });
  talks.respond(seen.message, 200, 'OK');
  assert.equal((await info).status, 200);
  assert.equal(talks.log.filter((e) => e.method === 'BYE', marks.get(talks)).length, 0);
  assert.equal(c.log.filter((e) => e.name === 'request' && e.method === 'BYE', marks.get(c)).length, 0);

  // The record of before arrives, migrated.
  await until(async () => (await edge.rows("SELECT outcome FROM calls WHERE caller = '7007'"))[0]?.outcome === 'busy', { ms: 30_000, every: 200 });
  for (const [call, page, incoming] of [[parked, sleeps, woken], [ringing, rings, anew], [talk, talks, talking]]) {
    const bye = call.dialog.request('BYE');
    page.respond(await incoming.sees('BYE', { ms: 15_000 }), 200, 'OK');
    assert.equal((await bye).status, 200);
  }
  let now;
  await edge.restart({ between: (storage) => { now = versions(storage); } });
  // An object is migrated when it is first needed: those of the calls were.
  assert.ok(now.filter((version) => version === '2').length >= old.objects - 2, `versions ${now}`);
  assert.ok(edge.lines.some((line) => /event=migrated from=1 to=2/.test(line)));
});

test('rows of a newer version are left alone and said so', async () => {
  const it = await online('7101');
  await it.close();
  await edge.restart({
    between: (storage) => {
      for (const { db } of databases(storage)) {
        db.exec("UPDATE rows SET value = '3' WHERE tbl = 'schema'");
        db.close();
      }
    },
  });
  const answer = await it.api('GET', '/v1/account');
  assert.equal(answer.status, 500);
  assert.ok(edge.lines.some((line) => /version 3, written by a newer worker/.test(line)), edge.lines.slice(-5).join('\n'));
  await edge.restart({
    between: (storage) => {
      for (const { db } of databases(storage)) {
        db.exec("UPDATE rows SET value = '2' WHERE tbl = 'schema'");
        db.close();
      }
    },
  });
  assert.equal((await it.api('GET', '/v1/account')).status, 200);
});
