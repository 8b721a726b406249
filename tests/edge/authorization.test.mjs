// Who may do what: every cell of the matrix in edge-worker/src/authorization.json, against the worker itself. A route that is new
// has a row there (a test of the crate sees to that), and here a line in `requests` that says how it is asked.
import assert from 'node:assert/strict';
import { createHmac, randomUUID, webcrypto } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const MATRIX = JSON.parse(readFileSync(new URL('../../edge-worker/src/authorization.json', import.meta.url), 'utf8'));
const CALLERS = Object.keys(MATRIX.callers);
const HOUR = 3_600_000;
const PASSWORD = 'correct horse';
const [LINE, OTHER, FRIEND] = ['5001', '5002', '5003'];
/** What of the line no other caller may ever read. */
const OF_THE_LINE = /\b5001\b|u-5001|Ada/;

let edge;
let sink;
let device;
let other;
let revoked;
let friend;
let foreign;
let strayed;
const closing = [];

/** A REST request that reaches the edge under another host: another site. */
function at(host, method, path, { body, authorization }) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const headers = { host, ...(authorization && { authorization }), 'content-type': 'application/json' };
  const sent = httpRequest({ host: '127.0.0.1', port: edge.port, method, path, headers }, (answer) => {
    let text = '';
    answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: answer.statusCode, body: JSON.parse(text || 'null') }));
  });
  sent.on('error', reject);
  sent.end(body && JSON.stringify(body));
  return promise;
}

function jwt(site, claims) {
  const now = Math.floor(Date.now() / 1000);
  const key = edge.secrets[site].signing_keys[0];
  const data = [{ alg: 'HS256', typ: 'JWT', kid: key.kid }, { iss: site, aud: 'wakeline', iat: now, exp: now + 600, ...claims }]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${data}.${createHmac('sha256', key.secret).update(data).digest('base64url')}`;
}

async function page(number, options) {
  const it = new Device(edge, number, { token: await edge.token(number), ...options });
  closing.push(it);
  return it;
}

before(async () => {
  const call_servers = [{ id: 'pbx', may: ['wake', 'gateway'] }];
  edge = await Edge.open({ assets: null, sites: [{ call_servers }, { id: 'other', domain: 'other.test', hosts: ['other.example'] }] });
  sink = await Sink.open({ vapid: edge.vapid });
  await edge.account(LINE, { password: PASSWORD, display_name: 'Ada', uid: 'u-5001' });
  [device, other, revoked, friend] = [await page(LINE), await page(OTHER), await page(LINE), await page(FRIEND)];
  await device.bind({ sink });
  await other.bind();
  await revoked.bind();
  revoked.token = (await revoked.renew()).body.token;
  assert.equal((await device.api('DELETE', `/v1/devices/${revoked.device}`)).status, 204);
  // The other site has a line of the same number and user, and a device of the same id.
  foreign = new Device(edge, LINE, { device: device.device, token: jwt('other', { sub: 'u-5001', num: LINE }) });
  foreign.keys = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign']);
  const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', foreign.keys.publicKey);
  const bound = await at('other.example', 'PUT', `/v1/devices/${foreign.device}`, { authorization: `Bearer ${foreign.token}`, body: { public_key: { kty, crv, x, y } } });
  assert.equal(bound.status, 201, JSON.stringify(bound.body));
  strayed = await Sink.open({ vapid: edge.vapid });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await Promise.all([sink?.close(), strayed?.close()]);
  await edge?.close();
});

/** A wake of the line that lasts, and what its push carried. */
let wake;
async function freshWake() {
  if (wake) {
    await wake.call.cancel();
    await wake.call.final();
  }
  if (!friend.socket) await friend.online();
  const since = sink.log.mark();
  const call = friend.call(LINE);
  const push = await sink.push('invitation', { since });
  wake = { call, id: push.wake, capability: push.said.wakeline.capability };
  return wake;
}

const mayBeToken = {
  nobody: () => undefined,
  'other user': () => `Bearer ${other.token}`,
  'same user': () => `Bearer ${device.token}`,
  'revoked device': () => `Bearer ${revoked.token}`,
  expired: () => `Bearer ${jwt('test', { sub: 'u-5001', num: LINE, iat: Math.floor(Date.now() / 1000) - 7200, exp: Math.floor(Date.now() / 1000) - 3600 })}`,
  'other site': () => `Bearer ${foreign.token}`,
  'site key': () => `Bearer ${edge.apiKey}`,
  capability: () => `Wake ${wake.capability}`,
  'call server': () => `Bearer pbx.${edge.secrets.test.call_servers.pbx[0]}`,
  operator: () => `Bearer ${edge.operatorKey}`,
};

/** The credential of a caller where a backend is asked for. */
const siteKey = (who) => (who === 'other site' ? `Bearer ${edge.secrets.other.api_keys[0]}` : mayBeToken[who]());

/** Who signs for the line's device, and when. */
function signature(who, what) {
  const by = { 'other user': other, 'same user': device, 'revoked device': revoked, expired: device, 'other site': foreign }[who];
  const when = who === 'expired' ? Date.now() - HOUR : Date.now();
  const names = { number: LINE, device: who === 'revoked device' ? revoked.device : device.device };
  return { ...names, when, signed: by ? by.sign(what, when, names) : 'AAAA' };
}

const plain = (path, body) => async (who) => ({ path, body, authorization: mayBeToken[who]() });
const aboutWake = (what, { ends } = {}) => async (who) => {
  if (!wake || ends) await freshWake();
  const body = what && who !== 'capability' ? { device: device.device } : undefined;
  return { path: `/v1/wakes/${wake.id}${what && `/${what}`}`, body, authorization: mayBeToken[who]() };
};
let numbers = 5900;

/** How each route is asked by a caller. */
const requests = {
  'POST /v1/accounts': async (who) => ({ body: { number: String(++numbers), password: PASSWORD }, authorization: siteKey(who) }),
  'GET /v1/account': plain('/v1/account'),
  'POST /v1/sessions': async (who) => ({ body: { number: LINE, password: who === 'same user' ? PASSWORD : 'wrong horse' }, authorization: mayBeToken[who]() }),
  'POST /v1/tokens': async (who) => ({ body: { number: LINE }, authorization: siteKey(who) }),
  'POST /v1/tokens/renew': async (who) => {
    const { number, device: named, when, signed } = signature(who, 'renew');
    return { body: { number, device: named, nonce_at: when, signature: await signed }, authorization: mayBeToken[who]() };
  },
  'PUT /v1/devices/{}': async (who) => ({ path: `/v1/devices/${device.device}`, body: { lang: 'en' }, authorization: mayBeToken[who]() }),
  'PUT /v1/devices/{}/push': async (who) => {
    const { number, device: named, when, signed } = signature(who, 'push');
    const signer = ['other user', 'same user', 'revoked device', 'expired', 'other site'].includes(who);
    const authorization = signer ? `WakelineDevice number=${number},at=${when},sig=${await signed}` : mayBeToken[who]();
    return { path: `/v1/devices/${named}/push`, body: (who === 'same user' ? sink : strayed).subscription, authorization };
  },
  'GET /v1/devices': plain('/v1/devices'),
  'DELETE /v1/devices/{}': async (who) => {
    // It may go for good: one that nobody misses.
    const spare = await page(LINE);
    await spare.bind();
    return { path: `/v1/devices/${spare.device}`, authorization: mayBeToken[who]() };
  },
  'GET /v1/waiting': plain('/v1/waiting'),
  'GET /v1/wakes/{}': aboutWake(''),
  'POST /v1/wakes/{}/shown': aboutWake('shown'),
  'POST /v1/wakes/{}/opened': aboutWake('opened'),
  'POST /v1/wakes/{}/ready': aboutWake('ready'),
  'POST /v1/wakes/{}/decline': aboutWake('decline', { ends: true }),
  'GET /v1/missed': plain('/v1/missed'),
  'POST /v1/missed/seen': plain('/v1/missed/seen', { ids: [] }),
  'GET /v1/presence/{}': plain(`/v1/presence/${LINE}`),
  'GET /v1/presence': plain('/v1/presence'),
  'PUT /v1/presence': plain('/v1/presence', { visibility: 'everyone' }),
  'DELETE /v1/account': async (who) => {
    if (who !== 'same user') return { body: { confirm: LINE }, authorization: mayBeToken[who]() };
    // It goes for good: a line that nobody misses.
    const spare = String(++numbers);
    return { body: { confirm: spare }, authorization: `Bearer ${await edge.token(spare)}` };
  },
  'GET /v1/users/{}': async (who) => ({ path: '/v1/users/u-5001', authorization: siteKey(who) }),
  'GET /v1/users/{}/calls': async (who) => ({ path: '/v1/users/u-5001/calls', authorization: siteKey(who) }),
  'DELETE /v1/users/{}': async (who) => {
    const spare = String(++numbers);
    if (who === 'site key') await edge.account(spare);
    return { path: `/v1/users/${who === 'site key' ? spare : 'u-5001'}`, authorization: siteKey(who) };
  },
  'GET /v1/calls/{}/story': async (who) => {
    await until(async () => (await edge.rows('SELECT id FROM calls WHERE id = ?', wake.id)).length);
    return { path: `/v1/calls/${wake.id}/story`, authorization: siteKey(who) };
  },
  'GET /v1/metrics': async (who) => ({ authorization: siteKey(who) }),
  'GET /v1/blocked': plain('/v1/blocked'),
  'PUT /v1/blocked/{}': plain('/v1/blocked/5555', {}),
  'DELETE /v1/blocked/{}': plain('/v1/blocked/5555'),
  'GET /v1/do-not-disturb': plain('/v1/do-not-disturb'),
  'PUT /v1/do-not-disturb': plain('/v1/do-not-disturb', { on: false }),
  'GET /v1/vapid': plain('/v1/vapid'),
  'GET /v1/ice': plain('/v1/ice'),
  'GET /v1/call-server': plain('/v1/call-server'),
  'POST /v1/wakes': plain('/v1/wakes', { call: 'matrix', number: OTHER, caller: { number: '13800138000' } }),
  'POST /v1/wakes/{}/events': async (who) => ({ path: `/v1/wakes/${wake.id}/events`, body: { event: 'cancelled' }, authorization: mayBeToken[who]() }),
  'POST /v1/gateway/calls': plain('/v1/gateway/calls', { call: 'matrix', number: OTHER, caller: { number: '13800138000' }, signal_dbm: -120 }),
  'PUT /v1/gateway/thresholds/{}': async (who) => ({ path: `/v1/gateway/thresholds/${LINE}`, body: { threshold_dbm: -90 }, authorization: siteKey(who) }),
  'GET /healthz': plain('/healthz'),
  'GET /sip': plain('/sip'),
};

describe('REST', () => {
  for (const [route, cells] of Object.entries(MATRIX.routes)) {
    test(route, async () => {
      const [method, pattern] = route.split(' ');
      assert.ok(requests[route], `${route}: say in \`requests\` how it is asked`);
      await freshWake();
      for (const [nth, who] of CALLERS.entries()) {
        const { path = pattern, body, authorization } = await requests[route](who);
        const answer = await edge.api(method, path, { body, authorization, token: null });
        const [status, own] = String(cells[nth]).split(' ');
        assert.equal(answer.status, Number(status), `${who}: ${answer.status} ${JSON.stringify(answer.body)}`);
        if (own || answer.status >= 400) assert.doesNotMatch(JSON.stringify(answer.body), OF_THE_LINE, `${who} reads of the line`);
      }
      // Whoever was refused has changed nothing.
      const mine = (await device.api('GET', '/v1/devices')).body.devices.find((one) => one.id === device.device);
      assert.deepEqual([mine?.push, mine?.has_credential], ['webpush', true]);
    });
  }

  test('nobody\'s push goes where a stranger wanted it', () => {
    assert.equal(strayed.log.events.length, 0);
  });
});

const HOST = () => edge.domain;

/** Registers as well as a caller can; answers the final answer of it. */
const registers = {
  nobody: (it) => it.register({ authorization: null }),
  'other user': async (it) => {
    it.number = OTHER;
    it.token = other.token;
    return it.register();
  },
  'same user': (it) => it.register({ token: device.token }),
  'revoked device': (it) => it.register({ token: revoked.token }),
  expired: (it) => it.register({ authorization: mayBeToken.expired() }),
  'other site': (it) => it.register({ token: foreign.token }),
  'site key': (it) => it.register({ authorization: siteKey('site key') }),
  capability: (it) => it.register({ authorization: `Bearer ${wake.capability}` }),
  'call server': (it) => it.register({ authorization: mayBeToken['call server']() }),
  operator: (it) => it.register({ authorization: mayBeToken.operator() }),
};

async function socket(who) {
  const it = new Device(edge, LINE, { device: who === 'revoked device' ? revoked.device : randomUUID() });
  closing.push(it);
  await it.open();
  return it;
}

/** A request that is no dialog's and no call's yet; answers its final response, or the first provisional one of `stop`. */
async function asks(it, method, { uri, from = LINE, to, headers = [], callId = randomUUID(), via = it.via(), cseq = 1, body = '', awaitIt = true, stop = 200 } = {}) {
  const since = it.log.mark();
  it.request(method, uri ?? `sip:${FRIEND}@${HOST()}`, [
    via,
    'Max-Forwards: 70',
    `From: ${from.includes('<') ? from : `<sip:${from}@${HOST()}>;tag=${randomUUID()}`}`,
    `To: ${to ?? `<${uri ?? `sip:${FRIEND}@${HOST()}`}>`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: ${it.contact}`,
    ...headers,
  ], body);
  if (!awaitIt) return undefined;
  return it.hears((m) => m.callId === callId && m.cseq.method === method && m.status >= stop, { since, what: `answer to ${method}` });
}

/** The line talks to a friend: what every request inside a dialog aims at. */
async function talking() {
  const caller = await socket('same user');
  await registers['same user'](caller);
  const callee = await page(FRIEND);
  await callee.online();
  // The friend is at several sockets of this file; this one answers.
  const call = caller.call(FRIEND);
  const incoming = await callee.incoming();
  incoming.ring();
  await call.hears(180);
  await Promise.all([incoming.answer(), call.final()]);
  return { caller, callee, call, dialog: call.dialog, incoming };
}

describe('SIP', () => {
  before(() => freshWake());

  const row = (method) => MATRIX.sip[method];
  const tested = [];
  const each = (method, body) => {
    tested.push(method);
    test(method, async () => {
      for (const [nth, who] of CALLERS.entries()) {
        const it = await socket(who);
        const expected = row(method)[nth];
        try {
          assert.equal(await body(it, who, expected), expected, `${method} by ${who}`);
        } catch (error) {
          error.message = `${method} by ${who}: ${error.message}`;
          throw error;
        }
        await it.close();
      }
    });
  };

  each('REGISTER', async (it, who) => {
    // In the line's name; another user with its own token.
    if (who === 'other user') return (await it.register({ token: other.token })).status;
    return (await registers[who](it)).status;
  });

  each('INVITE', async (it, who, expected) => {
    await registers[who](it);
    const callee = await page(FRIEND);
    await callee.online();
    const since = callee.log.mark();
    const callId = randomUUID();
    const via = it.via();
    const from = `<sip:${LINE}@${HOST()}>;tag=${randomUUID()}`;
    const rings = expected === 180 && callee.incoming({ since }).then((incoming) => incoming.ring());
    const answer = await asks(it, 'INVITE', { from, callId, via, stop: expected === 180 ? 180 : 200 });
    await rings;
    if (expected === 180) assert.equal((await asks(it, 'CANCEL', { from, callId, via })).status, 200);
    else assert.equal(callee.log.filter((e) => e.method === 'INVITE', since).length, 0, 'it went out');
    await callee.close();
    return answer.status;
  });

  each('CANCEL', async (it, who) => {
    await registers[who](it);
    // Of the same user the call is its own, on this very socket; the others aim at one of the line.
    const theirs = who === 'same user' ? null : await socket('same user');
    if (theirs) await registers['same user'](theirs);
    const callee = await page(FRIEND);
    await callee.online();
    const call = (theirs ?? it).call(FRIEND);
    (await callee.incoming()).ring();
    await call.hears(180);
    const answer = await asks(it, 'CANCEL', { uri: call.uri, from: call.from, callId: call.callId, via: call.viaLine });
    if (theirs) {
      assert.equal(theirs.log.filter((e) => e.name === 'response' && e.message.status === 487).length, 0, 'it ended a call');
      await call.cancel();
    }
    await call.final();
    await callee.close();
    await theirs?.close();
    return answer.status;
  });

  each('OPTIONS', async (it, who) => {
    await registers[who](it);
    return (await asks(it, 'OPTIONS', { uri: `sip:${HOST()}` })).status;
  });

  for (const method of ['SUBSCRIBE', 'MESSAGE', 'PUBLISH']) {
    each(method, async (it, who) => {
      await registers[who](it);
      return (await asks(it, method, { from: who === 'other user' ? OTHER : LINE })).status;
    });
  }

  describe('in the line\'s call', () => {
    let call;
    before(async () => {
      call = await talking();
    });
    let cseq = 100;

    /** The same request as the line would send it; another user under its own name, the rest under the line's. */
    const inside = async (it, who, method, more = {}) => {
      const { dialog } = call;
      const from = who === 'other user' ? dialog.local.replace(LINE, OTHER) : dialog.local;
      return asks(it, method, {
        uri: dialog.target, from, to: dialog.remote, callId: dialog.callId, cseq: ++cseq,
        headers: dialog.routes.map((route) => `Route: ${route}`), ...more,
      });
    };
    const sends = async (it, who, name) => {
      const method = name === 're-INVITE' ? 'INVITE' : name;
      const { callee, caller } = call;
      if (who !== 'same user') {
        await registers[who](it);
        const answer = await inside(it, who, method);
        // In the line's own name another user fares no better.
        if (who === 'other user') assert.equal((await inside(it, 'same user', method)).status, 403);
        assert.equal(callee.log.filter((e) => e.name === 'request' && e.method === method && e.message.cseq.number > 100, 0).length, 0, 'it reached the other side');
        return answer.status;
      }
      const since = callee.log.mark();
      const answered = inside(caller, who, method);
      const seen = await callee.log.wait((e) => e.name === 'request' && e.method === method && e.message.cseq.number === cseq, { since, what: method });
      callee.respond(seen.message, 200, 'OK', { headers: [`Contact: ${callee.contact}`] });
      const { status } = await answered;
      if (method === 'INVITE') await inside(caller, who, 'ACK', { cseq, awaitIt: false });
      return status;
    };
    // The line itself comes last: from then on its requests are on the other side.
    const order = CALLERS.toSorted((a, b) => (a === 'same user') - (b === 'same user'));
    for (const name of ['re-INVITE', 'UPDATE', 'PRACK', 'INFO', 'REFER', 'NOTIFY', 'ACK', 'BYE']) {
      tested.push(name);
      test(name, async () => {
        for (const who of order) {
          const it = who === 'same user' ? null : await socket(who);
          const expected = row(name)[CALLERS.indexOf(who)];
          const got = name === 'ACK' ? await acks(it, who) : await sends(it, who, name);
          assert.equal(got, expected, `${name} by ${who}`);
          await it?.close();
        }
      });
    }

    /** ACK has no answer: it is seen on the other side or it is not, before what is sent after it. */
    const acks = async (it, who) => {
      const { callee, caller } = call;
      if (it) await registers[who](it);
      const since = callee.log.mark();
      await inside(it ?? caller, who, 'ACK', { awaitIt: false });
      const number = cseq;
      if (it) await asks(it, 'OPTIONS', { uri: `sip:${HOST()}` });
      const info = inside(caller, 'same user', 'INFO');
      const seen = await callee.log.wait((e) => e.method === 'INFO' && e.message.cseq.number === cseq, { since, what: 'INFO' });
      callee.respond(seen.message, 200, 'OK');
      await info;
      return callee.log.find((e) => e.method === 'ACK' && e.message.cseq.number === number, since) ? 'passed' : 'dropped';
    };
  });

  test('every method of the matrix is asked', () => {
    assert.deepEqual(tested.toSorted(), Object.keys(MATRIX.sip).toSorted());
  });
});
