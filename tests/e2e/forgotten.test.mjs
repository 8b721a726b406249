// The runtime may forget an object between any two messages: here it does so in each state of a
// wake, and the call goes on.
import { answer, ringing } from '../plays/wake.mjs';
import { hangsUp } from '../lib/ends.mjs';
import { suite } from '../lib/suite.mjs';
import { isResponse } from '../lib/timeline.mjs';
import { mainBrowsers, NUMBERS } from '../lib/world.mjs';

/**
 * When the line's object is forgotten: a state, and how the test sees it begin. Between "ready" and the
 * page's first word on the INVITE the object holds a timer in memory, and the local runtime forgets
 * none that does; that moment is tested on the pure machine.
 */
const MOMENTS = {
  pushed: (world, call) => world.push.log.wait('push', { since: call.push }),
  shown: (world, call) => world.wire.log.wait((event) => event.name === 'response' && /\/shown$/.test(event.path), { since: call.wire, what: 'POST …/shown' }),
  opened: (world, call) => world.wire.log.wait((event) => event.name === 'response' && /\/opened$/.test(event.path), { since: call.wire, what: 'POST …/opened' }),
  registered: (world, call) => world.wire.sip('callee', 'received', (text) => isResponse(text, 200, 'REGISTER'), { since: call.wire }),
  invited: (world, call) => world.wire.sip('callee', 'sent', /^SIP\/2\.0 1\d\d[\s\S]*CSeq:[ \t]*\d+ INVITE/i, { since: call.wire }),
  ringing: (world, call) => world.wire.sip('callee', 'sent', (text) => isResponse(text, 180, 'INVITE'), { since: call.wire }),
  answered: (world, call) => world.wire.sip('callee', 'sent', (text) => isResponse(text, 200, 'INVITE'), { since: call.wire }),
};

// Both browsers speak the same to the edge: one is enough.
suite('the line’s object forgotten', { browser: mainBrowsers()[0] }, (check) => {
  for (const [state, moment] of Object.entries(MOMENTS)) {
    check(`when ${state}: it rings, is answered and hung up all the same`, async (world) => {
      const call = await world.callerDials();
      const forgotten = moment(world, call).then(() => world.edge.evict(world.edge.lineName(NUMBERS.callee)));
      forgotten.catch(() => {});
      await world.notifications.shown((one) => /Ada/.test(one.title), { since: call.notifications, what: 'the invitation' });
      call.tap = await world.notifications.click();
      call.page = await world.calleePage();
      await ringing(world, call);
      await answer(world, call);
      await forgotten;
      await world.edge.evictAll();
      await hangsUp(world, call, call.page);
    });
  }
});
