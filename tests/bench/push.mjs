// What a push costs: CPU per 1,000 beside Node web-push. Exit status 0 when ours is less in both.
//
//   node tests/bench/push.mjs [--json FILE] [--rounds N] [--pushes N]
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { pushCpu } from './push/cpu.mjs';

const { values: options } = parseArgs({
  options: { json: { type: 'string' }, rounds: { type: 'string', default: '7' }, pushes: { type: 'string', default: '1000' } },
});
const push_cpu_ms_per_1000 = await pushCpu({ rounds: Number(options.rounds), pushes: Number(options.pushes) });

console.log('CPU of 1,000 pushes in ms');
console.table(push_cpu_ms_per_1000);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ push_cpu_ms_per_1000 }, null, 2)}\n`);

const held = Object.values(push_cpu_ms_per_1000).every(({ ours, webpush }) => ours < webpush);
console.log(held ? 'Less than web-push, cached and signing.' : 'NOT less than web-push.');
process.exitCode = held ? 0 : 1;
