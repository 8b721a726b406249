// A machine whose clock is wrong, as far as page and service worker can see it: `Date` and `performance.timeOrigin` of every script
// that the edge serves are off. (The whole browser under another clock, by libfaketime, does not start.) What the browser itself keeps
// by the clock is not covered: how long push messages, cookies and certificates live. The page's one inline script asks for no date.
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PAGE = join(dirname(fileURLToPath(import.meta.url)), '../../www/dist');

/** Runs first in each script; the first one of a page or worker moves its clock. */
const prelude = (off) => `if (!globalThis.setMachineClock) {
  const TrueDate = Date;
  const { timeOrigin } = performance;
  let off = ${off};
  globalThis.Date = class Date extends TrueDate {
    constructor(...given) { if (given.length) super(...given); else super(TrueDate.now() + off); }
    static now() { return TrueDate.now() + off; }
  };
  Object.defineProperty(performance, 'timeOrigin', { value: timeOrigin + off });
  // As a person does it while the page is open: what the page was loaded at stays.
  globalThis.setMachineClock = (by) => { off += by; };
}
`;

/** The page as shipped, on a machine whose clock is off by so many ms: a folder for `assets`, and a way to end it. */
export function pageWithClock(off) {
  const assets = mkdtempSync(join(tmpdir(), 'wakeline-clock-'));
  cpSync(PAGE, assets, { recursive: true });
  for (const file of readdirSync(assets, { recursive: true }).filter((name) => name.endsWith('.js'))) {
    writeFileSync(join(assets, file), prelude(off) + readFileSync(join(assets, file), 'utf8'));
  }
  return { assets, remove: () => rmSync(assets, { recursive: true, force: true }) };
}
