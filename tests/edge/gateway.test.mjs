// The voice gateway: it reports the callee's signal, and is told to dial the mobile or to divert, by the threshold of site and line.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ gateway: { threshold_dbm: -95 }, call_servers: [{ id: 'gw', may: ['gateway'] }, { id: 'pbx', may: ['wake'] }] }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

const bearer = (id) => `Bearer ${id}.${edge.secrets.test.call_servers[id][0]}`;
const ask = (number, more, server = 'gw') =>
  edge.api('POST', '/v1/gateway/calls', { body: { call: 'c-1', number, caller: { number: '13800138000' }, ...more }, authorization: bearer(server), token: null });
const route = async (number, more) => {
  const { status, body } = await ask(number, more);
  assert.equal(status, 200, JSON.stringify(body));
  return [body.route, body.why, body.uid];
};

async function bound(number) {
  const sink = await Sink.open({ vapid: edge.vapid });
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it, sink);
  assert.equal((await it.bind({ sink })).status, 201);
}

test('the signal decides, by the site\'s threshold', async () => {
  await bound('8301');
  assert.deepEqual(await route('8301', { signal_dbm: -95 }), ['direct', 'strong', '8301']);
  assert.deepEqual(await route('8301', { signal_dbm: -96 }), ['divert', 'weak', '8301']);
  assert.deepEqual(await route('8301', { signal_dbm: null }), ['divert', 'none', '8301']);
  assert.deepEqual(await route('8301', {}), ['divert', 'none', '8301']);
});

test('a mobile that was dialled in vain diverts, whatever its signal', async () => {
  await bound('8311');
  for (const failed of [480, 408, 503, 'silence']) assert.deepEqual(await route('8311', { signal_dbm: -50, failed }), ['divert', 'failed', '8311'], String(failed));
  for (const failed of [486, 603, 200, 'busy']) assert.equal((await ask('8311', { failed })).status, 400, String(failed));
});

test('a line has a threshold of its own, until it is taken back', async () => {
  await bound('8321');
  const set = (threshold_dbm, number = '8321') => edge.api('PUT', `/v1/gateway/thresholds/${encodeURIComponent(number)}`, { body: { threshold_dbm } });
  assert.deepEqual((await set(-70)).body, { threshold_dbm: -70 });
  await edge.evictAll();
  assert.deepEqual(await route('8321', { signal_dbm: -80 }), ['divert', 'weak', '8321']);
  assert.deepEqual((await set(null)).body, { threshold_dbm: null });
  assert.deepEqual(await route('8321', { signal_dbm: -80 }), ['direct', 'strong', '8321']);
  assert.equal((await set(-151)).status, 400);
  assert.equal((await set(-70, '8999')).status, 404);
});

test('nothing to wake: a mobile with some signal is dialled, without it the call ends at the call server', async () => {
  await edge.account('8331', { uid: 'u-8331' });
  assert.deepEqual(await route('8331', { signal_dbm: -120 }), ['direct', 'unbound', 'u-8331']);
  assert.deepEqual(await route('8331', {}), ['divert', 'unbound', 'u-8331']);
  assert.deepEqual(await route('8331', { signal_dbm: -50, failed: 'silence' }), ['divert', 'unbound', 'u-8331']);
  assert.deepEqual(await route('8998', {}), ['divert', 'unbound', null]);
});

test('only a gateway may ask, and what it asks is checked', async () => {
  assert.equal((await ask('8301', {}, 'pbx')).status, 403);
  for (const bad of [{ signal_dbm: 1 }, { signal_dbm: -151 }, { signal_dbm: 'good' }, { call: '' }, { number: 'a b' }, { caller: { number: '' } }]) {
    assert.equal((await ask('8301', bad)).status, 400, JSON.stringify(bad));
  }
});
