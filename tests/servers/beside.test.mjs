// Beside calls, in two pages through a real server: messages, who is typing, and a subscription that nobody there takes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

let bench, pages, ada, ben;
before(async () => {
  bench = Bench.open();
  const server = await bench.add(Kamailio, { users: ['ada', 'ben', 'eve'] });
  pages = await Pages.open({ whole: true });
  const browser = await pages.browser('chromium', 1000);
  ada = await pages.registered(browser, server, 'ada');
  // Tabs of one profile share a leader for each line; these are two lines.
  ben = await pages.registered(browser, server, 'ben');
  for (const page of [ada, ben]) {
    await page.evaluate(() => {
      window.heard = [];
      window.beside = wakeline.Beside.of(phone);
      beside.addEventListener('message', (e) => heard.push(['message', e.from.number, e.body]));
      beside.addEventListener('composing', (e) => heard.push(['composing', e.from.number, e.active]));
    });
  }
}, { timeout: 120_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 30_000 });

test('who types is told, then what was written, both ways', { timeout: 60_000 }, async () => {
  await ada.evaluate(() => beside.typing('ben'));
  await ben.waitForFunction('heard.length === 1');
  assert.equal(await ada.evaluate(() => beside.message('ben', '你好 <b>')), 200);
  await ben.waitForFunction('heard.length === 3');
  assert.deepEqual(await ben.evaluate('heard'), [['composing', 'ada', true], ['composing', 'ada', false], ['message', 'ada', '你好 <b>']]);
  assert.equal(await ben.evaluate(() => beside.message('ada', 'hello')), 200);
  await ada.waitForFunction('heard.length === 1');
  assert.deepEqual(await ada.evaluate('heard'), [['message', 'ben', 'hello']]);
});

test('what is not taken, and who is not there, is said to the sender', { timeout: 60_000 }, async () => {
  const status = (to, type) => ada.evaluate((number, contentType) => beside.message(number, 'x', { contentType }).catch((problem) => problem.status), to, type);
  assert.equal(await status('ben', 'text/html'), 415);
  await ben.evaluate(() => beside.accept('text/html'));
  assert.equal(await status('ben', 'text/html'), 200);
  assert.equal(await status('eve', 'text/plain'), 480);
  assert.equal(await status('nobody', 'text/plain'), 404);
});

test('a subscription that is refused for good ends with the reason', { timeout: 60_000 }, async () => {
  const end = await ada.evaluate(async () => {
    const watched = beside.subscribe('ben', 'dialog');
    while (watched.state !== 'ended') await new Promise((resolve) => watched.addEventListener('state', resolve, { once: true }));
    return watched.status;
  });
  assert.equal(end, 405, 'a page tells nobody of its dialogs');
});
