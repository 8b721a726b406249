// The callee's browser was not running when the call came.
import assert from 'node:assert/strict';
import { answer, ringing } from '../plays/wake.mjs';
import { ended, hangsUp, invitation } from '../lib/ends.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers } from '../lib/world.mjs';

for (const browser of mainBrowsers()) {
  suite('a browser stopped and started', { browser, site: { limits: { ready_s: 60, ring_s: 60 } } }, (check) => {
    check('a stored invitation within its life rings', async (world) => {
      await world.browsers.callee.stop();
      const call = await world.callerDials();
      await world.push.log.wait('push', { since: call.push });
      await world.browsers.callee.start();
      await invitation(world, call, { ms: 40_000 });
      call.tap = await world.notifications.click();
      call.page = await world.calleePage();
      await ringing(world, call);
      await answer(world, call);
      await hangsUp(world, call, world.caller);
    });

    check('after the call is over it says "missed call"', async (world) => {
      await world.browsers.callee.stop();
      const call = await world.callerDials();
      await world.push.log.wait('push', { since: call.push });
      await world.caller.press('hang-up');
      await ended(world, call, { code: 487, state: 'cancelled' });
      await world.push.log.wait((event) => event.name === 'push' && event.ttl >= 3600, { since: call.push, what: 'the push that says "missed call"' });
      assert.equal(world.push.waiting.length, 1, 'it replaced the invitation at the push service');
      await world.browsers.callee.start();
      await world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, ms: 40_000, what: 'the missed call' });
      const rang = world.notifications.log.filter((event) => event.name === 'shown' && /is calling/.test(event.title), call.notifications);
      assert.deepEqual(rang, []);
    });

    check('an old invitation that comes late says "missed call", never rings', async (world) => {
      const since = world.notifications.log.mark();
      const issued = Date.now() - 3_600_000;
      await world.pushToCallee({
        web_push: 8030,
        notification: { title: 'Ada is calling', body: '', navigate: `${world.origins.callee}/?wake=AAAAAAAAAAAAAAAAAAAAAA`, tag: 'old' },
        mutable: true,
        wakeline: {
          kind: 'invitation', wake: 'AAAAAAAAAAAAAAAAAAAAAA', caller: { number: '1001', display_name: 'Ada' },
          issued_at: issued, expires_at: issued + 60_000, capability: 'dead', attempt: 1, number: '1002',
        },
      });
      const { title } = await world.notifications.shown(() => true, { since });
      assert.match(title, /Missed call.*Ada/);
    });
  });
}
