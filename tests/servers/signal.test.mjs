// Which calls the gateway keeps and which it diverts, through each call server as we ship it: the edge decides by the signal that the
// gateway reports, and again when the mobile cannot be reached after all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld, causeOf as cause } from '../lib/servers/asterisk-world.mjs';
import { invites, talk } from '../lib/servers/ends.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';

const SERVERS = {
  asterisk: { World: AsteriskWorld, skip: !hasAsterisk() && 'no Asterisk on this machine' },
  kamailio: { World: KamailioWorld, more: { DIRECT_MS: 3000 } },
};

for (const [server, { World, skip = false, more }] of Object.entries(SERVERS)) {
  describe(`the voice gateway asks ${server}`, { skip }, () => {
    let world, trunk;

    before(async () => {
      world = await World.open({ more, site: { gateway: { threshold_dbm: -100 } } });
      ({ trunk } = world);
    }, { timeout: 120_000 });
    after(() => world?.close(), { timeout: 30_000 });

    const sleeping = (number) => world.sleeping(number);

    test('a mobile with a strong signal rings itself', { timeout: 30_000 }, async () => {
      const call = trunk.call('1999', { headers: ['X-Signal-Dbm: -71'] });
      const mobile = await trunk.incoming({ since: call.since });
      assert.match(mobile.invite.uri, /^sip:1999@/);
      mobile.ring();
      await call.hears(180);
      // A proxy has no ACK before the caller's.
      const [answer] = await Promise.all([call.final(), mobile.answer()]);
      assert.equal(answer.status, 200);
      assert.equal((await call.dialog.request('BYE')).status, 200);
    });

    test('a mobile that cannot be reached after all diverts to the page', { timeout: 60_000 }, async () => {
      const { sink } = await sleeping('1003');
      for (const [status, reason] of [[480, 'Temporarily Unavailable'], [408, 'Request Timeout'], [503, 'Service Unavailable']]) {
        const since = sink.log.mark();
        const call = trunk.call('1003', { headers: ['X-Signal-Dbm: -80'] });
        (await trunk.incoming({ since: call.since })).refuse(status, reason);
        await sink.push('invitation', { since });
        await call.cancel();
        assert.equal((await call.final()).status, 487, String(status));
        // The next one would be parked beside it.
        await sink.push('cancelled', { since });
      }
    });

    test('a mobile that is silent diverts as well; one that is busy does not', { timeout: 60_000 }, async () => {
      const { sink } = await sleeping('1004');
      const silent = trunk.call('1004', { headers: ['X-Signal-Dbm: -80'] });
      await trunk.incoming({ since: silent.since });
      await sink.push('invitation', { ms: 15_000 });
      await silent.cancel();
      await silent.final();
      const busy = trunk.call('1004', { headers: ['X-Signal-Dbm: -80'] });
      (await trunk.incoming({ since: busy.since })).refuse(486, 'Busy Here');
      const answer = await busy.final();
      assert.equal(answer.status, 486);
      if (server === 'asterisk') assert.equal(cause(answer), 17);
      assert.equal(sink.count('invitation'), 1);
    });

    test('a gateway that has decided names the user beside the number: their page is woken, and called after its "ready" alone', { timeout: 60_000 }, async () => {
      const { page, sink } = await world.sleeping('1006', 'ada');
      // The number of the mobile is none of a line.
      const call = trunk.call('13900000001', { headers: ['X-Uid: ada'] });
      const { wake } = await sink.push('invitation');
      await page.online();
      // It is here, and has not said so: a second REGISTER is a round trip in which no INVITE came.
      assert.equal((await page.register()).status, 200);
      assert.equal(invites(page).length, 0);
      const rings = await world.comes(page, wake);
      rings.ring();
      await call.hears(180);
      await world.state(wake, 'ringing');
      await talk(rings, call);
      await world.state(wake, 'answered');
      assert.equal((await call.dialog.request('BYE')).status, 200);
      await rings.sees('BYE');
      assert.equal((await world.record(wake)).outcome, 'answered');
      assert.equal(invites(page).length, 1);
    });

    test('a page of that user that is open rings at once; one that sleeps in its tab is waited for; nobody of that name is 404', { timeout: 60_000 }, async () => {
      const { page, sink } = await world.sleeping('1007', 'ben');
      await page.online();
      const open = trunk.call('13900000002', { headers: ['X-Uid: ben'] });
      const rings = await page.incoming();
      rings.ring();
      await open.hears(180);
      rings.refuse(603, 'Decline');
      assert.equal((await open.final()).status, 603);
      const { wake } = await sink.push('invitation');
      await world.state(wake, 'declined');
      // It answers nothing any more, until it wakes up.
      const { receive } = page;
      const called = new Promise((resolve) => { page.receive = (text) => text.startsWith('INVITE ') && resolve(); });
      const since = sink.log.mark();
      const parked = trunk.call('13900000002', { headers: ['X-Uid: ben'] });
      const next = await sink.push('invitation', { since });
      await called;
      page.receive = receive;
      const woken = await world.comes(page, next.wake, { ms: 20_000 });
      woken.ring();
      await talk(woken, parked);
      assert.equal((await parked.dialog.request('BYE')).status, 200);
      assert.equal((await world.record(next.wake)).outcome, 'answered');
      assert.equal((await trunk.call('13900000003', { headers: ['X-Uid: nobody'] }).final()).status, 404);
    });

    test('a caller who hangs up such a call while it is parked leaves a missed call', { timeout: 30_000 }, async () => {
      const { sink } = await world.sleeping('1008', 'cleo');
      const call = trunk.call('13900000004', { headers: ['X-Uid: cleo'] });
      const { wake } = await sink.push('invitation');
      await call.cancel();
      assert.equal((await call.final()).status, 487);
      await sink.push('cancelled');
      await world.state(wake, 'cancelled');
    });

    test('a weak signal, or none, wakes the page, and the mobile is left alone', { timeout: 60_000 }, async () => {
      const { sink } = await sleeping('1005');
      for (const [signal, n] of [['-113', 1], ['none', 2]]) {
        const since = sink.log.mark();
        const call = trunk.call('1005', { headers: [`X-Signal-Dbm: ${signal}`] });
        await sink.push('invitation', { since });
        assert.equal(sink.count('invitation'), n);
        await call.cancel();
        await call.final();
      }
      assert.equal(trunk.log.find((e) => e.name === 'request' && e.method === 'INVITE' && e.message.uri.startsWith('sip:1005@')), undefined);
    });
  });
}
