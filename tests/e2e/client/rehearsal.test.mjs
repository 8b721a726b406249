// A page that rests goes once through a call that nobody made, when its browser is idle, so that the first call finds the core compiled. Nothing
// of it is seen outside, it waits while there is something to do, and calls do without when it fails.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage, hears } from './harness.mjs';

/** In each page: idle when the test says so, and how often the core was called then; it may be broken for that long. */
const hands = () => {
  Object.assign(window, { idle: [], entered: 0, sent: 0, made: 0, rested: 0, watched: false, broken: false });
  window.requestIdleCallback = (work) => window.idle.push(work);
  const { instantiateStreaming } = WebAssembly;
  WebAssembly.instantiateStreaming = async (...what) => {
    const { instance, module } = await instantiateStreaming(...what);
    const exports = Object.fromEntries(Object.entries(instance.exports).map(([name, it]) => [name, typeof it === 'function' ? (...given) => {
      if (window.watched) window.entered += 1;
      if (window.watched && window.broken) throw new WebAssembly.RuntimeError('unreachable');
      return it(...given);
    } : it]));
    return { instance: { exports }, module };
  };
  window.rest = () => {
    Object.assign(window, { entered: 0, sent: 0, made: 0, watched: true });
    try {
      while (window.idle.length) window.idle.shift()();
    } finally {
      window.watched = false;
    }
    return [window.entered > 0, window.sent, window.made];
  };
  // So long after a call a page rests: nothing else shows where its next connection was not used up.
  const { setTimeout } = window;
  window.setTimeout = (work, ms, ...given) => setTimeout(() => {
    work(...given);
    if (ms === 300) window.rested += 1;
  }, ms);
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (frame) {
    window.sent += 1;
    send.call(this, frame);
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...how) {
      super(...how);
      window.made += 1;
    }
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

const idle = (page) => page.waitForFunction('idle.length === 1');
const seen = (page) => page.evaluate('[seen.registration.length, seen.incoming.length, phone.calls.length]');
const over = async (...pages) => {
  await caller.evaluate('call.hangUp()');
  for (const page of pages) await page.waitForFunction('phone.calls.length === 0');
};

test('what fails of it is not heard of', { timeout: 60_000 }, async () => {
  await idle(callee);
  await callee.evaluate('window.broken = true');
  assert.deepEqual(await callee.evaluate('rest()'), [true, 0, 0]);
});

test('it waits while there is a call, and for the next time that the page rests', { timeout: 60_000 }, async () => {
  await idle(caller);
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  assert.deepEqual(await caller.evaluate('rest()'), [false, 0, 0]);
  await over(caller, callee);
  await idle(caller);
  // Whoever rests again meanwhile asks for it no second time.
  await caller.evaluate('window.rested = 0');
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await over(caller, callee);
  await caller.waitForFunction('rested > 0');
  assert.equal(await caller.evaluate('idle.length'), 1);
});

test('no word of it leaves the page, it is gone through once, and the calls after it speak', { timeout: 60_000 }, async () => {
  const before = await seen(caller);
  assert.deepEqual(await caller.evaluate('rest()'), [true, 0, 0]);
  assert.deepEqual(await seen(caller), before, 'nothing is told of it');
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'active'`);
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
  for (const page of [caller, callee]) await page.evaluate('window.rested = 0');
  await over(caller, callee);
  for (const page of [caller, callee]) await page.waitForFunction('rested > 0');
  for (const page of [caller, callee]) assert.deepEqual([await page.evaluate('idle.length'), page.failure], [0, undefined]);
});
