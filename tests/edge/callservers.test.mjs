// Call servers: credentials of their own, per site, that rotate; by Bearer, or by a signature over the request.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';

const PATH = '/v1/call-server';
let edge;

before(async () => {
  edge = await Edge.open({
    assets: null,
    sites: [{ call_servers: [{ id: 'pbx', may: ['wake'] }, { id: 'gw' }] }, { id: 'other', hosts: ['other.example'], call_servers: [{ id: 'pbx' }] }],
  });
});
after(() => edge?.close());

const secretOf = (id, site = 'test') => edge.secrets[site].call_servers[id][0];
const show = (authorization, path = PATH) => edge.api('GET', path, { authorization, token: null });

function signed(secret, { id = 'pbx', at = Date.now(), origin = edge.origin, method = 'GET', target = PATH, body = '' } = {}) {
  const digest = createHash('sha256').update(body).digest('hex');
  const signature = createHmac('sha256', secret).update(['wakeline-server', origin, method, target, at, digest].join('\n')).digest('base64url');
  return `WakelineServer id=${id}, at=${at}, sig=${signature}`;
}

test('a call server is who its secret says, and may what is named for it', async () => {
  const { status, body } = await show(`Bearer pbx.${secretOf('pbx')}`);
  assert.equal(status, 200);
  assert.deepEqual([body.id, body.site, body.domain, body.may], ['pbx', 'test', 'wakeline.test', ['wake']]);
  assert.ok(Math.abs(body.now - Date.now()) < 5000);
  assert.deepEqual((await show(`Bearer gw.${secretOf('gw')}`)).body.may, []);
});

test('a signature over the request is as good, for this request at this edge now', async () => {
  assert.equal((await show(signed(secretOf('pbx')))).body.id, 'pbx');
  assert.equal((await show(signed(secretOf('pbx'), { target: `${PATH}?wait=25` }), `${PATH}?wait=25`)).status, 200);
  const bad = {
    'another id': signed(secretOf('pbx'), { id: 'gw' }),
    'no such id': signed(secretOf('pbx'), { id: 'nobody' }),
    'another edge': signed(secretOf('pbx'), { origin: 'https://evil.example' }),
    'another method': signed(secretOf('pbx'), { method: 'POST' }),
    'another path': signed(secretOf('pbx'), { target: '/v1/account' }),
    'another query': signed(secretOf('pbx'), { target: `${PATH}?wait=25` }),
    'another body': signed(secretOf('pbx'), { body: '{}' }),
    'another secret': signed(secretOf('gw')),
    'another site': signed(secretOf('pbx', 'other')),
    'the site\'s key': signed(edge.apiKey),
    junk: 'WakelineServer id=pbx,at=1,sig=!',
  };
  for (const [name, authorization] of Object.entries(bad)) assert.equal((await show(authorization)).status, 401, name);
  const late = await show(signed(secretOf('pbx'), { at: Date.now() - 3_600_000 }));
  assert.deepEqual([late.status, late.body.type], [401, '/problems/clock']);
  assert.equal((await show(signed(secretOf('pbx'), { at: late.body.now }))).status, 200);
});

test('no other secret is one of a call server', async () => {
  for (const credential of [`pbx.${secretOf('gw')}`, `gw.${secretOf('pbx')}`, `pbx.${secretOf('pbx', 'other')}`, secretOf('pbx'), `pbx.`, edge.apiKey, `pbx.${edge.apiKey}`, await edge.token('1001')]) {
    assert.equal((await show(`Bearer ${credential}`)).status, 401);
  }
});

test('during a rotation the old secret and the new are good, after it the new one alone', async () => {
  const old = secretOf('pbx');
  const fresh = 'n'.repeat(43);
  const servers = edge.secrets.test.call_servers;
  servers.pbx = [fresh, old];
  await edge.restart();
  for (const secret of [old, fresh]) {
    assert.equal((await show(`Bearer pbx.${secret}`)).status, 200);
    assert.equal((await show(signed(secret))).status, 200);
  }
  servers.pbx = [fresh];
  await edge.restart();
  assert.equal((await show(`Bearer pbx.${old}`)).status, 401);
  assert.equal((await show(signed(old))).status, 401);
  assert.equal((await show(`Bearer pbx.${fresh}`)).status, 200);
});

test('no secret of a call server is in a log line', () => {
  const log = edge.lines.join('\n');
  for (const secret of [secretOf('pbx'), secretOf('gw'), secretOf('pbx', 'other')]) assert.ok(!log.includes(secret));
});
