// The measure for a wake: how long the same browser takes from the same kind of tap to a page of
// less than a kilobyte from the same edge.
import { randomBytes } from 'node:crypto';
import { until } from './events.mjs';
import { atRest } from './rest.mjs';

/**
 * Pushes a notification that opens /bare, taps it, and answers the ms from the tap to `load`. As with a wake, the browser
 * is at rest before and no driver looks on.
 */
export async function bareLoad(world) {
  const since = world.notifications.log.mark();
  const wire = world.wire.log.mark();
  const id = randomBytes(16).toString('base64url');
  const navigate = `${world.origins.callee}/bare?wake=${id}`;
  await world.pushToCallee({
    web_push: 8030,
    notification: { title: 'bare', body: 'bare', navigate, tag: id, silent: true, lang: 'en' },
    mutable: true,
    wakeline: { kind: 'bare', wake: id },
  });
  await world.notifications.shown((one) => one.title === 'bare', { since, what: 'the notification of the bare page' });
  const browser = world.browsers.callee;
  await browser.detach();
  await atRest(browser.process);
  const tap = await world.notifications.click();
  await world.wire.log.wait((event) => event.name === 'response' && event.path.includes(id), { since: wire, what: 'the bare page is served' });
  await atRest(browser.process);
  await browser.attach();
  const page = await until(async () => (await browser.driver.pages()).find((candidate) => candidate.url().startsWith(`${world.origins.callee}/bare`)), {
    what: 'the bare page opens',
  });
  const loaded = await until(
    () => page.evaluate(() => {
      const [entry] = performance.getEntriesByType('navigation');
      return entry?.loadEventEnd > 0 ? performance.timeOrigin + entry.loadEventEnd : null;
    }).catch(() => null),
    { what: 'the bare page is loaded' },
  );
  await page.close();
  return Math.round(loaded - tap.at);
}
