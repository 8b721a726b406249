// Who may wake, answer, and ask.
import assert from 'node:assert/strict';
import { Device } from '../edge/device.mjs';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { ended, hangsUp } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/** Short, for it is waited for; a page that is open renews its own when a quarter of that is left. */
const TOKEN_S = 20;
const MARKUP = '<img src="x" onerror="globalThis.marked = true"><b>Eve</b>&amp;';

/** The capability that a push carried, as the service worker showed it to the edge, which may still be asked about the wake `before`. */
async function capabilityOf(world, call, before = null) {
  const asks = ({ name, side, authorization, path }) => name === 'request' && side === 'callee' && /^Wake /.test(authorization ?? '') && !(before && path.includes(before));
  const { authorization, path } = await world.wire.log.wait(asks, { since: call.wire, what: 'the service worker asks by its capability' });
  return { capability: authorization.slice(5), wake: /\/v1\/wakes\/([^/?]+)/.exec(path)[1] };
}

for (const browser of mainBrowsers()) {
  suite('identity', { browser, site: { token_ttl_s: TOKEN_S } }, (check) => {
    check('forged and foreign credentials are refused and learn nothing', async (world) => {
      const first = await world.callerDials();
      const one = await capabilityOf(world, first);
      await world.caller.press('hang-up');
      await world.caller.until('ended');
      await world.caller.press('ended-close');
      await world.caller.until('keypad');
      const second = await world.callerDials();
      const two = await capabilityOf(world, second, one.wake);
      assert.notEqual(one.wake, two.wake);

      const forged = `${two.capability.slice(0, -4)}${two.capability.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`;
      const unknown = 'AAAAAAAAAAAAAAAAAAAAAA';
      const foreign = await world.edge.token(NUMBERS.caller);
      const strangers = {
        'a capability of another wake': `Wake ${one.capability}`,
        'a forged capability': `Wake ${forged}`,
        'a token of another line': `Bearer ${foreign}`,
        'a forged token': `Bearer ${foreign.slice(0, -4)}AAAA`,
        nothing: undefined,
      };
      for (const [who, authorization] of Object.entries(strangers)) {
        for (const [method, what] of [['GET', ''], ['POST', '/shown'], ['POST', '/opened'], ['POST', '/ready'], ['POST', '/decline']]) {
          const body = method === 'POST' ? { device: world.device } : undefined;
          const refused = await world.edge.api(method, `/v1/wakes/${two.wake}${what}`, { authorization, token: null, body });
          assert.ok([401, 403, 404].includes(refused.status), `${who}: ${method} ${what} → ${refused.status}`);
          const text = JSON.stringify(refused.body);
          assert.doesNotMatch(text, /Ada|1001|"state"/, `${who} learns nothing`);
          const none = await world.edge.api(method, `/v1/wakes/${unknown}${what}`, { authorization, token: null, body });
          assert.equal(none.status, refused.status, `${who}: an unknown wake looks the same`);
        }
      }
      const right = await world.edge.api('GET', `/v1/wakes/${two.wake}`, { authorization: `Wake ${two.capability}` });
      assert.equal(right.status, 200);
      assert.ok(!['declined', 'cancelled', 'expired'].includes(right.body.state), 'nobody could end it');
      await world.caller.press('hang-up');
      await world.caller.until('ended');
    });

    check('a name with markup is text on every screen', async (world) => {
      await world.edge.account('1004', { display_name: MARKUP });
      const stranger = new Device(world.edge, '1004', { token: await world.edge.token('1004') });
      try {
        await stranger.online();
        const since = world.notifications.log.mark();
        const call = stranger.call(NUMBERS.callee);
        const { title } = await world.notifications.shown((one) => /Eve/.test(one.title), { since, what: 'the invitation' });
        assert.ok(title.includes(MARKUP), title);
        await world.notifications.click();
        const page = await world.calleePage();
        const isText = async (id) => {
          const said = await page.text(id);
          assert.ok(said.includes(MARKUP), `${id}: ${said}`);
          assert.deepEqual(await page.page.evaluate(() => [document.querySelectorAll('img[src="x"]').length, globalThis.marked ?? null]), [0, null], id);
        };
        await page.until('ringing', { ms: 20_000 });
        await isText('remote-name');
        await call.cancel();
        assert.equal((await call.final()).status, 487);
        await page.until('ended', { outcome: 'cancelled' });
        await isText('ended-reason');
        await page.press('ended-close');
        await page.press('nav-missed');
        await page.until('missed');
        await isText('missed-item');
      } finally {
        await stranger.close();
      }
    });

    check('the token expired and no session: the tap rings by the device credential', async (world) => {
      await until(() => Date.now() > world.asleepSince + (TOKEN_S + 1) * 1000, { ms: (TOKEN_S + 5) * 1000, every: 500, what: 'the token of the callee has expired' });
      const call = await wakeAndTap(world);
      await ringing(world, call);
      const renewed = world.wire.log.find((event) => event.name === 'response' && event.side === 'callee' && event.path === '/v1/tokens/renew', call.wire);
      assert.equal(renewed?.status, 200, 'the page renewed its token by the device credential');
      await answer(world, call);
      await hangsUp(world, call, call.page);
    });

    check('a revoked device is not pushed, and its page is signed out', async (world) => {
      const token = await world.edge.token(NUMBERS.callee);
      const revoked = await world.edge.api('DELETE', `/v1/devices/${world.device}`, { token });
      assert.ok(revoked.status < 300, `DELETE → ${revoked.status}`);
      const call = await world.callerDials();
      await ended(world, call, { code: 480, state: 'unbound' });
      assert.equal(world.push.log.filter('push', call.push).length, 0, 'nothing was pushed');
      const page = await world.calleeByHand();
      await page.until(['signed-out', 'sign-in']);
    });
  });
}
