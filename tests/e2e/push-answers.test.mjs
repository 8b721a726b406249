// What real push services answer besides 201, each to its end: the caller's status and screen, the missed call, the record.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { answer, ringing } from '../plays/wake.mjs';
import { Sink } from '../edge/sink.mjs';
import { ended, hangsUp, invitation } from '../lib/ends.mjs';
import { inChinese } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { status } from '../lib/timeline.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/** Seconds. */
const READY = 10;

/** Pushes of this call: the edge may still be trying to say "missed" of one before it, under the topic of that one. */
const pushes = (world, call) => {
  const before = new Set(world.push.log.events.slice(0, call.push).filter(({ name }) => name === 'push').map(({ topic }) => topic));
  return world.push.log.filter(({ name, topic }) => name === 'push' && !before.has(topic), call.push);
};
/** Nothing that the caller was told says that an invitation is on its way. */
const nothingPromised = (world, call) =>
  assert.deepEqual(world.wire.log.filter((event) => event.side === 'caller' && event.name === 'received' && status(event.text) === 182, call.wire).map((event) => event.text.split('\r\n')[0]), []);

/** Taps, answers, hangs up. */
async function talk(world, call) {
  call.tap = await world.notifications.click();
  call.page = await world.calleePage();
  await ringing(world, call);
  await answer(world, call);
  await hangsUp(world, call, call.page);
}

const devices = async (world) => (await world.edge.api('GET', '/v1/devices', { token: await world.edge.token(NUMBERS.callee) })).body.devices;

for (const browser of mainBrowsers()) {
  suite('the push service answers', { browser, site: { limits: { ready_s: READY, ring_s: 60 } } }, (check) => {
    check('410 for one device: it is dropped, the other one rings', async (world) => {
      const sink = await Sink.open({ vapid: world.edge.vapid });
      const other = randomUUID();
      try {
        const token = await world.edge.token(NUMBERS.callee);
        const bound = await world.edge.api('PUT', `/v1/devices/${other}`, { token, body: { push: sink.subscription, label: 'old phone' } });
        assert.equal(bound.status, 201, JSON.stringify(bound.body));
        sink.answers.push(410);
        const call = await world.callerDials();
        await sink.push('invitation');
        await invitation(world, call);
        await world.caller.until('calling', { stage: ['pushed', 'shown'] });
        await talk(world, call);
        assert.deepEqual((await devices(world)).map((one) => [one.id, one.push]).sort(), [[other, undefined], [world.device, 'webpush']].sort());
        // And it is not tried again.
        await world.rest();
        const next = await world.callerDials();
        await invitation(world, next);
        await talk(world, next);
        assert.equal(sink.count('invitation'), 1);
        assert.equal(sink.count('missed') + sink.count('elsewhere'), 0);
      } finally {
        await world.edge.api('DELETE', `/v1/devices/${other}`, { token: await world.edge.token(NUMBERS.callee) });
        await sink.close();
      }
    });

    check('413: it will not pass, and the caller hears so at once', async (world) => {
      world.push.answer = { status: 413 };
      const call = await world.callerDials();
      const refusal = await ended(world, call, { code: 480, state: 'unreachable', says: /None of 1002.*could be reached/ });
      assert.ok(refusal.at - call.invite.at < 3000, `told after ${refusal.at - call.invite.at} ms`);
      assert.equal(pushes(world, call).length, 1, 'the same message is not sent again');
      nothingPromised(world, call);
      assert.match(await inChinese(world.caller, 'ended-reason'), /无法连接/);
      assert.equal((await devices(world))[0].push, 'webpush', 'the subscription itself is good');
    });

    check('429 with Retry-After, then 201: it rings after that pause', async (world) => {
      world.push.answers.push({ status: 429, headers: { 'retry-after': '3' } });
      const call = await world.callerDials();
      await world.push.log.wait((event) => event.name === 'push' && event.status === 429, { since: call.push });
      assert.equal((await world.caller.look()).stage, 'calling', 'nothing is promised yet');
      await invitation(world, call);
      const [first, second] = pushes(world, call);
      assert.equal(second.status, 201);
      assert.ok(second.at - first.at >= 2900, `tried again after ${second.at - first.at} ms`);
      await talk(world, call);
      assert.equal(pushes(world, call).length, 2, 'and no more than needed');
    });

    check('500, then 201: it rings', async (world) => {
      world.push.answers.push({ status: 500 });
      const call = await world.callerDials();
      await invitation(world, call);
      await talk(world, call);
    });

    check('a push service that is not there: the caller hears that nobody was reached', async (world) => {
      // A line whose only device subscribed at a service that has gone since.
      await world.edge.account('1003');
      const sink = await Sink.open();
      const subscription = sink.subscription;
      await sink.close();
      const token = await world.edge.token('1003');
      assert.equal((await world.edge.api('PUT', `/v1/devices/${randomUUID()}`, { token, body: { push: subscription } })).status, 201);
      const call = await world.callerDials('1003');
      const refusal = await ended(world, call, { code: 480, state: 'unreachable', number: '1003', says: /None of 1003.*could be reached/ });
      assert.ok(refusal.at - call.invite.at < READY * 1000 + 1500, `told after ${refusal.at - call.invite.at} ms`);
      nothingPromised(world, call);
    });

    for (const [what, trouble, tries] of [['500 each time', { status: 500 }, 3], ['a broken connection each time', 'reset', 3], ['nothing at all', 'hang', 1]]) {
      check(`${what}: tried again while that helps, then the caller hears that nobody was reached`, async (world) => {
        world.push.answer = trouble;
        const call = await world.callerDials();
        const refusal = await ended(world, call, { code: 480, state: 'unreachable', says: /None of 1002.*could be reached/ });
        assert.ok(refusal.at - call.invite.at < READY * 1000 + 1500, `told after ${refusal.at - call.invite.at} ms`);
        assert.ok(pushes(world, call).length >= tries, `${pushes(world, call).length} tries`);
        nothingPromised(world, call);
      });
    }

    check('410 for the only device: the caller hears so; the next load subscribes anew, and it rings again', async (world) => {
      world.push.forgetSubscriptions();
      const call = await world.callerDials();
      const refusal = await ended(world, call, { code: 480, state: 'unreachable', says: /None of 1002.*could be reached/ });
      assert.ok(refusal.at - call.invite.at < 3000, `told after ${refusal.at - call.invite.at} ms`);
      assert.deepEqual(pushes(world, call).map((event) => event.status), [410]);
      assert.equal((await devices(world))[0].push, undefined);
      await world.rest();
      // From now on it is known that nothing can wake it.
      const next = await world.callerDials();
      await ended(world, next, { code: 480, state: 'unbound', says: /no device that could ring/ });
      assert.equal(pushes(world, next).length, 0);
      await world.rest();
      // The browser still believes in its subscription; the page learns from the edge that it is dead.
      const since = { push: world.push.log.mark(), wire: world.wire.log.mark() };
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      await world.push.log.wait('registered', { since: since.push, ms: 30_000, what: 'a new subscription' });
      const fresh = world.push.log.find('registered', since.push).at;
      await world.wire.log.wait((event) => event.name === 'response' && event.side === 'callee' && event.method === 'PUT' && event.status < 300 && event.asked >= fresh, { since: since.wire, ms: 30_000, what: 'the edge is told' });
      await world.rest();
      const last = await world.callerDials();
      await invitation(world, last);
      await talk(world, last);
    });
  });
}
