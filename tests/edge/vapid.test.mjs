// "VAPID keys are never replaced by a deploy; a rotation keeps the old one until its subscriptions have renewed."
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import webpush from 'web-push';
import { Edge } from '../lib/edge.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

async function asleep(number, vapid) {
  const sink = await Sink.open({ vapid });
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it, sink);
  await it.bind({ sink });
  return Object.assign(it, { sink });
}

async function rings(callee) {
  const caller = await new Device(edge, '6000', { token: await edge.token('6000') }).online();
  const since = callee.sink.log.mark();
  const call = caller.call(callee.number);
  const final = call.final();
  await Promise.race([callee.sink.push('invitation', { since }), final]);
  if (callee.sink.log.find('push', since)) await call.cancel();
  const { wake } = await final;
  await caller.close();
  return { state: wake.state, refused: [...new Set(callee.sink.log.filter('bad', since).map((event) => event.error.status))] };
}

test('old subscriptions are pushed to with the old key, new ones with the new, until the old key is taken away', async () => {
  const old = edge.vapid;
  const before = await asleep('6001', old);
  assert.deepEqual(await rings(before), { state: 'cancelled', refused: [] });

  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const fresh = { public_key: publicKey, private_key: privateKey };
  Object.assign(edge.secrets.test, { vapid: fresh, vapid_previous: [old] });
  await edge.restart();
  // Pages subscribe with the new key from now on.
  assert.equal((await edge.api('GET', '/v1/vapid', { token: null })).body.public_key, publicKey);
  // One that has not been opened since is pushed to with the key it subscribed with, at once.
  assert.deepEqual(await rings(before), { state: 'cancelled', refused: [] });
  // Another is new.
  const since = await asleep('6002', fresh);
  assert.deepEqual(await rings(since), { state: 'cancelled', refused: [] });
  // A worker that bound an old subscription without knowing its key finds the right one when the push service refuses.
  const mistaken = await asleep('6003', old);
  assert.deepEqual(await rings(mistaken), { state: 'cancelled', refused: [403] });
  // A page that is opened renews its subscription.
  const renewed = await Sink.open({ vapid: fresh });
  closing.push(renewed);
  await before.bind({ sink: renewed });
  assert.deepEqual(await rings(Object.assign(before, { sink: renewed })), { state: 'cancelled', refused: [] });

  edge.secrets.test.vapid_previous = [];
  await edge.restart();
  assert.deepEqual(await rings(before), { state: 'cancelled', refused: [] });
  assert.deepEqual(await rings(mistaken), { state: 'unreachable', refused: [403] });
  // It is not forgotten: the key may have been taken away too soon.
  assert.equal((await mistaken.api('GET', '/v1/devices')).body.devices[0].push, 'webpush');
});
