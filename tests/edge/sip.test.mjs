// SIP over WebSocket between scripted pages, through real flow and line objects.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

let edge;
const open = [];

before(async () => {
  edge = await Edge.open({ assets: null, sites: [{ origins: ['https://app.example'], limits: { idle_s: 2 } }] });
});
after(async () => {
  await Promise.all(open.map((device) => device.close()));
  await edge?.close();
});

async function device(number, options = {}) {
  const it = new Device(edge, number, { token: options.token ?? (await edge.token(number)), ...options });
  open.push(it);
  return it;
}

const online = async (number, options) => (await device(number, options)).online();

function upgrade({ protocol = 'sip', origin } = {}) {
  const socket = new WebSocket(`${edge.origin.replace('http', 'ws')}/sip`, protocol, { origin });
  const { promise, resolve } = Promise.withResolvers();
  socket.on('open', () => {
    resolve({ status: 101, protocol: socket.protocol });
    socket.close();
  });
  socket.on('unexpected-response', (_, response) => {
    let body = '';
    response.on('data', (chunk) => (body += chunk)).on('end', () => resolve({ status: response.statusCode, body: JSON.parse(body) }));
  });
  socket.on('error', () => {});
  return promise;
}

test('an upgrade needs the subprotocol sip and a page of the site', async () => {
  assert.deepEqual(await upgrade(), { status: 101, protocol: 'sip' });
  assert.deepEqual(await upgrade({ protocol: ['chat', 'sip'] }), { status: 101, protocol: 'sip' });
  assert.equal((await upgrade({ origin: 'https://app.example' })).status, 101);
  const chat = await upgrade({ protocol: 'chat' });
  assert.equal(chat.status, 400);
  assert.equal(chat.body.type, '/problems/subprotocol');
  const foreign = await upgrade({ origin: 'https://evil.example' });
  assert.equal(foreign.status, 403);
});

test('a keepalive is answered, and a socket that registers nothing is closed', async () => {
  const it = await (await device('3001')).open();
  const opened = Date.now();
  it.send('\r\n\r\n');
  await it.log.wait('keepalive');
  const { at } = await it.log.wait('closed', { ms: 5000 });
  assert.ok(at - opened > 1500 && at - opened < 4000, `closed after ${at - opened} ms`);
});

test('a stranger\'s socket leaves nothing behind', async () => {
  const ids = async () => new Set(await edge.runtime.listDurableObjectIds('FlowObject'));
  const before = await ids();
  const it = await (await device('3004')).open();
  const [id] = [...(await ids()).difference(before)];
  const tables = async () => {
    const storage = await edge.runtime.unsafeGetDurableObjectStorage('wakeline', 'FlowObject', { id });
    return storage.exec("SELECT name FROM sqlite_master WHERE name = 'rows'");
  };
  assert.equal((await tables()).length, 1);
  await it.close();
  await until(async () => (await tables()).length === 0);
});

test('one address opens only so many sockets in a minute', async () => {
  const small = await Edge.open({ assets: null, sites: [{ limits: { sockets_per_minute: 2 } }] });
  try {
    const one = () => new Device(small, '1').open();
    const sockets = [await one(), await one()];
    await assert.rejects(one(), /429/);
    await Promise.all(sockets.map((it) => it.close()));
  } finally {
    await small.close();
  }
});

test('REGISTER with a token is accepted in the first try, and refused without saying why', async () => {
  const it = await (await device('3002')).open();
  await it.bind();
  const answer = await it.register();
  assert.equal(answer.status, 200);
  assert.match(answer.all('contact'), /\+sip\.instance="<urn:uuid:/);
  assert.match(answer.all('require'), /outbound/);
  const listed = await it.api('GET', '/v1/devices');
  assert.deepEqual(listed.body.devices.filter((d) => d.registered).map((d) => d.id), [it.device]);
  for (const [name, options] of Object.entries({
    nothing: { authorization: null },
    junk: { token: 'a.b.c' },
    foreign: { token: await edge.token('3001') },
  })) {
    const other = await (await device('3002')).open();
    const refused = await other.register(options);
    assert.ok([401, 403].includes(refused.status), `${name}: ${refused.start}`);
  }
});

test('a revoked device may not register, by its own token or another', async () => {
  const it = await device('3005');
  await it.bind();
  const own = (await it.renew()).body.token;
  await it.api('DELETE', `/v1/devices/${it.device}`);
  for (const token of [own, it.token]) {
    const again = await device('3005', { device: it.device, token });
    const refused = await (await again.open()).register();
    assert.ok([401, 403].includes(refused.status), refused.start);
  }
});

test('REGISTER by digest, SHA-256 and MD5', async () => {
  const { password } = await edge.account('3003');
  for (const [algorithm, hash] of [['SHA-256', 'sha256'], ['MD5', 'md5']]) {
    const it = await (await device('3003')).open();
    const challenged = await it.register({ authorization: null });
    assert.equal(challenged.status, 401);
    const challenges = challenged.headers['www-authenticate'];
    assert.ok(challenges.some((c) => c.startsWith('Bearer')), 'Bearer is offered');
    const challenge = challenges.find((c) => new RegExp(`algorithm="?${algorithm}"?(,|$)`).test(c));
    const field = (name) => new RegExp(`${name}="([^"]+)"`).exec(challenge)[1];
    const h = (text) => createHash(hash).update(text).digest('hex');
    const [realm, nonce, uri, cnonce] = [field('realm'), field('nonce'), `sip:${edge.domain}`, randomBytes(8).toString('hex')];
    const answer = (word) => `Digest username="3003", realm="${realm}", nonce="${nonce}", uri="${uri}", algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="${cnonce}", response="${h(`${h(`3003:${realm}:${word}`)}:${nonce}:00000001:${cnonce}:auth:${h(`REGISTER:${uri}`)}`)}"`;
    assert.equal((await it.register({ authorization: answer(password) })).status, 200, algorithm);
    const other = await (await device('3003')).open();
    await other.register({ authorization: null });
    assert.notEqual((await other.register({ authorization: answer('wrong horse') })).status, 200);
  }
});

test('a page calls a page: ringing, answered, ended from either side', async () => {
  const [caller, callee] = [await online('3011'), await online('3012')];
  for (const ender of ['caller', 'callee']) {
    const since = callee.log.mark();
    const call = caller.call('3012');
    await call.hears(100);
    const incoming = await callee.incoming({ since });
    assert.equal(incoming.wake.state, 'invited');
    assert.match(incoming.invite.all('p-asserted-identity'), /3011/);
    incoming.ring();
    const ringing = await call.hears(180);
    assert.deepEqual(ringing.wake, { id: incoming.wake.id, state: 'ringing' });
    const [ack, final] = await Promise.all([incoming.answer(), call.final()]);
    assert.equal(final.status, 200);
    assert.equal(final.wake.state, 'answered');
    assert.equal(ack.method, 'ACK');
    const [mine, theirs] = ender === 'caller' ? [call.dialog, callee] : [incoming.dialog, caller];
    const seen = theirs.log.wait((e) => e.name === 'request' && e.method === 'BYE' && e.message.callId === call.callId, { what: 'BYE' });
    const bye = mine.request('BYE');
    theirs.respond((await seen).message, 200, 'OK');
    assert.equal((await bye).status, 200);
  }
  const rows = await until(async () => {
    const found = await edge.rows("SELECT * FROM calls WHERE caller = '3011'");
    return found.length === 2 && found;
  });
  assert.deepEqual(rows.map((r) => [r.site, r.callee, r.outcome]), [['test', '3012', 'answered'], ['test', '3012', 'answered']]);
  assert.ok(rows.every((r) => r.started_at <= r.ringing_at && r.ringing_at <= r.answered_at && r.answered_at <= r.ended_at));
});

test('a call is declined, busy, cancelled; each in its own words', async () => {
  const [caller, callee] = [await online('3021'), await online('3022')];
  for (const [status, reason, expected, state] of [[603, 'Decline', 603, 'declined'], [486, 'Busy Here', 486, 'busy']]) {
    const since = callee.log.mark();
    const call = caller.call('3022');
    (await callee.incoming({ since })).refuse(status, reason);
    const final = await call.final();
    assert.equal(final.status, expected);
    assert.equal(final.wake.state, state);
  }
  const since = callee.log.mark();
  const call = caller.call('3022');
  const incoming = await callee.incoming({ since });
  incoming.ring();
  await call.hears(180);
  assert.equal((await call.cancel()).status, 200);
  assert.equal((await call.final()).status, 487);
  assert.match((await incoming.sees('CANCEL')).header('reason') ?? '', /SIP;\s*cause=487/);
});

test('two tabs ring, one answers, the other is told "elsewhere"', async () => {
  const caller = await online('3031');
  const [one, two] = [await online('3032'), await online('3032')];
  const call = caller.call('3032');
  const [first, second] = [await one.incoming(), await two.incoming()];
  first.ring();
  second.ring();
  await call.hears(180);
  const [, final] = await Promise.all([first.answer(), call.final()]);
  assert.equal(final.status, 200);
  assert.match((await second.sees('CANCEL')).header('reason'), /SIP;\s*cause=200/);
});

test('a line that is not there is 404, one without a device 480, for the same price', async () => {
  const caller = await online('3041');
  const unknown = await caller.call('nobody').final();
  assert.equal(unknown.status, 404);
  await edge.account('3042');
  const unbound = await caller.call('3042').final();
  assert.equal(unbound.status, 480);
  assert.equal(unbound.wake.state, 'unbound');
  assert.match(unbound.header('reason'), /^SIP;\s*cause=480;/);
});

test('only a registered page may call, and only in its own name', async () => {
  const stranger = await (await device('3051')).open();
  const refused = await stranger.call('3041').final();
  assert.ok([401, 403].includes(refused.status), refused.start);
  const impostor = await online('3052');
  impostor.number = '3041';
  const forged = await impostor.call('3012').final();
  assert.ok([401, 403].includes(forged.status), forged.start);
});

test('a call is carried on while every object of it is forgotten in between', async () => {
  const [caller, callee] = [await online('3061'), await online('3062')];
  await edge.evictAll();
  const call = caller.call('3062');
  const incoming = await callee.incoming();
  await edge.evictAll();
  incoming.ring();
  await call.hears(180);
  await edge.evictAll();
  await Promise.all([incoming.answer(), call.final()]);
  await edge.evictAll();
  const bye = call.dialog.request('BYE');
  callee.respond(await incoming.sees('BYE'), 200, 'OK');
  assert.equal((await bye).status, 200);
});

test('sockets that a restart cut are not believed in', async () => {
  const mine = await Edge.open({ assets: null });
  const sink = await Sink.open({ vapid: mine.vapid });
  try {
    const page = async (number) => new Device(mine, number, { token: await mine.token(number) });
    const callee = await page('2');
    await callee.bind({ sink });
    await callee.online();
    await mine.restart();
    const caller = await (await page('1')).online();
    const call = caller.call('2');
    const push = await sink.push('invitation', { ms: 5000 });
    await call.hears('pushed');
    await callee.online();
    await callee.report(push.wake, 'ready');
    (await callee.incoming()).ring();
    await call.hears(180);
    await caller.close();
    await callee.close();
  } finally {
    await sink.close();
    await mine.close();
  }
});

test('what is no SIP harms nobody', async () => {
  const it = await online('3071');
  for (const junk of ['hello', 'INVITE\r\n\r\n', 'SIP/2.0 200 OK\r\n\r\n', '\0', 'INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n', 'x'.repeat(50_000)]) {
    if (it.socket.readyState === WebSocket.OPEN) it.send(junk);
  }
  const other = await online('3072');
  assert.equal((await other.register()).status, 200);
});

test('numbers, names and tokens are in no log line', () => {
  const log = edge.lines.join('\n');
  assert.ok(!/30[0-7]\d\b|eyJ/.test(log), log);
});
