// The main job in each browser: the same play that `cargo xtask play wake` shows.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playWake } from '../plays/wake.mjs';
import { browsers, World } from '../lib/world.mjs';

for (const browser of browsers()) {
  test(`a closed page rings, is answered, and both hear each other, in ${browser}`, { timeout: 180_000 }, async (context) => {
    const world = await World.open({ browser });
    try {
      const { report, failures } = await playWake(world, { say: (line) => context.diagnostic(line) });
      assert.deepEqual([...failures], [], `points that did not hold${failures.evidence ? ` (evidence: ${failures.evidence})` : ''}`);
      assert.equal(report.ended, 'answered');
      assert.ok(report.round_trips_to_invite <= 3, `${report.round_trips_to_invite} round trips from first script to INVITE: ${report.round_trips}`);
    } finally {
      await world.close();
    }
  });
}
