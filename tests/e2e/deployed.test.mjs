// A new version is started while a call is parked, rings, or is spoken in: every socket is cut and comes back by itself, and no
// call is lost. (The rows of the version before: tests/edge/deploy.test.mjs.)
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { hear } from '../lib/audio.mjs';
import { hangsUp, invitation } from '../lib/ends.mjs';
import { suite } from '../lib/suite.mjs';
import { isResponse } from '../lib/timeline.mjs';
import { mainBrowsers, TONES } from '../lib/world.mjs';

const registersAnew = (world, side, since) => world.wire.sip(side, 'received', (text) => isResponse(text, 200, 'REGISTER'), { since, ms: 45_000, what: `${side} registers anew` });

suite('a new version', { browser: mainBrowsers()[0], site: { limits: { ready_s: 90, ring_s: 90, lost_s: 60 } } }, (check) => {
  check('while the call is parked: tapped after it, it rings and is answered', async (world) => {
    const call = await world.callerDials();
    await invitation(world, call);
    const since = world.wire.log.mark();
    await world.edge.restart();
    await registersAnew(world, 'caller', since);
    call.tap = await world.notifications.click();
    call.page = await world.calleePage();
    await ringing(world, call);
    await answer(world, call);
    await hangsUp(world, call, world.caller);
  }, { timeout: 150_000 });

  check('while it rings: it rings on, and is answered', async (world) => {
    const call = await wakeAndTap(world);
    await ringing(world, call);
    const since = world.wire.log.mark();
    await world.edge.restart();
    await Promise.all(['caller', 'callee'].map((side) => registersAnew(world, side, since)));
    await call.page.until('ringing', { ms: 20_000 });
    await answer(world, call);
    await hangsUp(world, call, call.page);
  }, { timeout: 150_000 });

  check('while they talk: they hear each other all the time, and hang up', async (world) => {
    const call = await wakeAndTap(world);
    await ringing(world, call);
    await answer(world, call);
    await hear(call.page.page, TONES.caller, { tolerance: 0.02 });
    const since = world.wire.log.mark();
    let meanwhile;
    await world.edge.restart({ between: async () => { meanwhile = await hear(call.page.page, TONES.caller, { tolerance: 0.02 }); } });
    if (meanwhile.error) throw new Error(`nothing was heard while the edge was away: ${meanwhile.error}`);
    await Promise.all(['caller', 'callee'].map((side) => registersAnew(world, side, since)));
    for (const phone of [world.caller, call.page]) await phone.until('active', { registration: 'registered', ms: 30_000 });
    await hangsUp(world, call, world.caller, { ms: 20_000 });
  }, { timeout: 150_000 });
});
