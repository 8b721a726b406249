// What a person does in a call, at the width of a small phone and without a mouse: the other side held, digits, sent elsewhere, a second call.
import assert from 'node:assert/strict';
import { hear } from '../lib/audio.mjs';
import { talking } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { inBoth } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { atRest, third } from '../lib/third.mjs';
import { mainBrowsers, TONES } from '../lib/world.mjs';

const LIN = '1003';
const TOLERANCE = 0.02;
const near = (heard, hz) => Math.abs(heard - hz) <= hz * TOLERANCE;
const hears = async (listener, hz) => {
  const heard = await hear(listener.page, hz, { tolerance: TOLERANCE, ms: 15_000 });
  assert.ok(near(heard.hz, hz), `${listener.side} hears ${heard.hz} Hz, not ${hz}`);
};
const focused = ({ page }) => page.evaluate(() => {
  const { activeElement } = document;
  return activeElement.dataset.testid ?? (activeElement.matches('summary') ? `${activeElement.parentElement.dataset.testid}'s title` : activeElement.localName);
});

/** Tab, until this control has the focus; it, all of it, is to be seen then, and not behind another one. */
async function tabTo(phone, id) {
  const seen = [];
  for (let times = 0; times < 40; times += 1) {
    await phone.page.keyboard.press('Tab');
    seen.push(await focused(phone));
    if (seen.at(-1) !== id) continue;
    await phone.page.waitForFunction(() => {
      const { left, right, top, bottom } = document.activeElement.getBoundingClientRect();
      const at = (x, y) => document.activeElement.contains(document.elementFromPoint(x, y));
      return top >= 0 && bottom <= innerHeight && left >= 0 && right <= innerWidth && [top + 3, (top + bottom) / 2, bottom - 3].every((y) => at((left + right) / 2, y));
    }, { timeout: 5000, polling: 50 });
    return;
  }
  assert.fail(`no ${id} among ${seen}`);
}

async function enter(phone, id) {
  await tabTo(phone, id);
  await phone.page.keyboard.press('Enter');
}
const speaksWith = ({ page }, name) => page.waitForFunction((name) => document.querySelector('[data-testid="remote-name"]')?.textContent.match(name), { timeout: 15_000, polling: 50 }, name);

/** A small phone, turned on its side. */
const LIES = { width: 640, height: 360 };

for (const browser of mainBrowsers()) {
  suite('in the call, by keyboard', { browser, site: {} }, (check) => {
    let lin;
    const withLin = (name, body, size = { width: 360, height: 640 }) => check(name, async (world) => {
      lin ??= await third(world, await world.edge.account(LIN, { display_name: 'Lin' }));
      await atRest(lin);
      const call = await talking(world);
      await world.caller.page.setViewport(size);
      await body(world, call.page);
      await atRest(lin);
    });

    withLin('hold and resume, then digits: typed, and by the keys', async (world, other) => {
      const { caller } = world;
      await enter(caller, 'hold');
      await caller.page.waitForSelector('[data-testid="held"]');
      await other.page.waitForSelector('[data-testid="remote-held"]');
      assert.equal(await focused(caller), 'hold', 'the same key resumes');
      await caller.page.keyboard.press('Space');
      await other.page.waitForSelector('[data-testid="remote-held"]', { hidden: true });
      await hears(other, TONES.caller);

      await enter(caller, "keys's title");
      // 1 is 697 and 1209 Hz; the page of the other side plays what comes as events.
      const tones = Promise.race([697, 1209].map((hz) => until(async () => (await hear(other.page, hz, { tolerance: TOLERANCE, ms: 2000, enough: 1 })).hits > 0, { ms: 20_000, what: `${hz} Hz` })));
      await caller.page.keyboard.type('1'.repeat(12));
      await tabTo(caller, 'digit-5');
      await caller.page.keyboard.press('Enter');
      await tones;
      assert.equal(await caller.page.$eval('[data-testid="keys"] output', (it) => it.textContent), `${'1'.repeat(12)}5`);
      await enter(caller, 'hang-up');
      await other.until('ended', { outcome: 'hungup' });
    });

    withLin('the other side holds before all digits are sent: the page says so, until the next one', async (world, other) => {
      const { caller } = world;
      const shown = () => caller.page.$eval('[data-testid="keys"] output', (it) => it.textContent);
      await enter(caller, "keys's title");
      await caller.page.keyboard.type('1'.repeat(12));
      await other.page.click('[data-testid="hold"]');
      await caller.page.waitForSelector('[data-testid="digits-refused"]');
      assert.match(await inBoth(caller, 'digits-refused'), /Not all digits were sent.*部分按键未发送/s);
      assert.equal(await shown(), '');
      await other.page.click('[data-testid="hold"]');
      await caller.page.waitForSelector('[data-testid="remote-held"]', { hidden: true });
      await caller.page.keyboard.type('2');
      await caller.page.waitForSelector('[data-testid="digits-refused"]', { hidden: true });
      assert.equal(await shown(), '2');
      await enter(caller, 'hang-up');
      await other.until('ended', { outcome: 'hungup' });
    });

    withLin('sent elsewhere: declined there, then taken', async (world, other) => {
      const { caller } = world;
      const send = async () => {
        await tabTo(caller, 'elsewhere-number');
        await caller.page.keyboard.type(LIN);
        await enter(caller, 'transfer');
        await lin.until('ringing');
        await caller.page.waitForSelector('[data-testid="transfer-state"]');
      };
      await enter(caller, "elsewhere's title");
      await send();
      await lin.press('decline');
      await caller.page.waitForFunction(() => /failed/.test(document.querySelector('[data-testid="transfer-state"]')?.textContent ?? ''), { polling: 50 });
      assert.match(await inBoth(caller, 'transfer-state'), /the call goes on.*通话继续/s);
      assert.equal((await caller.look()).state, 'active');

      await atRest(lin);
      await caller.page.$eval('[data-testid="elsewhere-number"]', (it) => { it.value = ''; it.dispatchEvent(new Event('input')); });
      await send();
      await lin.press('answer');
      await caller.until('ended');
      await speaksWith(other, 'Lin|1003');
      await Promise.all([lin.until('active'), other.until('active')]);
      await hears(lin, TONES.callee);
      await lin.press('hang-up');
      await other.until('ended', { outcome: 'hungup' });
    }, LIES);

    withLin('a second call beside the first, back and forth, then the two others are connected', async (world, other) => {
      const { caller } = world;
      await enter(caller, "elsewhere's title");
      await tabTo(caller, 'elsewhere-number');
      await caller.page.keyboard.type(LIN);
      await enter(caller, 'call-too');
      await lin.until('ringing');
      await other.page.waitForSelector('[data-testid="remote-held"]');
      await lin.press('answer');
      await caller.page.waitForSelector('[data-testid="beside"]');
      await speaksWith(caller, 'Lin|1003');
      await hears(lin, TONES.caller);

      await enter(caller, 'switch');
      await other.page.waitForSelector('[data-testid="remote-held"]', { hidden: true });
      await lin.page.waitForSelector('[data-testid="remote-held"]');
      await hears(other, TONES.caller);
      assert.equal(await caller.page.evaluate(() => document.querySelector('main').contains(document.activeElement)), true, 'the focus is still in the screen');

      await enter(caller, 'connect');
      await caller.until('ended');
      await Promise.all([speaksWith(other, 'Lin|1003'), lin.until('active'), other.until('active')]);
      await hears(lin, TONES.callee);
      await lin.press('hang-up');
      await other.until('ended', { outcome: 'hungup' });
    });
  });
}
