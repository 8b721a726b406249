// Asterisk with the configuration that we ship, before a real edge: a voice gateway with a mobile behind it, pages that sleep. Once
// with the dialplan leading the call, once with the Stasis application.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../lib/events.mjs';
import { end } from '../lib/processes.mjs';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld, causeOf as cause } from '../lib/servers/asterisk-world.mjs';
import { testEnds } from '../lib/servers/ends.mjs';

/** The Q.850 cause that belongs to a status. */
const CAUSES = { 404: 1, 480: 19, 603: 21 };

for (const wakenBy of ['dialplan', 'stasis']) {
  describe(`woken by ${wakenBy}`, { skip: !hasAsterisk() && 'no Asterisk on this machine' }, () => {
    let world, edge, asterisk, trunk;

    before(async () => {
      // The application's polls are long ones.
      world = await AsteriskWorld.open({ wakenBy, announcement: 700, cable: wakenBy === 'stasis' });
      ({ edge, asterisk, trunk } = world);
    }, { timeout: 120_000 });
    after(() => world?.close(), { timeout: 30_000 });

    const sleeping = (number) => world.sleeping(number);
    const heard = (call) => world.heard(call);
    const state = (...args) => world.state(...args);
    const wakeOf = (id) => world.wakeOf(id);
    const ready = async (page, wake) => assert.equal((await page.report(wake, 'ready')).status, 200);

    test('a page that sleeps is woken, and rings only after its "ready"', { timeout: 60_000 }, async () => {
      const { page, sink } = await sleeping('1002');
      const call = trunk.call('1002');
      const { wake } = await sink.push('invitation');
      await page.online();
      // It is here, and has not said so: a second REGISTER is a round trip in which no INVITE came.
      assert.equal((await page.register()).status, 200);
      assert.equal(page.log.find((e) => e.method === 'INVITE'), undefined);
      assert.ok(!heard(call).includes(180), 'nobody rings yet');
      await ready(page, wake);
      const rings = await page.incoming();
      assert.deepEqual(rings.wake, { id: wake, state: 'invited' });
      assert.match(rings.invite.header('from'), /13800000000@/);
      assert.ok(!heard(call).includes(180), 'nobody rings yet');
      rings.ring();
      await call.hears(180);
      await rings.answer();
      assert.equal((await call.final()).status, 200);
      await state(wake, 'answered');
      assert.equal((await call.dialog.request('BYE')).status, 200);
      await rings.sees('BYE');
    });

    test('the caller hears the announcement while nobody rings, and ringing only while somebody does', { timeout: 60_000 }, async () => {
      const { page, sink } = await sleeping('1013');
      const call = trunk.call('1013');
      const { wake } = await sink.push('invitation');
      const before = await trunk.hearsSound();
      assert.ok(Math.abs(before.hz - 700) < 14, `hears ${before.hz} Hz`);
      await page.online();
      await ready(page, wake);
      (await page.incoming()).ring();
      await call.hears(180);
      assert.deepEqual(heard(call), [100, 183, 180]);
      // Its ringing tone is 440 and 480 Hz.
      await until(async () => {
        const { hz } = await trunk.hearsSound();
        return Math.min(Math.abs(hz - 440), Math.abs(hz - 480)) < 10;
      }, { ms: 15_000, what: 'the ringing tone' });
      await call.cancel();
      assert.equal((await call.final()).status, 487);
    });

    testEnds(() => world, { says: (answer, status) => ({ told: cause(answer), expected: CAUSES[status] }) });

    test('two devices ring and one declines: 603, and the other falls silent', { timeout: 60_000 }, async () => {
      const { page } = await sleeping('1021');
      const other = await world.another('1021');
      await page.online();
      await other.page.online();
      const call = trunk.call('1021');
      const [rings, declines] = await Promise.all([page.incoming(), other.page.incoming()]);
      rings.ring();
      declines.refuse(603, 'Decline');
      const answer = await call.final();
      assert.deepEqual([answer.status, cause(answer)], [603, 21]);
      await rings.sees('CANCEL');
      await state(rings.wake.id, 'declined');
    });

    test('many calls at once: each ends once, and nothing is left', { timeout: 180_000 }, async () => {
      const lines = [];
      for (let n = 1040; n < 1060; n += 1) lines.push({ number: String(n), ...(await sleeping(String(n))) });
      // As many as one caller may have parked at a line.
      const each = process.env.WAKELINE_FULL ? 2 : 1;
      const calls = lines.flatMap((line) => Array.from({ length: each }, () => ({ line, call: trunk.call(line.number) })));
      const invited = () => lines.reduce((sum, { sink }) => sum + sink.count('invitation'), 0);
      await until(() => invited() === calls.length, { ms: 60_000, what: 'an invitation for each call' }).catch((error) => {
        throw new Error(`${error.message}: ${invited()} of ${calls.length}; ${JSON.stringify(calls.map(({ call }) => heard(call).at(-1)))}`);
      });
      // Half of the callers hang up, the others are declined.
      const leaves = ({ line }) => Number(line.number) % 2 === 0;
      for (const one of calls.filter(leaves)) one.left = one.call.cancel();
      for (const line of lines.filter((one) => !leaves({ line: one }))) {
        for (const { wake } of line.sink.log.filter((e) => e.name === 'push' && e.kind === 'invitation')) await line.page.report(wake, 'decline');
      }
      for (const one of calls) {
        await one.left;
        assert.equal((await one.call.final({ ms: 30_000 })).status, leaves(one) ? 487 : 603);
        // Repeated over UDP until it is acknowledged, but the same.
        assert.equal(new Set(heard(one.call).filter((status) => status >= 200)).size, 1, 'one final answer');
      }
      await until(async () => (await asterisk.channels()) === 0, { ms: 20_000, every: 200, what: 'no channel is left' });
      if (wakenBy === 'dialplan') assert.match(await asterisk.cli('database show wakeline'), /0 results found/);
      for (const { sink } of lines) for (const { wake } of sink.log.filter((e) => e.name === 'push')) assert.ok((await wakeOf(wake)).final);
    });

    test('the call server is cut off while a call is parked: told when it is back, and nobody is called', { timeout: 90_000 }, async () => {
      const { page, sink } = await sleeping('1011');
      trunk.call('1011');
      const { wake } = await sink.push('invitation');
      // Asterisk has written down what it waits for.
      if (wakenBy === 'dialplan') await until(() => asterisk.stored(wake), { what: 'the wake is in its database' });
      await asterisk.crash();
      await asterisk.boot();
      await sink.push('cancelled', { ms: 30_000 });
      assert.equal((await wakeOf(wake)).state, 'cancelled');
      await page.online();
      assert.notEqual((await page.report(wake, 'ready')).status, 200);
      assert.equal(page.log.find((e) => e.method === 'INVITE'), undefined);
    });

    if (wakenBy === 'stasis') {
      test('the application is cut off while a call is parked: the next one ends the call and tells the edge', { timeout: 60_000 }, async () => {
        await until(() => asterisk.cli('ari show apps').then((said) => said.includes('wakeline')), { every: 200, what: 'the application is back' });
        const { sink } = await sleeping('1997');
        const call = trunk.call('1997');
        const { wake } = await sink.push('invitation');
        await until(async () => (await asterisk.cli('core show channels concise')).includes('Stasis'), { what: 'the call is led' });
        await end(world.application, 0);
        await world.lead();
        await call.final();
        await state(wake, 'cancelled');
      });
    }

    test('no secret is in the logs', () => {
      const logs = [asterisk.log(), edge.lines.join('\n')].join('\n');
      for (const secret of world.secrets) assert.ok(!logs.includes(secret));
    });
  });
}
