// What somebody gains who has recorded a call server's requests, or holds its credential: nothing rings anew, and the edge calls no
// address that the site's configuration does not name.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { EventLog, until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const PUSH = 'https://push.example/of-the-device';
let edge;
let sink;
let outside;
const log = new EventLog();
const answers = [];

before(async () => {
  // Whatever the worker calls by https arrives here, and is written down.
  outside = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => {
      const isPush = request.url === new URL(PUSH).pathname;
      log.record(isPush ? 'push' : 'called', { path: request.url, body, signature: request.headers['wakeline-signature'] });
      const { status, headers } = (!isPush && answers.shift()) || { status: 201 };
      response.writeHead(status, headers).end();
    });
  });
  await new Promise((resolve) => outside.listen(0, '127.0.0.1', resolve));
  edge = await Edge.open({
    assets: null,
    outbound: `127.0.0.1:${outside.address().port}`,
    // As it is deployed: nothing on loopback.
    sites: [{
      call_servers: [{ id: 'pbx', may: ['wake'], callbacks: ['pbx.example', '*.calls.example'] }, { id: 'quiet', may: ['wake'] }],
      push: { loopback: false, allow: ['push.example'], repush_s: 55 },
    }],
  });
  // Its keys are good; it is never sent to.
  sink = await Sink.open();
});
after(async () => {
  await edge?.close();
  await sink?.close();
  outside?.closeAllConnections();
  outside?.close();
});

const secretOf = (id) => edge.secrets.test.call_servers[id][0];
const rest = (method, path, body, { id = 'pbx', authorization = `Bearer ${id}.${secretOf(id)}` } = {}) => edge.api(method, path, { body, authorization, token: null });
const question = (number, more) => ({ call: randomUUID(), number, caller: { number: '13800138000' }, ...more });

async function asleep(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  assert.equal((await it.bind({ sink: { subscription: { ...sink.subscription, endpoint: PUSH } } })).status, 201);
  return it;
}

/** A signed request, to be sent as often as one likes. */
function signed(method, path, body, at = Date.now()) {
  const digest = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  const sig = createHmac('sha256', secretOf('pbx')).update(['wakeline-server', edge.origin, method, path, at, digest].join('\n')).digest('base64url');
  return () => rest(method, path, body, { authorization: `WakelineServer id=pbx, at=${at}, sig=${sig}` });
}

describe('a recorded request, sent again while its signature is good', () => {
  test('wakes nobody twice: not at once, not after the end, not when everything was forgotten', async () => {
    await asleep('8501');
    // By a clock that is as far ahead as may be, it is good for ten minutes: a call is known for longer (asserted in virtual time).
    const asks = signed('POST', '/v1/wakes', question('8501'), Date.now() + 290_000);
    const since = log.mark();
    const first = await asks();
    assert.equal(first.status, 201, JSON.stringify(first.body));
    await log.wait('push', { since });
    const pushes = () => log.filter('push', since).length;
    const again = await asks();
    assert.deepEqual([again.status, again.body.id, pushes()], [200, first.body.id, 1]);

    const path = `/v1/wakes/${first.body.id}/events`;
    const cancels = signed('POST', path, { event: 'cancelled' });
    assert.equal((await cancels()).body.state, 'cancelled');
    await log.wait('push', { since: since + 1, what: 'the invitation becomes a missed call' });
    for (const between of [() => {}, () => edge.evictAll(), () => edge.restart()]) {
      await between();
      const late = await asks();
      assert.deepEqual([late.status, late.body.id, late.body.state, late.body.final], [200, first.body.id, 'cancelled', true]);
      assert.deepEqual((await cancels()).body.state, 'cancelled');
    }
    assert.equal(pushes(), 2, 'the invitation and its correction, and no more');
    assert.equal((await edge.rows('SELECT id FROM calls WHERE callee = ?', '8501')).length, 1);
  });

  test('an event of one call says nothing of another, and an old one does not end a new call', async () => {
    await asleep('8502');
    const one = await rest('POST', '/v1/wakes', question('8502'));
    const cancels = signed('POST', `/v1/wakes/${one.body.id}/events`, { event: 'cancelled' });
    assert.equal((await cancels()).status, 200);
    const two = await rest('POST', '/v1/wakes', question('8502'));
    assert.notEqual(two.body.id, one.body.id);
    assert.equal((await cancels()).body.id, one.body.id);
    assert.equal((await rest('GET', `/v1/wakes/${two.body.id}`)).body.final, false);
    await rest('POST', `/v1/wakes/${two.body.id}/events`, { event: 'cancelled' });
  });

  test('and after its time it is refused', async () => {
    const asks = signed('POST', '/v1/wakes', question('8501'), Date.now() - 301_000);
    const answer = await asks();
    assert.deepEqual([answer.status, answer.body.type], [401, '/problems/clock']);
  });
});

describe('callbacks go to hosts that the site names for this call server, and nowhere else', () => {
  const inward = {
    'private ranges': ['https://10.0.0.1/', 'https://172.16.0.1/', 'https://192.168.1.1/', 'https://100.64.0.1/', 'https://169.254.169.254/latest/meta-data/', 'https://127.0.0.1/', 'https://0.0.0.0/'],
    'IPv6 in every form': ['https://[::1]/', 'https://[::]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[fd00::1]/', 'https://[fe80::1]/', 'https://[64:ff9b::7f00:1]/', 'https://[2002:7f00:1::]/'],
    'addresses in other spellings': ['https://2130706433/', 'https://0x7f000001/', 'https://0x7f.1/', 'https://017700000001/', 'https://127.1/', 'https://①②⑦.⓪.⓪.①/', 'https://%31%32%37.0.0.1/'],
    'names of what is inside': ['https://localhost/', 'https://localhost.localdomain/', 'https://metadata.google.internal/', 'https://pbx.example.localhost/', 'https://pbx/', 'https://kamailio.default.svc.cluster.local/'],
    'names that resolve inward': ['https://127.0.0.1.nip.io/', 'https://localtest.me/', 'https://10-0-0-1.sslip.io/', 'https://rebind.attacker.example/'],
    'userinfo that hides the host': ['https://pbx.example@10.0.0.1/', 'https://pbx.example:x@evil.example/', 'https://user@pbx.example/'],
    'names that look alike': ['https://pbx.example.evil.example/', 'https://evilpbx.example/', 'https://calls.example/', 'https://evil.example\\@pbx.example/', 'https://evil.example#@pbx.example/', 'https://evil.example?.pbx.example/'],
    'other schemes': ['http://pbx.example/', 'ftp://pbx.example/', 'file:///etc/passwd', 'gopher://pbx.example/', 'data:text/plain,x', 'javascript:fetch(1)'],
    'no URL': ['', 'pbx.example', '//pbx.example/', 'https://', `https://pbx.example/${'x'.repeat(3000)}`],
  };
  for (const [what, addresses] of Object.entries(inward)) {
    test(`${what}: refused, and nobody is woken`, async () => {
      const since = log.mark();
      for (const callback of addresses) {
        const answer = await rest('POST', '/v1/wakes', question('8601', { callback }));
        assert.deepEqual([answer.status, answer.body.type], [422, '/problems/callback'], callback);
        assert.match(answer.body.detail, /callbacks|https/);
      }
      assert.deepEqual(log.filter('called', since), []);
    });
  }

  test('what is named for one call server is not for another', async () => {
    await asleep('8602');
    const callback = 'https://pbx.example/wakes';
    assert.equal((await rest('POST', '/v1/wakes', question('8602', { callback }), { id: 'quiet' })).status, 422);
    const since = log.mark();
    for (const good of [callback, 'https://eu.calls.example:8443/wakes']) {
      const { status, body } = await rest('POST', '/v1/wakes', question('8602', { callback: good }));
      assert.equal(status, 201, JSON.stringify(body));
      await rest('POST', `/v1/wakes/${body.id}/events`, { event: 'cancelled' });
    }
    const told = await Promise.all([1, 2].map((nth) => log.wait((e) => e.name === 'called' && log.filter('called', since).length >= nth, { since })));
    assert.ok(told.every(({ path, signature }) => path === '/wakes' && /^at=\d+,id=[\w-]+\.\d+,sig=/.test(signature)));
  });

  test('a redirect leads nowhere, whatever its status', async () => {
    await asleep('8603');
    const since = log.mark();
    for (const status of [301, 302, 308]) answers.push({ status, headers: { location: 'https://10.0.0.1/latest/meta-data/' } });
    const { body } = await rest('POST', '/v1/wakes', question('8603', { callback: 'https://pbx.example/moved' }));
    await rest('POST', `/v1/wakes/${body.id}/events`, { event: 'cancelled' });
    // Each is a telling that was not taken: it is told again, at the address that was given.
    await log.wait(() => answers.length === 0 && log.filter('called', since).length >= 4, { since, ms: 60_000, what: 'three redirections and what comes after' });
    assert.deepEqual([...new Set(log.filter('called', since).map(({ path }) => path))], ['/moved']);
    assert.ok(edge.lines.some((line) => /event=callback_refused .*status=302/.test(line)));
  });

  test('what was named when it was asked, and is no more, is not called', async () => {
    await asleep('8604');
    answers.push({ status: 500 });
    const since = log.mark();
    const { body } = await rest('POST', '/v1/wakes', question('8604', { callback: 'https://pbx.example/before' }));
    await log.wait((e) => e.name === 'called' && e.path === '/before', { since });
    const [site] = edge.sites;
    await edge.restart({ sites: [{ ...site, call_servers: [{ id: 'pbx', may: ['wake'], callbacks: ['else.example'] }, site.call_servers[1]] }] });
    const from = log.mark();
    await rest('POST', `/v1/wakes/${body.id}/events`, { event: 'cancelled' });
    await log.wait('push', { since: from, what: 'the missed call' });
    await until(() => edge.lines.some((line) => /event=callback_unnamed .*server=pbx/.test(line)), { ms: 30_000, what: 'the callback is given up' });
    assert.deepEqual(log.filter('called', from), []);
  });
});

test('no address of a callback and no secret is in a log line', () => {
  for (const line of edge.lines) assert.ok(!/pbx\.example|10\.0\.0\.1|calls\.example/.test(line) && !line.includes(secretOf('pbx')), line);
});
