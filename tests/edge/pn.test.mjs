// "RFC 8599 parameters are understood: a client known only by pn-* gets an empty push and asks what is waiting; no refresh pushes are
// promised."
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { EventLog } from '../lib/events.mjs';
import { checkVapid, readBody } from '../lib/push/request.mjs';
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

/** A push service that takes pushes without a body, as RFC 8030 has them. */
async function bell() {
  const log = new EventLog();
  const server = createServer(async (request, response) => {
    const body = await readBody(request);
    try {
      checkVapid(request.headers.authorization, edge.vapid.public_key, origin);
      log.record('push', { octets: body.length, headers: request.headers });
      response.writeHead(201).end();
    } catch (error) {
      log.record('bad', { error });
      response.writeHead(error.status ?? 400).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const it = {
    log,
    endpoint: `${origin}/push/${randomBytes(12).toString('base64url')}?a=1;b=2`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  closing.push(it);
  return it;
}

const pn = (endpoint, provider = 'webpush') => `;pn-provider=${provider}${endpoint === undefined ? '' : `;pn-prid=${encodeURIComponent(endpoint)}`}`;

/** A user agent that speaks SIP only, with these parameters in its Contact. */
async function agent(number, parameters, options = {}) {
  const it = new Device(edge, number, { token: await edge.token(number), ...options });
  const plain = it.contact;
  it.says = (text) => {
    it.contact = plain.replace('>', `${text}>`);
  };
  it.says(parameters);
  closing.push(it);
  return it.open();
}

async function caller(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  return it.online();
}

const devices = async (it) => (await it.api('GET', '/v1/devices')).body.devices;

test('a client known only by pn-* is rung by an empty push, asks what is waiting, registers, and is called', async () => {
  const push = await bell();
  const it = await agent('6101', pn(push.endpoint));
  const registered = await it.register();
  assert.equal(registered.status, 200);
  const capabilities = registered.header('feature-caps');
  assert.match(capabilities, /\+sip\.pns="webpush"/);
  assert.ok(capabilities.includes(`+sip.vapid="${edge.vapid.public_key}"`));
  await it.close();
  await edge.evictAll();

  const call = (await caller('6102')).call('6101');
  const { octets, headers } = await push.log.wait('push');
  assert.equal(octets, 0);
  assert.deepEqual([headers['content-encoding'], headers.urgency], [undefined, 'high']);
  assert.ok(Number(headers.ttl) > 50);
  await call.hears('pushed');
  const { wakes } = (await it.api('GET', '/v1/waiting')).body;
  assert.equal(wakes[0].caller.number, '6102');
  // It knows nothing of "ready": a registration is enough.
  await it.open();
  assert.equal((await it.register()).status, 200);
  const incoming = await it.incoming();
  incoming.ring();
  await call.hears(180);
  await Promise.all([incoming.answer(), call.final()]);
  const bye = call.dialog.request('BYE');
  it.respond(await incoming.sees('BYE'), 200, 'OK');
  await bye;
  // No refresh pushes.
  assert.equal(push.log.filter('push').every((event) => event.octets === 0), true);
});

test('it stops with the registration: by Expires 0, and by a REGISTER without pn-*', async () => {
  const push = await bell();
  const it = await agent('6111', pn(push.endpoint));
  await it.register();
  assert.equal((await devices(it))[0].push, 'webpush');
  await it.register({ expires: 0 });
  assert.equal((await devices(it))[0].push, undefined);
  await it.register();
  assert.equal((await devices(it))[0].push, 'webpush');
  it.says('');
  await it.register();
  assert.equal((await devices(it))[0].push, undefined);
});

test('"The device binding (endpoint and keys, by REST) is what wakes": pn-* does not replace it', async () => {
  const [push, sink] = [await bell(), await Sink.open({ vapid: edge.vapid })];
  closing.push(sink);
  const it = await agent('6121', pn(push.endpoint));
  await it.bind({ sink });
  await it.register();
  await it.register({ expires: 0 });
  assert.equal((await devices(it))[0].push, 'webpush');
  await it.close();
  const call = (await caller('6122')).call('6121');
  await sink.push('invitation');
  await call.cancel();
  await call.final();
  assert.equal(push.log.events.length, 0);
});

test('a push service that is not supported, or not on the list, is 555; a question is answered', async () => {
  for (const [endpoint, provider] of [['token', 'apns'], ['token', 'fcm'], ['http://10.0.0.1/', 'webpush'], ['https://evil.example/', 'webpush'], ['not a URL', 'webpush'], [undefined, 'apns']]) {
    const it = await agent('6131', pn(endpoint, provider));
    const refused = await it.register();
    assert.deepEqual([refused.status, refused.reason], [555, 'Push Notification Service Not Supported'], `${provider} ${endpoint}`);
    assert.deepEqual(await devices(it), []);
    await it.close();
  }
  const asks = await agent('6131', pn(undefined));
  const answer = await asks.register();
  assert.equal(answer.status, 200);
  assert.match(answer.header('feature-caps'), /webpush/);
  assert.deepEqual(await devices(asks), []);
  const silent = await agent('6132', '');
  assert.equal((await silent.register()).header('feature-caps'), undefined);
});

test('who may not register may not have itself pushed to', async () => {
  const push = await bell();
  const stranger = await agent('6141', pn(push.endpoint), { token: 'a.b.c' });
  assert.equal((await stranger.register()).status, 401);
  const final = await (await caller('6142')).call('6141').final();
  assert.ok([404, 480].includes(final.status));
  assert.equal(push.log.events.length, 0);
});

test('no endpoint is in a log line', () => {
  assert.ok(!/\/push\/|pn-prid/.test(edge.lines.join('\n')));
});
