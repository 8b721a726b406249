// Tests that share one world: opened once, the callee asleep before each test, evidence kept of
// those that fail.
import { after, before, beforeEach, describe, test } from 'node:test';
import { World } from './world.mjs';

/**
 * Declares a suite in one browser. `define` gets `check(name, body)`; the body gets the world.
 */
export function suite(title, { browser, ...options }, define) {
  describe(`${title}, in ${browser}`, () => {
    let world;
    before(async () => {
      world = await World.open({ browser, ...options });
      try {
        await world.callerReady();
        await world.calleeAsleep();
      } catch (error) {
        error.message += `\nevidence: ${await world.evidence(`${title} ${browser} set-up`)}`;
        await world.close();
        world = null;
        throw error;
      }
    }, { timeout: 120_000 });
    after(() => world?.close(), { timeout: 30_000 });
    beforeEach(() => world.rest(), { timeout: 60_000 });

    define((name, body, options = {}) => {
      test(name, { timeout: 90_000, ...options }, async (context) => {
        try {
          await body(world, context);
        } catch (error) {
          error.message += `\nevidence: ${await world.evidence(`${name} ${browser}`)}`;
          throw error;
        }
      });
    });
  });
}
