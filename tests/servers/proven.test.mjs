// A page that comes back knows that Kamailio asks callers who they are (407), and proves it before it is asked: its first call is a round
// trip sooner. The page is loaded anew in between, as every page is that a tap opens; the browser profile stays.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const WAIT = { timeout: 20_000 };
let bench, pages, browser;
before(async () => {
  bench = Bench.open();
  pages = await Pages.open();
  browser = await pages.browser('chromium', 1000);
}, { timeout: 120_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 60_000 });

/** The first call of a page of its own, to one who is known and not there: the statuses that its INVITEs heard, and how the first was proven. */
async function firstCall(server) {
  const page = await pages.registered(browser, server, 'page');
  try {
    await page.evaluate((to) => dial(to), 'away');
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    const wire = await page.evaluate('wire');
    const of = (text, name) => new RegExp(`^${name}:(.*)$`, 'im').exec(text)?.[1];
    const answers = wire.filter((one) => one.startsWith('< SIP/2.0') && of(one, 'CSeq').endsWith('INVITE'));
    const invite = wire.find((one) => one.startsWith('> INVITE'));
    const asked = wire.find((one) => one.startsWith('< SIP/2.0 401'));
    const nonce = (text) => /nonce="([^"]*)"/.exec(text)?.[1];
    return {
      heard: answers.map((one) => Number(one.split(' ')[2])).filter((status) => status >= 200),
      proof: nonce(of(invite, 'Proxy-Authorization')), registrar: nonce(of(asked, 'WWW-Authenticate')), kept: await page.evaluate('({ ...localStorage })'),
    };
  } finally {
    await page.evaluate('phone.close()');
    await page.close();
  }
}

test('the first call of the next page is proven before it is asked', { timeout: 60_000 }, async () => {
  const server = await bench.add(Kamailio, { users: ['page', 'away'] });
  const first = await firstCall(server);
  assert.deepEqual([first.heard, first.proof], [[407, 480], undefined], 'nothing is given to a proxy that has never asked');
  const { host } = new URL(server.url);
  assert.equal(first.kept[`wakeline-asked:${host}`], DOMAIN, 'the realm is kept, and nothing else of it');

  const next = await firstCall(server);
  assert.deepEqual([next.heard, next.proof], [[480], next.registrar], 'with what the registrar has asked for just before');
  assert.notEqual(next.registrar, first.registrar);

  const other = await bench.add(Kamailio, { users: ['page', 'away'] });
  const elsewhere = await firstCall(other);
  assert.deepEqual([elsewhere.heard, elsewhere.proof], [[407, 480], undefined], 'another server has not asked');
});

test('a proxy that keeps nonces of its own is still answered: one round trip, as if nothing had been known', { timeout: 60_000 }, async () => {
  // It takes a nonce only with the Call-ID that it was given for.
  const server = await bench.add(Kamailio, { users: ['page', 'away'], params: 'modparam("auth", "auth_checks_no_dlg", 2)' });
  await firstCall(server);
  const next = await firstCall(server);
  assert.equal(next.proof, next.registrar);
  assert.deepEqual(next.heard, [407, 480]);
});
