// When a call goes out, and what it waits for: where the person has allowed the microphone for good the offer is made while it opens. Nobody
// is called before it is there.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Stage, hears } from './harness.mjs';

/** In each page: a permission that the test decides, a microphone that opens, or fails, when the test says so, and every INVITE counted. */
const hands = () => {
  Object.assign(window, { mics: [], invites: 0, slow: false, permission: 'granted' });
  const { mediaDevices, permissions } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    if (window.slow) {
      await new Promise((open, refuse) => {
        window.microphone = (failure) => (failure ? refuse(new DOMException('it cannot be had', failure)) : open());
      });
    }
    const stream = await ask(wanted);
    window.mics.push(...stream.getTracks());
    return stream;
  };
  permissions.query = async () => ({ get state() { return window.permission; } });
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    if (/^INVITE /.test(frame)) window.invites += 1;
    send.call(this, frame);
  };
};

let stage, caller, callee;
before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001', { before: hands });
  callee = await stage.signedIn(two, '1002', { before: hands });
}, { timeout: 120_000 });
after(() => stage?.close(), { timeout: 30_000 });

afterEach(async () => {
  for (const page of [caller, callee]) {
    await page.evaluate('for (const call of phone.calls) call.hangUp()');
    await page.waitForFunction('phone.calls.length === 0');
    // The light is off, however it went.
    await page.waitForFunction(`mics.every((track) => track.readyState === 'ended')`);
    await page.evaluate(() => Object.assign(window, { call: undefined, microphone: undefined, mics: [], invites: 0, slow: false, permission: 'granted' }));
  }
}, { timeout: 30_000 });

const slow = (page, permission = 'granted') => page.evaluate((it) => Object.assign(window, { slow: true, permission: it }), permission);
const ended = async (page) => {
  await page.waitForFunction(`call.state === 'ended'`);
  return page.evaluate('call.end');
};
test('the offer is made while the microphone opens, and goes out when it is there', { timeout: 60_000 }, async () => {
  await slow(caller);
  await caller.evaluate(`dial('1002')`);
  await caller.waitForFunction('window.microphone && call.connection?.localDescription');
  const offered = await caller.evaluate('call.connection.localDescription.sdp');
  assert.ok(/opus\/48000/.test(offered) && /PCMU\/8000/.test(offered) && !/G722/.test(offered), offered);
  // Longer than candidates are waited for.
  await new Promise((resolve) => setTimeout(resolve, 800));
  assert.deepEqual(await caller.evaluate('[invites, call.silent]'), [0, false], 'it is being opened, not missing');
  await caller.evaluate('call.mute(true)');
  await caller.evaluate('microphone()');
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  assert.equal(await caller.evaluate('mics[0].enabled'), false, 'muted before it came');
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  await hears(caller, 1000);
  await caller.evaluate('call.mute(false)');
  await hears(callee, 440);
  await caller.evaluate('call.hold(true)');
  await callee.waitForFunction('call.remoteHeld');
  assert.equal(await caller.evaluate('mics[0].enabled'), false);
  await caller.evaluate('call.hold(false)');
  await callee.waitForFunction('!call.remoteHeld');
  await hears(callee, 440);
});

test('a microphone that fails when the offer is there calls nobody, and the caller is told why', { timeout: 60_000 }, async () => {
  await slow(caller);
  await caller.evaluate(`dial('1002')`);
  await caller.waitForFunction('window.microphone && call.connection?.localDescription');
  await caller.evaluate(`microphone('NotReadableError')`);
  assert.deepEqual(await ended(caller), { outcome: 'failed', status: 0, reason: 'NotReadableError', by: 'local' });
  assert.equal(await caller.evaluate('invites'), 0);
});

test('one that fails at once calls nobody', { timeout: 60_000 }, async () => {
  await caller.evaluate(() => {
    window.slow = true;
    // There is nothing to wait for: it fails as soon as it is asked for.
    Object.defineProperty(window, 'microphone', { configurable: true, set: (it) => it('NotFoundError') });
  });
  await caller.evaluate(`dial('1002')`).catch(() => undefined);
  await caller.waitForFunction('phone.calls.length === 0');
  assert.equal(await caller.evaluate('invites'), 0);
  await caller.evaluate('delete window.microphone');
});

test('hung up while it opens: it is let go as soon as it comes', { timeout: 60_000 }, async () => {
  await slow(caller);
  await caller.evaluate(`dial('1002')`);
  await caller.waitForFunction('window.microphone && call.connection?.localDescription');
  await caller.evaluate('call.hangUp()');
  await ended(caller);
  await caller.evaluate('microphone()');
  await caller.waitForFunction(`mics.length === 1 && mics[0].readyState === 'ended'`);
});

test('who is still to be asked places no call before the answer, and none when it is no', { timeout: 60_000 }, async () => {
  await slow(caller, 'prompt');
  await caller.evaluate(`dial('1002')`);
  await caller.waitForFunction('window.microphone');
  // Longer than any offer takes.
  await new Promise((resolve) => setTimeout(resolve, 800));
  assert.equal(await caller.evaluate('invites'), 0);
  await caller.evaluate(`microphone('NotAllowedError')`);
  assert.deepEqual(await ended(caller), { outcome: 'failed', status: 0, reason: 'NotAllowedError', by: 'local' });
  assert.equal(await caller.evaluate('invites'), 0);
});

test('nothing is answered before the microphone is there; one that is refused leaves it ringing, and the next try takes it', { timeout: 60_000 }, async () => {
  await slow(callee);
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate(() => { window.taking = window.call.answer().then(() => 'taken', (it) => it.name); });
  await callee.waitForFunction('window.microphone');
  await new Promise((resolve) => setTimeout(resolve, 800));
  assert.equal(await caller.evaluate('call.state'), 'ringing');
  await callee.evaluate(`microphone('NotAllowedError')`);
  await callee.evaluate('taking');
  assert.deepEqual(await Promise.all([caller.evaluate('call.state'), callee.evaluate('[call.state, call.connection]')]), ['ringing', ['incoming', null]]);
  await callee.evaluate('window.slow = false');
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  await hears(caller, 1000);
  await hears(callee, 440);
});

test('a call whose offer was made ahead is heard both ways, also with video wanted of it', { timeout: 60_000 }, async () => {
  for (const video of [false, true]) {
    await caller.evaluate(`import('./client/media.js').then(({ prepare }) => prepare(phone))`);
    await caller.evaluate((it) => dial('1002', { video: it }), video);
    await callee.waitForFunction(`window.call?.state === 'incoming'`);
    assert.equal(await callee.evaluate('call.remoteVideo'), video);
    await callee.evaluate('call.answer()');
    await caller.waitForFunction(`call.state === 'active'`);
    await hears(caller, 1000);
    await hears(callee, 440);
    await caller.evaluate('call.hangUp()');
    await ended(callee);
    await callee.evaluate('window.call = undefined');
  }
});
