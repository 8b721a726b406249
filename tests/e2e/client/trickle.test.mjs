// Candidates that come late: a page that is called does not wait for them where the caller takes them later (RFC 8840), and the caller
// gets them in the call. The first offer waits, as ever.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Translator, behind } from '../../lib/translator.mjs';
import { Stage, hears, left } from './harness.mjs';

let stage, caller, callee, nat;

before(async () => {
  nat = await Translator.open();
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  [caller, callee] = await Promise.all([[440, '1001'], [1000, '1002']].map(async ([hz, number]) => stage.signedIn(await stage.browser(hz), number, { before: behind })));
  await callee.evaluate(async (port) => {
    await phone.close();
    await open({ session, iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
  }, nat.port);
  await callee.waitForFunction(`phone.registration.state === 'registered'`);
}, { timeout: 120_000 });

after(async () => {
  await stage?.close();
  nat?.close();
}, { timeout: 30_000 });

test('an answer goes out with what is there; what comes later arrives in the call', { timeout: 90_000 }, async () => {
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  const [answer] = await caller.evaluate('described');
  assert.match(answer, / typ host/);
  assert.doesNotMatch(answer, / typ srflx/);
  await caller.waitForFunction(`/ typ srflx/.test(call.connection.remoteDescription.sdp)`, { timeout: 30_000 });
  assert.equal(await caller.evaluate('described.length'), 1, 'no further description was needed');
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
  await caller.evaluate('call.hangUp()');
  await callee.waitForFunction('phone.calls.length === 0');
});

test('a first offer waits for them half a second, and has what came; nobody is sent more before there is a dialog', { timeout: 90_000 }, async () => {
  await Promise.all([caller, callee].map((page) => page.evaluate('window.call = undefined; window.described.length = 0')));
  const ms = await left(callee, '1001');
  assert.ok(ms > 490, `${ms} ms`);
  await caller.waitForFunction(`window.call?.state === 'incoming'`);
  await caller.evaluate('call.answer()');
  await callee.waitForFunction(`call.state === 'active'`);
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
});
