// A network that swallows: no end and no reset comes, the edge's socket goes on looking open. While a call waits, the edge asks its
// page, and does not believe in it for longer than an answer may take.
import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

// As `EdgeLimits` has them: the first question, how often, how long it may take; and the grace of a caller whose socket is gone.
const ASKED = { first: 1000, every: 10_000, patience: 10_000 };
const GRACE = 10_000;

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ limits: { ready_s: 60 } }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

/** A path to the edge that can go dark: from then on nothing passes in either direction, and nobody is told. */
async function path() {
  const sockets = new Set();
  let dark = false;
  const server = createServer((near) => {
    const far = connect(edge.port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.on('error', () => {});
      one.on('data', (octets) => dark || other.write(octets));
      one.on('close', () => dark || other.destroy());
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const it = {
    server: `ws://127.0.0.1:${server.address().port}/sip`,
    goesDark: () => (dark = true),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  closing.push(it);
  return it;
}

async function device(number, { over } = {}) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  if (over) it.server = over.server;
  closing.push(it);
  return it;
}

async function asleep(number) {
  const it = await device(number);
  it.sink = await Sink.open({ vapid: edge.vapid });
  closing.push(it.sink);
  assert.equal((await it.bind({ sink: it.sink })).status, 201);
  return it;
}

/** A call that waits for a sleeping line, and its caller, who has answered one question. */
async function parked(numbers) {
  const dark = await path();
  const [caller, callee] = [await device(numbers[0], { over: dark }), await asleep(numbers[1])];
  assert.equal((await caller.bind()).status, 201);
  await caller.online();
  const call = caller.call(numbers[1]);
  const { wake } = await callee.sink.push('invitation');
  await call.hears('pushed');
  const asked = await caller.sees('OPTIONS', { ms: ASKED.first + 5000 });
  assert.equal(asked.uri, caller.contact.slice(1, -1));
  // What was said before a keepalive has arrived when it is answered.
  caller.send('\r\n\r\n');
  await caller.log.wait('keepalive');
  return { dark, caller, callee, call, wake };
}

test('a path that breaks without a word while the call is parked', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('and stays so: cancelled, and a missed call', async () => {
      const { dark, callee } = await parked(['7001', '7002']);
      const since = Date.now();
      dark.goesDark();
      const { at } = await callee.sink.push('cancelled', { ms: 45_000 });
      const took = at - since;
      // Not before it was asked and had its time, and well before the wake's own limit.
      assert.ok(took > ASKED.patience && took < ASKED.every + ASKED.patience + GRACE + 8000, `after ${took} ms`);
      const { body } = await callee.api('GET', '/v1/missed');
      assert.deepEqual(body.missed.map((one) => one.outcome), ['cancelled']);
    }),
    t.test('the caller comes back after the edge has noticed: the call goes on', async () => {
      const { dark, caller, callee, call, wake } = await parked(['7011', '7012']);
      await edge.evictAll();
      dark.goesDark();
      const registered = async () => (await caller.api('GET', '/v1/devices')).body.devices.some((one) => one.registered);
      assert.ok(await registered(), 'the edge believes in the socket');
      await until(async () => !(await registered()), { ms: ASKED.every + ASKED.patience + 8000, every: 250 });
      const again = await device('7011');
      Object.assign(again, { device: caller.device, contact: caller.contact });
      await again.online();
      call.device = again;
      call.again();
      await call.hears('pushed');
      await callee.open();
      await callee.register();
      assert.equal((await callee.report(wake, 'ready')).status, 200);
      const incoming = await callee.incoming();
      incoming.ring();
      await call.hears(180);
      const [, final] = await Promise.all([incoming.answer(), call.final()]);
      assert.equal(final.status, 200);
      assert.equal(callee.sink.count('cancelled'), 0);
    }),
    t.test('a caller who is there, and one who answers no questions, keep their calls to the end of the wake', async () => {
      const [there, mute] = [await parked(['7021', '7022']), await device('7023')];
      await mute.online();
      mute.alive = false;
      const sleeper = await asleep('7024');
      const call = mute.call('7024');
      await sleeper.sink.push('invitation');
      for (const one of [there.call, call]) {
        const final = await one.final({ ms: 75_000 });
        assert.deepEqual([final.status, final.wake.state], [480, 'expired']);
      }
      const questions = (it) => it.log.filter((e) => e.name === 'request' && e.method === 'OPTIONS').length;
      assert.ok(questions(there.caller) >= 5 && questions(there.caller) <= 8, `${questions(there.caller)} questions`);
    }),
  ]);
});
