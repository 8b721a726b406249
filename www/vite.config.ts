/**
 * Builds the page to `dist`, which the worker serves as it is. What the first paint needs is asked for in `index.html`
 * itself; the service worker is one file of its own, with the list of the shell's files written into it.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build, defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const out = join(here, 'dist');

/** What compiles the wasm core runs as a script of its own, before the page's code has been parsed. */
const startFirst = (): Plugin => ({
  name: 'wakeline:start-first',
  transformIndexHtml: {
    order: 'post',
    handler: (_html, { bundle }) => {
      const files = Object.values(bundle ?? {});
      const start = files.find((file) => file.type === 'chunk' && file.name === 'start');
      const core = files.find((file) => file.fileName.endsWith('.wasm'));
      if (!start || !core) throw new Error('the build has no start chunk or no wasm');
      return [
        { tag: 'link', attrs: { rel: 'preload', href: `/${core.fileName}`, as: 'fetch', type: 'application/wasm', crossorigin: true }, injectTo: 'head-prepend' },
        { tag: 'script', attrs: { type: 'module', crossorigin: true, src: `/${start.fileName}` }, injectTo: 'head-prepend' },
      ];
    },
  },
});

/** `/sw.js`: unhashed, classic, with the precache list. */
const serviceWorker = (): Plugin => ({
  name: 'wakeline:service-worker',
  apply: 'build',
  closeBundle: {
    sequential: true,
    async handler() {
      const assets = readdirSync(join(out, 'assets')).sort().map((file) => `/assets/${file}`);
      const rest = ['/manifest.webmanifest', '/icons/icon.svg', '/icons/icon-192.png', '/icons/badge-96.png'];
      const digest = createHash('sha256');
      for (const file of ['/index.html', ...assets, ...rest]) digest.update(file).update(readFileSync(join(out, file)));
      await build({
        configFile: false,
        root: here,
        logLevel: 'warn',
        publicDir: false,
        define: {
          __PRECACHE__: JSON.stringify(['/', ...assets, ...rest]),
          __BUILD__: JSON.stringify(digest.digest('base64url').slice(0, 12)),
        },
        build: {
          outDir: out,
          emptyOutDir: false,
          rolldownOptions: { input: join(here, 'src/sw/index.ts'), output: { format: 'iife', entryFileNames: 'sw.js' } },
        },
      });
    },
  },
});

export default defineConfig({
  root: here,
  resolve: { alias: { wakeline: join(here, '../client-wasm/js/index.ts') } },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { input: { index: join(here, 'index.html'), start: join(here, 'src/start.ts') } },
  },
  plugins: [startFirst(), serviceWorker()],
});
