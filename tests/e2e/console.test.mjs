// Every world that closes reads what its pages and service workers have written to their consoles (tests/lib/console.mjs). Here
// is what that reading sees: a page and a worker that tell, in a world of their own.
import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { leaks, treasures } from '../lib/console.mjs';
import { until } from '../lib/events.mjs';
import { mainBrowsers, NUMBERS, World } from '../lib/world.mjs';

const PAGE = join(dirname(fileURLToPath(import.meta.url)), '../../www/dist');
const assets = mkdtempSync(join(tmpdir(), 'wakeline-telling-'));
cpSync(PAGE, assets, { recursive: true });
writeFileSync(join(assets, 'telling.js'), "onmessage = ({ data }) => { console.info('the worker tells', data); };");
after(() => rmSync(assets, { recursive: true, force: true }));

for (const browser of mainBrowsers()) {
  test(`what a page or a worker tells its console is found, in ${browser}`, { timeout: 120_000 }, async () => {
    const world = await World.open({ browser, assets });
    try {
      await world.callerReady();
      await world.calleeAsleep();
      const page = await world.calleeByHand();
      await page.until(['keypad', 'missed'], { registration: 'registered' });
      const lines = () => world.browsers.callee.consoleLines();
      assert.deepEqual(leaks(lines(), treasures(world)), [], 'so far nobody has told anything');

      const token = await world.edge.token(NUMBERS.callee);
      const told = [['a number', NUMBERS.caller], ['a name', 'Grace'], ['a password', world.accounts.callee.password], ['a push key', world.subscription.keys.auth]];
      await page.page.evaluate((values) => {
        for (const [, value] of values) console.warn('the page tells', value);
        console.log('nothing of importance: 10012, 127.0.0.1:1001');
      }, told);
      await page.page.evaluate(async (values) => {
        const { installing, waiting, active } = await navigator.serviceWorker.register('/telling.js', { scope: '/telling/' });
        for (const [, value] of values) (installing ?? waiting ?? active).postMessage(value);
      }, told);
      const found = await until(() => {
        const all = leaks(lines(), treasures(world));
        return all.length >= told.length * 2 && all;
      }, { what: 'page and worker are read' });
      assert.equal(found.length, told.length * 2, found.join('\n'));
      for (const [what] of told) {
        for (const who of ['the page tells', 'the worker tells']) {
          assert.ok(found.some((line) => line.startsWith(what) && line.includes(who)), `${who} ${what}`);
        }
      }
      assert.ok(leaks([`token ${token}`], [['a token', token]]).length, 'a token is looked for whole');
      // It would not close otherwise.
      await assert.rejects(world.close(), /nobody’s business/);
    } finally {
      await world.close().catch(() => {});
    }
  });
}
