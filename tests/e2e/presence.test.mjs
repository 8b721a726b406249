// The keypad says what a caller can expect of the number on it, and never a state of before as if it were of now.
import assert from 'node:assert/strict';
import { until } from '../lib/events.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/** Awaits what the keypad says of its number; answers the words. */
async function says(phone, state, { ms = 25_000 } = {}) {
  try {
    await phone.page.waitForSelector(`[data-testid="peer"][data-peer="${state}"]`, { timeout: ms });
  } catch (error) {
    const shown = await phone.page.$eval('[data-testid="peer"]', (element) => `${element.dataset.peer}: ${element.textContent.trim()}`).catch(() => 'nothing');
    throw new Error(`the keypad does not say ${state} but ${shown}`, { cause: error });
  }
  return phone.text('peer');
}

suite('the state of the number on the keypad', { browser: mainBrowsers()[0] }, (check) => {
  check('asleep, online when the page opens, hidden when they hide; unknown looks like hidden', async (world) => {
    const { caller } = world;
    await caller.type('dial-input', NUMBERS.callee);
    assert.equal(await says(caller, 'asleep'), 'Away; your call wakes their device');
    assert.equal(await caller.page.$eval('[data-testid="peer"]', (element) => element.getAttribute('role')), 'status');
    const callee = await world.calleeByHand();
    await callee.until('keypad', { registration: 'registered' });
    assert.equal(await says(caller, 'online'), 'Online now');
    // The callee hides, in its own settings.
    await callee.press('nav-devices');
    await callee.press('visible');
    await callee.page.waitForSelector('[data-testid="visible"][aria-checked="false"]', { timeout: 10_000 });
    // Typed anew it is looked up anew; whoever waits reads it a little later.
    await caller.type('dial-input', '4040');
    const nobody = await says(caller, 'unknown');
    await caller.type('dial-input', NUMBERS.callee);
    const hidden = await says(caller, 'unknown');
    assert.equal(hidden, nobody);
    await callee.press('visible');
    await callee.page.waitForSelector('[data-testid="visible"][aria-checked="true"]', { timeout: 10_000 });
    await caller.type('dial-input', NUMBERS.callee);
    await says(caller, 'online');
    // Another digit takes it away at once.
    await caller.page.keyboard.press('End');
    await caller.page.keyboard.type('9');
    assert.equal(await caller.page.$eval('[data-testid="peer"]', (element) => element.textContent.trim()), '');
  });

  check('an edge that cannot be asked leaves the last state, and says that it is old', async (world) => {
    const { caller } = world;
    await caller.type('dial-input', NUMBERS.callee);
    await says(caller, 'asleep');
    let words;
    await world.edge.restart({ between: async () => { words = await says(caller, 'old', { ms: 45_000 }); } });
    assert.match(words, /^Last known .*: Away/);
    await caller.until(['keypad'], { registration: 'registered', ms: 60_000 });
    // Whoever types a number meanwhile goes on.
    assert.equal(await caller.page.evaluate(() => document.activeElement?.dataset.testid), 'dial-input');
    await says(caller, 'asleep');
  }, { timeout: 150_000 });

  check('in Chinese it is said in Chinese', async (world) => {
    const { caller } = world;
    const word = async () => caller.page.$eval('html', (element) => element.lang);
    await caller.press('nav-devices');
    await caller.page.waitForSelector('[data-testid="visible"]', { timeout: 10_000 });
    const choice = await caller.page.waitForSelector('[data-language="zh"]', { visible: true, timeout: 10_000 });
    await choice.click();
    await until(async () => await word() === 'zh-CN');
    try {
      await caller.press('nav-keypad');
      await caller.type('dial-input', NUMBERS.callee);
      assert.equal(await says(caller, 'asleep'), '对方不在线，呼叫会唤醒其设备');
    } finally {
      await caller.press('nav-devices');
      const back = await caller.page.waitForSelector('[data-language="en"]', { visible: true, timeout: 10_000 });
      await back.click();
      await until(async () => await word() === 'en');
    }
  });
});
