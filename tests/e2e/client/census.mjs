// What pages keep of their calls: two pages that call each other again and again, looked at after some calls and after many. The heap
// is read after a forced collection; peer connections, tracks and sockets are counted where they are made.
import { setTimeout as delay } from 'node:timers/promises';
import { Stage } from './harness.mjs';

/** Runs in the page ahead of everything else: everything that must be closed is known by its maker. */
function count() {
  const made = { connections: [], tracks: [], sockets: [] };
  const count = { connections: 0, tracks: 0, sockets: 0 };
  const keep = (name, ...all) => {
    count[name] += all.length;
    made[name].push(...all.map((it) => new WeakRef(it)));
  };
  const kept = (Maker, name) => new Proxy(Maker, {
    construct(target, args) {
      const it = new target(...args);
      keep(name, it);
      return it;
    },
  });
  window.RTCPeerConnection = kept(window.RTCPeerConnection, 'connections');
  window.WebSocket = kept(window.WebSocket, 'sockets');
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    keep('tracks', ...stream.getTracks());
    return stream;
  };
  // The names of its exports are shortened.
  const memoryOf = ({ exports }) => Object.values(exports).find((one) => one instanceof WebAssembly.Memory);
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate(...args);
    window.wasmMemory = memoryOf(result.instance ?? result);
    return result;
  };
  const streaming = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...args) => {
    const result = await streaming(...args);
    window.wasmMemory = memoryOf(result.instance);
    return result;
  };
  // What was collected is forgotten here, too: our own notes are no leak of the client.
  const living = (name, test) => {
    made[name] = made[name].filter((ref) => ref.deref());
    return made[name].filter((ref) => test(ref.deref())).length;
  };
  window.census = () => ({
    connections: living('connections', (it) => it.connectionState !== 'closed'),
    tracks: living('tracks', (it) => it.readyState === 'live'),
    sockets: living('sockets', (it) => it.readyState < 2),
    made: { ...count },
    wasm: window.wasmMemory?.buffer.byteLength,
  });
}

/**
 * Calls until it rings: a socket may have 128 transactions, and one of an answered INVITE stands for 32 s (RFC 6026 §7.1). Calls as
 * fast as these reach that; the caller hears when to try again.
 */
async function ring(caller, callee) {
  for (;;) {
    await caller.evaluate(`dial('1002')`);
    await Promise.race([callee.waitForFunction(`window.call?.state === 'incoming'`), caller.waitForFunction(`call.state === 'ended'`)]);
    const end = await caller.evaluate(`call.state === 'ended' ? call.end : null`);
    if (!end) return;
    if (!end.retryAfter) throw new Error(`the call ended: ${JSON.stringify(end)}`);
    await delay(end.retryAfter * 1000);
  }
}

/** One call, answered and hung up by either side in turns. */
async function call({ caller, callee }, nth) {
  await Promise.all([caller, callee].map((page) => page.evaluate('window.call = undefined')));
  await ring(caller, callee);
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  await (nth % 2 ? caller : callee).evaluate('call.hangUp()');
  for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'ended' && phone.calls.length === 0`);
}

/** What a page holds once all that can be collected is. */
async function look(page) {
  // A page at rest has the connection of the call to come: looked at before that is made, the last call would seem to have made none.
  await page.waitForFunction('census().connections > 0');
  const session = await page.createCDPSession();
  // The harness' own notes are no leak of the client.
  await page.evaluate('seen.states = {}; seen.incoming.length = 0; window.call = undefined; document.querySelector("audio").srcObject = null; undefined');
  for (let times = 0; times < 4; times += 1) {
    await session.send('HeapProfiler.collectGarbage');
    if (times === 1) await page.evaluate('census(), undefined');
  }
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return { heap: usedSize, ...(await page.evaluate('census()')) };
}

/** `{caller: [few, many], callee: [few, many]}`: what each page holds after so many calls. */
export async function calls({ few, many }) {
  const stage = await Stage.open();
  try {
    await stage.account('1001', 'Ada');
    await stage.account('1002', 'Ben');
    const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
    const pages = {
      caller: await stage.signedIn(one, '1001', { before: count }),
      callee: await stage.signedIn(two, '1002', { before: count }),
    };
    const looks = { caller: [], callee: [] };
    for (let nth = 1; nth <= many; nth += 1) {
      await call(pages, nth);
      if (nth !== few && nth !== many) continue;
      for (const [side, page] of Object.entries(pages)) looks[side].push(await look(page));
    }
    return looks;
  } finally {
    await stage.close();
  }
}
