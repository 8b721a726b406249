// An open page behind another tab: it rings there, and a notification says so; it leads to the page, and goes with the ring.
import assert from 'node:assert/strict';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers } from '../lib/world.mjs';

/** A page that is registered and not looked at, and a call that rings there. */
async function rings(world) {
  const page = await world.calleeByHand();
  await page.until('keypad', { registration: 'registered' });
  await world.browsers.callee.keeper.bringToFront();
  await page.page.waitForFunction(() => document.visibilityState === 'hidden', { polling: 50 });
  const call = await world.callerDials();
  await world.notifications.shown(({ title }) => /Ada.*is calling/.test(title), { since: call.notifications, what: 'the call' });
  await world.caller.until('calling', { stage: 'ringing' });
  return { page, ...call };
}

const gone = (world) => until(() => world.notifications.displayed.size === 0, { what: 'the notification is gone' });

for (const browser of mainBrowsers()) {
  suite('a call beside what is looked at', { browser }, (check) => {
    check('is shown without a push; a tap leads to the page, where it is answered', async (world) => {
      const { page, push, notifications } = await rings(world);
      await world.notifications.click();
      await page.page.waitForFunction(() => document.visibilityState === 'visible', { polling: 50 });
      await gone(world);
      assert.equal((await page.look()).state, 'ringing', 'it rings on until it is answered');
      await page.press('answer');
      await world.caller.until('active');
      assert.equal(world.push.log.filter((event) => event.name === 'push', push).length, 0, 'no push was needed');
      assert.equal(world.notifications.log.filter((event) => event.name === 'shown', notifications).length, 1, 'it was shown once');
      await page.press('hang-up');
    });

    check('that is given up takes its notification along', async (world) => {
      await rings(world);
      await world.caller.press('hang-up');
      await gone(world);
    });
  });
}
