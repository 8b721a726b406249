// Ends that are decided between people: a second caller, oneself, answers and takings-back that cross, several devices.
import assert from 'node:assert/strict';
import { until } from '../lib/events.mjs';
import { hangsUp, ringsByHand, talking } from '../lib/ends.mjs';
import { finalOf, inBoth, missedOf, recordOf, wakeIdOf } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { atRest, dials, third } from '../lib/third.mjs';
import { header, isResponse, wakeOf } from '../lib/timeline.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

const LIN = '1003';
const PATIENT = { ready_s: 60, tap_grace_s: 15, ring_s: 60 };

/** A gate: what waits for `opened` goes on when `open` is called. */
function gate() {
  const { promise, resolve } = Promise.withResolvers();
  return { opened: promise, open: resolve };
}

/** The ACK and the BYE that end an answer which nobody wants; answers the BYE's Reason. */
async function sentAway(world, side, since) {
  await world.wire.sip(side, 'received', /^ACK /, { since, what: `the ${side}'s answer is acknowledged` });
  const bye = await world.wire.sip(side, 'received', /^BYE /, { since, what: `the ${side} is told to end` });
  await world.wire.sip(side, 'sent', (text) => isResponse(text, 200, 'BYE'), { since });
  return header(bye.text, 'Reason');
}

for (const browser of mainBrowsers()) {
  suite('a third one', { browser, site: { limits: PATIENT } }, (check) => {
    let lin;
    const withLin = (name, body) => check(name, async (world) => {
      lin ??= await third(world, await world.edge.account(LIN, { display_name: 'Lin' }));
      await atRest(lin);
      await body(world);
    });
    /** Lin calls the callee, who is in a call. */
    const linRings = async (world, { page }) => {
      const call = await dials(world, lin, NUMBERS.callee);
      await lin.until('calling', { stage: 'ringing' });
      await page.page.waitForSelector('[data-testid="second"]');
      assert.match(await inBoth(page, 'second'), /Lin is calling too.*Lin 也在呼叫您/s);
      assert.equal((await page.look()).state, 'active', 'the call goes on');
      return call;
    };

    withLin('a second caller rings beside the call, and is declined', async (world) => {
      const call = await talking(world);
      const second = await linRings(world, call);
      const wake = await wakeIdOf(world, 'third', second);
      await call.page.press('second-decline');
      assert.equal(wakeOf((await finalOf(world, 'third', second, 603)).text).state, 'declined');
      await lin.until('ended', { outcome: 'declined' });
      assert.deepEqual([await call.page.count('second'), (await call.page.look()).state, (await world.caller.look()).state], [0, 'active', 'active']);
      assert.equal((await recordOf(world, wake)).outcome, 'declined');
      assert.equal(await missedOf(world, wake), undefined);
      await hangsUp(world, call, world.caller);
    });

    withLin('a second caller gives up: the call goes on, and theirs is a missed one', async (world) => {
      const call = await talking(world);
      const second = await linRings(world, call);
      const wake = await wakeIdOf(world, 'third', second);
      await lin.press('hang-up');
      await finalOf(world, 'third', second, 487);
      await lin.until('ended', { outcome: 'cancelled' });
      await until(async () => (await call.page.count('second')) === 0, { what: 'nobody waits any more' });
      assert.match(await inBoth(call.page, 'ended-beside'), /The call with Lin is over\. Lin hung up before.*与 Lin 的通话已结束。Lin 在您接听前挂断了/s);
      assert.match(await call.page.page.$eval('wakeline-app > [role="status"]', (element) => element.textContent), /Lin/);
      await call.page.press('ended-beside-close');
      await until(async () => (await call.page.count('ended-beside')) === 0, { what: 'it was read' });
      assert.equal((await call.page.look()).state, 'active');
      assert.equal((await recordOf(world, wake)).outcome, 'cancelled');
      assert.equal(await missedOf(world, wake), 'cancelled');
      await hangsUp(world, call, world.caller);
    });

    withLin('a second caller is answered: the first call ends, the second begins', async (world) => {
      const call = await talking(world);
      const first = await wakeIdOf(world, 'caller', call);
      const second = await linRings(world, call);
      const wake = await wakeIdOf(world, 'third', second);
      await call.page.press('second-answer');
      await world.caller.until('ended', { outcome: 'hungup' });
      await lin.until('active');
      await call.page.until('active');
      assert.match(await call.page.text('remote-name'), /Lin/);
      assert.equal((await recordOf(world, first)).ended_by, 'callee');
      await lin.press('hang-up');
      await call.page.until('ended', { outcome: 'hungup' });
      const record = await recordOf(world, wake);
      assert.deepEqual([record.outcome, record.ended_by], ['answered', 'caller']);
    });

    withLin('a second caller is answered while the first one is held: both calls go on, and one can switch', async (world) => {
      const call = await talking(world);
      const second = await linRings(world, call);
      const wake = await wakeIdOf(world, 'third', second);
      // By keyboard: Decline, then Hold and answer.
      await call.page.page.focus('[data-testid="second-decline"]');
      await call.page.page.keyboard.press('Tab');
      assert.equal(await call.page.page.evaluate(() => document.activeElement?.dataset.testid), 'second-hold');
      await call.page.page.keyboard.press('Enter');
      await lin.until('active');
      await world.caller.page.waitForSelector('[data-testid="remote-held"]');
      await call.page.page.waitForFunction(() => /Lin/.test(document.querySelector('[data-testid="remote-name"]')?.textContent ?? ''), { polling: 50 });
      await call.page.until('active');
      assert.equal((await world.caller.look()).state, 'active');
      await lin.press('hang-up');
      await call.page.page.waitForFunction(() => /Ada/.test(document.querySelector('[data-testid="remote-name"]')?.textContent ?? ''), { polling: 50 });
      await call.page.press('hold');
      await world.caller.page.waitForSelector('[data-testid="remote-held"]', { hidden: true });
      assert.equal((await recordOf(world, wake)).outcome, 'answered');
      await hangsUp(world, call, world.caller);
    });

    withLin('two callers of a sleeping line: one wake each, one is answered, the other waits beside it', async (world) => {
      const push = world.push.log.mark();
      const call = await world.callerDials();
      const other = await dials(world, lin, NUMBERS.callee);
      const wakes = [await wakeIdOf(world, 'caller', call), await wakeIdOf(world, 'third', other)];
      assert.notEqual(wakes[0], wakes[1]);
      await world.notifications.shown((one) => /Lin/.test(one.title), { since: call.notifications, what: 'the second invitation' });
      assert.equal(world.push.log.filter((event) => event.name === 'push' && event.status === 201, push).length, 2, 'one wake each');
      await world.notifications.click();
      const page = await world.calleePage();
      await page.until('ringing', { ms: 20_000 });
      await Promise.all([world.caller.until('calling', { stage: 'ringing' }), lin.until('calling', { stage: 'ringing' })]);
      await page.page.waitForSelector('[data-testid="second"]');
      const front = /Ada/.test(await page.text('remote-name')) ? [world.caller, lin] : [lin, world.caller];
      await page.press('answer');
      await front[0].until('active');
      await page.until('active');
      await page.page.waitForSelector('[data-testid="second"]');
      await page.press('second-decline');
      await front[1].until('ended', { outcome: 'declined' });
      await front[0].press('hang-up');
      await page.until('ended', { outcome: 'hungup' });
      const expected = front[0] === lin ? ['declined', 'answered'] : ['answered', 'declined'];
      for (const [nth, [side, its]] of [['caller', call], ['third', other]].entries()) {
        await finalOf(world, side, its, expected[nth] === 'answered' ? 200 : 603);
        assert.equal((await recordOf(world, wakes[nth])).outcome, expected[nth]);
        assert.equal(await missedOf(world, wakes[nth]), undefined);
      }
    });
  });

  suite('a busy line', { browser, site: { limits: PATIENT, call_waiting: false } }, (check) => {
    let lin;
    check('without call waiting a second caller hears busy', async (world) => {
      lin = await third(world, await world.edge.account(LIN, { display_name: 'Lin' }));
      const call = await talking(world);
      const second = await dials(world, lin, NUMBERS.callee);
      const refusal = await finalOf(world, 'third', second, 486);
      const { wake, state } = wakeOf(refusal.text);
      assert.equal(state, 'busy');
      assert.match(header(refusal.text, 'Reason'), /cause=486/);
      await lin.until('ended', { outcome: 'busy' });
      assert.match(await inBoth(lin, 'ended-reason'), /on another call.*正在通话中/s);
      assert.equal((await recordOf(world, wake)).outcome, 'busy');
      assert.equal(await missedOf(world, wake), 'busy');
      assert.deepEqual([await call.page.count('second'), (await call.page.look()).state], [0, 'active']);
      await hangsUp(world, call, world.caller);
      await call.page.press('ended-close');
      await call.page.press('nav-missed');
      await call.page.until('missed');
      assert.match(await call.page.text('missed-item'), /Lin/);
    });

    check('without call waiting one of two callers of a sleeping line hears busy', async (world) => {
      await atRest(lin);
      const call = await world.callerDials();
      const other = await dials(world, lin, NUMBERS.callee);
      await world.notifications.shown((one) => /Lin/.test(one.title), { since: call.notifications, what: 'the second invitation' });
      await world.notifications.click();
      const page = await world.calleePage();
      await page.until('ringing', { ms: 20_000 });
      const busy = await Promise.any([[world.caller, 'caller', call], [lin, 'third', other]].map(async ([phone, side, its]) => {
        await finalOf(world, side, its, 486);
        return phone;
      }));
      await busy.until('ended', { outcome: 'busy' });
      await page.press('answer');
      await (busy === lin ? world.caller : lin).until('active');
      await page.press('hang-up');
      await page.until('ended');
      for (const [phone, side, its] of [[world.caller, 'caller', call], [lin, 'third', other]]) {
        const outcome = phone === busy ? 'busy' : 'answered';
        const wake = await wakeIdOf(world, side, its);
        assert.equal((await recordOf(world, wake)).outcome, outcome);
        assert.equal(await missedOf(world, wake), outcome === 'busy' ? 'busy' : undefined);
      }
    });
  });

  suite('crossings, and two devices', { browser, site: { limits: PATIENT } }, (check) => {
    check('an answer that crosses the taking back: acknowledged and ended, and it is a missed call', async (world) => {
      const { page, ...call } = await ringsByHand(world);
      const wake = await wakeIdOf(world, 'caller', call);
      const held = gate();
      world.wire.between('callee', { sip: (text) => (isResponse(text, 200, 'INVITE') ? held.opened : undefined) });
      await page.press('answer');
      await world.wire.sip('callee', 'sent', (text) => isResponse(text, 200, 'INVITE'), { since: call.wire });
      await world.caller.press('hang-up');
      await finalOf(world, 'caller', call, 487);
      held.open();
      assert.match(await sentAway(world, 'callee', call.wire), /cause=487/);
      await world.caller.until('ended', { outcome: 'cancelled' });
      await page.until('ended', { outcome: 'cancelled' });
      assert.match(await inBoth(page, 'ended-reason'), /Ada hung up before.*Ada 在您接听前挂断了/s);
      assert.equal(await page.playing(), 0);
      assert.equal((await recordOf(world, wake)).outcome, 'cancelled');
      assert.equal(await missedOf(world, wake), 'cancelled');
    });

    check('a taking back that crosses the answer: the caller ends what it no longer wanted', async (world) => {
      const { page, ...call } = await ringsByHand(world);
      const wake = await wakeIdOf(world, 'caller', call);
      const held = gate();
      world.wire.between('caller', { sip: (text) => (/^CANCEL /.test(text) ? held.opened : undefined) });
      await world.caller.press('hang-up');
      await world.wire.sip('caller', 'sent', /^CANCEL /, { since: call.wire });
      await page.press('answer');
      await finalOf(world, 'caller', call, 200);
      held.open();
      await world.wire.sip('caller', 'sent', /^ACK /, { since: call.wire });
      await world.wire.sip('caller', 'sent', /^BYE /, { since: call.wire });
      await page.until('ended', { outcome: 'hungup' });
      await world.caller.until('ended', { outcome: 'cancelled' });
      const record = await recordOf(world, wake);
      assert.deepEqual([record.outcome, record.ended_by], ['answered', 'caller']);
      assert.equal(await missedOf(world, wake), undefined);
    });

    check('calling oneself with one device: nobody else is there to ring', async (world) => {
      const page = await world.calleeByHand();
      const call = await dials(world, page, NUMBERS.callee);
      const refusal = await finalOf(world, 'callee', call, 480);
      assert.equal(wakeOf(refusal.text).state, 'unbound');
      await page.until('ended', { outcome: 'unbound' });
      assert.match(await inBoth(page, 'ended-reason'), /your own number.*您自己的号码/s);
      assert.equal((await recordOf(world, wakeOf(refusal.text).wake)).outcome, 'unbound');
    });

    // From here on the callee has two devices.
    let other;
    /** The callee's page and its second device, both ringing. */
    const bothRing = async (world) => {
      if (!other) other = await third(world, world.accounts.callee);
      await atRest(other);
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      const call = { ...(await world.callerDials()), page };
      await Promise.all([page.until('ringing'), other.until('ringing')]);
      return { ...call, wake: await wakeIdOf(world, 'caller', call) };
    };
    const answers = (text) => isResponse(text, 200, 'INVITE');

    check('both answer at once: exactly one talks, the other is sent away and says where the call went', async (world) => {
      const call = await bothRing(world);
      const held = gate();
      for (const side of ['callee', 'third']) world.wire.between(side, { sip: (text) => (answers(text) ? held.opened : undefined) });
      await Promise.all([call.page.press('answer'), other.press('answer')]);
      await Promise.all(['callee', 'third'].map((side) => world.wire.sip(side, 'sent', answers, { since: call.wire })));
      held.open();
      await world.caller.until('active');
      const talks = await Promise.any([[call.page, other], [other, call.page]].map(async ([winner, loser]) => {
        await loser.until('ended', { outcome: 'elsewhere' });
        return { winner, loser };
      }));
      assert.match(await sentAway(world, talks.loser.side, call.wire), /cause=200.*elsewhere/);
      assert.match(await inBoth(talks.loser, 'ended-reason'), /answered on another device.*另一台设备上接听/s);
      await talks.winner.until('active');
      assert.equal(await talks.loser.playing(), 0);
      await hangsUp(world, { ...call, page: talks.winner }, world.caller);
    });

    check('one answers, then the other declines: the call goes on', async (world) => {
      const call = await bothRing(world);
      const held = gate();
      world.wire.between('third', { sip: (text) => (isResponse(text, 603, 'INVITE') ? held.opened : undefined) });
      await other.press('decline');
      await call.page.press('answer');
      await world.caller.until('active');
      held.open();
      await other.until('ended', { outcome: 'declined' });
      await call.page.until('active');
      await hangsUp(world, call, world.caller);
    });

    check('one declines, then the other answers: declined, and the answer is sent away', async (world) => {
      const call = await bothRing(world);
      const held = gate();
      world.wire.between('callee', { sip: (text) => (answers(text) ? held.opened : undefined) });
      await call.page.press('answer');
      await world.wire.sip('callee', 'sent', answers, { since: call.wire });
      await other.press('decline');
      assert.equal(wakeOf((await finalOf(world, 'caller', call, 603)).text).state, 'declined');
      held.open();
      assert.match(await sentAway(world, 'callee', call.wire), /cause=603/);
      await world.caller.until('ended', { outcome: 'declined' });
      await call.page.until('ended', { outcome: 'declined' });
      assert.match(await inBoth(call.page, 'ended-reason'), /declined the call on another device.*另一台设备上拒绝/s);
      assert.equal((await recordOf(world, call.wake)).outcome, 'declined');
      assert.equal(await missedOf(world, call.wake), undefined);
    });

    check('calling oneself: the other device rings, this one does not, and both talk', async (world) => {
      if (!other) other = await third(world, world.accounts.callee);
      await atRest(other);
      const page = await world.calleeByHand();
      const call = await dials(world, page, NUMBERS.callee);
      await other.until('ringing');
      assert.match(await other.text('remote-name'), /Grace/);
      assert.equal((await page.look()).state, 'calling');
      assert.equal(world.wire.log.filter((event) => event.side === 'callee' && event.name === 'received' && /^INVITE /.test(event.text), call.wire).length, 0);
      await other.press('answer');
      await Promise.all([page.until('active'), other.until('active')]);
      await page.press('hang-up');
      await other.until('ended', { outcome: 'hungup' });
      await finalOf(world, 'callee', call, 200);
      const wake = await wakeIdOf(world, 'callee', call);
      const record = await recordOf(world, wake);
      assert.deepEqual([record.caller, record.callee, record.outcome, record.ended_by], [NUMBERS.callee, NUMBERS.callee, 'answered', 'caller']);
      assert.equal(await missedOf(world, wake), undefined);
    });
  });
}
