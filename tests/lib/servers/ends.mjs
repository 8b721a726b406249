// The ends of a call from the voice gateway to a page that sleeps: the same behind each call server that we ship.
import assert from 'node:assert/strict';
import { test } from 'node:test';

/** Each new call that a page was sent. */
export const invites = (page) => page.log.filter((e) => e.name === 'request' && e.method === 'INVITE' && !e.message.tag('to'));

/** Answered; a proxy has no ACK before the caller's. */
export async function talk(rings, call) {
  const [answer] = await Promise.all([call.final(), rings.answer()]);
  assert.equal(answer.status, 200);
}

/**
 * Declares a test for each end. `open()` answers the `CallWorld` once it stands, `says(answer, state)` what an answer of this call server
 * tells beside its status, and what it has to be when the wake came to `state`; `alone` is why a second page cannot ring after the first.
 */
export function testEnds(open, { says, alone }) {
  const ends = (answer, status, state) => {
    const { told, expected } = says(answer, status, state);
    assert.deepEqual([answer.status, told], [status, expected]);
  };
  /** Closed, and nobody knows of it: it is pushed to again. */
  const leaves = async (page) => {
    await page.close();
    page.socket = null;
  };

  /** Whoever taps now finds a missed call, and is not called. */
  const tapsTooLate = async (page, wake) => {
    await page.online();
    assert.notEqual((await page.report(wake, 'ready')).status, 200);
    assert.equal(invites(page).length, 0);
  };

  test('an unknown line is 404, one without device 480', { timeout: 30_000 }, async () => {
    const world = open();
    await world.edge.account('1005', {});
    for (const [number, status] of [['1998', 404], ['1005', 480]]) {
      const call = world.trunk.call(number);
      ends(await call.final(), status, 'unbound');
      assert.ok(!world.heard(call).some((said) => said > 100 && said < 200), `${number}: nothing else was told`);
    }
  });

  test('odd words about the signal are a bad request', { timeout: 30_000 }, async () => {
    assert.equal((await open().trunk.call('1005', { headers: ['X-Signal-Dbm: 3-3-3'] }).final()).status, 400);
  });

  test('nobody taps: 480 at the limit, and a missed call', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1006');
    const call = world.trunk.call('1006');
    const { wake } = await sink.push('invitation');
    ends(await call.final({ ms: 40_000 }), 480, 'expired');
    assert.equal((await world.wakeOf(wake)).state, 'expired');
    assert.ok(!world.heard(call).includes(180), 'nobody ever rang');
    await sink.push('missed');
    await tapsTooLate(page, wake);
  });

  test('a caller who hangs up while parked leaves a missed call within 2 s', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1007');
    const call = world.trunk.call('1007');
    const { wake } = await sink.push('invitation');
    const gone = Date.now();
    await call.cancel();
    assert.equal((await call.final()).status, 487);
    const missed = await sink.push('cancelled');
    assert.ok(missed.at - gone < 2000, `after ${missed.at - gone} ms`);
    assert.equal((await world.wakeOf(wake)).state, 'cancelled');
    await tapsTooLate(page, wake);
  });

  test('a caller who hangs up while it rings: the page is told, and the edge', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1017');
    const call = world.trunk.call('1017');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await call.hears(180);
    await call.cancel();
    await rings.sees('CANCEL');
    assert.equal((await call.final()).status, 487);
    await world.state(wake, 'cancelled');
  });

  test('a page that rings and is not answered: 480 at the limit', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1018');
    const call = world.trunk.call('1018');
    const { wake } = await sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await world.state(wake, 'ringing');
    ends(await call.final({ ms: 40_000 }), 480, 'unanswered');
    await rings.sees('CANCEL');
    await world.state(wake, 'unanswered');
  });

  test('busy, declined and unanswered on the page reach caller and edge as they are', { timeout: 90_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1008');
    for (const [status, reason, state] of [[486, 'Busy Here', 'busy'], [603, 'Decline', 'declined'], [480, 'Temporarily Unavailable', 'unanswered']]) {
      const since = sink.log.mark();
      const call = world.trunk.call('1008');
      const { wake } = await sink.push('invitation', { since });
      const rings = await world.comes(page, wake);
      rings.ring();
      await call.hears(180);
      rings.refuse(status, reason);
      assert.equal((await call.final()).status, status);
      assert.equal((await world.state(wake, state)).sip.status, status);
      await leaves(page);
    }
  });

  test('declined on the notification: 603, and no page is called', { timeout: 30_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1009');
    const call = world.trunk.call('1009');
    const { wake } = await sink.push('invitation');
    assert.equal((await page.report(wake, 'decline')).status, 200);
    ends(await call.final(), 603, 'declined');
    assert.equal(invites(page).length, 0);
  });

  test('one device rings and another declines on its notification: 603, and nothing rings any more', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1020');
    const other = await world.another('1020');
    const call = world.trunk.call('1020');
    const { wake } = await sink.push('invitation');
    await other.sink.push('invitation');
    const rings = await world.comes(page, wake);
    rings.ring();
    await call.hears(180);
    await world.state(wake, 'ringing');
    assert.equal((await other.page.report(wake, 'decline')).status, 200);
    ends(await call.final(), 603, 'declined');
    await rings.sees('CANCEL');
    await world.state(wake, 'declined');
  });

  /** Two devices of a line are woken; the second is ready only when the first rings already. */
  const oneAfterTheOther = async (world, number) => {
    const { page, sink } = await world.sleeping(number);
    const other = await world.another(number);
    const call = world.trunk.call(number);
    const { wake } = await sink.push('invitation');
    await other.sink.push('invitation');
    const first = await world.comes(page, wake);
    first.ring();
    await call.hears(180);
    await world.state(wake, 'ringing');
    const second = await world.comes(other.page, wake);
    assert.equal(second.wake?.id ?? second.invite.header('wakeline-wake'), wake);
    second.ring();
    return { call, wake, first, second, page, other: other.page };
  };

  test('a second device that is ready while the first rings is called as well, and answers: the first falls silent', { timeout: 60_000, skip: alone }, async () => {
    const world = open();
    const { call, wake, first, second, page, other } = await oneAfterTheOther(world, '1022');
    await talk(second, call);
    // As SIP says it, or as Q.850 does.
    assert.match(String((await first.sees('CANCEL')).all('reason')), /cause=(200|26)\b/, 'answered elsewhere');
    await world.state(wake, 'answered');
    assert.deepEqual([invites(page).length, invites(other).length], [1, 1]);
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await second.sees('BYE');
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('a second device that is ready while the first rings declines: 603, and the first falls silent', { timeout: 60_000, skip: alone }, async () => {
    const world = open();
    const { call, wake, first, second } = await oneAfterTheOther(world, '1023');
    second.refuse(603, 'Decline');
    assert.equal((await call.final()).status, 603);
    await first.sees('CANCEL');
    await world.state(wake, 'declined');
  });

  test('a page that registers twice is called once', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1016');
    const call = world.trunk.call('1016');
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
    await world.state(wake, 'answered');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await rings.sees('BYE');
    assert.equal(invites(page).length, 1);
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('the edge restarts while a call is parked: the page is called all the same', { timeout: 90_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1010');
    const call = world.trunk.call('1010');
    const { wake } = await sink.push('invitation');
    await world.edge.restart();
    const rings = await world.comes(page, wake);
    rings.ring();
    await talk(rings, call);
    await world.state(wake, 'answered');
    await call.dialog.request('BYE');
    assert.equal((await world.record(wake)).outcome, 'answered');
  });
}
