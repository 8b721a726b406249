// A party whose connection breaks: the caller's while the call is parked, anybody's while they talk.
import assert from 'node:assert/strict';
import { hangsUp, invitation, talking } from '../lib/ends.mjs';
import { finalOf, inBoth, missedOf, recordOf, wakeIdOf } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { header, isResponse } from '../lib/timeline.mjs';
import { mainBrowsers } from '../lib/world.mjs';

/** Seconds until a call with a lost party ends; the other one is told after half of them. */
const LOST = process.env.WAKELINE_FULL ? 30 : 8;
/** What the edge does then is seen in `tests/edge/silence.test.mjs`, what the page says in the test before. */
const dark = { skip: !process.env.WAKELINE_FULL && 'waits for 30 s: with --full', timeout: 90_000 };
const PATIENT = { ready_s: 60, tap_grace_s: 15, ring_s: 60, lost_s: LOST };

const pushes = (world, since) => world.push.log.filter((event) => event.name === 'push' && event.status === 201, since).length;

async function talkingByWake(world) {
  const call = await talking(world);
  return { ...call, wake: await wakeIdOf(world, 'caller', call) };
}

/** The call is recorded and kept as cancelled, and its caller, back in the net, can call again. */
async function cancelledAndBack(world, wake) {
  assert.equal((await recordOf(world, wake)).outcome, 'cancelled');
  assert.equal(await missedOf(world, wake), 'cancelled');
  await world.caller.press('ended-close');
  await world.caller.until('keypad', { registration: 'registered', ms: 30_000 });
}

for (const browser of mainBrowsers()) {
  suite('lost parties', { browser, site: { limits: PATIENT, push: { repush_s: 55 } } }, (check) => {
    check('the caller’s socket breaks while the call is parked: back in time, the call goes on', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const wake = await wakeIdOf(world, 'caller', call);
      const since = world.wire.log.mark();
      world.wire.cut('caller');
      const again = await world.wire.sip('caller', 'sent', /^INVITE /, { since, what: 'the INVITE goes out again' });
      assert.equal(header(again.text, 'Call-ID'), header(call.invite.text, 'Call-ID'));
      assert.equal(await wakeIdOf(world, 'caller', { wire: since }), wake, 'the same wake');
      await world.caller.until('calling');
      await world.notifications.click();
      const page = await world.calleePage();
      await page.until('ringing', { ms: 20_000 });
      await world.caller.until('calling', { stage: 'ringing' });
      await page.press('answer');
      await world.caller.until('active');
      await page.until('active');
      assert.equal(pushes(world, call.push), 1, 'nobody was woken twice');
      await hangsUp(world, { ...call, page }, world.caller);
    });

    check('the caller’s socket breaks while it is parked, and stays away: cancelled after 10 s, a missed call', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const wake = await wakeIdOf(world, 'caller', call);
      // The page asks its socket at once whether it is alive, which no network carries any more.
      world.wire.between('caller', { sip: () => 'swallow' });
      await world.caller.page.setOfflineMode(true);
      const cut = Date.now();
      try {
        world.wire.cut('caller');
        await world.caller.page.waitForSelector('[data-testid="caller-lost"]');
        assert.match(await inBoth(world.caller, 'caller-lost'), /Connection lost.*连接中断/s);
        const { at } = await world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, ms: 20_000, what: 'the invitation becomes a missed call' });
        assert.ok(at - cut > 9000 && at - cut < 14_000, `after ${at - cut} ms`);
        await world.caller.until('ended', { outcome: 'lost', ms: 10_000 });
        assert.match(await inBoth(world.caller, 'ended-reason'), /Your connection was lost.*您的连接中断过久/s);
      } finally {
        world.wire.leaveAlone();
        await world.caller.page.setOfflineMode(false);
      }
      await cancelledAndBack(world, wake);
      assert.equal(pushes(world, call.push), 2, 'one invitation and its correction: coming back wakes nobody');
    });

    check('the caller’s path breaks without a word while it is parked, and stays so: found out, and cancelled', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const wake = await wakeIdOf(world, 'caller', call);
      await world.wire.sip('caller', 'sent', (text) => isResponse(text, 200, 'OPTIONS'), { since: call.wire, what: 'the page says that it is there' });
      world.wire.goesDark('caller');
      const dark = Date.now();
      // The page asks its socket at once, and hears nothing.
      await world.caller.page.setOfflineMode(true);
      try {
        await world.caller.page.waitForSelector('[data-testid="caller-lost"]');
        await world.caller.until('ended', { outcome: 'lost', ms: 20_000 });
        const { at } = await world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, ms: 45_000, what: 'the invitation becomes a missed call' });
        // Asked at the latest 10 s after it was last heard, given up 10 s later, cancelled after the caller's grace.
        assert.ok(at - dark > 18_000 && at - dark < 34_000, `after ${at - dark} ms`);
      } finally {
        world.wire.leaveAlone();
        await world.caller.page.setOfflineMode(false);
      }
      await cancelledAndBack(world, wake);
    }, dark);

    check('a page is killed in the call: the other side is told, then it ends, and the record is closed', async (world) => {
      const call = await talkingByWake(world);
      const killed = Date.now();
      // A page that has crashed never says so.
      await world.browsers.callee.crash(call.page.page);
      await world.caller.page.waitForSelector('[data-testid="remote-lost"]', { timeout: (LOST / 2 + 10) * 1000 });
      const told = Date.now() - killed;
      assert.ok(Math.abs(told - LOST * 500) < 3000, `told after ${told} ms`);
      assert.match(await inBoth(world.caller, 'remote-lost'), /connection to 1002 was lost.*与 1002 的连接已中断/s);
      assert.equal((await world.caller.look()).state, 'active');
      const bye = await world.wire.sip('caller', 'received', /^BYE /, { since: call.wire, ms: (LOST / 2 + 10) * 1000 });
      assert.match(header(bye.text, 'Reason'), /cause=408/);
      assert.ok(Math.abs(bye.at - killed - LOST * 1000) < 3000, `ended after ${bye.at - killed} ms`);
      await world.caller.until('ended', { outcome: 'lost' });
      assert.match(await inBoth(world.caller, 'ended-reason'), /connection to 1002 was lost.*与 1002 的连接已中断/s);
      assert.equal(await world.caller.playing(), 0);
      const record = await recordOf(world, call.wake);
      assert.deepEqual([record.outcome, record.ended_by], ['answered', 'edge']);
    });

    check('a party who comes back in time: the other side is told that too, and the call goes on', async (world) => {
      const call = await talkingByWake(world);
      // By the wire: Firefox 140 lets no driver take its network away.
      world.wire.unplug('callee');
      await world.caller.page.waitForSelector('[data-testid="remote-lost"]', { timeout: (LOST / 2 + 10) * 1000 });
      world.wire.leaveAlone();
      await world.caller.page.waitForSelector('[data-testid="remote-lost"]', { hidden: true, timeout: LOST * 500 });
      assert.deepEqual([(await world.caller.look()).state, (await call.page.look()).state], ['active', 'active']);
      await hangsUp(world, call, world.caller);
      await world.wire.sip('caller', 'received', (text) => isResponse(text, 200, 'BYE'), { since: call.wire });
    });

    check('hanging up without a socket is heard of as soon as there is one', async (world) => {
      const call = await world.callerDials();
      await invitation(world, call);
      const wake = await wakeIdOf(world, 'caller', call);
      world.wire.cut('caller');
      const at = Date.now();
      await world.caller.press('hang-up');
      await world.caller.until('ended', { outcome: 'cancelled' });
      await world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, what: 'the missed call' });
      assert.ok(Date.now() - at < 8000, 'before the edge’s patience ends');
      await finalOf(world, 'caller', call, 487);
      assert.equal((await recordOf(world, wake)).outcome, 'cancelled');
      assert.equal(await missedOf(world, wake), 'cancelled');
    });
  });
}
