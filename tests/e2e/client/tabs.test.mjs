// One line in several tabs and over several loads of the page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage } from './harness.mjs';

let stage, browser;

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  browser = await stage.browser(440);
}, { timeout: 120_000 });

after(() => stage?.close(), { timeout: 30_000 });

const restored = (page, more = {}) => page.evaluate(async (edge, more) => {
  window.session = await wakeline.Session.restore({ edge });
  if (session) await open({ session, ...more });
  return Boolean(session);
}, stage.edge.origin, more);

test('the second tab follows, sees the leader, takes over, and leads when the other is closed', { timeout: 60_000 }, async () => {
  const first = await stage.signedIn(browser, '1001');
  assert.equal(await first.evaluate('phone.role'), 'leading');
  const device = await first.evaluate('session.deviceId');

  const second = await stage.page(browser);
  assert.ok(await restored(second), 'the session is in storage');
  assert.equal(await second.evaluate('session.deviceId'), device);
  assert.equal(await second.evaluate('phone.role'), 'following');
  await second.waitForFunction(`phone.registration.state === 'registered'`);

  await second.evaluate('phone.takeOver()');
  await first.waitForFunction(`phone.role === 'following'`);
  await second.waitForFunction(`phone.role === 'leading' && phone.registration.state === 'registered'`);
  await first.waitForFunction(`phone.registration.state === 'registered'`);
  const devices = await second.evaluate('session.devices()');
  assert.deepEqual(devices.map((d) => [d.id, d.registered]), [[device, true]]);

  await second.close();
  await first.waitForFunction(`phone.role === 'leading' && phone.registration.state === 'registered'`);
  await first.close();
});

test('a call that rings in the leading tab is shown and declined from the following one', { timeout: 60_000 }, async () => {
  const other = await stage.signedIn(await stage.browser(1000), '1002');
  const leader = await stage.page(browser);
  await restored(leader);
  await leader.waitForFunction(`phone.registration.state === 'registered'`);
  const follower = await stage.page(browser);
  await restored(follower);

  await other.evaluate(`dial('1001')`);
  await follower.waitForFunction(`phone.calls[0]?.state === 'incoming'`);
  assert.equal(await follower.evaluate('seen.incoming.length'), 0, 'only the leader rings');
  await follower.evaluate('phone.calls[0].reject()');
  await other.waitForFunction(`call.end?.outcome === 'declined'`);
  await follower.waitForFunction('phone.calls.length === 0');
  for (const page of [leader, follower, other]) await page.close();
});

test('an expired token is renewed by the device before anything else, also with a wrong clock', { timeout: 60_000 }, async () => {
  for (const skew of [0, 90 * 60_000, -90 * 60_000]) {
    const page = await stage.page(browser);
    await page.evaluate(async (edge, skew) => {
      const open = indexedDB.open('wakeline', 1);
      await new Promise((resolve) => { open.onsuccess = resolve; });
      const store = open.result.transaction('session', 'readwrite').objectStore('session');
      const get = store.get(edge);
      const record = await new Promise((resolve) => { get.onsuccess = () => resolve(get.result); });
      // Long gone, and not even a token of this edge.
      store.put({ ...record, token: 'x.e30.x', expires_at: 1 }, edge);
      await new Promise((resolve) => { store.transaction.oncomplete = resolve; });
      open.result.close();
      const now = Date.now.bind(Date);
      Date.now = () => now() + skew;
    }, stage.edge.origin, skew);
    assert.ok(await restored(page), `skew ${skew}`);
    await page.waitForFunction(`phone.registration.state === 'registered'`);
    assert.notEqual(await page.evaluate('session.token()'), 'x.e30.x');
    await page.close();
  }
});

test('a revoked device is told so and forgets itself', { timeout: 60_000 }, async () => {
  const page = await stage.page(browser);
  await restored(page);
  await page.waitForFunction(`phone.registration.state === 'registered'`);
  await page.evaluate('session.revoke(session.deviceId)');
  const again = await stage.page(browser);
  const problem = await again.evaluate(async (edge) => {
    const session = await wakeline.Session.restore({ edge });
    return session?.devices().catch((e) => [e instanceof wakeline.Problem, e.status]);
  }, stage.edge.origin);
  assert.deepEqual(problem, [true, 401]);
  assert.equal(await again.evaluate((edge) => wakeline.Session.restore({ edge }), stage.edge.origin), null);
  await page.close();
  await again.close();
});

test('signing out unbinds the device and forgets it in every tab', { timeout: 60_000 }, async () => {
  const page = await stage.signedIn(browser, '1001');
  const token = await page.evaluate('session.token()');
  const follower = await stage.page(browser);
  await restored(follower);
  await page.evaluate('session.signOut()');
  assert.equal(await page.evaluate('phone.registration.state'), 'closed');
  await follower.waitForFunction(`phone.registration.state === 'closed'`);
  assert.equal(await restored(follower), false);
  const gone = await stage.edge.api('GET', '/v1/devices', { token });
  assert.equal(gone.status, 401, 'its token died with it');
  await page.close();
  await follower.close();
});

test('a wrong password is a Problem with the edge’s words', { timeout: 30_000 }, async () => {
  const page = await stage.page(browser);
  const problem = await page.evaluate(async (edge) => {
    try { await wakeline.Session.signIn({ edge, number: '1001', password: 'guess' }); } catch (e) {
      return { is: e instanceof wakeline.Problem, status: e.status, type: e.type };
    }
  }, stage.edge.origin);
  assert.deepEqual(problem, { is: true, status: 401, type: '/problems/sign-in' });
  await page.close();
});

test('by a token of the site’s own backend, as the README shows it', { timeout: 60_000 }, async () => {
  const { body: { token } } = await stage.edge.api('POST', '/v1/tokens', { body: { number: '1002' } });
  const fresh = await stage.browser(500);
  const page = await stage.page(fresh);
  await page.evaluate((edge, token) => open({ edge, token }), stage.edge.origin, token);
  await page.waitForFunction(`phone.registration.state === 'registered'`);
  await page.close();
});
