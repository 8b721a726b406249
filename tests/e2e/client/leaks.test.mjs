// What a page keeps of its calls: after many of them no more than after a few.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calls } from './census.mjs';

/** Calls before the first and the second look. */
const [FEW, MANY] = process.env.WAKELINE_FULL ? [50, 200] : [10, 30];

/** Wasm memory grows by pages of 64 kB and is never given back. */
const PAGES = 4 * 65_536;

test(`${MANY} calls leave no more behind than ${FEW}: heap, wasm memory, connections, tracks, sockets`, { timeout: 1_200_000 }, async () => {
  const looks = await calls({ few: FEW, many: MANY });
  for (const [side, [few, many]] of Object.entries(looks)) {
    console.log(`# ${side}: heap ${few.heap} → ${many.heap} octets, wasm ${few.wasm} → ${many.wasm}`);
    assert.ok(many.made.connections - few.made.connections >= MANY - FEW, 'the calls were counted');
    assert.ok(many.connections <= 1, `${side}: no connection but that of the next call: ${many.connections}`);
    assert.deepEqual([many.tracks, many.sockets], [0, 1], `${side}: no live microphone, one socket`);
    assert.ok(few.wasm > 0 && many.wasm - few.wasm <= PAGES, `${side}: wasm memory ${few.wasm} → ${many.wasm}`);
    assert.ok(many.heap <= few.heap * 1.05, `${side}: heap ${few.heap} → ${many.heap}`);
  }
});
