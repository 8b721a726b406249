// A page with two flows to a registrar (RFC 5626): both are bound, what comes on both comes once, and the network that one of them went by
// may go away at any time, in a call too, without anybody noticing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '../lib/events.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Cable } from '../lib/servers/cable.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

let bench, server, cables, urls, pages, ada, ben;
before(async () => {
  bench = Bench.open();
  server = await bench.add(Kamailio, { users: ['ada', 'ben'], params: 'modparam("registrar", "regid_mode", 1)' });
  cables = [await Cable.open(server.tcp), await Cable.open(server.tcp)];
  urls = cables.map((cable) => `${cable.origin.replace('http', 'ws')}/`);
  pages = await Pages.open({ whole: true });
  const browser = await pages.browser('chromium', 1000);
  ada = await pages.registered(browser, server, 'ada');
  ben = await pages.registered(browser, server, 'ben', { server: urls, ways: { flows: 2 }, before: () => {
    // Each message with the address of its socket.
    window.flows = [];
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (data) {
      const note = (way, text) => flows.push({ url: this.url, way, text: typeof text === 'string' ? text : new TextDecoder().decode(text) });
      if (!this.noted) this.addEventListener('message', (event) => note('in', event.data));
      this.noted = true;
      note('out', data);
      return send.call(this, data);
    };
  } });
  await ben.evaluate(() => {
    window.rings = 0;
    phone.addEventListener('incoming', () => (rings += 1));
    window.messages = [];
    wakeline.Beside.of(phone).addEventListener('message', (event) => messages.push(event.body));
    seen.registration.length = 0;
  });
}, { timeout: 120_000 });
after(async () => {
  await pages?.close();
  for (const cable of cables ?? []) await cable.close();
  await bench?.close();
}, { timeout: 30_000 });

/** What went over Ben's flows in this direction and begins so, oldest first. */
const frames = (way, begin) => ben.evaluate((...it) => flows.filter((one) => one.way === it[0] && one.text.startsWith(it[1])), way, begin);
const bound = (place) => ben.waitForFunction((reg) => flows.some(({ way, text }) => way === 'in' && text.startsWith('SIP/2.0 200') && /CSeq: \d+ REGISTER/.test(text) && text.includes(`reg-id=${reg}`)), {}, place);
const answered = async () => {
  await ben.waitForFunction(`window.call?.state === 'incoming'`);
  await ben.evaluate('call.answer()');
  for (const page of [ada, ben]) await page.waitForFunction(`call.state === 'active'`);
};
const silent = async () => assert.deepEqual(await ben.evaluate('seen.registration'), [], 'nobody was told that anything was lost');

test('the registrar has both, one instance with two flows', { timeout: 60_000 }, async () => {
  await bound(2);
  const [, contacts] = await ben.evaluate(() => {
    const oks = flows.filter(({ way, text }) => way === 'in' && text.startsWith('SIP/2.0 200') && /CSeq: \d+ REGISTER/.test(text));
    return [oks.length, /^Contact: (.*)$/m.exec(oks.at(-1).text)[1]];
  });
  assert.deepEqual([...contacts.matchAll(/reg-id=(\d)/g)].map(([, id]) => id).sort(), ['1', '2'], contacts);
  assert.equal(new Set([...contacts.matchAll(/sip\.instance="([^"]+)"/g)].map(([, it]) => it)).size, 1, contacts);
  assert.deepEqual([...new Set((await frames('out', 'REGISTER')).map(({ url }) => url))].sort(), [...urls].sort(), 'each by a socket of its own');
  await silent();
});

test('a message that comes on both is shown once', { timeout: 60_000 }, async () => {
  assert.equal(await ada.evaluate(() => wakeline.Beside.of(phone).message('ben', 'hello')), 200);
  await ben.waitForFunction(`flows.filter(({ text }) => text.startsWith('SIP/2.0 482')).length === 1`);
  assert.equal((await frames('in', 'MESSAGE')).length, 2);
  assert.deepEqual(await ben.evaluate('messages'), ['hello']);
});

test('a call rings once, outlives the flow that it came on, and ends there and here', { timeout: 90_000 }, async () => {
  await ada.evaluate(() => dial('ben'));
  await answered();
  assert.equal((await frames('in', 'INVITE')).length, 2, 'it came on both');
  assert.equal(await ben.evaluate('rings'), 1);
  const ok = (await frames('out', 'SIP/2.0 200')).find(({ text }) => /CSeq: \d+ INVITE/.test(text));
  const lost = urls.indexOf(ok.url);
  cables[lost].pull();
  // Where the page is now, and by the other flow.
  await ben.waitForFunction((url) => flows.some((one) => one.url === url && one.way === 'out' && one.text.startsWith('UPDATE')), {}, urls[1 - lost]);
  await ben.waitForFunction(`flows.some(({ way, text }) => way === 'in' && text.startsWith('SIP/2.0 200') && /CSeq: \\d+ UPDATE/.test(text))`);
  assert.deepEqual(await Promise.all([ada, ben].map((page) => page.evaluate('call.state'))), ['active', 'active']);
  await ada.evaluate('call.hangUp()');
  await ben.waitForFunction(`call.state === 'ended'`);
  assert.equal(await ben.evaluate('call.end.by'), 'remote', 'the BYE found it');

  await ada.evaluate(() => dial('ben'));
  await answered();
  assert.equal(await ben.evaluate('rings'), 2, 'whoever calls while it is gone finds the page');
  await ben.evaluate('call.hangUp()');
  await ada.waitForFunction(`call.state === 'ended'`);
  await ben.evaluate(() => { flows.length = 0; });
  cables[lost].putBack();
  await bound(lost + 1);
  await silent();
});

test('stopping removes both', { timeout: 60_000 }, async () => {
  await ben.evaluate(() => { flows.length = 0; });
  await ben.evaluate('phone.close()');
  const gone = (await frames('out', 'REGISTER')).map(({ url, text }) => [url, /expires=0/.test(text)]);
  assert.deepEqual(gone.sort(), urls.map((url) => [url, true]).sort());
  // The registrar has heard it, too.
  const status = () => ada.evaluate(async () => {
    await dial('ben');
    while (call.state !== 'ended') await new Promise((resolve) => call.addEventListener('state', resolve, { once: true }));
    return call.end.status;
  });
  await until(async () => (await status()) === 480, { what: 'nobody is there' });
});

test('flows that nobody can have are refused, and one server may hold two', { timeout: 60_000 }, async () => {
  const said = (line) => ada.evaluate((it) => wakeline.Phone.open({ addressOfRecord: 'sip:eve@bench.test', password: 'x', ...it }).then((phone) => phone.close().then(() => 'opened'), (problem) => problem.message), line);
  for (const flows of [0, -1, 1.5, 5]) assert.match(await said({ server: [...urls, ...urls, ...urls], ways: { flows } }), /1 to 4/, `${flows}`);
  assert.match(await said({ server: urls, ways: { flows: 3 } }), /named as often/);
  assert.equal(await said({ server: [server.url, server.url], ways: { flows: 2 } }), 'opened');
});
