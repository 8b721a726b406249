// What a page keeps of its calls: after many of them no more than after a few. The heap is read after a forced collection; peer
// connections, tracks and sockets are counted where they are made.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Stage } from './harness.mjs';

/** Calls before the first and the second look. */
const [FEW, MANY] = process.env.WAKELINE_FULL ? [50, 200] : [10, 30];

let stage, caller, callee;

/** Runs in the page ahead of everything else: everything that must be closed is known by its maker. */
function count() {
  const made = { connections: [], tracks: [], sockets: [] };
  const kept = (Maker, list) => new Proxy(Maker, {
    construct(target, args) {
      const it = new target(...args);
      list.push(new WeakRef(it));
      return it;
    },
  });
  window.RTCPeerConnection = kept(window.RTCPeerConnection, made.connections);
  window.WebSocket = kept(window.WebSocket, made.sockets);
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    made.tracks.push(...stream.getTracks().map((track) => new WeakRef(track)));
    return stream;
  };
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async (...args) => {
    const result = await instantiate(...args);
    window.wasmMemory = (result.instance ?? result).exports.memory;
    return result;
  };
  const streaming = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...args) => {
    const result = await streaming(...args);
    window.wasmMemory = result.instance.exports.memory;
    return result;
  };
  const living = (list, test) => list.filter((ref) => ref.deref() && test(ref.deref())).length;
  window.census = () => ({
    connections: living(made.connections, (it) => it.connectionState !== 'closed'),
    tracks: living(made.tracks, (it) => it.readyState === 'live'),
    sockets: living(made.sockets, (it) => it.readyState < 2),
    made: { connections: made.connections.length, tracks: made.tracks.length, sockets: made.sockets.length },
    wasm: window.wasmMemory?.buffer.byteLength,
  });
}

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001', { before: count });
  callee = await stage.signedIn(two, '1002', { before: count });
}, { timeout: 120_000 });

after(() => stage?.close(), { timeout: 30_000 });

/** One call, answered and hung up by either side in turns. */
async function call(nth) {
  await Promise.all([caller, callee].map((page) => page.evaluate('window.call = undefined')));
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  await (nth % 2 ? caller : callee).evaluate('call.hangUp()');
  for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'ended' && phone.calls.length === 0`);
}

/** What a page holds once all that can be collected is. */
async function look(page) {
  const session = await page.createCDPSession();
  // The harness' own notes are no leak of the client.
  await page.evaluate('seen.states = {}; seen.incoming.length = 0; window.call = undefined; document.querySelector("audio").srcObject = null; undefined');
  for (let times = 0; times < 3; times += 1) await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  return { heap: usedSize, ...(await page.evaluate('census()')) };
}

test(`${MANY} calls leave no more behind than ${FEW}: heap, wasm memory, connections, tracks, sockets`, { timeout: 600_000 }, async () => {
  const pages = { caller, callee };
  const looks = { caller: [], callee: [] };
  for (let nth = 1; nth <= MANY; nth += 1) {
    await call(nth);
    if (nth !== FEW && nth !== MANY) continue;
    for (const [side, page] of Object.entries(pages)) looks[side].push(await look(page));
  }
  for (const [side, [few, many]] of Object.entries(looks)) {
    console.log(`# ${side}: heap ${few.heap} → ${many.heap} octets, wasm ${few.wasm} → ${many.wasm}`);
    assert.ok(many.made.connections - few.made.connections >= MANY - FEW, 'the calls were counted');
    assert.deepEqual([many.connections, many.tracks, many.sockets], [0, 0, 1], `${side}: no connection, no live microphone, one socket`);
    assert.ok(few.wasm > 0, `${side}: wasm memory ${few.wasm} → ${many.wasm}`);
    assert.ok(many.heap <= few.heap * 1.05, `${side}: heap ${few.heap} → ${many.heap}`);
  }
});
