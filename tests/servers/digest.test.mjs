// Proofs that few ask for: a registrar of our own over a real WebSocket, with a reading of RFC 7616 of its own, and a page in a real browser.
// `auth-int` covers the body, `-sess` binds to the first nonce; both in each of the two hashes. And a Bearer token (RFC 8898).
//
// Of the servers here none knows `-sess` (Kamailio and Asterisk name neither), and none checks `auth-int` (Kamailio offers it and refuses
// every proof); sipp does, with MD5, and is asked last.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Bench, DOMAIN, passwordOf } from '../lib/servers/bench.mjs';
import { freePort } from '../lib/ports.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { granted, registrar } from '../lib/servers/registrar.mjs';
import { bridged, Sipp } from '../lib/servers/sipp.mjs';

let pages, browser;
before(async () => {
  pages = await Pages.open({ whole: true });
  browser = await pages.browser('chromium', 1000);
}, { timeout: 90_000 });
after(() => pages?.close(), { timeout: 30_000 });

const hashes = { MD5: 'md5', 'SHA-256': 'sha256' };

for (const [algorithm, how] of Object.entries(hashes)) {
  for (const session of ['', '-sess']) {
    for (const qop of ['auth', 'auth-int']) {
      test(`${algorithm}${session} with ${qop}`, { timeout: 60_000 }, async () => {
        const hash = (...parts) => createHash(how).update(parts.join(':')).digest('hex');
        const checked = [];
        let served = 0;
        /** Is it proven? By the letter of RFC 7616 §3.4. */
        const proven = (message) => {
          const text = message.header('authorization') ?? message.header('proxy-authorization');
          const of = (name) => new RegExp(`[ ,]${name}="?([^",]*)`).exec(text)?.[1];
          if (!text || of('nonce') !== `nonce${served}`) return false;
          let ha1 = hash('ada', DOMAIN, passwordOf('ada'));
          if (session) ha1 = hash(ha1, of('nonce'), of('cnonce'));
          const ha2 = qop === 'auth-int' ? hash(message.method, of('uri'), hash(message.body)) : hash(message.method, of('uri'));
          assert.deepEqual([of('algorithm'), of('qop'), of('username'), of('realm')], [algorithm + session, qop, 'ada', DOMAIN]);
          assert.equal(of('response'), hash(ha1, of('nonce'), of('nc'), of('cnonce'), qop, ha2));
          checked.push([message.method, Number.parseInt(of('nc'), 16)]);
          return true;
        };
        const challenge = (name) => `${name}: Digest realm="${DOMAIN}", nonce="nonce${served}", algorithm=${algorithm}${session}, qop="${qop}"`;
        let wrong;
        const peer = await registrar((message) => {
          try {
            if (message.method === 'REGISTER') return proven(message) ? granted(message) : [401, challenge('WWW-Authenticate')];
            return proven(message) ? [480] : [407, challenge('Proxy-Authenticate')];
          } catch (error) {
            wrong = error;
            return [403];
          }
        });
        try {
          const page = await pages.registered(browser, peer, 'ada').catch((error) => { throw wrong ?? error; });
          const message = () => page.evaluate(() => wakeline.Beside.of(phone).message('ben', '你好').catch((problem) => problem.status));
          assert.equal(await message(), 480, wrong?.message);
          served += 1;
          assert.equal(await message(), 480, 'a nonce that has aged is followed by the next');
          assert.ok(checked.some(([method]) => method === 'REGISTER') && checked.filter(([method]) => method === 'MESSAGE').length === 2, JSON.stringify(checked));
          assert.equal(wrong, undefined);
          await page.evaluate('phone.close()');
          await page.close();
        } finally {
          peer.close();
        }
      });
    }
  }
}

test('a Bearer token goes with the first REGISTER, and a refused one is told', { timeout: 60_000 }, async () => {
  const seen = [];
  const peer = await registrar((message) => {
    seen.push(message.header('authorization'));
    return seen.at(-1) === 'Bearer good' ? granted(message) : [401, `WWW-Authenticate: Bearer authz_server="https://tokens.${DOMAIN}", error="invalid_token"`];
  });
  try {
    const page = await pages.registered(browser, peer, 'ada', { password: undefined, token: 'good' });
    assert.equal(seen[0], 'Bearer good');
    await page.evaluate('phone.close()');
    await page.close();
    const other = await pages.page(browser);
    await other.evaluate((options) => window.open(options), { server: peer.url, addressOfRecord: `sip:ada@${DOMAIN}`, token: 'bad' });
    await other.waitForFunction(`phone.registration.state === 'refused'`, { timeout: 20_000 });
    assert.equal(await other.evaluate('phone.registration.reason'), 'signed-out', 'there is nobody to ask for another one');
    await other.close();
  } finally {
    peer.close();
  }
});

/** Challenges each request, and says 200 to whom sipp finds proven, 403 to others. */
const CHECKS = (() => {
  const answer = (line, more = '', next = '') => `<send${next}><![CDATA[
SIP/2.0 ${line}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]s[call_number]
[last_Call-ID:]
[last_CSeq:]
${more}Content-Length: 0

]]></send>`;
  const checked = (method, granted = '') => `${answer('401 Unauthorized', `WWW-Authenticate: Digest realm="${DOMAIN}", nonce="of-sipp-[call_number]", algorithm=MD5, qop="auth-int"\n`)}
<recv request="${method}"><action><verifyauth assign_to="right" username="ada" password="${passwordOf('ada')}"/></action></recv>
<nop test="right" next="${method}"/>
${answer('403 Forbidden', '', ' next="over"')}
<label id="${method}"/>
${answer('200 OK', granted, ' next="over"')}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="registrar">
<recv request="REGISTER" optional="true" next="registers"/>
<recv request="MESSAGE"/>
${checked('MESSAGE')}
<label id="registers"/>
${checked('REGISTER', '[last_Contact:]\n')}
<label id="over"/>
</scenario>
`;
})();

test('auth-int as sipp checks it: a REGISTER without a body, a MESSAGE with one, and a password that is wrong', { timeout: 60_000 }, async () => {
  const bench = Bench.open();
  const port = await freePort();
  let server;
  try {
    const sipp = await bench.add(Sipp, { scenario: CHECKS, from: port, port, calls: 9, seconds: 50 });
    server = await bridged(port);
    const page = await pages.registered(browser, server, 'ada').catch((error) => { throw new Error(`${error.message}\n${sipp.said()}`); });
    assert.ok(await page.evaluate(`wire.some((one) => one.startsWith('> REGISTER') && one.includes('qop=auth-int'))`));
    assert.equal(await page.evaluate(() => wakeline.Beside.of(phone).message('ben', '你好').catch((problem) => problem.status)), 200);
    await page.close();
    const other = await pages.page(browser);
    await other.evaluate((options) => window.open(options), { server: server.url, addressOfRecord: `sip:ada@${DOMAIN}`, password: 'wrong' });
    await other.waitForFunction(`phone.registration.state === 'refused'`, { timeout: 20_000 });
    await other.close();
  } finally {
    server?.close();
    await bench.close();
  }
});
