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
 * tells beside its status, and what it has to be when the wake came to `state`.
 */
export function testEnds(open, { says }) {
  const ends = (answer, status, state) => {
    const { told, expected } = says(answer, status, state);
    assert.deepEqual([answer.status, told], [status, expected]);
  };
  const missedBy = async (page) => (await page.api('GET', '/v1/missed')).body.missed;

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
    const [missed] = await missedBy(page);
    assert.deepEqual([missed.id, missed.caller.number], [wake, '13800000000']);
  };

  /** The page is there, rings, is answered, and the caller hangs up. */
  const rings = async (world, page, wake, call) => {
    const incoming = await world.comes(page, wake);
    incoming.ring();
    await talk(incoming, call);
    await world.state(wake, 'answered');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await incoming.sees('BYE');
    assert.equal((await world.record(wake)).outcome, 'answered');
    assert.equal(invites(page).length, 1);
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

  /** Two devices of a line are woken, beside `others` that are there; the second is ready only when the first rings already. */
  const oneAfterTheOther = async (world, number, { others, rings = true } = {}) => {
    const { page, sink } = await (others ? world.another(number) : world.sleeping(number));
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
    if (rings) second.ring();
    return { call, wake, first, second, page, other: other.page };
  };

  test('a second device that is ready while the first rings is called as well, and answers: the first falls silent', { timeout: 60_000 }, async () => {
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

  test('a second device that is ready while the first rings declines: 603, and the first falls silent', { timeout: 60_000 }, async () => {
    const world = open();
    const { call, wake, first, second } = await oneAfterTheOther(world, '1023');
    second.refuse(603, 'Decline');
    assert.equal((await call.final()).status, 603);
    await first.sees('CANCEL');
    await world.state(wake, 'declined');
  });

  test('a second device that is ready while the first rings is called as well, and the first answers: the second falls silent', { timeout: 60_000 }, async () => {
    const world = open();
    const { call, wake, first, second } = await oneAfterTheOther(world, '1024');
    await talk(first, call);
    await second.sees('CANCEL');
    await world.state(wake, 'answered');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await first.sees('BYE');
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('a second device that is called has not rung when the first answers: it is told as soon as it does', { timeout: 60_000 }, async () => {
    const world = open();
    const { call, wake, first, second } = await oneAfterTheOther(world, '1036', { rings: false });
    await talk(first, call);
    await world.state(wake, 'answered');
    second.ring();
    await second.sees('CANCEL');
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await first.sees('BYE');
  });

  test('a third device comes while two ring, and is the one that answers', { timeout: 60_000 }, async () => {
    const world = open();
    const third = await world.sleeping('1025');
    const { call, wake, first, second } = await oneAfterTheOther(world, '1025', { others: [third] });
    const answers = await world.comes(third.page, wake);
    answers.ring();
    await talk(answers, call);
    await Promise.all([first, second].map((one) => one.sees('CANCEL')));
    await world.state(wake, 'answered');
    // The page hangs up this time.
    assert.equal((await answers.dialog.request('BYE')).status, 200);
    assert.equal((await world.record(wake)).outcome, 'answered');
  });

  test('busy on two devices that came one after the other: 486', { timeout: 60_000 }, async () => {
    const world = open();
    const { call, wake, first, second } = await oneAfterTheOther(world, '1026');
    first.refuse(486, 'Busy Here');
    second.refuse(486, 'Busy Here');
    assert.equal((await call.final()).status, 486);
    await world.state(wake, 'busy');
  });

  test('a page that is opened by hand while an invitation waits finds it, and rings', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1027');
    const call = world.trunk.call('1027');
    const { wake } = await sink.push('invitation');
    await page.online();
    const { wakes } = (await page.api('GET', '/v1/waiting')).body;
    assert.deepEqual(wakes.map(({ id, caller }) => [id, caller.number]), [[wake, '13800000000']]);
    await rings(world, page, wake, call);
  });

  test('a missed call is called back, by its number, and both talk', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1028');
    const lost = world.trunk.call('1028');
    const { wake } = await sink.push('invitation');
    await lost.cancel();
    assert.equal((await lost.final()).status, 487);
    // The caller is told before the edge is: what the person sees is the notice.
    await sink.push('cancelled');
    await page.online();
    const [missed] = await missedBy(page);
    assert.equal(missed.id, wake);
    const since = world.trunk.log.mark();
    const back = await page.dials(missed.caller.number);
    const mobile = await world.trunk.incoming({ since });
    assert.match(mobile.invite.uri, /^sip:13800000000@/);
    assert.match(mobile.invite.header('from'), /1028@/);
    mobile.ring();
    await back.hears(180);
    await talk(mobile, back);
    const bye = back.dialog.request('BYE');
    await mobile.sees('BYE');
    assert.equal((await bye).status, 200);
    // A mobile that refuses is heard as it is.
    const from = world.trunk.log.mark();
    const again = await page.dials(missed.caller.number);
    (await world.trunk.incoming({ since: from })).refuse(486, 'Busy Here');
    assert.equal((await again.final()).status, 486);
  });

  test('every object of the edge is forgotten at each step: it rings all the same', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1029');
    await world.forgotten();
    const call = world.trunk.call('1029');
    const { wake, said } = await sink.push('invitation');
    for (const step of ['shown', 'opened']) {
      await world.forgotten(wake);
      assert.equal((await page.report(wake, step, { capability: said.wakeline.capability })).status, 200);
    }
    await page.online();
    await world.forgotten(wake);
    const incoming = await world.comes(page, wake);
    await world.forgotten(wake);
    incoming.ring();
    await call.hears(180);
    await world.state(wake, 'ringing');
    await world.forgotten(wake);
    await talk(incoming, call);
    await world.state(wake, 'answered');
    await world.forgotten(wake);
    assert.equal((await call.dialog.request('BYE')).status, 200);
    assert.equal((await world.record(wake)).outcome, 'answered');
    assert.equal(invites(page).length, 1);
  });

  test('a week later, with no token that is good: the device credential gives one, and what to register with', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1030');
    Object.assign(page, { token: 'ended', username: 'of last week', password: 'of last week' });
    assert.equal((await page.api('GET', '/v1/account')).status, 401);
    const call = world.trunk.call('1030');
    const { wake } = await sink.push('invitation');
    const { body } = await page.renew();
    const { username, password } = body.account.sip;
    Object.assign(page, { token: body.token, username, password });
    await rings(world, page, wake, call);
  });

  test('a device that was revoked is not pushed to: 480', { timeout: 30_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1031');
    assert.equal((await page.api('DELETE', `/v1/devices/${page.device}`)).status, 204);
    ends(await world.trunk.call('1031').final(), 480, 'unbound');
    assert.equal(sink.count('invitation'), 0);
  });

  test('nobody else says "ready" for a call: not another line, not with the word of another call, not with what was made up', { timeout: 60_000 }, async () => {
    const world = open();
    const { page, sink } = await world.sleeping('1032');
    const { page: stranger, sink: theirs } = await world.sleeping('1033');
    const [call, other] = [world.trunk.call('1032'), world.trunk.call('1033')];
    const { wake } = await sink.push('invitation');
    const { said } = await theirs.push('invitation');
    await stranger.online();
    for (const proof of [{}, { capability: said.wakeline.capability }, { capability: 'made-up' }]) {
      const { status, body } = await stranger.report(wake, 'ready', proof);
      assert.ok([401, 403, 404].includes(status), `${status} for ${JSON.stringify(proof)}`);
      assert.ok(!JSON.stringify(body).includes('1032'), 'nothing is revealed');
    }
    await rings(world, page, wake, call);
    assert.equal(invites(stranger).length, 0);
    await other.cancel();
    await other.final();
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
