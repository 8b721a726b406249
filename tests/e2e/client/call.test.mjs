// Two pages call each other through the real edge: what the JS API promises.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, hears, hearsNothing } from './harness.mjs';

let stage, caller, callee;

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001');
  callee = await stage.signedIn(two, '1002');
}, { timeout: 120_000 });

after(() => stage?.close(), { timeout: 30_000 });

const ended = (page) => page.waitForFunction(`call.state === 'ended'`).then(() => page.evaluate('call.end'));

async function ringing() {
  await Promise.all([caller, callee].map((page) => page.evaluate('window.call = undefined')));
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await caller.waitForFunction(`call.state === 'ringing'`);
}

async function talking() {
  await ringing();
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
}

test('a call rings, both hear the other tone, mute is silence, and hanging up ends it on both sides', { timeout: 60_000 }, async () => {
  await ringing();
  assert.deepEqual(await callee.evaluate('call.remote'), { number: '1001', displayName: 'Ada' });
  await callee.evaluate('call.answer()');
  assert.equal(await callee.evaluate('call.state'), 'active');
  await caller.waitForFunction(`call.state === 'active'`);
  const [, { rms }] = await Promise.all([hears(caller, 1000), hears(callee, 440)]);

  await caller.evaluate('call.mute(true)');
  assert.equal(await caller.evaluate('call.muted'), true);
  await hearsNothing(callee, rms);
  await caller.evaluate('call.mute(false)');
  await hears(callee, 440);

  await callee.evaluate('call.hangUp()');
  assert.deepEqual(await ended(callee), { outcome: 'hungup', status: 0, reason: '', by: 'local' });
  const end = await ended(caller);
  assert.deepEqual([end.outcome, end.by], ['hungup', 'remote']);
  for (const page of [caller, callee]) assert.equal(await page.evaluate('phone.calls.length'), 0);
});

test('a decline is one at the caller', { timeout: 30_000 }, async () => {
  await ringing();
  await callee.evaluate('call.reject()');
  const end = await ended(caller);
  assert.deepEqual([end.outcome, end.status, end.by], ['declined', 603, 'remote']);
});

test('a caller who gives up is cancelled at the callee', { timeout: 30_000 }, async () => {
  await ringing();
  await caller.evaluate('call.hangUp()');
  assert.equal((await ended(callee)).outcome, 'cancelled');
  assert.equal((await ended(caller)).outcome, 'cancelled');
});

test('unknown lines and lines without a device say so', { timeout: 30_000 }, async () => {
  await stage.account('1003', 'Cy');
  await caller.evaluate(`dial('9999')`);
  assert.equal((await ended(caller)).outcome, 'unknown');
  await caller.evaluate(`dial('1003')`);
  assert.equal((await ended(caller)).outcome, 'unbound');
});

test('the microphone is let go at the end of each call', { timeout: 30_000 }, async () => {
  await caller.evaluate(() => {
    window.mics = [];
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wanted) => { const s = await ask(wanted); mics.push(...s.getTracks()); return s; };
  });
  await talking();
  assert.deepEqual(await caller.evaluate('mics.map((t) => t.readyState)'), ['live']);
  await callee.evaluate('call.hangUp()');
  await ended(caller);
  assert.deepEqual(await caller.evaluate('mics.map((t) => t.readyState)'), ['ended']);
});
