// What a person sees and sets of the sound: how good a call is, another microphone in the middle of it, a recording, the check before.
import assert from 'node:assert/strict';
import { hear } from '../lib/audio.mjs';
import { ringsByHand } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { inBoth } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { browsers, TONES } from '../lib/world.mjs';

const TOLERANCE = 0.02;
const hears = async (listener, hz) => {
  const heard = await hear(listener.page, hz, { tolerance: TOLERANCE, ms: 15_000 });
  assert.ok(Math.abs(heard.hz - hz) <= hz * TOLERANCE, `${listener.side} hears ${heard.hz} Hz, not ${hz}`);
};

for (const browser of browsers().filter((name) => name === 'chromium')) {
  suite('the sound', { browser, site: {} }, (check) => {
    check('in a call: its quality, another microphone, what is done to the voice, and a recording with its notice', async (world) => {
      const { page } = await ringsByHand(world);
      assert.equal(await page.page.evaluate(() => performance.getEntriesByType('resource').some(({ name }) => /\/assets\/media-/.test(name))), false, 'nothing of it is loaded ahead');
      await page.press('answer');
      await page.until('active');
      await world.caller.until('active');

      await page.page.waitForSelector('[data-testid="quality"]', { timeout: 20_000 });
      assert.match(await inBoth(page, 'quality'), /Sound: .*声音质量：/s);

      const click = async (selector) => {
        await page.page.$eval(selector, (it) => it.scrollIntoView({ block: 'center' }));
        await page.page.click(selector);
      };
      await click('[data-testid="sound"] summary');
      await page.page.waitForFunction(() => document.querySelector('[data-testid="level-input"]')?.value > 0, { timeout: 15_000 });
      const inputs = await page.page.$$eval('[data-testid="sound-input"] option', (options) => options.map(({ value }) => value));
      assert.ok(inputs.length > 1 && inputs[0] === '', JSON.stringify(inputs));
      await page.page.select('[data-testid="sound-input"]', inputs.at(-1));
      await page.page.waitForFunction((id) => document.querySelector('wakeline-app').state.media.settings.input === id, { timeout: 15_000 }, inputs.at(-1));
      assert.equal(await page.count('sound-refused'), 0);
      await click('[data-testid="sound-noiseSuppression"]');
      await page.page.waitForFunction(() => document.querySelector('wakeline-app').state.media.settings.noiseSuppression === false);
      assert.equal(JSON.parse(await page.page.evaluate(() => localStorage.getItem('wakeline:sound'))).input, inputs.at(-1));
      await hears(page, TONES.caller);

      await page.page.evaluate(() => {
        window.saved = [];
        const make = URL.createObjectURL.bind(URL);
        URL.createObjectURL = (file) => {
          window.saved.push({ type: file.type, size: file.size });
          return make(file);
        };
      });
      await page.press('record');
      // The other side is told, and says so to its user; whoever records knows of it.
      await world.caller.page.waitForSelector('[data-testid="recorded"]', { timeout: 20_000 });
      assert.match(await inBoth(world.caller, 'recorded'), /is recording this call.*正在录制本次通话/s);
      await page.page.waitForSelector('[data-testid="recording"][data-told="true"]', { timeout: 20_000 });
      assert.match(await inBoth(page, 'recording'), /is shown it.*已看到提示/s);
      await hears(page, TONES.caller);
      // It ends with its call, and is saved.
      await world.caller.press('hang-up');
      await page.until('ended', { outcome: 'hungup' });
      const [file] = await until(async () => {
        const saved = await page.page.evaluate('window.saved');
        return saved.length ? saved : null;
      }, { what: 'the recording is saved' });
      assert.match(file.type, /^audio\//);
      assert.ok(file.size > 1000, `${file.size} octets`);
    });

    check('before a call: the check tries each thing, and says so in both languages', async (world) => {
      const page = await world.calleeByHand();
      await page.until('keypad', { registration: 'registered' });
      await page.press('nav-devices');
      await page.until('devices');
      await page.press('open-sound');
      await page.until('sound');
      await page.press('check');
      await page.page.waitForSelector('[data-testid="check-result"]', { timeout: 40_000 });
      const results = await page.page.$$eval('[data-testid^="check-"][data-result]', (steps) => steps.map((step) => [step.dataset.testid, step.dataset.result]));
      assert.deepEqual(results.map(([name]) => name), ['microphone', 'socket', 'registration', 'stun', 'turn', 'loopback'].map((name) => `check-${name}`));
      assert.ok(results.every(([, result]) => result !== 'failed'), JSON.stringify(results));
      assert.match(await inBoth(page, 'check-result'), /Everything is fine.*一切正常/s);
    });
  });
}
