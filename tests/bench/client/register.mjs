// How long a page waits until it is registered, from the start of its navigation: ours, JsSIP and SIP.js in the same shell of a page,
// at the same Kamailio, in turns; cold (a browser profile of its own each time) and warm (the page has been there before).
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { Bench, DOMAIN, passwordOf } from '../../lib/servers/bench.mjs';
import { Kamailio } from '../../lib/servers/kamailio.mjs';
import { median, serve } from './shell.mjs';

const done = `const done = () => { window.registered = performance.now(); };`;

/** What each page runs, given `line`; it calls `done` when the server has said 200. */
const PAGES = {
  bare: `${done} done();`,
  ours: `
    import { Phone } from './client-wasm/js/index.ts';
    ${done}
    const phone = await Phone.open({ server: line.url, addressOfRecord: line.uri, password: line.password });
    const look = () => { if (phone.registration.state === 'registered') done(); };
    phone.addEventListener('registration', look);
    look();`,
  jssip: `
    import JsSIP from 'jssip';
    ${done}
    const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(line.url)], uri: line.uri, password: line.password });
    ua.on('registered', done);
    ua.start();`,
  sipjs: `
    import { Registerer, RegistererState, UserAgent } from 'sip.js';
    ${done}
    const agent = new UserAgent({
      uri: UserAgent.makeURI(line.uri), transportOptions: { server: line.url }, authorizationUsername: line.user, authorizationPassword: line.password, logLevel: 'error',
    });
    const registerer = new Registerer(agent);
    registerer.stateChange.addListener((state) => { if (state === RegistererState.Registered) done(); });
    await agent.start();
    await registerer.register();`,
};

async function load(context, origin, name) {
  const page = await context.newPage();
  try {
    await page.goto(`${origin}/${name}`);
    await page.waitForFunction('window.registered', { timeout: 20_000, polling: 10 });
    return await page.evaluate('window.registered');
  } finally {
    await page.close();
  }
}

/** `{cold: {ours, jssip, sipjs, bare}, warm: {…}}`, medians in ms from the start of the navigation. */
export async function registerTimes({ rounds = 11 } = {}) {
  const bench = Bench.open();
  const profile = mkdtempSync(join(tmpdir(), 'wakeline-register-'));
  let web;
  let browser;
  try {
    const kamailio = await bench.add(Kamailio, { users: ['page'] });
    web = await serve(PAGES, { url: kamailio.url, uri: `sip:page@${DOMAIN}`, user: 'page', password: passwordOf('page') });
    browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, userDataDir: profile, args: ['--no-sandbox', '--disable-gpu', '--disable-quic'] });
    const found = { cold: {}, warm: {} };
    for (const name of Object.keys(PAGES)) for (const cache of Object.values(found)) cache[name] = [];
    for (let round = 0; round < rounds; round += 1) {
      for (const name of Object.keys(PAGES)) {
        const context = await browser.createBrowserContext();
        found.cold[name].push(await load(context, web.origin, name));
        await load(context, web.origin, name);
        found.warm[name].push(await load(context, web.origin, name));
        await context.close();
      }
    }
    return Object.fromEntries(Object.entries(found).map(([cache, by]) => [cache, Object.fromEntries(Object.entries(by).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]))]));
  } finally {
    await browser?.close();
    web?.close();
    await bench.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
