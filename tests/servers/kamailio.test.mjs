// Kamailio with the configuration that we ship, before a real edge: a voice gateway with a mobile behind it, pages that sleep.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../lib/events.mjs';
import { freePort } from '../lib/ports.mjs';
import { invites, talk, testEnds } from '../lib/servers/ends.mjs';
import { HeldMedia } from '../lib/servers/held-media.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';

/** What the Reason of an answer says of the wake. */
const why = (answer) => /^SIP;cause=(\d+);text="(\w+)/.exec(answer.header('reason') ?? '')?.slice(1, 3);
const wakeIn = (invite) => invite.header('wakeline-wake');
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

  testEnds(() => world, { says: (answer, status, state) => ({ told: why(answer), expected: [String(status), state] }) });

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

  test('Kamailio is cut off while a call is parked: the edge hears of it with the next step, and nobody is called', { timeout: 90_000 }, async () => {
    const { page, sink } = await sleeping('1011');
    const call = trunk.call('1011');
    const { wake } = await sink.push('invitation');
    await kamailio.crash();
    await kamailio.start();
    await page.online();
    // The step may be one that the edge could not tell before the cut, and says again: then it is over before the page is ready.
    const { status } = await page.report(wake, 'ready');
    assert.ok([200, 410].includes(status), String(status));
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
    for (const table of ['slot', 'wake', 'line', 'told', 'over', 'rings', 'talk']) assert.equal(await kamailio.entries(table), 0, table);
    const logs = [kamailio.log(), edge.lines.join('\n')].join('\n');
    for (const secret of world.secrets) assert.ok(!logs.includes(secret));
  });
});

describe('two pages and Kamailio at the same moment', () => {
  let wire, world;
  before(async () => {
    world = await KamailioWorld.open({ wire: async (engine) => (wire = await HeldMedia.open(engine)) });
  }, { timeout: 120_000 });
  after(async () => {
    await world?.close();
    wire?.close();
  }, { timeout: 30_000 });

  // Which of Kamailio's processes is first is not ours to say: once in fifteen times it was the one that left a page ringing.
  for (const number of ['1041', '1042', '1043', '1044', '1045', '1046']) {
    test(`one rings while the answer of the other is under way: it falls silent (${number})`, { timeout: 60_000 }, async () => {
      const { page, sink } = await world.sleeping(number);
      const other = await world.another(number);
      const call = world.trunk.call(number);
      const { wake } = await sink.push('invitation');
      const first = await world.comes(page, wake);
      first.ring();
      await call.hears(180);
      await world.state(wake, 'ringing');
      const second = await world.comes(other.page, wake);
      const { asked, release } = wire.hold();
      const talks = talk(first, call);
      await asked;
      second.ring();
      // Kamailio says nothing of a response that waits for its turn: time enough to have taken it off the socket.
      await new Promise((resolve) => setTimeout(resolve, 200));
      release();
      await talks;
      await second.sees('CANCEL');
      await world.state(wake, 'answered');
      assert.equal((await call.dialog.request('BYE')).status, 200);
    });
  }
});

describe('parked by Kamailio whose callbacks come to nothing', () => {
  let world;
  before(async () => {
    // Nobody listens there.
    world = await KamailioWorld.open({ callback: `http://127.0.0.1:${await freePort()}/wakeline`, more: { PARKED_IN_ALL: 1 } });
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

  test('more than may be parked in all: 503, and when to try again', { timeout: 60_000 }, async () => {
    const { sink } = await world.sleeping('1004');
    const { sink: other } = await world.sleeping('1005');
    const parked = world.trunk.call('1004');
    await sink.push('invitation');
    const refused = await world.trunk.call('1005').final();
    assert.deepEqual([refused.status, refused.header('retry-after')], [503, '10']);
    assert.equal(other.count('invitation'), 0);
    await parked.cancel();
    assert.equal((await parked.final()).status, 487);
    await empty(world);
  });
});
