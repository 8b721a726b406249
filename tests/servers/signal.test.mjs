// Which calls the gateway keeps and which it diverts, through each call server as we ship it: the edge decides by the signal that the
// gateway reports, and again when the mobile cannot be reached after all.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld, causeOf as cause } from '../lib/servers/asterisk-world.mjs';
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
      const call = trunk.call('1003', { headers: ['X-Signal-Dbm: -80'] });
      const mobile = await trunk.incoming({ since: call.since });
      mobile.refuse(480, 'Temporarily Unavailable');
      await sink.push('invitation');
      await call.cancel();
      assert.equal((await call.final()).status, 487);
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
