// Wakes by the hundred against real workerd: scripted devices and push services that fail as real ones do, people who cancel,
// tap, decline, answer and come too late, and the process ended and started again on the same storage in between.
//
//   node tests/soak/wakes.mjs [--count 1000] [--seed N] [--lanes N] [--json FILE]
//
// Prints its seed and how far it is; the exit status says whether every figure but the first and the last is 0 and everything
// was quiet within two seconds. `wakes/judge.mjs` defines the figures.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { Judge } from './wakes/judge.mjs';
import { Phone } from './wakes/phone.mjs';
import { dice, plan, play } from './wakes/wake.mjs';

const LIMITS = { ready_s: 8, ring_s: 6, tap_grace_s: 2 };
/** A wake takes ten seconds at most where nothing is away: all together may take so long, then it is a failure. */
const MS_PER_WAKE = 8_000;

export async function soak({ count, seed, lanes: width, say = console.log }) {
  const edge = await Edge.open({ assets: null, sites: [{ limits: LIMITS, push: { repush_s: 3 } }] });
  const judge = new Judge({ limits: LIMITS });
  const open = [];
  const deadline = Date.now() + 120_000 + (count * MS_PER_WAKE) / width;
  let begun = 0;
  let stopped = null;
  const phone = async (...args) => {
    const it = await Phone.open(edge, ...args);
    open.push(it);
    return it;
  };

  async function lane(nth) {
    const roll = dice(seed * 1009 + nth);
    const number = String(6000 + nth * 10);
    const caller = await phone(`${number}1`, { pushable: false });
    // Every other line has two devices.
    const phones = [];
    while (phones.length < 1 + (nth % 2)) phones.push(await phone(`${number}2`));
    while (begun < count && !stopped) {
      begun += 1;
      const truth = await play({ caller, phones, plan: plan(roll, phones) });
      for (const it of phones) it.dropped = it.sink.log.filter((e) => e.status === 410, it.mark).length > 0;
      await judge.judge(truth, phones);
      if (Date.now() > deadline) stopped = `time is up after ${judge.figures.wakes} wakes`;
    }
  }

  async function restarts(finished) {
    const roll = dice(seed ^ 0x5eed);
    const every = Math.max(15, Math.round(count / 8));
    for (let at = every; at < count; at += every) {
      const due = () => judge.figures.wakes >= at;
      await Promise.race([until(due, { ms: deadline - Date.now(), every: 50, what: `wake ${at}` }), finished]).catch(() => {});
      if (!due()) return;
      await new Promise((resolve) => setTimeout(resolve, roll.upTo(500)));
      const outage = { from: Date.now(), to: null };
      judge.outages.push(outage);
      await edge.restart();
      outage.to = Date.now();
      say(`  workerd restarted on its storage in ${outage.to - outage.from} ms`);
    }
  }

  const told = setInterval(() => say(`  ${judge.figures.wakes} of ${count} wakes, ${judge.findings.length} findings`), 10_000);
  try {
    const all = Promise.all(Array.from({ length: width }, (_, nth) => lane(nth)));
    // A restart under way ends before the edge is closed.
    await Promise.all([all, restarts(all)]);
    const rows = () => edge.rows('SELECT id, outcome, caller, callee, started_at, ended_at FROM calls');
    const wakes = judge.wakes.flatMap(({ truth }) => truth.wake ?? []);
    const recorded = async () => {
      const ids = new Set((await rows()).filter(({ outcome }) => outcome !== null).map(({ id }) => id));
      return wakes.every((wake) => ids.has(wake));
    };
    // A record that a restart cut off is sent again after 5, 10, 20 … s; a call whose party was cut off ends after 30.
    await until(recorded, { ms: 90_000, every: 250, what: 'a record of each call' }).catch(() => {});
    const figures = await judge.sweep(rows);
    if (stopped) judge.findings.push(stopped);
    return { figures, findings: judge.findings, restarts: judge.outages.length };
  } finally {
    clearInterval(told);
    await Promise.all(open.map((it) => it.close().catch(() => {})));
    await edge.close();
  }
}

/** Whether every figure is what it has to be. */
export function holds({ figures, findings }, count) {
  const { wakes, longest_quiet_ms: quiet, ...zeros } = figures;
  return findings.length === 0 && wakes >= count && quiet <= 2000 && Object.values(zeros).every((figure) => figure === 0);
}

if (import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: { count: { type: 'string', default: '1000' }, seed: { type: 'string' }, lanes: { type: 'string', default: '10' }, json: { type: 'string' } },
  });
  const [count, lanes] = [Number(values.count), Number(values.lanes)];
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  if (![count, lanes, seed].every((n) => Number.isInteger(n) && n >= 0) || count === 0 || lanes === 0) throw new Error('--count, --lanes and --seed are whole numbers');
  console.log(`soak: ${count} wakes, --seed ${seed}`);
  const result = await soak({ count, seed, lanes });
  for (const finding of result.findings.slice(0, 40)) console.log(`  ${finding}`);
  const text = JSON.stringify(result.figures);
  console.log(text);
  if (values.json) writeFileSync(values.json, `${text}\n`);
  const ok = holds(result, count);
  console.log(ok ? `held, with ${result.restarts} restarts` : `broken, --seed ${seed}`);
  process.exitCode = ok ? 0 : 1;
}
