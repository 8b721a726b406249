// The microphone is refused, missing, or taken away in the middle of the call: the person is told, the call goes on as far
// as it can, and nothing hangs. The browser's own permission and the machine's own sound devices, no stand-in for either.
import assert from 'node:assert/strict';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { hangsUp } from '../lib/ends.mjs';
import { inChinese } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { browsers, TONES } from '../lib/world.mjs';

const TOLERANCE = 0.02;
const hears = async (listener, hz) => {
  const heard = await hear(listener.page, hz, { tolerance: TOLERANCE, ms: 15_000 });
  assert.ok(Math.abs(heard.hz - hz) <= hz * TOLERANCE && heard.rms > SILENCE, `${listener.side} hears ${heard.hz} Hz at ${heard.rms}, not ${hz}`);
};
const hearsNothing = (listener) => until(async () => (await loudness(listener.page, 500)) < SILENCE, { ms: 8000, what: `${listener.side} hears nothing` });

/** What the person decides in the browser's settings. */
async function microphone(world, side, setting) {
  // What a session sets holds as long as the session.
  const browser = world.browsers[side];
  browser.settings ??= await browser.driver.target().createCDPSession();
  await browser.settings.send('Browser.setPermission', { permission: { name: 'microphone' }, setting, origin: world.origins[side] });
}

/** Rings at the callee. */
async function rings(world) {
  const call = await wakeAndTap(world);
  await ringing(world, call);
  return call;
}

// Only Chromium lets a test change a permission in the middle of a call.
for (const browser of browsers().filter((name) => name === 'chromium')) {
  suite('the microphone', { browser, site: {} }, (check) => {
    check('refused at the callee: told, it rings on, is taken without one, and the microphone comes when it is allowed', async (world) => {
      await microphone(world, 'callee', 'denied');
      const call = await rings(world);
      await call.page.page.waitForSelector('[data-testid="no-microphone"]');
      assert.match(await call.page.text('no-microphone'), /blocked/);
      assert.match(await inChinese(call.page, 'no-microphone'), /麦克风已被阻止/);
      await call.page.press('answer');
      // The browser refuses at once; the call is neither taken nor lost.
      await call.page.until('ringing');
      await world.caller.until('calling', { stage: 'ringing' });
      await call.page.press('listen');
      await call.page.until('active');
      await world.caller.until('active');
      await hears(call.page, TONES.caller);
      await hearsNothing(world.caller);
      assert.match(await call.page.text('no-microphone'), /cannot hear you/);
      assert.match(await inChinese(call.page, 'no-microphone'), /听不到您/);
      await microphone(world, 'callee', 'granted');
      await hears(world.caller, TONES.callee);
      await until(async () => (await call.page.count('no-microphone')) === 0, { what: 'the warning is gone' });
      await hangsUp(world, call, call.page);
    });

    check('taken away in the call: told, the other side is still heard, and it comes back', async (world) => {
      await microphone(world, 'callee', 'granted');
      const call = await rings(world);
      await answer(world, call);
      await hears(world.caller, TONES.callee);
      await microphone(world, 'callee', 'denied');
      await call.page.page.waitForSelector('[data-testid="no-microphone"]');
      assert.match(await call.page.text('no-microphone'), /cannot hear you/);
      await hearsNothing(world.caller);
      await hears(call.page, TONES.caller);
      assert.deepEqual([(await call.page.look()).state, (await world.caller.look()).state], ['active', 'active']);
      // Asking for it in vain says why, and ends nothing.
      await call.page.press('use-microphone');
      await until(async () => /blocked/.test(await call.page.text('no-microphone')), { what: 'the reason' });
      await microphone(world, 'callee', 'granted');
      await hears(world.caller, TONES.callee);
      await hangsUp(world, call, world.caller);
    });

    check('taken away from the caller in the call', async (world) => {
      const call = await rings(world);
      await answer(world, call);
      await hears(call.page, TONES.caller);
      await microphone(world, 'caller', 'denied');
      await world.caller.page.waitForSelector('[data-testid="no-microphone"]');
      await hearsNothing(call.page);
      await hears(world.caller, TONES.callee);
      await microphone(world, 'caller', 'granted');
      await hears(call.page, TONES.caller);
      await hangsUp(world, call, call.page);
    });

    check('refused at the caller: nobody is called, and the caller is told why', async (world) => {
      await microphone(world, 'caller', 'denied');
      try {
        const since = world.wire.log.mark();
        await world.caller.dial('1002');
        await world.caller.until('ended', { outcome: 'failed' });
        assert.match(await world.caller.text('ended-reason'), /microphone is blocked/);
        assert.match(await inChinese(world.caller, 'ended-reason'), /麦克风已被阻止/);
        assert.deepEqual(world.wire.log.filter((event) => event.side === 'caller' && event.name === 'sent' && /^INVITE /.test(event.text), since), []);
      } finally {
        await microphone(world, 'caller', 'granted');
      }
    });
  });

  suite('no microphone at all', { browser, site: {}, microphone: false }, (check) => {
    check('the callee is told, listens, and speaks once one is plugged in', async (world) => {
      const call = await rings(world);
      await call.page.press('answer');
      await call.page.page.waitForSelector('[data-testid="no-microphone"]');
      assert.match(await call.page.text('no-microphone'), /No microphone was found/);
      assert.match(await inChinese(call.page, 'no-microphone'), /未找到麦克风/);
      assert.equal((await call.page.look()).state, 'ringing');
      await call.page.press('listen');
      await call.page.until('active');
      await world.caller.until('active');
      await hears(call.page, TONES.caller);
      // A microphone that hears what this machine plays: the caller's own tone comes back to them.
      const module = await world.desktop.run('pactl', 'load-module', 'module-remap-source', 'master=nowhere.monitor', 'source_name=plugged', 'source_properties=device.description=plugged');
      try {
        await call.page.press('use-microphone');
        await until(async () => (await call.page.count('no-microphone')) === 0, { ms: 15_000, what: 'the call takes the microphone' });
        await hears(world.caller, TONES.caller);
      } finally {
        await world.desktop.run('pactl', 'unload-module', module);
      }
      await hangsUp(world, call, world.caller);
    });

    check('a call out is not made, and says why', async (world) => {
      const page = await world.calleeByHand();
      const since = world.wire.log.mark();
      await page.dial('1001');
      await page.until('ended', { outcome: 'failed' });
      assert.match(await page.text('ended-reason'), /No microphone was found/);
      assert.match(await inChinese(page, 'ended-reason'), /未找到麦克风/);
      assert.deepEqual(world.wire.log.filter((event) => event.side === 'callee' && event.name === 'sent' && /^INVITE /.test(event.text), since), []);
    });
  });
}
