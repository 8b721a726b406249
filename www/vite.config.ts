/**
 * Builds the page to `dist`, which the worker serves as it is. What the first paint needs is asked for in `index.html`
 * itself; the service worker is one file of its own, with the list of the shell's files written into it.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { build, defineConfig, type Plugin } from 'vite';

const here = import.meta.dirname;
const out = join(here, 'dist');
/** In `public/_headers`: where the digest of the page's first script goes. */
const START = '%START%';

/**
 * What a caller waits for stands ahead of all else: `start.ts` with the style sheet in the page itself, allowed by its
 * digest. It fetches the rest when it is time: the phone (`boot.ts`), what renders beside it, the core.
 */
const startFirst = (): Plugin => ({
  name: 'wakeline:start-first',
  transformIndexHtml: {
    order: 'post',
    handler: (html, { bundle }) => {
      const files = Object.values(bundle ?? {});
      const chunk = (name: string) => files.filter((file) => file.type === 'chunk').find((file) => file.name === name);
      const [main, core] = [chunk('main'), files.find((file) => file.fileName.endsWith('.wasm'))];
      const [entry, boot] = /<script [^>]*type="module"[^>]* src="([^"]+)"[^>]*><\/script>/.exec(html) ?? [];
      if (!main || !core || !entry || !boot) throw new Error('the build has no main chunk, no wasm or no first module');
      const bundled = (file: string, define = {}): string => {
        const [out] = buildSync({ entryPoints: [join(here, file)], define, bundle: true, minify: true, format: 'iife', target: 'es2023', external: ['/icons/*', '/assets/*'], write: false }).outputFiles;
        return out?.text.trim() ?? '';
      };
      const start = bundled('src/start.ts', {
        __CORE__: JSON.stringify(`/${core.fileName}`),
        __BOOT__: JSON.stringify(boot),
        __MODULES__: JSON.stringify([main.fileName, ...main.imports].map((file) => `/${file}`).filter((file) => file !== boot)),
        __STYLE__: JSON.stringify(bundled('src/styles/index.css')),
      });
      return { html: html.replace(entry, ''), tags: [{ tag: 'script', children: start, injectTo: 'body-prepend' }] };
    },
  },
  closeBundle() {
    const [, start] = /<script>([^]*?)<\/script>/.exec(readFileSync(join(out, 'index.html'), 'utf8')) ?? [];
    if (!start) throw new Error('the page has no first script');
    const digest = createHash('sha256').update(start).digest('base64');
    const headers = readFileSync(join(out, '_headers'), 'utf8');
    if (!headers.includes(START)) throw new Error(`_headers has no ${START}`);
    writeFileSync(join(out, '_headers'), headers.replace(START, `'sha256-${digest}'`));
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
    modulePreload: false,
  },
  plugins: [startFirst(), serviceWorker()],
});
