// Calls that the edge keeps from their callee: blocked callers, do-not-disturb, limits.
import assert from 'node:assert/strict';
import { invitation } from '../lib/ends.mjs';
import { finalOf, inBoth, missedOf, recordOf, wakeIdOf } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { header, status, wakeOf } from '../lib/timeline.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/** Seconds. */
const READY = 4;
const pushes = (world, since) => world.push.log.filter((event) => event.name === 'push', since).length;

/** The callee opens a section of the page. */
async function opens(world, section) {
  const page = await world.calleeByHand();
  await page.until(['keypad', 'missed'], { registration: 'registered' });
  await page.press(`nav-${section}`);
  await page.until(section);
  // What the list holds moves what stands below it: a click is for where a key has come to rest.
  if (section === 'devices') await page.page.waitForSelector('ul.list[aria-busy="false"] li');
  return page;
}

/** What the caller heard, in the order: statuses and words, ids and times left out. */
const heard = (world, call) => world.wire.log
  .filter((event) => event.side === 'caller' && event.name === 'received' && /^CSeq:\s*\d+ INVITE/im.test(event.text), call.wire)
  .map(({ text }) => [/^SIP\/2\.0 (.*)/.exec(text)[1].trim(), wakeOf(text).state, header(text, 'Reason')].join(' | '))
  // Some browsers' service workers cannot tell what they have shown.
  .filter((line) => !/\| (shown) \|/.test(line));

for (const browser of mainBrowsers()) {
  suite('withheld', { browser, site: { limits: { ready_s: READY, ring_s: 5 }, push: { repush_s: 55 } } }, (check) => {
    check('a blocked caller hears what an unattended phone gives, and nothing rings', async (world) => {
      const before = await world.callerDials();
      await finalOf(world, 'caller', before, 480);
      const usual = heard(world, before);
      const screen = await world.caller.until('ended', { outcome: 'expired' });
      const words = await world.caller.text('ended-reason');
      await world.caller.press('ended-close');

      const page = await opens(world, 'missed');
      await page.press('missed-block');
      await page.page.waitForSelector('[data-testid="missed-block"][aria-pressed="true"]');
      assert.match(await inBoth(page, 'missed-item'), /Blocked.*已屏蔽/s);

      const call = await world.callerDials();
      await world.caller.until('calling', { stage: 'pushed' });
      const refusal = await finalOf(world, 'caller', call, 480);
      assert.ok(Math.abs(refusal.at - call.invite.at - READY * 1000) < 1500, `ended ${refusal.at - call.invite.at} ms after the INVITE`);
      assert.deepEqual(heard(world, call), usual, 'the caller hears no difference');
      assert.deepEqual([(await world.caller.until('ended')).outcome, await world.caller.text('ended-reason')], [screen.outcome, words], 'nor sees one');
      assert.equal(pushes(world, call.push), 0);
      assert.equal((await page.look()).state, 'missed', 'the open page shows nothing');
      const { wake } = wakeOf(refusal.text);
      const record = await recordOf(world, wake);
      assert.deepEqual([record.outcome, record.withheld], ['expired', 'blocked']);
      assert.equal(await missedOf(world, wake), undefined);
      await world.caller.press('ended-close');

      // And let through again.
      await page.press('nav-devices');
      await page.until('devices');
      await page.press('unblock');
      await page.page.waitForSelector('[data-testid="blocked"]', { hidden: true });
      await world.callerDials();
      await page.until('ringing');
      await page.press('decline');
      await world.caller.until('ended', { outcome: 'declined' });
    });

    check('do not disturb: the caller is told, nothing rings, and the call is among the missed', async (world) => {
      const page = await opens(world, 'devices');
      await page.press('quiet');
      await page.page.waitForSelector('[data-testid="quiet"][aria-checked="true"]');
      const call = await world.callerDials();
      const refusal = await finalOf(world, 'caller', call, 480);
      assert.match(header(refusal.text, 'Reason'), /do not disturb/);
      await world.caller.until('ended', { outcome: 'quiet' });
      assert.match(await inBoth(world.caller, 'ended-reason'), /does not want to be disturbed.*勿扰/s);
      assert.equal((await page.look()).state, 'devices');
      assert.equal(pushes(world, call.push), 0);
      const { wake } = wakeOf(refusal.text);
      const record = await recordOf(world, wake);
      assert.deepEqual([record.outcome, record.withheld], ['failed', 'do_not_disturb']);
      assert.equal(await missedOf(world, wake), 'failed');
      await world.caller.press('ended-close');
      // It outlives the page and the edge's memory.
      await page.close();
      await world.edge.evict(world.edge.lineName(NUMBERS.callee)).catch((error) => assert.match(error.message, /not currently running/));
      const again = await opens(world, 'devices');
      await again.page.waitForSelector('[data-testid="quiet"][aria-checked="true"]');
      await again.press('quiet');
      await again.page.waitForSelector('[data-testid="quiet"][aria-checked="false"]');
      await world.callerDials();
      await again.until('ringing');
      await again.press('decline');
      await world.caller.until('ended', { outcome: 'declined' });
    });
  });

  suite('limits reached', { browser, site: {} }, (check) => {
    // The line remembers the calls of the last minute, also over a restart: those of the tests before count.
    let made = 0;
    /** One call that is taken back, then one that is too many. */
    const oneTooMany = async (world, limits, code, { number = NUMBERS.callee } = {}) => {
      await world.configure({ limits });
      made += 1;
      const first = await world.callerDials();
      await invitation(world, first);
      await world.caller.press('hang-up');
      await world.caller.until('ended', { outcome: 'cancelled' });
      await recordOf(world, await wakeIdOf(world, 'caller', first));
      await world.caller.press('ended-close');
      const [{ recorded }] = await world.edge.rows('SELECT count(*) AS recorded FROM calls');
      const call = await world.callerDials(number);
      const refusal = await finalOf(world, 'caller', call, code);
      assert.equal(status(refusal.text), code);
      const wait = Number(header(refusal.text, 'Retry-After'));
      assert.ok(wait > 30 && wait <= 60, `Retry-After: ${wait}`);
      await world.caller.until('ended', { outcome: 'limited' });
      assert.match(await inBoth(world.caller, 'ended-reason'), new RegExp(`too many calls.*again in ${wait} s.*呼叫过多.*${wait} 秒`, 's'));
      assert.equal(pushes(world, call.push), 0, 'nobody is woken');
      // Whoever calls too much writes no rows: neither a record nor a missed call.
      assert.deepEqual(await world.edge.rows('SELECT count(*) AS recorded FROM calls'), [{ recorded }]);
      const { wake } = wakeOf(refusal.text);
      if (wake) assert.equal(await missedOf(world, wake, number), undefined);
    };

    check('of a caller at one line: 429', (world) => oneTooMany(world, { calls_per_minute: 1 }, 429));
    check('of a line, whoever calls: 503', (world) => oneTooMany(world, { line_calls_per_minute: made + 1 }, 503));
    check('of a caller anywhere: 429', async (world) => {
      await world.edge.account('1003');
      await oneTooMany(world, { caller_calls_per_minute: 1 }, 429, { number: '1003' });
    });
    check('of the site: 503', (world) => oneTooMany(world, { site_calls_per_minute: 1 }, 503));
  });
}
