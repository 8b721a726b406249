// A line whose page is closed, up to the point where a person has tapped: what `Phone.open({session, wake})` does then.
// The invitation itself, notification and click are played with real push services elsewhere; here it ends in a sink.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Sink } from '../../edge/sink.mjs';
import { Stage } from './harness.mjs';

let stage, sink, caller, browser;

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  sink = await Sink.open({ vapid: stage.edge.vapid });
  const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001');
  browser = two;
  const page = await stage.page(browser);
  await page.evaluate(async (edge, { endpoint, p256dh, auth }) => {
    const session = await wakeline.Session.signIn({ edge, number: '1002', password: 'secret of 1002' });
    const subscription = { toJSON: () => ({ endpoint, keys: { p256dh, auth } }) };
    await session.bindDevice({ subscription, label: 'sleeper', lang: 'en' });
  }, stage.edge.origin, sink.subscription);
  await page.close();
}, { timeout: 120_000 });

after(async () => {
  await stage?.close();
  await sink?.close();
}, { timeout: 30_000 });

afterEach(async () => {
  await caller?.evaluate('phone.calls.forEach((call) => call.hangUp())');
  for (const page of (await browser.pages()).slice(1)) await page.close();
}, { timeout: 30_000 });

/** The caller dials; resolves with the wake that was pushed. */
async function pushed() {
  const since = sink.log.mark();
  await caller.evaluate(`dial('1002')`);
  const { wake } = await sink.push('invitation', { since, ms: 10_000 });
  await caller.waitForFunction(`call.stage === 'pushed'`);
  return wake;
}

/** The page as a person opens it. */
const opened = (page, more = {}) => page.evaluate(async (edge, more) => {
  window.session = await wakeline.Session.restore({ edge });
  await open({ session, ...more });
}, stage.edge.origin, more);

const rings = (page) => page.waitForFunction(`seen.incoming.length === 1 && call.state === 'incoming'`);

test('a page opened for a wake rings after upgrade, REGISTER and ready, and nothing else is waited for', { timeout: 60_000 }, async () => {
  const wake = await pushed();
  const page = await stage.page(browser);
  const asked = [];
  const network = await page.createCDPSession();
  await network.send('Network.enable');
  network.on('Network.webSocketCreated', ({ url }) => asked.push(new URL(url).pathname));
  network.on('Network.requestWillBeSent', ({ request }) => {
    const { protocol, pathname } = new URL(request.url);
    // The core itself comes from the cache of a page that was open before; a blob is in the page.
    if (protocol !== 'blob:' && !pathname.endsWith('.wasm')) asked.push(`${request.method} ${pathname}`);
  });
  await opened(page, { wake });
  await rings(page);
  assert.deepEqual(asked.slice(0, 2), ['/sip', `POST /v1/wakes/${wake}/ready`]);
  // The call may be here before the edge's answer to "ready": then there is nothing more to say.
  const [first, ...more] = await page.evaluate('seen.waking');
  assert.deepEqual(first, { wake, state: 'registering' });
  assert.deepEqual(more, [{ wake, state: 'ready' }].slice(0, more.length));
  assert.equal(await page.evaluate('call.wake'), wake);
  await caller.waitForFunction(`call.state === 'ringing'`);
  await page.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  assert.equal(await page.evaluate('seen.incoming.length'), 1, 'one ring');
});

test('a page opened by hand while an invitation waits rings, too', { timeout: 60_000 }, async () => {
  await pushed();
  const page = await stage.page(browser);
  await opened(page);
  await rings(page);
  await page.evaluate('call.reject()');
  await caller.waitForFunction(`call.end?.outcome === 'declined'`);
});

test('too late: the page learns how it ended and who called', { timeout: 60_000 }, async () => {
  const wake = await pushed();
  await caller.evaluate('call.hangUp()');
  await sink.push('cancelled', { ms: 10_000 });
  const page = await stage.page(browser);
  await opened(page, { wake });
  await page.waitForFunction(`seen.waking.at(-1)?.state === 'over'`);
  assert.equal(await page.evaluate('seen.waking.at(-1).outcome'), 'cancelled');
  const problem = await page.evaluate((wake) => phone.ready(wake).catch((e) => [e instanceof wakeline.Problem, e.status, e.wake?.caller]), wake);
  assert.deepEqual(problem, [true, 410, { number: '1001', display_name: 'Ada' }]);
  assert.equal(await page.evaluate('seen.incoming.length'), 0);
});

test('a tab that leads but is frozen does not stand in the way of the page that was tapped', { timeout: 60_000 }, async () => {
  const frozen = await stage.page(browser);
  await opened(frozen);
  await frozen.waitForFunction(`phone.registration.state === 'registered'`);
  const life = await frozen.createCDPSession();
  await life.send('Page.setWebLifecycleState', { state: 'frozen' });

  // It does not answer for its flow, so the device is pushed to.
  const wake = await pushed();
  const page = await stage.page(browser);
  await opened(page, { wake });
  await rings(page);
  assert.equal(await page.evaluate('phone.role'), 'leading');
  await page.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);

  await life.send('Page.setWebLifecycleState', { state: 'active' });
  await frozen.waitForFunction(`phone.role === 'following' && phone.calls[0]?.state === 'active'`);
  assert.equal(await frozen.evaluate('seen.incoming.length'), 0, 'one ring');
  assert.equal(await caller.evaluate('call.state'), 'active');
});
