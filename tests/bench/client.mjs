// The client beside JsSIP and SIP.js in one run: messages decoded per second, from a frame to its event, what is downloaded, how long a
// page waits until it is registered at the same Kamailio and until sound goes both ways, and what it keeps of its calls. Exit status 0
// when every bound holds. A part that is run alone (`--only`) leaves the others' figures in FILE as they are.
//
//   node tests/bench/client.mjs [--json FILE] [--only parse|frames|size|register|call|heap] [--rounds N]
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { callTimes } from './client/call.mjs';
import { frameTimes } from './client/frames.mjs';
import { heapAfter } from './client/heap.mjs';
import { parseRates } from './client/parse.mjs';
import { registerTimes } from './client/register.mjs';
import { size } from './client/size.mjs';

const { values: options } = parseArgs({ options: { json: { type: 'string' }, only: { type: 'string' }, rounds: { type: 'string' } } });
const wanted = (part) => !options.only || options.only === part;
const rounds = options.rounds && Number(options.rounds);
const report = options.only && options.json && existsSync(options.json) ? JSON.parse(readFileSync(options.json, 'utf8')) : {};
const broken = [];

if (wanted('parse')) {
  console.log('messages decoded per second …');
  report.parse = await parseRates({ rounds });
  console.table(Object.fromEntries(Object.entries(report.parse).flatMap(([name, runtimes]) => Object.entries(runtimes).map(([runtime, rates]) => [
    `${name} in ${runtime}`, { ...rates, 'ours / jssip': round(rates.ours / rates.jssip), 'ours / sipjs': round(rates.ours / rates.sipjs) },
  ]))));
  for (const [name, runtimes] of Object.entries(report.parse)) {
    for (const [runtime, { ours, jssip }] of Object.entries(runtimes)) {
      if (ours < 10 * jssip) broken.push(`${name} in ${runtime}: ${round(ours / jssip)} times JsSIP, not 10`);
    }
  }
}
if (wanted('frames')) {
  console.log('a frame in to its event out, µs …');
  report.event_us = await frameTimes({ rounds });
  console.table(report.event_us);
}
if (wanted('size')) {
  report.size = await size();
  const { features, ours_parts, ...sizes } = report.size;
  console.log('octets to download');
  console.table({ ...sizes, ...Object.fromEntries(Object.entries(ours_parts).map(([name, it]) => [`ours: ${name}`, it])) });
  if (sizes.ours.brotli > 47_000) broken.push(`download: ${sizes.ours.brotli} octets of brotli, not 47,000`);
  if (sizes.ours_all.brotli > 75_000) broken.push(`download with what comes on demand: ${sizes.ours_all.brotli} octets of brotli, not 75,000`);
}
if (wanted('register')) {
  console.log('page load to registered, ms …');
  report.register_ms = await registerTimes({ rounds });
  console.table(report.register_ms);
  for (const [cache, { ours, jssip, sipjs, bare }] of Object.entries(report.register_ms)) {
    const ratio = (ours - bare) / (Math.min(jssip, sipjs) - bare);
    console.log(`${cache}: ${round(ratio)} of the better peer, the bare page subtracted`);
    if (!(ratio <= 0.8)) broken.push(`registered, ${cache} cache: ${round(ratio)} of the better peer, not 0.8`);
  }
}
if (wanted('call')) {
  console.log('call() to sound both ways, ms …');
  report.call_ms = await callTimes({ rounds });
  const { prepared, invited, ...atOnce } = report.call_ms;
  const conditions = { 'at once': atOnce, prepared };
  const { prepared: invitedPrepared, ...invitedAtOnce } = invited;
  console.table({ ...conditions, 'at once, until its INVITE': invitedAtOnce, 'prepared, until its INVITE': invitedPrepared });
  for (const [condition, { ours, jssip, sipjs }] of Object.entries(conditions)) {
    const ratio = ours / Math.min(jssip, sipjs);
    console.log(`${condition}: ${round(ratio)} of the better peer`);
    if (!(ratio <= 0.8)) broken.push(`call to sound both ways, ${condition}: ${round(ratio)} of the better peer, not 0.8`);
  }
}
if (wanted('heap')) {
  console.log('heap after 50 and 200 calls …');
  report.heap = await heapAfter({ few: 50, many: 200 });
  console.table(report.heap);
  const { after_50, after_200 } = report.heap;
  if (!(after_200 <= after_50 * 1.05)) broken.push(`heap after call 200: ${round(after_200 / after_50)} of that after call 50, not 1.05`);
}
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
for (const one of broken) console.log(`bound broken: ${one}`);
process.exitCode = broken.length ? 1 : 0;

function round(value) {
  return Math.round(value * 100) / 100;
}
