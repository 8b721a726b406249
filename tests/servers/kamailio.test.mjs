// Kamailio with the configuration that we ship, before a real edge: a voice gateway with a mobile behind it, pages that sleep.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../lib/events.mjs';
import { freePort } from '../lib/ports.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';

/** What the Reason of an answer says of the wake. */
const why = (answer) => /^SIP;cause=(\d+);text="(\w+)/.exec(answer.header('reason') ?? '')?.slice(1, 3);
const wakeIn = (invite) => invite.header('wakeline-wake');
const invites = (page) => page.log.filter((e) => e.name === 'request' && e.method === 'INVITE' && !e.message.tag('to'));
/** Answered: a proxy has no ACK before the caller's. */
async function talk(rings, call) {
  const [answer] = await Promise.all([call.final(), rings.answer()]);
  assert.equal(answer.status, 200);
}
const empty = (world) => until(async () => (await world.server.slots()) === 0, { every: 100, what: 'no slot is left' });

describe('parked by Kamailio', () => {
  let world, edge, kamailio, trunk;

  before(async () => {
    world = await KamailioWorld.open({ more: { PARKED_PER_CALLEE: 2, RING_MS: 20_000 } });
    ({ edge, server: kamailio, trunk } = world);
  }, { timeout: 120_000 });
  after(() => world?.close(), { timeout: 30_000 });

  const sleeping = (number) => world.sleeping(number);
  const heard = (call) => world.heard(call);
  const state = (...args) => world.state(...args);

  test('a page that sleeps is woken, and rings only after its "ready"; the edge hears of all, and of the end of the talk', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1002');
    const call = trunk.call('1002');
    const { wake } = await sink.push('invitation');
    await page.online();
    // It is here, and has not said so: a second REGISTER is a round trip in which no INVITE came.
    assert.equal((await page.register()).status, 200);
    assert.equal(invites(page).length, 0);
    await world.ready(page, wake);
    const rings = await page.incoming();
    assert.equal(wakeIn(rings.invite), wake);
    assert.match(rings.invite.header('from'), /13800000000@/);
    assert.ok(!heard(call).includes(180), 'nobody rings yet');
    rings.ring();
    await call.hears(180);
    assert.deepEqual([...new Set(heard(call))], [100, 182, 180]);
    await talk(rings, call);
    await state(wake, 'answered');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await rings.sees('BYE');
    const { outcome, device } = await world.record(wake);
    assert.deepEqual([outcome, device], ['answered', page.device]);
    assert.equal(await kamailio.entries('talk'), 0);
  });

  test('the page hangs up: the record is closed as well', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1012');
    const call = trunk.call('1012');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await talk(rings, call);
    assert.equal((await rings.dialog.request('BYE')).status, 200);
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('an unknown line is 404, one without device 480, each with its reason', { timeout: 30_000 }, async () => {
    await edge.account('1005', {});
    for (const [number, status] of [['1998', 404], ['1005', 480]]) {
      const call = trunk.call(number);
      const answer = await call.final();
      assert.deepEqual([answer.status, ...why(answer)], [status, String(status), 'unbound'], number);
      assert.ok(!heard(call).some((said) => said > 100 && said < 200), 'nothing else was told');
    }
  });

  test('odd words about the signal are a bad request', { timeout: 30_000 }, async () => {
    assert.equal((await trunk.call('1005', { headers: ['X-Signal-Dbm: 3-3-3'] }).final()).status, 400);
  });

  test('nobody taps: 480 at the limit, and a missed call', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1006');
    const call = trunk.call('1006');
    const { wake } = await sink.push('invitation');
    const answer = await call.final({ ms: 40_000 });
    assert.deepEqual([answer.status, ...why(answer)], [480, '480', 'expired']);
    assert.equal((await world.wakeOf(wake)).state, 'expired');
    assert.ok(!heard(call).includes(180), 'nobody ever rang');
    await sink.push('missed');
    // Whoever taps now finds a missed call, and is not called.
    await page.online();
    assert.notEqual((await page.report(wake, 'ready')).status, 200);
    assert.equal(invites(page).length, 0);
  });

  test('a caller who hangs up while parked leaves a missed call within 2 s', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1007');
    const call = trunk.call('1007');
    const { wake } = await sink.push('invitation');
    const gone = Date.now();
    await call.cancel();
    assert.equal((await call.final()).status, 487);
    const missed = await sink.push('cancelled');
    assert.ok(missed.at - gone < 2000, `after ${missed.at - gone} ms`);
    assert.equal((await world.wakeOf(wake)).state, 'cancelled');
    await page.online();
    assert.notEqual((await page.report(wake, 'ready')).status, 200);
    await empty(world);
  });

  test('a caller who hangs up while it rings: the page is told, and the edge', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1017');
    const call = trunk.call('1017');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await call.hears(180);
    await call.cancel();
    await rings.sees('CANCEL');
    assert.equal((await call.final()).status, 487);
    await state(wake, 'cancelled');
  });

  test('busy, declined and unanswered on the page reach caller and edge as they are', { timeout: 90_000 }, async () => {
    const { page, sink } = await sleeping('1008');
    for (const [status, reason, ends] of [[486, 'Busy Here', 'busy'], [603, 'Decline', 'declined'], [480, 'Temporarily Unavailable', 'unanswered']]) {
      const since = sink.log.mark();
      const call = trunk.call('1008');
      const { wake } = await sink.push('invitation', { since });
      const rings = await world.comes(page, wake);
      rings.ring();
      await call.hears(180);
      rings.refuse(status, reason);
      assert.equal((await call.final()).status, status);
      assert.equal((await state(wake, ends)).sip.status, status);
      await page.close();
      page.socket = null;
    }
  });

  test('a page that rings and is not answered: 480 at the limit', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1018');
    const call = trunk.call('1018');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    const answer = await call.final({ ms: 30_000 });
    assert.deepEqual([answer.status, ...why(answer)], [480, '480', 'unanswered']);
    await rings.sees('CANCEL');
    await state(wake, 'unanswered');
  });

  test('declined on the notification: 603, and no page is called', { timeout: 30_000 }, async () => {
    const { page, sink } = await sleeping('1009');
    const call = trunk.call('1009');
    const { wake } = await sink.push('invitation');
    assert.equal((await page.report(wake, 'decline')).status, 200);
    const answer = await call.final();
    assert.deepEqual([answer.status, ...why(answer)], [603, '603', 'declined']);
    await empty(world);
  });

  test('one device rings and another declines on its notification: 603, and nothing rings any more', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1020');
    const other = await world.another('1020');
    const call = trunk.call('1020');
    const { wake } = await sink.push('invitation');
    await other.sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await call.hears(180);
    await state(wake, 'ringing');
    assert.equal((await other.page.report(wake, 'decline')).status, 200);
    const answer = await call.final();
    assert.deepEqual([answer.status, ...why(answer)], [603, '603', 'declined']);
    await rings.sees('CANCEL');
    await state(wake, 'declined');
  });

  test('a page that is open rings at once; one that sleeps in its tab is woken', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1014');
    await page.online();
    const call = trunk.call('1014');
    const rings = await page.incoming();
    rings.ring();
    await talk(rings, call);
    await call.dialog.request('BYE');
    assert.equal(sink.count('invitation'), 0);
    // It answers nothing any more.
    const { page: tab, sink: bell } = await sleeping('1015');
    await tab.online();
    tab.receive = () => {};
    const parked = trunk.call('1015');
    await bell.push('invitation');
    await parked.cancel();
    assert.equal((await parked.final()).status, 487);
  });

  test('a page that registers twice is called once for each "ready"', { timeout: 60_000 }, async () => {
    const { page, sink } = await sleeping('1016');
    const call = trunk.call('1016');
    const { wake } = await sink.push('invitation');
    await page.online();
    assert.equal((await page.register()).status, 200);
    // Reloaded: the same device on another socket, and the old one closed.
    await page.close();
    await page.online();
    await world.ready(page, wake);
    await world.ready(page, wake);
    const rings = await page.incoming();
    // And once more while it rings.
    assert.equal((await page.register()).status, 200);
    rings.ring();
    await call.hears(180);
    await talk(rings, call);
    await state(wake, 'answered');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await rings.sees('BYE');
    assert.equal(invites(page).length, 1);
  });

  test('more than may be parked for one callee: 486', { timeout: 60_000 }, async () => {
    const { sink } = await sleeping('1019');
    const parked = [trunk.call('1019'), trunk.call('1019')];
    await until(() => sink.count('invitation') === 2, { what: 'both are parked' });
    assert.equal((await trunk.call('1019').final()).status, 486);
    for (const call of parked) {
      await call.cancel();
      assert.equal((await call.final()).status, 487);
    }
    await empty(world);
  });

  test('the edge restarts while a call is parked: the page is called all the same', { timeout: 90_000 }, async () => {
    const { page, sink } = await sleeping('1010');
    const call = trunk.call('1010');
    const { wake } = await sink.push('invitation');
    await edge.restart();
    const rings = await world.comes(page, wake);
    rings.ring();
    await talk(rings, call);
    await state(wake, 'answered');
    await call.dialog.request('BYE');
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('Kamailio is cut off while a call is parked: the edge hears of it with the next step, and nobody is called', { timeout: 90_000 }, async () => {
    const { page, sink } = await sleeping('1011');
    const call = trunk.call('1011');
    const { wake } = await sink.push('invitation');
    await kamailio.crash();
    await kamailio.start();
    await page.online();
    await world.ready(page, wake);
    await sink.push('cancelled', { ms: 30_000 });
    assert.equal((await world.wakeOf(wake)).state, 'cancelled');
    assert.equal(invites(page).length, 0);
    // Whoever hangs up then hears that there is no call.
    assert.equal((await call.cancel()).status, 481);
    // The next call is one as ever.
    const since = sink.log.mark();
    await page.close();
    page.socket = null;
    const again = trunk.call('1011');
    const next = await sink.push('invitation', { since });
    (await world.comes(page, next.wake)).refuse(486, 'Busy Here');
    assert.equal((await again.final()).status, 486);
  });

  test('nothing is left of all these, and no secret is in the logs', { timeout: 30_000 }, async () => {
    for (const table of ['slot', 'wake', 'told', 'over', 'rings', 'talk']) assert.equal(await kamailio.entries(table), 0, table);
    const logs = [kamailio.log(), edge.lines.join('\n')].join('\n');
    for (const secret of world.secrets) assert.ok(!logs.includes(secret));
  });
});

describe('parked by Kamailio whose callbacks come to nothing', () => {
  let world;
  before(async () => {
    // Nobody listens there.
    world = await KamailioWorld.open({ callback: `http://127.0.0.1:${await freePort()}/wakeline` });
  }, { timeout: 120_000 });
  after(() => world?.close(), { timeout: 30_000 });

  test('each state is reached by asking', { timeout: 60_000 }, async () => {
    const { page, sink } = await world.sleeping('1002');
    const call = world.trunk.call('1002');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await talk(rings, call);
    await world.state(wake, 'answered');
    await call.dialog.request('BYE');
    const { page: other, sink: bell } = await world.sleeping('1003');
    const declined = world.trunk.call('1003');
    const invitation = await bell.push('invitation');
    await other.report(invitation.wake, 'decline');
    assert.equal((await declined.final()).status, 603);
    await empty(world);
  });
});
