// What a person sees and does of the video of a call: the camera's button, the other side's picture, oneself in small, the other side's no.
import assert from 'node:assert/strict';
import { ringsByHand } from '../lib/ends.mjs';
import { inBoth } from '../lib/story.mjs';
import { suite } from '../lib/suite.mjs';
import { mainBrowsers } from '../lib/world.mjs';

/** Until this page shows a picture that goes on. Firefox counts no frames of what does not come from a file: they are awaited one by one. */
const shows = async ({ page }, id) => {
  const going = async (id) => {
    const view = document.querySelector(`[data-testid="${id}"] video`);
    if (!view?.videoWidth) return false;
    for (let frames = 0; frames < 5; frames += 1) {
      const next = new Promise((resolve) => view.requestVideoFrameCallback(() => resolve(true)));
      if (!(await Promise.race([next, new Promise((resolve) => setTimeout(resolve, 3000, false))]))) return false;
    }
    return true;
  };
  await page.waitForFunction(going, { timeout: 30_000, polling: 100 }, id);
};
const press = async ({ page }, id) => {
  await page.waitForSelector(`[data-testid="${id}"]:not([disabled], [aria-disabled="true"])`, { timeout: 20_000 });
  await page.$eval(`[data-testid="${id}"]`, (it) => it.scrollIntoView({ block: 'center' }));
  await page.click(`[data-testid="${id}"]`);
};
const gone = ({ page }, id) => page.waitForFunction((id) => !document.querySelector(`[data-testid="${id}"]`), { timeout: 20_000, polling: 100 }, id);

for (const browser of mainBrowsers()) {
  suite('video', { browser, site: {} }, (check) => {
    check('a camera is shown in a call of sound, by one and then by both, and taken away again', async (world) => {
      const { page } = await ringsByHand(world);
      const loaded = () => page.page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /\/assets\/(media|video)-/.test(name)).length);
      assert.equal(await loaded(), 0, 'nothing of it is loaded ahead');
      assert.equal(await page.count('answer-video'), 0, 'no video is offered');
      await page.press('answer');
      await page.until('active');
      await world.caller.until('active');

      await page.page.waitForSelector('[data-testid="camera"]', { timeout: 20_000 });
      await world.caller.page.waitForSelector('[data-testid="camera"]', { timeout: 20_000 });
      await press(page, 'camera');
      await shows(page, 'own-video');
      await shows(world.caller, 'remote-video');
      assert.equal(await world.caller.count('own-video'), 0, 'nobody is seen who did not say so');
      await page.pressed('camera', true);
      assert.equal(await world.caller.page.$eval('[data-testid="remote-video"] video', (it) => Boolean(it.getAttribute('aria-label'))), true);

      await press(world.caller, 'camera');
      await shows(page, 'remote-video');
      await press(page, 'camera');
      await gone(world.caller, 'remote-video');
      await shows(page, 'remote-video');

      await world.caller.press('hang-up');
      await page.until('ended', { outcome: 'hungup' });
      assert.equal(await page.count('pictures'), 0);
    });

    check('a video call rings as one; whoever answers without video talks, and the caller reads why nobody is seen', async (world) => {
      const { page } = await ringsByHand(world, { dial: 'dial-video' });
      assert.equal(await page.page.$eval('[data-testid="answer-video"]', (it) => it.getAttribute('aria-label')), 'Answer with video');
      await page.press('answer');
      await page.until('active');
      await world.caller.until('active');
      await world.caller.page.waitForSelector('[data-testid="video-problem"][data-problem="refused"]', { timeout: 20_000 });
      assert.match(await inBoth(world.caller, 'video-problem'), /takes no video.*不接受视频/s);
      await press(page, 'camera');
      await shows(world.caller, 'remote-video');
      await world.caller.press('hang-up');
      await page.until('ended', { outcome: 'hungup' });
    });

    check('a video call that is answered with video shows both', async (world) => {
      const { page } = await ringsByHand(world, { dial: 'dial-video' });
      await page.press('answer-video');
      await page.until('active');
      await Promise.all([shows(page, 'remote-video'), shows(world.caller, 'remote-video'), shows(page, 'own-video')]);
      await page.press('hang-up');
      await world.caller.until('ended', { outcome: 'hungup' });
    });
  });
}
