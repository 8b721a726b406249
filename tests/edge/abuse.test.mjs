// What a stranger, or a user who means ill, can make the edge do: call a host of theirs, fill it, flood it, have it say markup.
import assert from 'node:assert/strict';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import WebSocket from 'ws';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Device } from './device.mjs';
import { Sink } from './sink.mjs';

const APP = 'https://app.example';
let edge;
let strict;
const closing = [];

before(async () => {
  edge = await Edge.open({ sites: [{ origins: [APP], limits: { devices: 3, parked: 2, idle_s: 600, sockets_per_minute: 1000 } }] });
  // As it is deployed: nothing on loopback.
  strict = await Edge.open({ assets: null, sites: [{ push: { loopback: false, allow: ['push.example', '*.push.example'] } }] });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await Promise.all([edge?.close(), strict?.close()]);
});

async function page(number, options) {
  const it = new Device(edge, number, { token: await edge.token(number), ...options });
  closing.push(it);
  return it;
}

async function asleep(number, more = {}) {
  const sink = await Sink.open({ vapid: edge.vapid });
  const it = await page(number);
  closing.push(sink);
  assert.equal((await it.bind({ sink, ...more })).status, 201);
  return Object.assign(it, { sink });
}

describe('the edge calls push services only ("Push endpoints are checked against an allow list")', () => {
  const keys = { kind: 'webpush', p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
  const inward = {
    'private ranges': ['https://10.0.0.1/', 'https://172.16.0.1/', 'https://192.168.1.1/', 'https://100.64.0.1/', 'https://169.254.169.254/latest/meta-data/', 'https://127.0.0.1/', 'https://0.0.0.0/'],
    'IPv6 in every form': ['https://[::1]/', 'https://[::]/', 'https://[::ffff:127.0.0.1]/', 'https://[::ffff:7f00:1]/', 'https://[fd00::1]/', 'https://[fe80::1]/', 'https://[64:ff9b::7f00:1]/', 'https://[2002:7f00:1::]/'],
    'addresses in other spellings': ['https://2130706433/', 'https://0x7f000001/', 'https://0x7f.1/', 'https://017700000001/', 'https://127.1/', 'https://①②⑦.⓪.⓪.①/', 'https://%31%32%37.0.0.1/'],
    'names of what is inside': ['https://localhost/', 'https://localhost.localdomain/', 'https://metadata.google.internal/', 'https://push.example.localhost/', 'https://push/'],
    // A worker cannot see what a name resolves to: the list of names is what stands against these.
    'names that resolve inward': ['https://127.0.0.1.nip.io/', 'https://localtest.me/', 'https://10-0-0-1.sslip.io/', 'https://rebind.attacker.example/'],
    'userinfo that hides the host': ['https://push.example@10.0.0.1/', 'https://push.example:x@evil.example/', 'https://user@push.example/', 'https://:x@push.example/'],
    'names that look alike': ['https://push.example.evil.example/', 'https://evilpush.example/', 'https://push.example./', 'https://push.example%2eevil.example/', 'https://evil.example\\@push.example/', 'https://evil.example#@push.example/', 'https://evil.example?.push.example/'],
    'other schemes and ports': ['http://push.example/', 'ftp://push.example/', 'file:///etc/passwd', 'gopher://push.example/', 'data:text/plain,x', 'javascript:fetch(1)', 'https://push.example:22/', 'https://push.example:8443/'],
    'no URL': ['', 'push.example', '//push.example/', 'https://', 'https:///x', `https://push.example/${'x'.repeat(3000)}`],
  };
  for (const [what, endpoints] of Object.entries(inward)) {
    test(`${what}: refused where a device is bound, and where a service worker renews`, async () => {
      const it = new Device(strict, '7001', { token: await strict.token('7001') });
      await it.bind();
      for (const endpoint of endpoints) {
        const bound = await it.api('PUT', `/v1/devices/${it.device}`, { push: { ...keys, endpoint } });
        assert.deepEqual([bound.status, bound.body.type], [422, '/problems/push-endpoint'], endpoint);
        if (endpoint.length > 8) assert.ok(!JSON.stringify(bound.body).includes(endpoint), 'the endpoint is not said back');
        const at = Date.now();
        const authorization = `WakelineDevice number=7001,at=${at},sig=${await it.sign('push', at)}`;
        const renewed = await strict.api('PUT', `/v1/devices/${it.device}/push`, { body: { ...keys, endpoint }, authorization });
        assert.equal(renewed.status, 422, endpoint);
      }
      assert.equal((await it.api('GET', '/v1/devices')).body.devices.find((d) => d.id === it.device).push, undefined);
    });
  }

  test('what the list names is taken, and asked again of the list before each push', async () => {
    const it = new Device(strict, '7002', { token: await strict.token('7002') });
    for (const endpoint of ['https://push.example/x', 'https://eu.push.example/x']) {
      assert.ok((await it.api('PUT', `/v1/devices/${it.device}`, { push: { ...keys, endpoint } })).status < 300, endpoint);
    }
    await strict.restart({ sites: [{ push: { loopback: false, allow: ['other.example'] } }] });
    const caller = await new Device(strict, '7003', { token: await strict.token('7003') }).online();
    closing.push(caller);
    const final = await caller.call('7002').final();
    assert.equal(final.wake.state, 'unreachable');
    assert.ok(strict.lines.some((entry) => /event=push_refused/.test(entry)), 'it was not even tried');
    assert.ok(!strict.lines.some((entry) => entry.includes('push.example/x')), 'and not logged');
  });

  test('a redirect leads nowhere, whatever its status and its target', async () => {
    const [caller, inside] = [await (await page('7010')).online(), await asleep('7011')];
    for (const [nth, status] of [301, 302, 303, 307, 308].entries()) {
      const callee = await asleep(`702${nth}`);
      callee.sink.answers = [{ status, headers: { location: inside.sink.subscription.endpoint } }];
      const final = await caller.call(callee.number).final();
      assert.equal(final.wake.state, 'unreachable', String(status));
    }
    assert.equal(inside.sink.log.events.length, 0);
  });
});

describe('"Display names and bodies are data, never markup"', () => {
  const MARKUP = '<img src=x onerror=alert(1)>"&\'</script>';

  test('a name with markup is the same text in JSON, SIP and push', async () => {
    await edge.account('7101', { display_name: MARKUP, uid: 'u-7101' });
    const caller = await (await page('7101')).online();
    const shown = await caller.api('GET', '/v1/account');
    assert.equal(shown.body.display_name, MARKUP);
    assert.match(shown.headers.get('content-type'), /^application\/json/);
    assert.equal(shown.headers.get('x-content-type-options'), 'nosniff');

    const callee = await asleep('7102');
    const call = caller.call('7102');
    const push = await callee.sink.push('invitation');
    assert.equal(push.said.wakeline.caller.display_name, MARKUP);
    assert.ok(push.said.notification.title.includes(MARKUP) || push.said.notification.body.includes(MARKUP), 'text of the notification');
    await callee.online();
    await callee.report(push.wake, 'ready');
    const { invite } = await callee.incoming();
    // A quoted string (RFC 3261 §25.1): what would end it is escaped, and no other header comes of it.
    const quoted = `"${MARKUP.replace(/["\\]/g, '\\$&')}"`;
    assert.ok(invite.header('from').startsWith(quoted), invite.header('from'));
    assert.equal(invite.header('p-asserted-identity'), `${quoted} <sip:7101@${edge.domain}>`);
    await call.cancel();
    await call.final();
    const [missed] = (await callee.api('GET', '/v1/missed')).body.missed;
    assert.equal(missed.caller.display_name, MARKUP);
  });

  test('a name cannot bring lines, headers or control characters of its own', async () => {
    for (const name of ['a\r\nContact: <sip:evil@evil.example>', 'a\nb', 'a\0b', 'a\u001b[2Jb', 'a\u0085b']) {
      const made = await edge.api('POST', '/v1/accounts', { body: { number: '7111', password: 'correct horse', display_name: name } });
      assert.equal(made.status, 400, JSON.stringify(name));
      const minted = await edge.api('POST', '/v1/tokens', { body: { number: '7112', display_name: name } });
      assert.equal(minted.status, 400, JSON.stringify(name));
    }
  });

  test('what is refused is not said back as markup', async () => {
    for (const [method, path] of [['GET', `/v1/${encodeURIComponent(MARKUP)}`], ['PUT', `/v1/devices/${encodeURIComponent(MARKUP)}`], ['GET', `/v1/wakes/${encodeURIComponent(MARKUP)}`]]) {
      const answer = await edge.api(method, path, { token: await edge.token('7113'), body: method === 'PUT' ? {} : undefined });
      assert.ok(answer.status >= 400 && !JSON.stringify(answer.body).includes('<img'), path);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
    }
  });

  test('a body of a request in a call goes through octet for octet, with the type it was given', async () => {
    const [caller, callee] = [await (await page('7121')).online(), await (await page('7122')).online()];
    const call = caller.call('7122');
    const incoming = await callee.incoming();
    incoming.ring();
    await Promise.all([incoming.answer(), call.final()]);
    const sent = call.dialog.request('INFO', { headers: ['Content-Type: text/html'], body: MARKUP });
    const info = await incoming.sees('INFO');
    assert.deepEqual([info.body, info.header('content-type')], [MARKUP, 'text/html']);
    callee.respond(info, 200, 'OK');
    await sent;
    const bye = call.dialog.request('BYE');
    callee.respond(await incoming.sees('BYE'), 200, 'OK');
    await bye;
  });
});

describe('headers of page and API', () => {
  test('the page may load its own scripts only, be framed by nobody, and has the microphone for itself', async () => {
    const page = await (await fetch(`${edge.origin}/`)).text();
    const [[, script], ...more] = page.matchAll(/<script>([^]*?)<\/script>/g);
    assert.equal(more.length, 0);
    const first = `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
    for (const path of ['/', '/bare', '/sw.js', '/openapi.json']) {
      const { status, headers } = await fetch(edge.origin + path);
      assert.equal(status, 200, path);
      const policy = Object.fromEntries(headers.get('content-security-policy').split(';').map((part) => {
        const [name, ...values] = part.trim().split(' ');
        return [name, values];
      }));
      assert.deepEqual(policy['default-src'], ["'none'"], path);
      // The one script that stands in the page itself is named by its digest; no other inline script runs.
      assert.deepEqual(policy['script-src'].toSorted(), ["'self'", first, "'wasm-unsafe-eval'"]);
      for (const [name, values] of Object.entries(policy)) {
        assert.ok(!values.some((value) => ["'unsafe-inline'", "'unsafe-eval'", '*', 'http:', 'https:'].includes(value)), `${name} of ${path}`);
      }
      assert.deepEqual([policy['frame-ancestors'], policy['base-uri']], [["'none'"], ["'none'"]]);
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('x-frame-options'), 'DENY');
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      // The yardstick goes out as a tapped page does, which has no opener: see `into` in the service worker.
      assert.equal(headers.get('cross-origin-opener-policy'), path === '/bare' ? null : 'same-origin');
      assert.match(headers.get('permissions-policy'), /microphone=\(self\).*geolocation=\(\)/);
    }
  });

  test('every answer of the API, a refusal among them, may not be stored, framed, sniffed or sent on', async () => {
    const answers = [
      await edge.api('GET', '/v1/vapid', { token: null }),
      await edge.api('GET', '/v1/account', { token: null }),
      await edge.api('GET', '/v1/nothing'),
      await edge.api('PATCH', '/v1/account'),
      await edge.api('GET', '/sip'),
      await edge.api('GET', '/v1/vapid', { origin: 'https://evil.example' }),
    ];
    assert.deepEqual(answers.map((answer) => answer.status), [200, 401, 404, 405, 426, 403]);
    for (const { headers } of answers) {
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
      assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
      assert.equal(headers.get('referrer-policy'), 'no-referrer');
      assert.match(headers.get('strict-transport-security'), /max-age=\d{7,}/);
      assert.equal(headers.get('vary'), 'Origin');
    }
  });

  test('"Upgrades check Origin", and so does REST: near misses are others', async () => {
    const near = ['https://evil.example', 'http://app.example', 'https://app.example:444', 'https://app.example.evil.example', 'https://sub.app.example', 'null', `${APP}/`, `${edge.origin}0`];
    for (const origin of near) {
      const rest = await edge.api('GET', '/v1/vapid', { token: null, origin });
      assert.deepEqual([rest.status, rest.headers.get('access-control-allow-origin')], [403, null], origin);
      const preflight = await fetch(`${edge.origin}/v1/account`, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'GET' } });
      assert.deepEqual([preflight.status, preflight.headers.get('access-control-allow-origin')], [403, null], origin);
      const socket = new WebSocket(`${edge.origin.replace('http', 'ws')}/sip`, 'sip', { origin });
      const status = await new Promise((resolve) => {
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode)).on('open', () => resolve(101)).on('error', () => {});
      });
      assert.equal(status, 403, origin);
    }
  });
});

describe('caps', () => {
  test('the body of a request: 16 KiB, by length and without one', async () => {
    const post = (body, headers = {}) => {
      const { promise, resolve, reject } = Promise.withResolvers();
      const sent = httpRequest(`${edge.origin}/v1/sessions`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      sent.on('error', reject);
      for (let at = 0; at < body.length; at += 4096) sent.write(body.slice(at, at + 4096));
      sent.end();
      return promise;
    };
    const json = (octets) => {
      const frame = JSON.stringify({ number: '1', password: '' }).length;
      return JSON.stringify({ number: '1', password: 'x'.repeat(octets - frame) });
    };
    assert.equal(await post(json(16_384), { 'content-length': 16_384 }), 401);
    assert.equal(await post(json(16_385), { 'content-length': 16_385 }), 413);
    assert.equal(await post(json(16_384), { 'transfer-encoding': 'chunked' }), 401);
    assert.equal(await post(json(16_385), { 'transfer-encoding': 'chunked' }).catch(() => 413), 413);
  });

  test('a credential that is too long is not looked at', async () => {
    for (const scheme of ['Bearer', 'Wake']) {
      const answer = await edge.api('GET', `/v1/wakes/${'A'.repeat(22)}`, { authorization: `${scheme} ${'A'.repeat(9_000)}.${'A'.repeat(43)}`, token: null });
      assert.equal(answer.status, 401);
    }
  });

  test('a frame: 64 KiB, and its headers by number and length', async () => {
    const it = await (await page('7201')).online();
    const lines = (count) => Array.from({ length: count }, (_, n) => `X-${n}: x`);
    const ask = (headers) => {
      const callId = randomUUID();
      it.request('OPTIONS', `sip:${edge.domain}`, [it.via(), 'Max-Forwards: 70', `From: <${it.aor}>;tag=1`, `To: <sip:${edge.domain}>`, `Call-ID: ${callId}`, 'CSeq: 1 OPTIONS', ...headers]);
      return callId;
    };
    // What is refused is answered by nothing but 513, and the socket goes on.
    for (const headers of [lines(1000), lines(5000), [`X: ${'x'.repeat(20_000)}`]]) {
      const since = it.log.mark();
      const [much, little] = [ask(headers), ask([])];
      assert.equal((await it.hears((m) => m.callId === little, { since })).status, 200);
      const said = it.log.filter((e) => e.name === 'response' && e.message.callId === much, since).map((e) => e.status);
      assert.ok(said.every((status) => status === 513), String(said));
    }
    ask([`X: ${'x'.repeat(66_000)}`]);
    assert.equal((await it.log.wait('closed')).code, 1009);
  });

  test('devices of a line', async () => {
    const it = await page('7202');
    for (let n = 0; n < 3; n++) assert.equal((await it.api('PUT', `/v1/devices/${randomUUID()}`, {})).status, 201);
    const one = await it.api('PUT', `/v1/devices/${randomUUID()}`, {});
    assert.deepEqual([one.status, one.body.type], [409, '/problems/conflict']);
  });

  test('sockets of a line: the bindings it may have', async () => {
    const first = await page('7203');
    const bindings = 32;
    const all = [];
    for (let n = 0; n < bindings; n++) all.push(await (await page('7203', { token: first.token })).online());
    const more = await (await page('7203', { token: first.token })).open();
    const answer = await more.register();
    assert.ok(answer.status >= 400 && answer.status !== 500, answer.start);
    await all[0].close();
    await until(async () => (await more.register()).status === 200, { what: 'room for one more' });
  });

  test('lines of a socket', async () => {
    const it = await (await page('7300')).open();
    for (let n = 0; n < 33; n++) {
      const number = `73${String(n).padStart(2, '0')}`;
      it.number = number;
      it.registerCallId = randomBytes(8).toString('hex');
      const answer = await it.register({ token: await edge.token(number) });
      assert.equal(answer.status, n < 32 ? 200 : 503, `line ${n + 1}`);
    }
  });

  test('parked calls of a line: of one caller, and of all', async () => {
    const callee = await asleep('7401');
    const [caller, other] = await Promise.all(['7402', '7403'].map(async (number) => (await page(number)).online()));
    const calls = [];
    for (let n = 0; n < 2; n += 1) {
      const call = caller.call('7401');
      await call.hears('pushed');
      calls.push(call);
    }
    for (const [who, status] of [[caller, 429], [other, 503]]) {
      const refusal = await who.call('7401').final();
      assert.equal(refusal.status, status, refusal.start);
      assert.ok(Number(refusal.header('retry-after')) >= 1, refusal.text);
    }
    assert.equal(new Set(callee.sink.log.filter('push').map(({ wake }) => wake)).size, 2, 'what is refused wakes nobody');
    for (const call of calls) {
      await call.cancel();
      await call.final();
    }
  });
});
