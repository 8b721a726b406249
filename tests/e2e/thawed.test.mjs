// A tab in the background that the browser has frozen: it is registered and answers nothing. A call comes, the notification
// is tapped, the tab thaws with all that had waited for it: one ring, no 482, one call.
import assert from 'node:assert/strict';
import { answer, ringing } from '../plays/wake.mjs';
import { ended, hangsUp, invitation, invites } from '../lib/ends.mjs';
import { suite } from '../lib/suite.mjs';
import { status } from '../lib/timeline.mjs';
import { browsers } from '../lib/world.mjs';

/** A page that is registered, behind another tab, and frozen. */
async function frozen(world) {
  const page = await world.calleeByHand();
  await page.until('keypad', { registration: 'registered' });
  await world.browsers.callee.keeper.bringToFront();
  const life = await page.page.createCDPSession();
  await life.send('Page.setWebLifecycleState', { state: 'frozen' });
  return { page, thaw: () => life.send('Page.setWebLifecycleState', { state: 'active' }) };
}

const sent = (world, call, test) => world.wire.log.filter((event) => event.side === 'callee' && event.name === 'sent' && test(event.text), call.wire);

// Firefox freezes no tabs.
for (const browser of browsers().filter((name) => name === 'chromium')) {
  suite('a frozen tab', { browser, site: { limits: { ready_s: 30, ring_s: 60 } } }, (check) => {
    check('thaws after the tap: one ring, no 482, one call', async (world) => {
      const { page, thaw } = await frozen(world);
      const call = { ...(await world.callerDials()), page };
      // It answers no probe, so its device is pushed to; nothing rings in the dark.
      await invitation(world, call);
      await world.caller.until('calling', { stage: ['pushed', 'shown'] });
      call.tap = await world.notifications.click();
      await thaw();
      await ringing(world, call);
      await answer(world, call);
      assert.equal(invites(world, call).length, 1, 'one INVITE');
      assert.equal(sent(world, call, (text) => status(text) === 180).length, 1, 'one ring');
      assert.deepEqual(sent(world, call, (text) => status(text) >= 400).map((event) => event.text.split('\r\n')[0]), [], 'nothing was refused');
      assert.equal(world.notifications.displayed.size, 0, 'the notification is gone');
      await hangsUp(world, call, call.page);
      const pages = (await world.browsers.callee.driver.pages()).filter((one) => one.url().startsWith(world.origins.callee));
      assert.equal(pages.length, 1, 'the tab that was there came back, none was opened beside it');
    });

    check('is looked at while the invitation waits: it rings without the tap, once', async (world) => {
      const { page, thaw } = await frozen(world);
      const call = { ...(await world.callerDials()), page };
      await invitation(world, call);
      await thaw();
      await page.page.bringToFront();
      await page.until('ringing');
      assert.equal(invites(world, call).length, 1);
      await page.press('decline');
      await ended(world, call, { code: 603, state: 'declined', missed: false });
      assert.equal(sent(world, call, (text) => status(text) === 482).length, 0);
    });

    check('thaws after the caller has given up: nothing rings, and it says who called', async (world) => {
      const { page, thaw } = await frozen(world);
      const call = { ...(await world.callerDials()), page };
      await invitation(world, call);
      await world.caller.press('hang-up');
      await ended(world, call, { code: 487, state: 'cancelled' });
      await thaw();
      await world.browsers.callee.keeper.bringToFront();
      await page.page.bringToFront();
      await page.until('keypad', { registration: 'registered' });
      assert.equal(sent(world, call, (text) => status(text) === 180).length, 0, 'no ring');
      await page.press('nav-missed');
      await page.until('missed');
      assert.match(await page.text('missed-item'), /Ada/);
    });
  });
}
