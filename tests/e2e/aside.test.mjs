// Tabs. An open page behind another one: it rings there, and a notification says so; it leads to the page, and goes with the ring. A
// second tab of the page shows the call, and offers what it can do with it.
import assert from 'node:assert/strict';
import { until } from '../lib/events.mjs';
import { inBoth } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers } from '../lib/world.mjs';

/** A page that is registered and not looked at, and a call that rings there. */
async function rings(world) {
  const page = await world.calleeByHand();
  await page.until('keypad', { registration: 'registered' });
  const front = await world.browsers.callee.driver.newPage();
  await front.bringToFront();
  await page.page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 50 });
  const call = await world.callerDials();
  await world.notifications.shown(({ title }) => /Ada.*is calling/.test(title), { since: call.notifications, what: 'the call' });
  await world.caller.until('calling', { stage: 'ringing' });
  return { page, front, ...call };
}

const gone = (world) => until(() => world.notifications.displayed.size === 0, { what: 'the notification is gone' });

for (const browser of mainBrowsers()) {
  suite('a call beside what is looked at', { browser }, (check) => {
    check('is shown without a push; a tap leads to the page, where it is answered', async (world) => {
      const { page, front, push, notifications } = await rings(world);
      await world.notifications.click();
      await page.page.waitForFunction(() => document.visibilityState === 'visible', { polling: 50 });
      await gone(world);
      assert.equal((await page.look()).state, 'ringing', 'it rings on until it is answered');
      await page.press('answer');
      await world.caller.until('active');
      assert.equal(world.push.log.filter((event) => event.name === 'push', push).length, 0, 'no push was needed');
      assert.equal(world.notifications.log.filter((event) => event.name === 'shown', notifications).length, 1, 'it was shown once');
      await page.press('hang-up');
      await front.close();
    });

    check('that is given up takes its notification along', async (world) => {
      const { front } = await rings(world);
      await world.caller.press('hang-up');
      await gone(world);
      await front.close();
    });

    check('and a second tab: it mutes, holds and hangs up; keys and transfers are where the sound is', async (world) => {
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      const second = await world.calleeByHand();
      await second.until('following');
      await world.callerDials();
      await second.until('ringing');
      await page.page.bringToFront();
      await page.press('answer');
      await world.caller.until('active');
      await page.page.waitForSelector('[data-testid="keys"]');
      await second.page.bringToFront();
      await second.until('active');
      assert.match(await inBoth(second, 'other-tab'), /sound of this call is in another tab.*声音在另一标签页中/s);
      assert.deepEqual([await second.count('keys'), await second.count('elsewhere')], [0, 0]);
      await second.press('hold');
      await world.caller.page.waitForSelector('[data-testid="remote-held"]');
      await second.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });
  });
}
