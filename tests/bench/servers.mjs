// What a call server in front costs a woken call, beside the edge alone in the same run.
//
//   node tests/bench/servers.mjs [--rounds N] [--json FILE]
//
// `invite_to_push_ms`: the caller's INVITE leaves for the server → the push request arrives at the push service. `ready_to_invite_ms`:
// the page's "ready" leaves for the edge → the INVITE is at the page. Medians; the servers take turns, each with an edge of its own and
// the configuration that we ship. Callers and pages are scripts: no browser's time is in it.
import { cpus } from 'node:os';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Device } from '../edge/device.mjs';
import { Sink } from '../edge/sink.mjs';
import { Edge } from '../lib/edge.mjs';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld } from '../lib/servers/asterisk-world.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';

const NUMBER = '1002';
const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '25' }, json: { type: 'string' } } });
const rounds = Number(options.rounds);
if (!(rounds >= 1)) throw new Error(`--rounds is a number, not ${options.rounds}`);

// As the logs of sink and page do.
const now = () => Date.now();

function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  return Math.round((sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2) * 10) / 10;
}

/** The edge alone, seen as a call server is. */
class EdgeWorld {
  static async open() {
    const world = new EdgeWorld();
    world.edge = await Edge.open({ assets: null });
    await world.edge.account('1001');
    world.trunk = await new Device(world.edge, '1001', { token: await world.edge.token('1001') }).online();
    return world;
  }

  async sleeping(number) {
    await this.edge.account(number);
    const page = new Device(this.edge, number, { token: await this.edge.token(number) });
    this.sink = await Sink.open({ vapid: this.edge.vapid });
    const { status } = await page.bind({ sink: this.sink });
    if (status !== 201) throw new Error(`device: ${status}`);
    return { page, sink: this.sink };
  }

  async close() {
    await this.trunk.close();
    await this.sink?.close();
    await this.edge.close();
  }
}

/** One woken call, refused at the page: `{push, invite}` in ms. */
async function round({ world: { trunk }, page, sink }) {
  const [pushes, sip] = [sink.log.mark(), page.log.mark()];
  const called = now();
  const call = trunk.call(NUMBER);
  const { wake, at: pushed } = await sink.push('invitation', { since: pushes });
  await page.online();
  const ready = now();
  const { status } = await page.report(wake, 'ready');
  if (status !== 200) throw new Error(`ready: ${status}`);
  const { at: invited, message } = await page.log.wait((e) => e.name === 'request' && e.method === 'INVITE', { since: sip, what: 'INVITE' });
  page.respond(message, 486, 'Busy Here');
  const answer = await call.final();
  if (answer.status !== 486) throw new Error(`the caller was told ${answer.start}`);
  await page.close();
  page.socket = null;
  return { push: pushed - called, invite: invited - ready };
}

const WORLDS = {
  edge: () => EdgeWorld.open(),
  kamailio: () => KamailioWorld.open(),
  ...(hasAsterisk() && { asterisk: () => AsteriskWorld.open(), asterisk_stasis: () => AsteriskWorld.open({ wakenBy: 'stasis' }) }),
};
const report = { machine: { processors: cpus().length, model: cpus()[0].model }, rounds, ready_to_invite_ms: {}, invite_to_push_ms: {} };
const opened = [];
try {
  for (const [name, open] of Object.entries(WORLDS)) {
    const world = await open();
    opened.push({ name, world, rows: [], ...(await world.sleeping(NUMBER)) });
  }
  // The first of each warms its server, and is not counted.
  for (let n = 0; n <= rounds; n += 1) {
    for (const one of opened) {
      const row = await round(one);
      if (n > 0) one.rows.push(row);
    }
  }
  for (const { name, rows } of opened) {
    report.ready_to_invite_ms[name] = median(rows.map((row) => row.invite));
    report.invite_to_push_ms[name] = median(rows.map((row) => row.push));
    console.log(`   ${name}: "ready" → INVITE ${report.ready_to_invite_ms[name]} ms, INVITE → push ${report.invite_to_push_ms[name]} ms`);
  }
} finally {
  for (const { page } of opened) await page.close();
  for (const { world } of opened) await world.close();
}
if (!hasAsterisk()) console.log('left out: Asterisk (there is none on this machine)');
console.log(JSON.stringify(report, null, 2));
if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
