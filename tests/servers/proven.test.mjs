// How a server asks for proof of calls is remembered from one page to the next: the first call of the next page is proven when it goes out,
// by the nonce of the registration, and is challenged no more. And two who ask, a proxy and the one behind it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Asterisk, hasAsterisk } from '../lib/servers/asterisk.mjs';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const WAIT = { timeout: 30_000 };
const SERVERS = {
  Kamailio: { skip: false, challenge: '407', header: 'Proxy-Authorization', add: (bench) => bench.add(Kamailio, { users: ['page'] }) },
  Asterisk: { skip: !hasAsterisk() && 'no Asterisk on this machine', challenge: '401', header: 'Authorization', add: (bench) => bench.add(Asterisk, { pages: ['page'] }) },
};

for (const [name, { skip, challenge, header, add }] of Object.entries(SERVERS)) describe(`proof of calls at ${name}`, { skip }, () => {
  let bench, server, pages, browser;
  before(async () => {
    bench = Bench.open();
    server = await add(bench);
    pages = await Pages.open();
    browser = await pages.browser('chromium', 1000);
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 60_000 });

  /** Calls a number that nobody has, in a page of its own; the INVITEs of it, what they were answered, and how it ended. */
  async function called(before) {
    const page = await pages.registered(browser, server, 'page', { before });
    await page.evaluate(`dial('nobody')`);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    const wire = await page.evaluate('wire');
    const end = await page.evaluate('call.end');
    const kept = await page.evaluate('JSON.stringify(localStorage)');
    await page.evaluate('phone.close()');
    await page.close();
    return {
      end, kept, invites: wire.filter((it) => it.startsWith('> INVITE ')),
      answers: wire.filter((it) => it.startsWith('< SIP/2.0 ') && /^cseq:.*INVITE/im.test(it)).map((it) => it.slice(10, 13)).filter((it) => it >= '200'),
    };
  }

  test('asked once, and answered ahead by the next page', { timeout: 60_000 }, async (t) => {
    const first = await called();
    assert.deepEqual([first.invites.length, first.answers[0]], [2, challenge], 'nothing is known of this server yet');
    const proof = new RegExp(`^${header}: Digest `, 'm');
    assert.doesNotMatch(first.invites[0], /^(Proxy-)?Authorization:/m, 'who has not asked is given no proof');
    const next = await called();
    t.diagnostic(`first ${first.answers}, then ${next.answers}; kept ${next.kept}`);
    assert.equal(next.invites.length, 1);
    assert.match(next.invites[0], proof);
    assert.match(next.invites[0], /nc=00000002/, 'the same nonce, used a second time');
    assert.deepEqual(next.answers, first.answers.slice(1), 'the same end, at once');
    assert.deepEqual(next.end, first.end);
    assert.doesNotMatch(next.kept, /nonce|secret|response/, 'how it asks is remembered, and no proof');
    const later = await called('{ const now = Date.now.bind(Date); Date.now = () => now() + 30 * 86_400_000; }');
    assert.deepEqual(later.answers, first.answers, 'what was asked long ago is not known any more');
  });
});

/** Behind the one that asks for it, a request is asked for by the other one as well: a REGISTER by the proxy, an INVITE by who answers it. */
const BOTH = ['proxy', 'www'].map((other) => `
    if (${other === 'proxy' ? '' : '!'}is_method("REGISTER")) {
        if (!pv_${other}_authenticate("${DOMAIN}", "$var(ha1)", "1")) { ${other}_challenge("${DOMAIN}", "1"); exit; }
        consume_credentials();
    }`).join('');

describe('two who ask, at Kamailio', () => {
  let bench, server, pages;
  before(async () => {
    bench = Bench.open();
    server = await bench.add(Kamailio, { users: ['page'], first: BOTH });
    pages = await Pages.open();
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 60_000 });

  test('a registration and a call are proven to both, and the next call at once', { timeout: 60_000 }, async () => {
    const page = await pages.registered(await pages.browser('chromium', 1000), server, 'page');
    const sent = async (method) => (await page.evaluate('wire')).filter((it) => it.startsWith(`> ${method} `));
    const proofs = (text) => ['Authorization', 'Proxy-Authorization'].map((name) => new RegExp(`^${name}: Digest .*nc=([0-9a-f]{8})`, 'm').exec(text)?.[1] ?? null);
    const registers = await sent('REGISTER');
    assert.deepEqual(registers.map(proofs).at(-1), ['00000002', '00000001'], registers.join('\n'));
    const called = async () => {
      const before = (await sent('INVITE')).length;
      await page.evaluate(`dial('nobody')`);
      await page.waitForFunction(`call.state === 'ended'`, WAIT);
      assert.equal(await page.evaluate('call.end.status'), 404);
      return (await sent('INVITE')).slice(before).map(proofs);
    };
    assert.deepEqual(await called(), [[null, null], [null, '00000001'], ['00000001', '00000002']]);
    assert.deepEqual(await called(), [['00000002', '00000003']]);
    await page.evaluate('phone.close()');
  });
});
