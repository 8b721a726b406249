// Secrets and identities stay out of logs: calls, sign-ins and every kind of failure are run, and then all that workerd printed is read.
import assert from 'node:assert/strict';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { freePort } from '../lib/ports.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

// What can be found nowhere else by chance.
const [CALLER, CALLEE] = ['880011223344', '880055667788'];
const NAMES = ['Zebulon Quartermaine', 'Philippa Ödegård'];
const UIDS = ['uid-zq-7731', 'uid-po-7732'];
const PASSWORDS = ['pw-Vellichor-8812', 'pw-Wrong-Guess-991'];
const secrets = new Map();
const keep = (what, value) => {
  assert.ok(String(value).length >= 8, `${what} is too short to be looked for`);
  secrets.set(`${what} ${secrets.size}`, String(value));
  return value;
};
let edge;
let sink;
/** What stands outside, and fails: Getui, and a call server's address. */
let outside;
const CALLBACK = 'https://pbx-callback.example/wakes-zq7731';
const CID = 'cid0zq7731cid0zq7731cid0zq7731cc';
const closing = [];

before(async () => {
  outside = createServer((request, response) => request.on('data', () => {}).on('end', () => {
    const getui = request.url.startsWith('/v2/');
    response.writeHead(getui ? 200 : 500, { 'content-type': 'application/json' }).end(getui ? '{"code":20001,"msg":"refused"}' : '{}');
  }));
  await new Promise((resolve) => outside.listen(0, '127.0.0.1', resolve));
  edge = await Edge.open({
    assets: null,
    outbound: `127.0.0.1:${outside.address().port}`,
    sites: [{
      call_servers: [{ id: 'pbx', may: ['wake', 'gateway'], callbacks: ['pbx-callback.example'] }],
      sip: { servers: ['wss://pbx.example/ws'], scheme: 'ephemeral' },
      turn: { provider: 'coturn', urls: ['turn:turn.example:3478'], ttl_s: 600 },
      push: { getui: { app_id: 'appidofzq7731', app_key: 'appkeyofzq7731' } },
      limits: { ready_s: 5, tap_grace_s: 0 },
    }],
    secrets: { sip_secret: randomBytes(24).toString('base64url'), turn_secret: randomBytes(24).toString('base64url') },
  });
  sink = await Sink.open({ vapid: edge.vapid });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await sink?.close();
  await edge?.close();
  outside?.closeAllConnections();
  outside?.close();
});

test('calls, sign-ins and failures of every kind are run', async () => {
  for (const value of [CALLER, CALLEE]) keep('number', value);
  for (const value of NAMES) keep('name', value);
  for (const value of UIDS) keep('uid', value);
  for (const value of PASSWORDS) keep('password', value);
  const own = edge.secrets.test;
  keep('api key', edge.apiKey);
  keep('edge secret', edge.edgeSecret);
  keep('signing key', own.signing_keys[0].secret);
  keep('vapid private key', own.vapid.private_key);
  keep('call server secret', own.call_servers.pbx[0]);
  keep('sip secret', own.sip_secret);
  keep('turn secret', own.turn_secret);
  keep('getui master secret', own.getui.master_secret);
  keep('cid', CID);
  keep('callback', CALLBACK);
  keep('endpoint', sink.subscription.endpoint);
  keep('p256dh', sink.subscription.p256dh);
  keep('auth', sink.subscription.auth);

  // Sign-in, right and wrong.
  await edge.account(CALLER, { password: PASSWORDS[0], display_name: NAMES[0], uid: UIDS[0] });
  await edge.account(CALLEE, { password: PASSWORDS[0], display_name: NAMES[1], uid: UIDS[1] });
  const signIn = (number, password) => edge.api('POST', '/v1/sessions', { token: null, body: { number, password } });
  const session = await signIn(CALLER, PASSWORDS[0]);
  keep('token', session.body.token);
  assert.equal((await signIn(CALLEE, PASSWORDS[1])).status, 401);
  assert.equal((await edge.api('POST', '/v1/accounts', { body: { number: CALLER, password: PASSWORDS[0] } })).status, 409);

  // Tokens: forged, expired, foreign; credentials of all kinds in the wrong place.
  const claims = { iss: 'test', sub: UIDS[0], num: CALLER, aud: 'wakeline', iat: 1, exp: 2 };
  const data = [{ alg: 'HS256', kid: 'k1' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  const expired = keep('expired token', `${data}.${createHmac('sha256', own.signing_keys[0].secret).update(data).digest('base64url')}`);
  const forged = keep('forged token', `${data}.${randomBytes(32).toString('base64url')}`);
  for (const authorization of [`Bearer ${expired}`, `Bearer ${forged}`, `Bearer ${edge.apiKey}`, `Bearer pbx.${own.call_servers.pbx[0]}`, `Basic ${Buffer.from(`${CALLER}:${PASSWORDS[0]}`).toString('base64')}`, `Bearer ${PASSWORDS[0]}`]) {
    for (const path of ['/v1/account', '/v1/call-server', `/v1/wakes/${'A'.repeat(22)}`]) await edge.api('GET', path, { authorization, token: null });
  }

  const page = async (number) => {
    const it = new Device(edge, number, { token: keep('token', await edge.token(number)) });
    closing.push(it);
    keep('device', it.device);
    return it;
  };
  const callee = await page(CALLEE);
  await callee.bind({ sink });
  const at = Date.now();
  keep('signature', await callee.sign('renew', at));
  await callee.renew(at, { signature: keep('signature', randomBytes(64).toString('base64url')) });
  keep('token', (await callee.renew()).body.token);

  // SIP: digest right and wrong, another's name, junk.
  const caller = await page(CALLER);
  await caller.online();
  const digest = await (await page(CALLER)).open();
  const challenge = (await digest.register({ authorization: null })).headers['www-authenticate'].find((c) => c.includes('SHA-256'));
  const nonce = /nonce="([^"]+)"/.exec(challenge)[1];
  const h = (text) => createHash('sha256').update(text).digest('hex');
  const uri = `sip:${edge.domain}`;
  const response = keep('digest response', h(`${h(`${CALLER}:${edge.domain}:${PASSWORDS[1]}`)}:${nonce}:00000001:c0:auth:${h(`REGISTER:${uri}`)}`));
  await digest.register({ authorization: `Digest username="${CALLER}", realm="${edge.domain}", nonce="${nonce}", uri="${uri}", algorithm=SHA-256, qop=auth, nc=00000001, cnonce="c0", response="${response}"` });
  await digest.register({ token: forged });
  digest.send(`INVITE sip:${CALLEE}@${edge.domain} SIP/2.0\r\nFrom: "${NAMES[0]}" <sip:${CALLER}@${edge.domain}\r\n\r\n`);
  digest.send(`${PASSWORDS[0]} \0 ${CALLER}`);

  // A wake that ends in each way, one after the other.
  const ring = async (answers) => {
    const since = sink.log.mark();
    sink.answers = answers;
    const call = caller.call(CALLEE);
    const push = await sink.push('invitation', { since });
    keep('capability', push.said.wakeline.capability);
    return { call, push };
  };
  const declined = await ring([]);
  await callee.report(declined.push.wake, 'shown', { capability: declined.push.said.wakeline.capability });
  await callee.report(declined.push.wake, 'decline', { capability: declined.push.said.wakeline.capability });
  await declined.call.final();
  const forgedCapability = `${declined.push.said.wakeline.capability.slice(0, -6)}AAAAAA`;
  await edge.api('GET', `/v1/wakes/${declined.push.wake}`, { token: null, authorization: `Wake ${forgedCapability}` });
  for (const answers of [[401], [403], [400], [413], [500], [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }]]) {
    const { call } = await ring(answers);
    await call.cancel();
    await call.final();
  }
  const late = await ring([]);
  await late.call.final({ ms: 20_000 });

  // A push service that is not there.
  const gone = `http://127.0.0.1:${await freePort()}/push/${randomBytes(12).toString('hex')}`;
  keep('endpoint', gone);
  await callee.api('PUT', `/v1/devices/${callee.device}`, { push: { ...sink.subscription, endpoint: gone } });
  await caller.call(CALLEE).final({ ms: 20_000 });

  // Before what goes on being tried: an object that waits for an answer is not forgotten.
  await edge.evictAll();

  // A call server: its pages' credentials, a relay's, wakes with a callback that fails, signed and refused, and the gateway.
  const account = (await caller.api('GET', '/v1/account')).body;
  keep('sip password', account.sip.password);
  const ice = (await caller.api('GET', '/v1/ice')).body;
  keep('turn password', ice.ice_servers.at(-1).credential);
  const pbx = (method, path, body, authorization = `Bearer pbx.${own.call_servers.pbx[0]}`) => edge.api(method, path, { body, authorization, token: null });
  const mobile = keep('number', '13877665544');
  const question = { call: keep('call id', 'call-zq-7731-of-the-pbx'), number: CALLEE, caller: { number: mobile, name: NAMES[0] }, callback: CALLBACK };
  const asked = await pbx('POST', '/v1/wakes', question);
  assert.equal(asked.status, 201, JSON.stringify(asked.body));
  assert.equal((await pbx('POST', '/v1/wakes', { ...question, call: 'x', callback: 'https://10.0.0.1/zq7731' })).status, 422);
  assert.equal((await pbx('POST', '/v1/wakes', question, `WakelineServer id=pbx,at=${Date.now()},sig=${keep('signature', randomBytes(32).toString('base64url'))}`)).status, 401);
  assert.equal((await pbx('POST', '/v1/gateway/calls', { call: 'g', number: CALLEE, caller: { number: mobile }, signal_dbm: -120 })).status, 200);
  await pbx('POST', `/v1/wakes/${asked.body.id}/events`, { event: 'failed', status: 486, reason: NAMES[1] });
  await until(() => edge.lines.some((entry) => /event=callback_refused .*status=500/.test(entry)), { ms: 20_000, what: 'the callback fails' });

  // An app, and a vendor that fails.
  await callee.api('PUT', `/v1/devices/${callee.device}`, { push: { provider: 'getui', cid: CID } });
  await caller.call(CALLEE).final({ ms: 20_000 });

  // Answered, and the directory gone meanwhile.
  const online = await page(CALLEE);
  await online.online();
  await edge.rows('ALTER TABLE calls RENAME TO calls_away');
  await edge.rows('ALTER TABLE accounts RENAME TO accounts_away');
  await edge.rows('ALTER TABLE tries RENAME TO tries_away');
  const call = caller.call(CALLEE);
  const incoming = await online.incoming();
  incoming.ring();
  await Promise.all([incoming.answer(), call.final()]);
  const bye = call.dialog.request('BYE');
  online.respond(await incoming.sees('BYE'), 200, 'OK');
  await bye;
  assert.equal((await signIn(CALLER, PASSWORDS[0])).status, 503);
  assert.equal((await edge.api('POST', '/v1/accounts', { body: { number: `${CALLER}9`, password: PASSWORDS[0], display_name: NAMES[0] } })).status, 503);
  await until(() => edge.lines.filter((entry) => /of=directory/.test(entry)).length >= 3, { ms: 20_000, what: 'the record fails too' });
});

test('all of them left their lines in the log', () => {
  const log = edge.lines.join('\n');
  for (const event of [/event=callback_refused/, /event=sign_in_refused .*vendor=getui/, /event=refused .*expired/, /event=refused .*signature/, /event=push_fault/, /event=push_unanswered/, /event=failure of=directory/]) assert.match(log, event);
});

test('no password, token, capability, key, endpoint, number or name is in them', () => {
  for (const entry of edge.lines) {
    for (const [what, value] of secrets) {
      const forms = [value, encodeURIComponent(value), Buffer.from(value).toString('base64url'), Buffer.from(value).toString('base64').replace(/=+$/, '')];
      // A device is named in the log by its id: an identifier of the deployment, of no use without its key.
      if (what.startsWith('device')) continue;
      assert.ok(!forms.some((form) => entry.includes(form)), `${what} is in: ${entry}`);
    }
    assert.ok(!/eyJ[\w-]+\.|Bearer |Wake [\w-]{20}|sip:|https?:\/\/127/.test(entry), entry);
  }
});

test('nor does the directory keep what it need not: no password, no clear name of who tried to sign in', async () => {
  const tries = JSON.stringify(await edge.rows('SELECT * FROM tries_away'));
  const accounts = JSON.stringify(await edge.rows('SELECT * FROM accounts_away'));
  for (const number of [CALLER, CALLEE]) assert.ok(!tries.includes(number), 'a number is in tries');
  for (const password of PASSWORDS) assert.ok(!tries.includes(password) && !accounts.includes(password));
});
