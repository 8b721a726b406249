// Our client at plain SIP servers: by password, by H(A1), refused, and with a second server when the first dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, DOMAIN, passwordOf } from '../lib/servers/bench.mjs';
import { Kamailio, ha1Of } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { end } from '../lib/processes.mjs';

let bench, pages, browser, servers;
before(async () => {
  bench = Bench.open();
  servers = [];
  for (let i = 0; i < 2; i += 1) servers.push(await bench.add(Kamailio, { users: ['ada', 'ben'] }));
  pages = await Pages.open();
  browser = await pages.browser('chromium', 1000);
}, { timeout: 90_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 30_000 });

test('an H(A1) is as good as the password', { timeout: 60_000 }, async () => {
  const page = await pages.registered(browser, servers[0], 'ada', { password: undefined, ha1: ha1Of('ada') });
  await page.evaluate('phone.close()');
  await page.close();
});

test('a wrong password is refused, and said so', { timeout: 60_000 }, async () => {
  const page = await pages.page(browser);
  await page.evaluate((line) => window.open(line), { server: servers[0].url, addressOfRecord: `sip:ada@${DOMAIN}`, password: 'wrong' });
  await page.waitForFunction(`phone.registration.state === 'refused'`, { timeout: 20_000 });
  await page.evaluate('phone.close()');
  await page.close();
});

/** Opens a phone of `user` in a page that counts its sockets, each by what was sent on it, and that is given its core only at `release()`. */
async function held(user, line = {}) {
  const page = await pages.page(browser);
  await page.evaluate(() => {
    const [Native, fetched] = [window.WebSocket, window.fetch];
    window.sockets = [];
    window.WebSocket = class extends Native {
      sent = 0;
      constructor(...how) { super(...how); window.sockets.push(this); }
      send(frame) { this.sent += 1; super.send(frame); }
    };
    const released = new Promise((resolve) => (window.release = resolve));
    window.fetch = async (...what) => { await released; return fetched(...what); };
  });
  await page.evaluate((it) => { window.opening = open(it); }, { server: servers[0].url, addressOfRecord: `sip:${user}@${DOMAIN}`, password: passwordOf(user), ...line });
  return page;
}

test('the socket is open before the core is there, and the one on which it registers', { timeout: 60_000 }, async () => {
  const page = await held('ada');
  await page.waitForFunction('sockets[0]?.readyState === WebSocket.OPEN');
  await page.evaluate('release()');
  await page.waitForFunction(`window.phone?.registration.state === 'registered'`);
  assert.deepEqual(await page.evaluate('sockets.map((it) => it.sent)'), [2], 'one socket: REGISTER, and the answer to its challenge');
  await page.evaluate('phone.close()');
  await page.close();
});

test('of two tabs of a line one registers: the other closes what it has opened, says nothing, and leads when the first is gone', { timeout: 60_000 }, async () => {
  const first = await held('ada');
  await first.waitForFunction('sockets[0]?.readyState === WebSocket.OPEN');
  const second = await held('ada');
  // The first one leads although neither has its core yet.
  await second.waitForFunction('sockets[0]?.readyState === WebSocket.CLOSED');
  for (const page of [second, first]) await page.evaluate('release()');
  await first.waitForFunction(`window.phone?.registration.state === 'registered'`);
  await second.waitForFunction(`window.phone?.registration.state === 'registered'`);
  assert.deepEqual(await Promise.all([first, second].map((page) => page.evaluate('[phone.role, sockets.map((it) => it.sent)]'))), [['leading', [2]], ['following', [0]]]);
  await first.evaluate('phone.close()');
  await second.waitForFunction(`phone.role === 'leading' && phone.registration.state === 'registered' && sockets.length === 2`);
  await second.evaluate('phone.close()');
  for (const page of [first, second]) await page.close();
});

test('what is wrong with a line is said, and leaves neither a socket nor the lead behind', { timeout: 60_000 }, async () => {
  const page = await held('ada');
  await page.evaluate('release()');
  await page.evaluate('opening.then(() => phone.close())');
  const said = await page.evaluate(async (url) => {
    const before = sockets.length;
    const failed = await wakeline.Phone.open({ server: [url, 'https://127.0.0.1/'], addressOfRecord: 'sip:ada@example.com', password: 'x' }).catch((it) => it.message);
    // A lock that stays is what the test's limit ends.
    while ((await navigator.locks.query()).held.length) await new Promise((resolve) => setTimeout(resolve, 10));
    return { failed, closed: sockets.slice(before).map((it) => it.readyState >= WebSocket.CLOSING) };
  }, servers[0].url);
  assert.match(said.failed, /wss:/);
  assert.deepEqual(said.closed, [true]);
  await page.close();
});

test('when its server dies the page is registered at the next one', { timeout: 90_000 }, async () => {
  const nobody = 'ws://127.0.0.1:9/';
  const page = await pages.registered(browser, servers[0], 'ben', { server: [nobody, servers[0].url, servers[1].url] });
  await page.evaluate('seen.registration.length = 0');
  await end(servers[0].process);
  await page.waitForFunction(`seen.registration.some((one) => one.state === 'reconnecting') && phone.registration.state === 'registered'`, { timeout: 60_000 });
  const answer = await page.evaluate(async () => {
    await dial('nobody');
    while (call.state !== 'ended') await new Promise((resolve) => call.addEventListener('state', resolve, { once: true }));
    return call.end;
  });
  assert.equal(answer.status, 404, 'the second server answers its calls');
  await page.evaluate('phone.close()');
  await page.close();
});
