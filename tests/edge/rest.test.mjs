// REST: who may call what, what a refusal says, and what it does not.
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const WAKE = 'AAAAAAAAAAAAAAAAAAAAAA';
const PASSWORD = 'correct horse';
let edge;
let sink;

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ origins: ['https://app.example'] }, { id: 'other', hosts: ['other.example'] }] });
  sink = await Sink.open({ vapid: edge.vapid });
  await edge.account('1001', { password: PASSWORD, display_name: 'Ada', uid: 'u-1001' });
});
after(async () => {
  await sink?.close();
  await edge?.close();
});

const signIn = (number, password, more = {}) => edge.api('POST', '/v1/sessions', { token: null, body: { number, password, ...more } });

async function device(number, options) {
  const it = new Device(edge, number, { token: await edge.token(number), ...options });
  await it.bind({ sink });
  return it;
}

function jwt(claims, secret, header = { alg: 'HS256', typ: 'JWT', kid: 'k1' }) {
  const data = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${data}.${createHmac('sha256', secret).update(data).digest('base64url')}`;
}

const claims = (more = {}) => {
  const now = Math.floor(Date.now() / 1000);
  return { iss: 'test', sub: 'u-1001', num: '1001', iat: now, exp: now + 600, aud: 'wakeline', ...more };
};

function isProblem(answer, status, type) {
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.equal(answer.headers.get('content-type'), 'application/problem+json');
  assert.equal(answer.body.type, `/problems/${type}`);
  assert.equal(answer.body.status, status);
  assert.ok(answer.body.title && answer.body.detail.endsWith('.'), answer.body.detail);
}

const ROUTES = [
  ['POST', '/v1/accounts', 'site'],
  ['POST', '/v1/tokens', 'site'],
  ['POST', '/v1/tokens/renew', 'device'],
  ['GET', '/v1/account', 'token'],
  ['PUT', `/v1/devices/${randomUUID()}`, 'token'],
  ['PUT', `/v1/devices/${randomUUID()}/push`, 'device'],
  ['GET', '/v1/devices', 'token'],
  ['DELETE', `/v1/devices/${randomUUID()}`, 'token'],
  ['GET', '/v1/waiting', 'token'],
  ['GET', `/v1/wakes/${WAKE}`, 'token'],
  ['POST', `/v1/wakes/${WAKE}/shown`, 'token'],
  ['POST', `/v1/wakes/${WAKE}/opened`, 'token'],
  ['POST', `/v1/wakes/${WAKE}/ready`, 'token'],
  ['POST', `/v1/wakes/${WAKE}/decline`, 'token'],
  ['GET', '/v1/missed', 'token'],
  ['POST', '/v1/missed/seen', 'token'],
  ['GET', '/v1/blocked', 'token'],
  ['PUT', '/v1/blocked/4711', 'token'],
  ['DELETE', '/v1/blocked/4711', 'token'],
  ['GET', '/v1/do-not-disturb', 'token'],
  ['PUT', '/v1/do-not-disturb', 'token'],
  ['GET', '/v1/ice', 'token'],
];

for (const [method, path, who] of ROUTES) {
  test(`${method} ${path.replace(/[0-9a-f-]{36}|A{22}/, '…')} is for ${who} only`, async () => {
    const token = await edge.token('1001');
    const wrong = {
      nothing: undefined,
      basic: 'Basic MTAwMTp4',
      forged: `Bearer ${jwt(claims(), 'x'.repeat(43))}`,
      capability: `Wake ${Buffer.from(`test:1001:${WAKE}:${randomUUID()}:${Date.now() + 60_000}`).toString('base64url')}.AAAA`,
      ...(who === 'site' ? { token: `Bearer ${token}`, otherSite: `Bearer ${edge.secrets.other.api_keys[0]}` } : { site: `Bearer ${edge.apiKey}` }),
    };
    const body = method === 'GET' || method === 'DELETE' ? undefined
      : { number: '1001', device: randomUUID(), nonce_at: Date.now(), signature: 'AAAA', ids: [], password: PASSWORD };
    for (const [name, authorization] of Object.entries(wrong)) {
      const answer = await edge.api(method, path, { body, token: null, authorization });
      isProblem(answer, 401, 'unauthorized');
      assert.ok(!/1001|Ada/.test(JSON.stringify(answer.body)), `${name} reveals something`);
    }
  });
}

test('what is not there, not so, or not now is said as a problem', async () => {
  isProblem(await edge.api('GET', '/v1/nothing'), 404, 'not-found');
  isProblem(await edge.api('GET', '/v1/sessions'), 405, 'method');
  isProblem(await edge.api('GET', '/sip'), 426, 'upgrade');
  for (const method of ['QUERY', 'PROPFIND', 'HEAD', 'DELETE']) {
    const answer = await fetch(`${edge.origin}/v1/vapid`, { method });
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET'], method);
  }
  isProblem(await edge.api('POST', '/v1/accounts', { body: 'x' }), 400, 'bad-request');
  isProblem(await edge.api('POST', '/v1/accounts', { body: { number: 'a b', password: PASSWORD } }), 400, 'bad-request');
  isProblem(await edge.api('POST', '/v1/accounts', { body: { number: '7', password: 'short' } }), 400, 'bad-request');
  isProblem(await edge.api('POST', '/v1/accounts', { body: { number: '1001', password: PASSWORD } }), 409, 'conflict');
  const large = { number: '1001', password: 'x'.repeat(17_000) };
  isProblem(await edge.api('POST', '/v1/sessions', { body: large, token: null }), 413, 'too-large');
  // Without a length it is cut off, at times before the answer is read.
  const endless = await fetch(`${edge.origin}/v1/sessions`, { method: 'POST', duplex: 'half', body: ReadableStream.from((function* () { for (let i = 0; i < 40; i++) yield Buffer.alloc(1000); })()) }).then((r) => r.status, () => 'cut');
  assert.ok([413, 'cut'].includes(endless), String(endless));
});

test('answers may not be stored, framed or sniffed', async () => {
  const { headers } = await edge.api('GET', '/v1/vapid', { token: null });
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.match(headers.get('content-security-policy'), /default-src 'none'/);
});

test('pages of the site and of the edge may call, others may not', async () => {
  for (const origin of ['https://app.example', edge.origin]) {
    const answer = await edge.api('GET', '/v1/vapid', { token: null, origin });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
  }
  const preflight = await fetch(`${edge.origin}/v1/devices/${randomUUID()}`, { method: 'OPTIONS', headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' } });
  assert.equal(preflight.status, 204);
  assert.match(preflight.headers.get('access-control-allow-methods'), /PUT/);
  assert.match(preflight.headers.get('access-control-allow-headers'), /Authorization/i);
  const foreign = await edge.api('GET', '/v1/vapid', { token: null, origin: 'https://evil.example' });
  isProblem(foreign, 403, 'forbidden');
  assert.equal(foreign.headers.get('access-control-allow-origin'), null);
});

test('sign-in answers whose line it is; a wrong password and an unknown number are one answer', async () => {
  const { status, body } = await signIn('1001', PASSWORD);
  assert.equal(status, 200);
  assert.deepEqual(body.account, { uid: 'u-1001', number: '1001', display_name: 'Ada', address_of_record: 'sip:1001@wakeline.test' });
  assert.ok(body.expires_at > Date.now());
  assert.equal((await edge.api('GET', '/v1/account', { token: body.token })).body.uid, 'u-1001');
  const [wrong, unknown] = [await signIn('1001', 'wrong horse'), await signIn('4711', 'wrong horse')];
  isProblem(wrong, 401, 'sign-in');
  assert.deepEqual(unknown.body, wrong.body);
  const time = async (number) => {
    const times = [];
    for (let i = 0; i < 5; i++) {
      const begun = performance.now();
      await signIn(number, 'wrong horse');
      times.push(performance.now() - begun);
    }
    return times.sort((a, b) => a - b)[2];
  };
  const [known, nobody] = [await time('1001'), await time('4711')];
  assert.ok(nobody > known / 3, `unknown number ${nobody} ms, known ${known} ms`);
});

test('too many tries are refused for a while, the right password among them', async () => {
  const small = await Edge.open({ assets: null, sites: [{ limits: { sign_in_tries: 3 } }] });
  try {
    await small.account('1001', { password: PASSWORD });
    const attempt = (password) => small.api('POST', '/v1/sessions', { token: null, body: { number: '1001', password } });
    for (let i = 0; i < 2; i++) assert.equal((await attempt('wrong horse')).status, 401);
    assert.equal((await attempt(PASSWORD)).status, 200);
    for (let i = 0; i < 3; i++) assert.equal((await attempt('wrong horse')).status, 401);
    const refused = await attempt(PASSWORD);
    isProblem(refused, 429, 'too-many');
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal(refused.body.retry_after_s, Number(refused.headers.get('retry-after')));
    // Whoever tries from elsewhere does not lock the owner out.
    const owner = await fetch(`${small.origin}/v1/sessions`, { method: 'POST', headers: { 'cf-connecting-ip': '192.0.2.7' }, body: JSON.stringify({ number: '1001', password: PASSWORD }) });
    assert.equal(owner.status, 200);
  } finally {
    await small.close();
  }
});

test('a token of the site\'s own backend is as good, one of another site, audience, key or time is not', async () => {
  const key = edge.secrets.test.signing_keys[0].secret;
  const ask = (token) => edge.api('GET', '/v1/account', { token });
  assert.equal((await ask(jwt(claims(), key))).status, 200);
  const now = Math.floor(Date.now() / 1000);
  const bad = {
    'another site': jwt(claims({ iss: 'other' }), key),
    'another site\'s key': jwt(claims(), edge.secrets.other.signing_keys[0].secret),
    'another audience': jwt(claims({ aud: 'bank' }), key),
    ended: jwt(claims({ iat: now - 700, exp: now - 1 }), key),
    'not begun': jwt(claims({ iat: now + 600 }), key),
    unsigned: `${jwt(claims(), key, { alg: 'none' }).split('.').slice(0, 2).join('.')}.`,
    'another kid': jwt(claims(), key, { alg: 'HS256', kid: 'k9' }),
    'another user': jwt(claims({ sub: 'u-9999' }), key),
  };
  for (const [name, token] of Object.entries(bad)) {
    assert.equal((await ask(token)).status, 401, name);
  }
});

test('a load without its subscription at hand leaves the device wakeable', async () => {
  const it = await device('2005');
  assert.equal((await it.bind({ lang: 'zh' })).body.push, 'webpush');
  assert.equal((await it.bind({ sink })).body.lang, 'zh');
});

test('a device is bound again and again, listed, and revoked for ever', async () => {
  const it = await device('2001');
  const again = await it.bind({ sink });
  assert.equal(again.status, 200);
  assert.deepEqual({ push: again.body.push, key: again.body.has_credential, registered: again.body.registered }, { push: 'webpush', key: true, registered: false });
  const listed = await it.api('GET', '/v1/devices');
  assert.deepEqual(listed.body.devices.map((d) => d.id), [it.device]);
  const renewed = await it.renew();
  assert.equal(renewed.status, 200);
  assert.equal((await it.api('DELETE', `/v1/devices/${it.device}`)).status, 204);
  assert.deepEqual((await it.api('GET', '/v1/devices')).body.devices, []);
  isProblem(await it.renew(), 401, 'unauthorized');
  isProblem(await edge.api('GET', '/v1/account', { token: renewed.body.token }), 401, 'unauthorized');
  isProblem(await edge.api('GET', '/v1/ice', { token: renewed.body.token }), 401, 'unauthorized');
  assert.notEqual((await it.bind({ sink })).status, 200);
});

test('a device renews its line\'s token; with a wrong clock it learns the time and signs again', async () => {
  const it = await device('2002');
  const { status, body } = await it.renew();
  assert.equal(status, 200);
  assert.equal(body.account.number, '2002');
  assert.equal(JSON.parse(Buffer.from(body.token.split('.')[1], 'base64url')).dev, it.device);
  const late = await it.renew(Date.now() - 3_600_000);
  isProblem(late, 401, 'clock');
  assert.ok(Math.abs(late.body.now - Date.now()) < 5000);
  assert.equal((await it.renew(late.body.now)).status, 200);
  const at = Date.now();
  const wrong = {
    'another number': { number: '1001' },
    'another device': { device: randomUUID() },
    'another time': { nonce_at: at - 1 },
    'for a push': { signature: await it.sign('push', at) },
    'for another edge': { signature: await it.sign('renew', at, { origin: 'https://evil.example' }) },
    junk: { signature: '!' },
  };
  for (const [name, change] of Object.entries(wrong)) {
    assert.equal((await it.renew(at, change)).status, 401, name);
  }
});

test('a service worker replaces its subscription without a token', async () => {
  const it = await device('2003');
  const at = Date.now();
  const header = async (what) => `WakelineDevice number=2003,at=${at},sig=${await it.sign(what, at)}`;
  const put = async (what) => edge.api('PUT', `/v1/devices/${it.device}/push`, { body: sink.subscription, token: null, authorization: await header(what) });
  assert.equal((await put('push')).status, 200);
  isProblem(await put('renew'), 401, 'unauthorized');
});

test('a push endpoint that is not on the list is not taken', async () => {
  const it = new Device(edge, '2004', { token: await edge.token('2004') });
  for (const endpoint of ['https://evil.example/push', 'http://10.0.0.1/push', 'http://169.254.169.254/', 'file:///etc/passwd', 'x']) {
    const answer = await it.api('PUT', `/v1/devices/${it.device}`, { push: { ...sink.subscription, endpoint } });
    isProblem(answer, 422, 'push-endpoint');
  }
  const answer = await it.api('PUT', `/v1/devices/${it.device}`, { push: { ...sink.subscription, auth: 'AAAA' } });
  isProblem(answer, 400, 'bad-request');
});

test('without STUN and TURN the page is warned', async () => {
  const { body } = await edge.api('GET', '/v1/ice', { token: await edge.token('1001') });
  assert.deepEqual(body.ice_servers, []);
  assert.match(body.warning, /ice_servers/);
});

test('the VAPID key is the site\'s', async () => {
  assert.equal((await edge.api('GET', '/v1/vapid', { token: null })).body.public_key, edge.vapid.public_key);
});

test('secrets, passwords and numbers are in no log line', () => {
  const log = edge.lines.join('\n');
  for (const secret of [PASSWORD, 'wrong horse', edge.apiKey, edge.edgeSecret, edge.secrets.test.signing_keys[0].secret, '1001', 'Ada']) {
    assert.ok(!log.includes(secret), `${secret} was logged`);
  }
});

test('a line blocks callers and wants no calls, and only it knows', async () => {
  const token = await edge.token('1001');
  const blocked = async (method, number = '', body) => {
    const answer = await edge.api(method, `/v1/blocked${number && `/${encodeURIComponent(number)}`}`, { token, body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.blocked.map((one) => [one.number, one.display_name]);
  };
  assert.deepEqual(await blocked('GET'), []);
  assert.deepEqual(await blocked('PUT', '+49#30', { display_name: '<b>Eve</b>' }), [['+49#30', '<b>Eve</b>']]);
  assert.deepEqual(await blocked('PUT', '+49#30'), [['+49#30', '']], 'again is the same');
  assert.deepEqual(await blocked('DELETE', '4711'), [['+49#30', '']], 'who is not blocked is let through anyhow');
  assert.deepEqual(await blocked('DELETE', '+49#30'), []);
  isProblem(await edge.api('PUT', '/v1/blocked/%', { token }), 400, 'bad-request');
  isProblem(await edge.api('PUT', '/v1/blocked/a%20b', { token }), 400, 'bad-request');
  isProblem(await edge.api('PUT', '/v1/blocked/2', { token, body: { display_name: 'x'.repeat(200) } }), 400, 'bad-request');
  const quiet = async (method, body) => (await edge.api(method, '/v1/do-not-disturb', { token, body })).body;
  assert.deepEqual(await quiet('GET'), { on: false });
  const { on, since } = await quiet('PUT', { on: true });
  assert.ok(on && Math.abs(since - Date.now()) < 60_000);
  assert.deepEqual(await quiet('PUT', { on: true }), { on, since }, 'since it was switched on first');
  assert.deepEqual(await quiet('PUT', { on: false }), { on: false });
  isProblem(await edge.api('PUT', '/v1/do-not-disturb', { token, body: { on: 'yes' } }), 400, 'bad-request');
});
