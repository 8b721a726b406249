// What is made ahead of a call: a microphone that is open while the number is typed, where the page wants that, and a connection that waits
// for whoever is called. Each is used once, and nothing of it stays when no call comes.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Stage, hears } from './harness.mjs';

/** In each page: every microphone that was given, every connection that was made, a permission and a limit that the test decides. */
const hands = () => {
  Object.assign(window, { asked: 0, mics: [], made: [], permission: 'granted', limits: [] });
  const { mediaDevices, permissions } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    window.asked += 1;
    const stream = await ask(wanted);
    window.mics.push(...stream.getTracks());
    return stream;
  };
  permissions.query = async () => ({ get state() { return window.permission; } });
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...configuration) {
      super(...configuration);
      window.made.push(this);
    }
  };
  // A microphone is kept for 20 s.
  const { setTimeout } = window;
  window.setTimeout = (then, ms, ...rest) => {
    if (ms === 20_000) window.limits.push(then);
    return setTimeout.call(window, then, ms, ...rest);
  };
};

let stage, caller, callee, one;
before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  let two;
  [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001', { before: hands });
  callee = await stage.signedIn(two, '1002', { before: hands });
  for (const page of [caller, callee]) await page.evaluate(async () => { window.media = await import('./client/media.js'); });
}, { timeout: 120_000 });
after(() => stage?.close(), { timeout: 30_000 });

const dark = (page) => page.waitForFunction(`mics.every((track) => track.readyState === 'ended')`);
afterEach(async () => {
  for (const page of [caller, callee]) {
    await page.evaluate('for (const call of phone.calls) call.hangUp()');
    await page.waitForFunction('phone.calls.length === 0');
    await page.evaluate('media.drop(phone)');
    // The light is off, however it went.
    await dark(page);
    await page.evaluate(() => Object.assign(window, { call: undefined, asked: 0, mics: [], permission: 'granted', limits: [] }));
  }
}, { timeout: 30_000 });

const prepare = (page) => page.evaluate('media.prepare(phone, { microphone: true })');
const light = (page) => page.evaluate(`mics.map(({ readyState, enabled }) => [readyState, enabled])`);

async function talking() {
  for (const page of [caller, callee]) await page.evaluate('window.call = undefined');
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'active'`);
}
async function heard() {
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
}
async function hangUp() {
  await caller.evaluate('call.hangUp()');
  for (const page of [caller, callee]) await page.waitForFunction('phone.calls.length === 0');
  for (const page of [caller, callee]) await dark(page);
}

test('a microphone that was opened while the number was typed is that of the call, and of that call only', { timeout: 60_000 }, async () => {
  await prepare(caller);
  await prepare(caller); // the next digit
  assert.deepEqual(await light(caller), [['live', false]], 'one, and nothing of it is heard');
  await talking();
  assert.deepEqual([await light(caller), await caller.evaluate('asked'), await caller.evaluate('call.connection.getSenders()[0].track === mics[0]')], [[['live', true]], 1, true]);
  await heard();
  // No limit of it reaches the call.
  await caller.evaluate('for (const over of limits) over()');
  assert.deepEqual(await light(caller), [['live', true]]);
  await hangUp();
  await talking();
  assert.equal(await caller.evaluate('asked'), 2, 'the next call opens its own');
  await hangUp();
});

test('nobody is asked: without a permission for good it stays closed, and without the wish for it', { timeout: 60_000 }, async () => {
  await caller.evaluate(`window.permission = 'prompt'`);
  await prepare(caller);
  await caller.evaluate(`window.permission = 'granted'`);
  await caller.evaluate('media.prepare(phone)');
  assert.equal(await caller.evaluate('asked'), 0);
});

test('it is let go at its limit, by `drop`, and when the page is not looked at; the call then opens its own', { timeout: 60_000 }, async () => {
  const over = {
    limit: () => caller.evaluate('limits.at(-1)()'),
    drop: () => caller.evaluate('media.drop(phone)'),
    hidden: async () => {
      const other = await one.newPage();
      await other.bringToFront();
      await caller.waitForFunction('document.hidden');
      // Not looked at, it does not begin either.
      await prepare(caller);
      await other.close();
      await caller.bringToFront();
      await caller.waitForFunction('!document.hidden');
    },
  };
  for (const [how, end] of Object.entries(over)) {
    await caller.evaluate('Object.assign(window, { asked: 0, mics: [] })');
    await prepare(caller);
    assert.deepEqual(await light(caller), [['live', false]], how);
    await end();
    await dark(caller);
    assert.equal(await caller.evaluate('asked'), 1, how);
    await talking();
    assert.deepEqual([await caller.evaluate('asked'), await light(caller)], [2, [['ended', false], ['live', true]]], how);
    await hangUp();
  }
});

test('one that the call would not ask for, or that was taken away, is not used', { timeout: 60_000 }, async () => {
  await prepare(caller);
  await caller.evaluate('phone.audio = { ...phone.audio, echoCancellation: true }');
  await talking();
  assert.deepEqual(await caller.evaluate('mics.map((track) => [track.readyState, track.getSettings().echoCancellation])'), [['ended', false], ['live', true]]);
  await caller.evaluate('phone.audio = { ...phone.audio, echoCancellation: false }');
  await hangUp();

  await caller.evaluate('Object.assign(window, { asked: 0, mics: [] })');
  await prepare(caller);
  await caller.evaluate('mics[0].stop()'); // as a browser ends it, though that tells of it as well
  await talking();
  assert.deepEqual(await light(caller), [['ended', false], ['live', true]]);
  await heard();
  await hangUp();

  await caller.evaluate('Object.assign(window, { asked: 0, mics: [] })');
  await prepare(caller);
  // By the system, for another program.
  await caller.evaluate(`Object.defineProperty(mics[0], 'muted', { value: true })`);
  await talking();
  assert.deepEqual(await light(caller), [['ended', false], ['live', true]]);
  await hangUp();
});

test('it is let go when the system’s own choice becomes another one, which keeps its id', { timeout: 60_000 }, async () => {
  await prepare(caller);
  await caller.evaluate(async () => {
    const { mediaDevices } = navigator;
    const found = (await mediaDevices.enumerateDevices()).map((one) => one.toJSON());
    found.find(({ deviceId, kind }) => deviceId === 'default' && kind === 'audioinput').label = 'Default - Headset';
    mediaDevices.enumerateDevices = async () => found;
    mediaDevices.dispatchEvent(new Event('devicechange'));
  });
  // Before its limit.
  await caller.waitForFunction(`mics[0].readyState === 'ended'`, { timeout: 10_000 })
    .finally(() => caller.evaluate('delete navigator.mediaDevices.enumerateDevices'));
  await talking();
  assert.deepEqual([await caller.evaluate('asked'), await light(caller)], [2, [['ended', false], ['live', true]]]);
  await hangUp();
});

test('a page that is not told of its devices makes its calls all the same, as Firefox leaves one that has not the focus', { timeout: 60_000 }, async () => {
  await prepare(caller);
  await caller.evaluate('navigator.mediaDevices.enumerateDevices = () => new Promise(() => {}), undefined');
  try {
    await talking();
  } finally {
    await caller.evaluate('delete navigator.mediaDevices.enumerateDevices');
  }
  assert.deepEqual([await caller.evaluate('asked'), await light(caller)], [1, [['live', true]]]);
  await hangUp();
});

test('a call that comes while a number is typed is taken with the microphone that is open, on a connection of its own', { timeout: 60_000 }, async () => {
  await prepare(callee);
  assert.deepEqual(await light(callee), [['live', false]]);
  await talking();
  assert.deepEqual([await light(callee), await callee.evaluate('asked')], [[['live', true]], 1]);
  assert.equal(await callee.evaluate('call.connection.getTransceivers().length'), 1);
  await heard();
  await hangUp();
});

test('muted from the beginning, or with video: it is the microphone of that call all the same', { timeout: 60_000 }, async () => {
  await prepare(caller);
  await caller.evaluate(async () => {
    await dial('1002');
    call.mute(true);
  });
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  assert.deepEqual([await light(caller), await caller.evaluate('asked')], [[['live', false]], 1]);
  await hangUp();

  await prepare(caller);
  await callee.evaluate('window.call = undefined');
  await caller.evaluate(`Object.assign(window, { asked: 0 }), dial('1002', { video: true })`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  assert.equal(await callee.evaluate('call.remoteVideo'), true);
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  assert.equal(await caller.evaluate('asked'), 1, 'the camera');
  await heard();
  await hangUp();
});

test('the connection of a call is there before anybody calls, once, and goes with its phone', { timeout: 60_000 }, async () => {
  const open = () => caller.evaluate(`made.filter((it) => it.connectionState !== 'closed').length`);
  const used = async () => {
    await caller.waitForFunction(`made.some((it) => it.connectionState === 'new' && it.signalingState === 'stable')`);
    const before = await caller.evaluate('made.length');
    await talking();
    assert.equal(await caller.evaluate('made.length'), before, 'the call has made none');
    assert.equal(await open(), 1);
    await heard();
    await hangUp();
  };
  await used();
  await used();
  await caller.waitForFunction(`made.some((it) => it.connectionState === 'new')`);
  await prepare(caller);
  await caller.evaluate('phone.close()');
  await dark(caller);
  assert.equal(await open(), 0);
  await caller.evaluate('open({ session })');
  await caller.waitForFunction(`phone.registration.state === 'registered'`);
});

test('a microphone that is asked for in the turn of a call that never comes to be is let go', { timeout: 60_000 }, async () => {
  await caller.evaluate(`dial('1002').then(() => call.hangUp())`);
  await caller.waitForFunction(`call.state === 'ended' && mics.length === asked`);
  await dark(caller);
  await caller.evaluate(() => Promise.all([phone.call('1002').catch(() => undefined), phone.close()]));
  await caller.waitForFunction('mics.length === asked');
  await dark(caller);
  await caller.evaluate('open({ session })');
  await caller.waitForFunction(`phone.registration.state === 'registered'`);
});
