// States that others have, in real browsers, from servers that keep them: who is in a call, who is there, what waits in a mailbox, who
// takes part in a conference. They are published by a page where the server lets it, and made by calls where the server makes them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Asterisk, hasAsterisk } from '../lib/servers/asterisk.mjs';
import { Baresip } from '../lib/servers/baresip.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { hasPresence, Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const WAIT = { timeout: 30_000 };

/** In the page: what is watched, each in `watched` by a name, with all that was told of it. */
function prepare() {
  window.watched = {};
  window.beside = wakeline.Beside.of(phone);
  window.watch = (name, whose, event, options) => {
    const of = watched[name] = { told: [], states: [] };
    of.lasting = beside.subscribe(whose, event, options);
    of.lasting.addEventListener('notify', (e) => of.told.push({ body: e.body, type: e.contentType, summary: e.summary }));
    of.lasting.addEventListener('state', () => of.states.push(of.lasting.state));
  };
}

const tells = (page, name, words) => page.waitForFunction((name, words) => watched[name].told.some(({ body }) => words.every((word) => body.includes(word))), WAIT, name, words)
  .catch(async (error) => assert.fail(`${name}: ${words}: ${JSON.stringify(await page.evaluate((name) => watched[name], name))}; ${error.message}`));
/** Ends what is watched, and answers the word for it. */
const ends = async (page, name) => {
  await page.evaluate((name) => watched[name].lasting.end(), name);
  await page.waitForFunction((name) => watched[name].lasting.state === 'ended', WAIT, name);
  return page.evaluate((name) => [watched[name].lasting.status, watched[name].lasting.reason], name);
};

/** What each package says: first, and then. */
const PUBLISHED = {
  dialog: ['application/dialog-info+xml', (state) => `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="1" state="full" entity="sip:ben@bench.test"><dialog id="1" direction="recipient"><state>${state}</state></dialog></dialog-info>`, ['early', 'confirmed']],
  presence: ['application/pidf+xml', (state) => `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:ben@bench.test"><tuple id="t1"><status><basic>${state}</basic></status></tuple></presence>`, ['open', 'closed']],
  'message-summary': ['application/simple-message-summary', (state) => `Messages-Waiting: yes\r\nVoice-Message: ${state} (0/0)\r\n`, ['2/8', '3/8']],
  conference: ['application/conference-info+xml', (state) => `<?xml version="1.0"?><conference-info xmlns="urn:ietf:params:xml:ns:conference-info" entity="sip:ben@bench.test" state="full" version="1"><users><user entity="sip:${state}@bench.test" state="full"/></users></conference-info>`, ['cy', 'di']],
};

describe('kept by the presence server of Kamailio', { skip: !hasPresence() && 'no presence modules of Kamailio on this machine' }, () => {
  let bench, pages, ada, ben;
  before(async () => {
    bench = Bench.open();
    const server = await bench.add(Kamailio, { users: ['ada', 'ben'], presence: true });
    pages = await Pages.open({ whole: true });
    const browser = await pages.browser('chromium', 1000);
    ada = await pages.registered(browser, server, 'ada');
    ben = await pages.registered(browser, server, 'ben');
    for (const page of [ada, ben]) await page.evaluate(prepare);
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 30_000 });

  for (const [name, [type, body, states]] of Object.entries(PUBLISHED)) {
    test(`${name}: what one page publishes and changes another one is told, until it is taken back`, { timeout: 90_000 }, async () => {
      await ada.evaluate((name) => watch(name, 'ben', name), name);
      await ada.waitForFunction((name) => watched[name].lasting.state === 'active', WAIT, name)
        .catch(async (error) => assert.fail(`${JSON.stringify(await ada.evaluate((name) => watched[name], name))} ${error.message}\n${bench.logs()}`));
      await ben.evaluate((name, type, body) => { window.published = beside.publish(name, type, body); }, name, type, body(states[0]));
      await tells(ada, name, [states[0]]);
      await ben.waitForFunction(`published.state === 'published'`, WAIT);
      await ben.evaluate((body) => published.change(body), body(states[1]));
      await tells(ada, name, [states[1]]);
      if (name === 'message-summary') {
        assert.deepEqual(await ada.evaluate(() => watched['message-summary'].told.at(-1).summary), {
          waiting: true, account: null, counts: [{ kind: 'voice', new: 3, old: 8, urgentNew: 0, urgentOld: 0 }],
        });
      }
      const told = await ada.evaluate((name) => watched[name].told.length, name);
      await ben.evaluate('published.end()');
      await ben.waitForFunction(`published.state === 'ended'`, WAIT);
      assert.equal(await ben.evaluate('published.status'), 200);
      // A mailbox that nobody tells of any more is told of to nobody.
      if (name !== 'message-summary') await ada.waitForFunction((name, told) => watched[name].told.length > told, WAIT, name, told);
      assert.deepEqual(await ends(ada, name), [200, '']);
    });
  }

  test('the server grants eight seconds: subscription and publication are renewed, and stand when they would be over', { timeout: 120_000 }, async () => {
    const [type, body, [state]] = PUBLISHED.presence;
    await ben.evaluate((type, body) => {
      window.published = beside.publish('presence', type, body);
      published.states = [];
      published.addEventListener('state', () => published.states.push(published.state));
    }, type, body(state));
    await ben.waitForFunction(`published.state === 'published'`, WAIT);
    await ada.evaluate(() => watch('short', 'ben', 'presence'));
    await tells(ada, 'short', [state]);
    // Each NOTIFY after the first is told because it was asked for again.
    await ada.waitForFunction(() => watched.short.told.length >= 4, { timeout: 60_000 })
      .catch(async (error) => assert.fail(`${JSON.stringify(await ada.evaluate(() => watched.short))} ${error.message}`));
    const { told, states } = await ada.evaluate(() => watched.short);
    assert.ok(told.every((one) => one.body.includes(state)), 'what was published is still there');
    assert.deepEqual(states.filter((one) => !['asking', 'active'].includes(one)), []);
    assert.deepEqual(await ben.evaluate('published.states.filter((one) => one !== "published")'), []);
    await ben.evaluate('published.end()');
    await ends(ada, 'short');
  });

  test('a package that the server does not know is refused, with the status', { timeout: 60_000 }, async () => {
    await ada.evaluate(() => watch('odd', 'ben', 'weather'));
    await ada.waitForFunction(() => watched.odd.lasting.state === 'ended', WAIT);
    assert.equal(await ada.evaluate(() => watched.odd.lasting.status), 489);
    await ada.evaluate(() => { window.refused = beside.publish('weather', 'text/plain', 'rain'); });
    await ada.waitForFunction(() => refused.state === 'ended', WAIT);
    assert.equal(await ada.evaluate(() => refused.status), 489);
  });
});

describe('made by calls and mailboxes of Asterisk', { skip: !hasAsterisk() && 'no Asterisk on this machine' }, () => {
  let bench, server, pages, ada, ben;
  before(async () => {
    bench = Bench.open();
    server = await bench.add(Asterisk, { pages: ['ada', 'ben'], phones: ['phone'] });
    await bench.add(Baresip, { user: 'phone', server: server.sip, tone: 440 });
    pages = await Pages.open({ whole: true });
    const browser = await pages.browser('chromium', 1000);
    ada = await pages.registered(browser, server, 'ada');
    ben = await pages.registered(browser, server, 'ben');
    for (const page of [ada, ben]) await page.evaluate(prepare);
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 30_000 });

  test('a lamp for a line: another page calls that phone, and it is told when it talks and when it is free again', { timeout: 90_000 }, async () => {
    await ada.evaluate(() => watch('lamp', 'phone', 'dialog'));
    await tells(ada, 'lamp', ['terminated']);
    await ada.evaluate(() => watch('there', 'phone', 'presence', { accept: ['application/pidf+xml'] }));
    await tells(ada, 'there', ['open']);
    await ben.evaluate(`dial('phone')`);
    await tells(ada, 'lamp', ['confirmed']);
    const told = await ada.evaluate(() => watched.lamp.told.length);
    await ben.evaluate('call.hangUp()');
    await ada.waitForFunction((told) => watched.lamp.told.slice(told).some(({ body }) => body.includes('terminated')), WAIT, told);
    assert.deepEqual((await ends(ada, 'lamp'))[0], 200);
  });

  test('a message in the mailbox is told, and how many there are', { timeout: 60_000 }, async () => {
    await ada.evaluate(() => watch('mail', 'ada', 'message-summary'));
    await tells(ada, 'mail', ['Messages-Waiting: no']);
    server.mail('ada');
    await tells(ada, 'mail', ['Messages-Waiting: yes']);
    assert.deepEqual(await ada.evaluate(() => {
      const { waiting, counts } = watched.mail.told.at(-1).summary;
      return [waiting, counts.map((one) => [one.kind, one.new, one.old])];
    }), [true, [['voice', 1, 0]]]);
    await ends(ada, 'mail');
  });

  test('a line that the server forgets: asked for once more, and then told that there is nobody', { timeout: 60_000 }, async () => {
    await ada.evaluate(() => watch('gone', 'ben', 'dialog'));
    await ada.waitForFunction(() => watched.gone.lasting.state === 'active', WAIT);
    await server.cli('dialplan remove extension ben@bench');
    await ada.waitForFunction(() => watched.gone.lasting.state === 'ended', { timeout: 60_000 })
      .catch(async (error) => assert.fail(`${JSON.stringify(await ada.evaluate(() => watched.gone))} ${error.message}`));
    // It ended it in words that let one ask once more; then it knew nobody.
    assert.deepEqual(await ada.evaluate(() => [watched.gone.lasting.status, watched.gone.states]), [404, ['asking', 'active', 'waiting', 'asking', 'ended']]);
  });
});
