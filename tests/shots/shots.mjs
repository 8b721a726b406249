/**
 * A picture of every state of the page, through its real components: `node tests/shots/shots.mjs DIR [STATE…]`.
 * A phone that stands or lies, and a desktop, light and dark, English and Chinese. Fails if a page scrolls sideways, text
 * is cut off, or a control has no name or is too small to be touched.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import puppeteer from 'puppeteer-core';
import { build, preview } from 'vite';

const [dir, ...only] = process.argv.slice(2);
if (!dir) {
  console.error('usage: node tests/shots/shots.mjs DIR [STATE…]');
  process.exit(2);
}
const widths = { phone: { width: 360, height: 740, deviceScaleFactor: 2 }, lying: { width: 640, height: 360 }, desktop: { width: 1100, height: 800 } };
const root = resolve(import.meta.dirname, '../../www');
const outDir = join(tmpdir(), `wakeline-shots-${process.pid}`);

await build({ configFile: false, root, logLevel: 'warn', build: { outDir, emptyOutDir: true, target: 'es2023', rolldownOptions: { input: join(root, 'shots.html') } } });
const server = await preview({ configFile: false, root, logLevel: 'warn', build: { outDir }, preview: { host: '127.0.0.1', port: 0 } });
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--force-prefers-reduced-motion', '--hide-scrollbars'],
});
let count = 0;
const faults = [];
try {
  await mkdir(dir, { recursive: true });
  const page = await browser.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  const base = `${server.resolvedUrls.local[0]}shots.html`;
  for (const [width, viewport] of Object.entries(widths)) {
    await page.setViewport(viewport);
    for (const scheme of ['light', 'dark']) {
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }, { name: 'prefers-reduced-motion', value: 'reduce' }]);
      for (const language of ['en', 'zh']) {
        await page.goto(`${base}#starting,${language}`);
        await page.waitForFunction(() => globalThis.shots);
        const states = await page.evaluate(() => globalThis.shots);
        for (const state of only.length ? only : states) {
          const name = `${state}.${width}.${scheme}.${language}`;
          const found = await page.evaluate(async (hash) => {
            location.hash = hash;
            const app = document.querySelector('wakeline-app');
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
            const screen = app.querySelector('main > *');
            await customElements.whenDefined(screen.localName.includes('-') ? screen.localName : 'wakeline-app');
            await screen.updateComplete;
            await document.fonts.ready;
            const faults = document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways'] : [];
            for (const element of app.querySelectorAll('main *, nav *, header *')) {
              if (element.closest('.sr, svg, .avatar')) continue; // the avatar's rings reach out of it
              if (element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0) faults.push(`cuts off "${element.textContent.trim().slice(0, 40)}"`);
            }
            for (const control of app.querySelectorAll('button, input, select')) {
              const named = control.getAttribute('aria-label') || control.textContent.trim() || control.labels?.length;
              // A box is ticked by its words, too.
              const { width, height } = (control.closest('label.check') ?? control).getBoundingClientRect();
              if (!named) faults.push(`has a control without a name: ${control.outerHTML.slice(0, 60)}`);
              if (Math.min(width, height) < 36) faults.push(`has a small control: ${control.outerHTML.slice(0, 60)}`);
            }
            return faults;
          }, `${state},${language}`);
          faults.push(...found.map((fault) => `${name} ${fault}`));
          await writeFile(join(dir, `${name}.png`), await page.screenshot({ fullPage: true }));
          count += 1;
        }
      }
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`${count} pictures in ${dir}`);
for (const fault of faults) console.error(fault);
process.exit(faults.length ? 1 : 0);
