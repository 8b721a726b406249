// How long a wake takes, in each browser, against a bare page opened by the same kind of tap.
//
//   node tests/bench/wake.mjs [--browser firefox|chromium] [--rounds N] [--json FILE]
//
// Bare page and wake alternate in one run; medians. Beside it the CPU of a push (`push.mjs`), when
// its wasm is built. Fails when a bound is broken.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bareLoad } from '../lib/bare.mjs';
import { roundTrips } from '../lib/timeline.mjs';
import { browsers, World } from '../lib/world.mjs';
import { answer, ringing, wakeAndTap } from '../plays/wake.mjs';
import { pushCpu } from './push/cpu.mjs';

/** Tap to ringing beyond the bare page, ms; round trips; INVITE to push request, ms. */
const BOUNDS = { beyond: 120, trips: 3, push: 15 };

const { values: options } = parseArgs({
  options: { browser: { type: 'string' }, rounds: { type: 'string', default: '10' }, json: { type: 'string' } },
});

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return Math.round((sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2) * 10) / 10;
}

/** Where the time went: ms since the tap of each stage of the woken page. */
function stages(world, { tap, wire }, marks) {
  const since = Math.max(wire, world.wire.log.events.findIndex((event) => event.at >= tap.at));
  const first = (name, test) => world.wire.log.find((event) => event.side === 'callee' && event.name === name && test(event), since)?.at;
  const all = {
    ...marks,
    upgrade: first('upgrade', () => true),
    upgraded: first('upgraded', () => true),
    REGISTER: first('sent', ({ text }) => /^REGISTER/.test(text)),
    registered: first('received', ({ text }) => /^SIP.*200/.test(text)),
    ready: first('request', ({ path }) => /ready$/.test(path)),
    INVITE: first('received', ({ text }) => /^INVITE/.test(text)),
    180: first('sent', ({ text }) => /^SIP.* 180/.test(text)),
  };
  return Object.entries(all).sort((one, other) => one[1] - other[1]).map(([name, at]) => `${name} ${Math.round(at - tap.at)}`).join(', ');
}

async function measure(browser, rounds) {
  const world = await World.open({ browser });
  try {
    await world.callerReady();
    await world.calleeAsleep();
    const rows = [];
    // The first round warms caches of browser and machine on both sides, and is not counted.
    for (let round = 0; round <= rounds; round += 1) {
      const bare = await bareLoad(world);
      const call = await wakeAndTap(world, { measured: true });
      const { tapToRinging } = await ringing(world, call);
      const marks = await call.page.marks();
      const trips = roundTrips(world, call, marks.script);
      const push = world.push.log.find('push', call.push);
      const row = { bare, ringing: Math.round(tapToRinging), trips: trips.count, push: push.at - call.invite.at };
      console.log(`${browser} ${round === 0 ? 'warm-up' : round}: ${JSON.stringify(row)} ${trips.chain.join(' → ')}; since the tap: ${stages(world, call, marks)}`);
      if (round > 0) rows.push(row);
      // Answered and hung up: a call that is missed would put its own notification before the next tap.
      await answer(world, call);
      await world.caller.press('hang-up');
      await call.page.until('ended');
      await world.rest();
    }
    const of = (key) => median(rows.map((row) => row[key]));
    return { bare_load_ms: of('bare'), tap_to_ringing_ms: of('ringing'), round_trips_to_invite: Math.max(...rows.map((row) => row.trips)), invite_to_push_ms: of('push') };
  } catch (error) {
    error.message += `\nevidence: ${await world.evidence(`bench wake ${browser}`)}`;
    throw error;
  } finally {
    await world.close();
  }
}

const report = {};
const broken = [];
for (const browser of options.browser ? [options.browser] : browsers()) {
  const figures = await measure(browser, Number(options.rounds));
  report[browser] = figures;
  const { bare_load_ms: bare, tap_to_ringing_ms: tap, round_trips_to_invite: trips, invite_to_push_ms: push } = figures;
  if (tap > bare + BOUNDS.beyond) broken.push(`${browser}: tap to ringing ${tap} ms, bare page ${bare} ms`);
  if (trips > BOUNDS.trips) broken.push(`${browser}: ${trips} round trips to the INVITE`);
  if (push > BOUNDS.push) broken.push(`${browser}: INVITE to push ${push} ms`);
}

if (existsSync(join(import.meta.dirname, '../../build/push-bench'))) report.push_cpu_ms_per_1000 = await pushCpu();
else console.log('left out: CPU per push (build/push-bench is not built)');

console.log(JSON.stringify(report, null, 2));
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
for (const fault of broken) console.log(`bound broken: ${fault}`);
process.exitCode = broken.length ? 1 : 0;
