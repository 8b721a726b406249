import assert from 'node:assert/strict';
import { test } from 'node:test';

type Ask = { url: string; body: unknown };

/** A page at this address in this browser; what it asks of the edge. */
async function page(href: string, userAgent: string): Promise<{ asked: Ask[]; shown: () => string; say: (data: unknown, from?: unknown) => Promise<void>; bound: boolean }> {
  let location = new URL(href);
  let hear: (event: unknown) => void = () => undefined;
  const asked: Ask[] = [];
  const fake = {
    get location() { return location; },
    history: { state: null, replaceState: (_s: unknown, _t: string, to: string) => { location = new URL(to, location); } },
    navigator: { userAgent },
    addEventListener: (_name: string, listener: (event: unknown) => void) => { hear = listener; },
    fetch: async (url: string, { body }: { body: string }) => {
      const { push } = JSON.parse(body);
      asked.push({ url, body: push });
      return { ok: true, json: async () => ({ push: push.provider }) };
    },
  };
  for (const name of Object.keys(fake)) Object.defineProperty(globalThis, name, { configurable: true, get: () => fake[name as keyof typeof fake] });
  Object.defineProperty(globalThis, 'window', { configurable: true, value: globalThis });
  const { bindByShell } = await import(`../src/ports/shell.ts?${Math.random()}`);
  const session = { edge: 'https://edge.example', deviceId: 'd-1', token: async () => 't' };
  const bound = await bindByShell(session);
  return {
    asked,
    bound,
    shown: () => location.pathname + location.search + location.hash,
    say: async (data, from = globalThis) => {
      hear({ source: from, origin: location.origin, data });
      await new Promise(setImmediate);
    },
  };
}

const CID = '0a1b2c3d4e5f60718293a4b5c6d7e8f9';
const APP = 'Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120 Mobile uni-app Html5Plus/1.0 (Immersed/24.0)';
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

test('a CID in the address binds this device, and is seen there no more', async () => {
  for (const [at, left] of [[`?wake=w&cid=${CID}&provider=getui`, '/?wake=w'], [`?wake=w#cid=${CID}&provider=getui`, '/?wake=w'], [`?cid=${CID}`, '/']] as const) {
    const it = await page(`https://phone.example/${at}`, APP);
    assert.equal(it.bound, true);
    assert.deepEqual(it.asked, [{ url: 'https://edge.example/v1/devices/d-1', body: { provider: 'getui', cid: CID } }]);
    assert.equal(it.shown(), left);
  }
});

test('a link that somebody was sent binds no stranger\'s app', async () => {
  const it = await page(`https://phone.example/?cid=${CID}&provider=getui`, BROWSER);
  assert.deepEqual([it.bound, it.asked], [false, []]);
  assert.equal(it.shown(), '/');
});

test('what is no CID, or of no vendor, binds nothing', async () => {
  for (const at of ['?cid=short', `?cid=${CID}&provider=acme`, '?cid=%22%3A%22aaaaaaaa', '#key=alone', '']) {
    const it = await page(`https://phone.example/${at}`, APP);
    assert.deepEqual([it.bound, it.asked], [false, []], at);
  }
});

test('the shell may hand it over later, by a message from within the page', async () => {
  const it = await page('https://phone.example/', APP);
  await it.say({ wakeline: { provider: 'unicloud', cid: CID } }, {});
  await it.say(null);
  await it.say('text');
  assert.deepEqual(it.asked, []);
  await it.say({ wakeline: { provider: 'unicloud', cid: CID } });
  assert.deepEqual(it.asked.map((ask) => ask.body), [{ provider: 'unicloud', cid: CID }]);
});
