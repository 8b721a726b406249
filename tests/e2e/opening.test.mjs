// The words that a tapped page says before its core is there: said once, gone on from, and of no harm where they do not fit.
import assert from 'node:assert/strict';
import { answer, ringing } from '../plays/wake.mjs';
import { final, invitation, invites } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { PhonePage } from '../lib/phone.mjs';
import { suite } from '../lib/suite.mjs';
import { header, isResponse } from '../lib/timeline.mjs';
import { mainBrowsers } from '../lib/world.mjs';

const sentBy = (world, call, method) => world.wire.log.filter((event) => event.side === 'callee' && event.name === 'sent' && event.text.startsWith(`${method} `), call.wire);
const readies = (world, call) => world.wire.log.filter((event) => event.side === 'callee' && event.name === 'request' && /\/ready$/.test(event.path), call.wire);

/** A page of the same origin that is no phone. */
async function beside(world) {
  const page = await world.browsers.callee.driver.newPage();
  await page.goto(`${world.origins.callee}/bare`);
  return page;
}

/** What lies in the store as the opening; `change` says what of it is to lie there instead. */
async function opening(world, change) {
  const page = await beside(world);
  const inStore = (changed) => page.evaluate(async (members) => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const database = await done(indexedDB.open('wakeline', 1));
    const store = database.transaction('session', 'readwrite').objectStore('session');
    const key = `${location.origin} opening`;
    const found = await done(store.get(key));
    if (members) await done(store.put({ ...found, ...members }, key));
    database.close();
    return found ? { frame: found.frame, lock: found.lock } : null;
  }, changed);
  try {
    const found = await until(() => inStore(null), { what: 'an opening is prepared' });
    if (change) await inStore(change(found));
    return found;
  } finally {
    await page.close();
  }
}

const saidTo = (world, call, code) => world.wire.log.filter((event) => event.side === 'callee' && event.name === 'sent' && isResponse(event.text, code, 'INVITE'), call.wire);

/** One 180, and its tag is that of the 200: whoever said them. */
function oneDialog(world, call) {
  const tags = (code) => saidTo(world, call, code).map((event) => /;tag=(\S+)/.exec(header(event.text, 'To'))[1]);
  assert.equal(tags(180).length, 1);
  // Said again until the ACK is here (RFC 3261 §13.3.1.4).
  assert.deepEqual([...new Set(tags(200))], tags(180));
}

/** From now on a page of the callee comes no further than its first script, until `goOn` is called in it. */
async function held(world) {
  const page = await beside(world);
  const changed = await page.evaluate(async () => {
    const name = (await caches.keys()).find((key) => key.startsWith('wakeline-'));
    const cache = await caches.open(name);
    const shell = await cache.match('/');
    const html = await shell.text();
    const holding = html.replace(/import\(("\/assets\/[^"]+")\)/, 'new Promise(go=>globalThis.goOn=go).then(()=>import($1))');
    // Without the policy that names the digest of the script.
    await cache.put('/', new Response(holding, { headers: { 'content-type': 'text/html; charset=utf-8' } }));
    return holding !== html;
  });
  assert.ok(changed);
  await page.close();
}

const goOn = (call) => call.page.page.evaluate(() => globalThis.goOn());
const firstScreen = (call) => call.page.page.evaluate(() => document.querySelector('wakeline-first')?.innerText ?? null);

/** Calls and taps; it rings at the caller although nothing but the first script is there. */
async function ringsAlone(world) {
  await opening(world);
  const call = await world.callerDials();
  await invitation(world, call);
  call.tap = await world.notifications.click();
  await world.caller.until('calling', { stage: 'ringing', ms: 20_000 });
  call.page = await world.calleePage();
  const shown = await firstScreen(call);
  for (const word of ['Incoming call', 'Ada', 'Answer', 'Decline']) assert.ok(shown.includes(word), shown);
  assert.equal(await call.page.page.evaluate(() => document.querySelector('wakeline-app')), null);
  return call;
}

/** Calls, taps, and awaits that it rings once in a page whose registration stands. */
async function rings(world) {
  const call = await world.callerDials();
  await invitation(world, call);
  call.tap = await world.notifications.click();
  const page = await until(
    async () => (await world.browsers.callee.driver.pages()).find((one) => one.url().startsWith(world.origins.callee) && new URL(one.url()).pathname === '/'),
    { ms: 15_000, what: 'the tapped page opens' },
  );
  call.page = new PhonePage(page, 'callee');
  await ringing(world, call);
  await call.page.until('ringing', { registration: 'registered' });
  await answer(world, call);
  await call.page.press('hang-up');
  await world.caller.until('ended', { outcome: 'hungup' });
  await call.page.until('ended');
  return call;
}

for (const browser of mainBrowsers()) {
  suite('the prepared opening', { browser }, (check) => {
    check('is the first word of the page that a tap opens, said once, and another one is prepared', async (world) => {
      const prepared = await opening(world);
      const call = await rings(world);
      const registers = sentBy(world, call, 'REGISTER');
      assert.equal(registers.length, 1);
      assert.equal(registers[0].text, prepared.frame);
      const granted = world.wire.log.find((event) => event.side === 'callee' && event.name === 'received' && /^SIP\/2\.0 200 /.test(event.text), call.wire);
      assert.ok(granted.at <= readies(world, call)[0].at, 'ready is said after the registration was taken');
      assert.equal(readies(world, call).length, 1);
      assert.equal(invites(world, call).length, 1);
      oneDialog(world, call);
      await world.closeCalleePages();
      const next = await opening(world);
      assert.notEqual(next.frame, prepared.frame);
    });

    check('of another version is taken back: the page registers anew, and it rings once on the screen', async (world) => {
      const prepared = await opening(world, ({ frame }) => ({ frame: frame.replace(/User-Agent: [^\r]*/, 'User-Agent: wakeline/0.0.1') }));
      const call = await rings(world);
      const registers = sentBy(world, call, 'REGISTER');
      const own = registers.at(-1);
      assert.doesNotMatch(own.text, /wakeline\/0\.0\.1/);
      assert.ok(!own.text.includes(/Call-ID: ([^\r]*)/.exec(prepared.frame)[1]));
      // A core that stands before the socket is open comes first: then the wrong words are never said.
      if (registers.length > 1) {
        assert.match(registers[0].text, /wakeline\/0\.0\.1/);
        assert.notEqual(own.connection, registers[0].connection, 'on a flow of its own');
      }
      assert.ok(registers.length <= 2);
    });

    check('whose token is past its time is not said', async (world) => {
      const prepared = await opening(world, () => ({ until: 1 }));
      const call = await rings(world);
      const registers = sentBy(world, call, 'REGISTER');
      assert.equal(registers.length, 1);
      assert.notEqual(registers[0].text, prepared.frame);
    });

    check('beside a tab that holds the line after all: the tapped page takes over by the usual way', async (world) => {
      const { lock } = await opening(world);
      const page = await beside(world);
      try {
        await page.evaluate((name) => new Promise((held) => {
          navigator.locks.request(name, () => new Promise(() => held())).catch(() => undefined); // until it is stolen
        }), lock);
        const call = await rings(world);
        assert.ok(sentBy(world, call, 'REGISTER').length <= 2, 'nobody fights');
      } finally {
        await page.close();
      }
    });
  });
}

for (const browser of mainBrowsers()) {
  suite('a page that is still only its first script', { browser }, (check) => {
    check('rings; what is pressed is done as soon as the page is there', async (world) => {
      await opening(world);
      await held(world);
      const call = await ringsAlone(world);
      await call.page.press('answer');
      await goOn(call);
      await call.page.until('active');
      await world.caller.until('active');
      assert.equal(await firstScreen(call), null);
      assert.equal(invites(world, call).length, 1);
      oneDialog(world, call);
      await call.page.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });

    check('declines', async (world) => {
      const call = await ringsAlone(world);
      await call.page.press('decline');
      await goOn(call);
      await final(world, call, 603);
      await call.page.until('ended');
    });

    check('is quiet as soon as the caller hangs up', async (world) => {
      const call = await ringsAlone(world);
      await world.caller.press('hang-up');
      await world.caller.until('ended');
      await until(async () => (await firstScreen(call)) === null, { ms: 2000, what: 'the first screen is gone' });
      await goOn(call);
      await call.page.until(['ended', 'too-late']);
      assert.equal(saidTo(world, call, 200).length, 0);
    });
  });
}
