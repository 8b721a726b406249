// The browser's push subscription changes under us, with a page or without: the edge pushes to the new one.
import assert from 'node:assert/strict';
import { answer, ringing } from '../plays/wake.mjs';
import { hangsUp, invitation } from '../lib/ends.mjs';
import { suite } from '../lib/suite.mjs';
import { browsers, mainBrowsers } from '../lib/world.mjs';

/** The callee's subscription as the browser has it. */
const endpoint = async (page) => page.page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription())?.endpoint ?? null);

/** Calls, and the sleeping page rings. */
async function wakes(world) {
  const call = await world.callerDials();
  await invitation(world, call);
  const pushes = world.push.log.filter('push', call.push);
  assert.deepEqual(pushes.map((event) => event.status), [201], 'one push, to the living subscription');
  call.tap = await world.notifications.click();
  call.page = await world.calleePage();
  await ringing(world, call);
  await answer(world, call);
  await hangsUp(world, call, call.page);
}

/** Awaits that the edge was told of a subscription that was made after this moment. */
const told = (world, since, path) =>
  world.wire.log.wait((event) => event.name === 'response' && event.side === 'callee' && event.method === 'PUT' && path.test(event.path) && event.status < 300 && event.asked >= since.at,
    { since: since.wire, ms: 40_000, what: `PUT ${path}` });

for (const browser of mainBrowsers()) {
  suite('another subscription', { browser, site: {} }, (check) => {
    check('found at the next load', async (world) => {
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      const before = await endpoint(page);
      assert.ok(before);
      // As a browser does that cleans up, or a person in its settings: the page is not told.
      const after = await page.page.evaluate(async () => {
        const worker = await navigator.serviceWorker.ready;
        const old = await worker.pushManager.getSubscription();
        const { applicationServerKey } = old.options;
        await old.unsubscribe();
        return (await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey })).endpoint;
      });
      assert.notEqual(after, before);
      await world.closeCalleePages();
      const since = { at: Date.now(), wire: world.wire.log.mark() };
      const again = await world.calleeByHand();
      await again.until(['keypad', 'missed'], { registration: 'registered' });
      await told(world, since, /^\/v1\/devices\/[^/]+$/);
      await world.rest();
      await wakes(world);
    });

    check('none any more: the next load subscribes', async (world) => {
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      await page.page.evaluate(async () => (await (await navigator.serviceWorker.ready).pushManager.getSubscription()).unsubscribe());
      await world.closeCalleePages();
      const since = { at: Date.now(), wire: world.wire.log.mark() };
      const again = await world.calleeByHand();
      await again.until(['keypad', 'missed'], { registration: 'registered' });
      const made = await world.push.log.wait((event) => event.name === 'registered' && event.at >= since.at, { ms: 30_000, what: 'a new subscription' });
      await told(world, { ...since, at: made.at }, /^\/v1\/devices\/[^/]+$/);
      await world.rest();
      await wakes(world);
    });

    check('a language that is chosen is told in the very turn, for the page may be closed in the next', async (world) => {
      const since = world.wire.log.mark();
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      await told(world, { wire: since, at: 0 }, /^\/v1\/devices\/[^/]+$/);
      await page.press('nav-devices');
      await page.page.waitForSelector('[data-language="zh"]', { visible: true });
      const asked = await page.page.evaluate(async () => {
        const found = [];
        const { fetch } = globalThis;
        globalThis.fetch = (...what) => {
          found.push(`${what[0].method} ${what[0].url}`);
          return fetch(...what);
        };
        document.querySelector('[data-language="zh"]').click();
        // What has been promised already may follow; what the browser has yet to do may not.
        for (let nth = 0; nth < 100; nth++) await null;
        globalThis.fetch = fetch;
        document.querySelector('[data-language="en"]').click();
        return found;
      });
      assert.equal(asked.length, 1, asked.join());
      assert.match(asked[0], /^PUT .*\/v1\/devices\/[^/]+$/);
    });

    for (const [when, unanswered] of [['', false], [', and the edge is slow to answer what it told at its load', true]]) {
      check(`a language that was chosen just before the page was closed is the invitation's${when}`, async (world) => {
        const chosen = async (name, language) => {
          const since = world.wire.log.mark();
          const tells = (method, path) => method === 'PUT' && /^\/v1\/devices\/[^/]+$/.test(path);
          let told = 0;
          if (unanswered) world.wire.between('callee', { http: (...what) => (tells(...what) && !told++ ? 'late' : undefined) });
          const page = await world.calleeByHand();
          await page.until(['keypad', 'missed'], { registration: 'registered' });
          await world.wire.log.wait((event) => event.name === 'request' && event.side === 'callee' && tells(event.method, event.path), { since, what: 'what the page tells at its load' });
          await page.press('nav-devices');
          const choice = await page.page.waitForSelector(`[data-language="${language}"]`, { visible: true });
          await choice.click();
          await page.page.close();
          world.wire.leaveAlone();
          await world.rest();
          const call = await world.callerDials();
          await world.notifications.shown((one) => name.test(one.title), { since: call.notifications, what: `the invitation in ${language}` });
        };
        await chosen(/Ada.*来电/, 'zh');
        await world.rest();
        await chosen(/Ada.*is calling/, 'en');
      });
    }
  });
}

// Firefox tells its service worker when its push service has forgotten the browser; nothing makes Chromium do so from outside.
for (const browser of browsers().filter((name) => name === 'firefox')) {
  suite('pushsubscriptionchange', { browser, site: {} }, (check) => {
    check('with every page closed the worker subscribes anew and tells the edge by the device credential', async (world) => {
      const since = { at: Date.now(), wire: world.wire.log.mark() };
      world.push.forgetClients();
      const made = await world.push.log.wait((event) => event.name === 'registered' && event.at >= since.at, { ms: 40_000, what: 'a new subscription' });
      const { path } = await told(world, { ...since, at: made.at }, /^\/v1\/devices\/[^/]+\/push$/);
      assert.match(path, new RegExp(world.device));
      assert.deepEqual((await world.browsers.callee.driver.pages()).filter((page) => page.url().startsWith(world.origins.callee)), [], 'no page was opened for it');
      await wakes(world);
    });
  });
}
