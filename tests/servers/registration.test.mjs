// Our client at plain SIP servers: by password, by H(A1), refused, and with a second server when the first dies.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
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
