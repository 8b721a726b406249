// A soak in small; the whole with --full (`cargo xtask soak wakes` plays any other).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { holds, soak } from '../soak/wakes.mjs';

const count = process.env.WAKELINE_FULL ? 1000 : 40;

test(`${count} wakes, with restarts in between: no ghost, none lost, none doubled, no false word`, { timeout: 30 * 60_000 }, async () => {
  const seed = Number(process.env.WAKELINE_SEED ?? Date.now() % 1_000_000);
  console.log(`# seed ${seed}`);
  const result = await soak({ count, seed, lanes: 8, say: (line) => console.log(`# ${line.trim()}`) });
  console.log(`# ${JSON.stringify(result.figures)}`);
  assert.ok(holds(result, count), `seed ${seed}: ${result.findings.join('\n')}`);
  assert.ok(result.restarts > 0);
});
