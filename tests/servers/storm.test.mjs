// A hundred calls at once to a hundred pages that sleep, through each call server as we ship it: sipp plays the callers, scripts the
// devices. Each call ends once, as its two sides had it, and nothing of it is left behind.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from '../lib/events.mjs';
import { KeptPort } from '../lib/ports.mjs';
import { hasAsterisk } from '../lib/servers/asterisk.mjs';
import { AsteriskWorld } from '../lib/servers/asterisk-world.mjs';
import { scenario } from '../lib/servers/callers.mjs';
import { KamailioWorld } from '../lib/servers/kamailio-world.mjs';
import { Sipp } from '../lib/servers/sipp.mjs';

const EACH = 25;
/** How calls end, and what each device does about it that is pushed to. */
const ENDS = {
  answered: async (world, { page }, wake) => {
    const rings = await world.comes(page, wake, { ms: 40_000 });
    rings.ring();
    // Repeated until the ACK is here (RFC 3261 §13.3.1.4): the caller's side is UDP, where some are lost in such a rush.
    const answered = rings.answer({ ms: 30_000 });
    const again = setInterval(() => page.respond(rings.invite, 200, 'OK', { headers: [`Contact: ${page.contact}`, 'Content-Type: application/sdp'], body: page.sdp }), 1000);
    await answered.finally(() => clearInterval(again));
    await rings.sees('BYE', { ms: 30_000 });
  },
  busy: async (world, { page }, wake) => (await world.comes(page, wake, { ms: 40_000 })).refuse(486, 'Busy Here'),
  declined: async (world, { page }, wake) => assert.equal((await page.report(wake, 'decline')).status, 200),
  cancelled: async () => {},
};
const numbers = Object.keys(ENDS).flatMap((end, i) => Array.from({ length: EACH }, (_, n) => ({ end, number: String(2000 + 100 * i + n), caller: `1380${i}${String(n).padStart(6, '0')}` })));
const site = { limits: { ready_s: 45, ring_s: 30 } };

const SERVERS = {
  kamailio: {
    open: () => KamailioWorld.open({ site }),
    // What was parked is forgotten, its transactions are over.
    rest: async ({ server }) => {
      for (const table of ['slot', 'wake', 'line', 'told', 'over', 'rings', 'talk']) await until(async () => (await server.entries(table)) === 0, { ms: 20_000, every: 200, what: `nothing is left in "${table}"` });
      await until(async () => (await server.transactions()) === 0, { ms: 40_000, every: 500, what: 'no transaction is left' });
    },
    memory: async ({ server }) => (await server.memory()) / 1024,
    more: 256,
    patience: { hears: 182, patience: 500 },
  },
  ...(hasAsterisk() && Object.fromEntries(['dialplan', 'stasis'].map((wakenBy) => [`asterisk, by ${wakenBy}`, {
    open: (callers) => AsteriskWorld.open({ site, wakenBy, callers, lines: numbers.map(({ number }) => number), limits: { ring_s: 30 } }),
    rest: async ({ server }) => {
      await until(async () => (await server.channels()) === 0, { ms: 20_000, every: 200, what: 'no channel is left' });
      if (wakenBy === 'dialplan') assert.match(await server.cli('database show wakeline'), /0 results found/);
    },
    // Its C library keeps what was freed, in a heap for each few threads: how much is chance, tens of megabytes. What is left when that
    // is given back is in use: some 76 MB, five more or less after any round, after a dozen of them as after two.
    memory: async ({ server }) => {
      await server.cli('malloc trim');
      return server.memory();
    },
    more: 8192,
    // It says nothing after 100 before somebody rings.
    patience: { hears: 100, patience: 8000 },
  }]))),
};

/** All of them call at once; answers how each wake ended. */
async function storm(world, lines, ports, patience) {
  const [host, port] = world.server.sip.split(':');
  assert.equal(host, '127.0.0.1');
  const devices = lines.map(async (line) => {
    const { wake } = await line.sink.push('invitation', { since: line.since, ms: 60_000 });
    await ENDS[line.end](world, line, wake);
    return { ...line, wake };
  });
  const callers = await Promise.all(Object.keys(ENDS).map(async (end, i) => {
    const fields = lines.filter((line) => line.end === end).map(({ number, caller }) => [number, caller]);
    await ports[i].letGo();
    return world.bench.add(Sipp, { scenario: scenario(end, patience), udp: true, from: ports[i].port, port, fields, calls: EACH, seconds: 70, args: ['-r', String(EACH), '-l', String(EACH)] });
  }));
  // Callers to whom something else is said end at once.
  const told = Object.keys(ENDS).map(async (end, i) => assert.ok(await callers[i].done, `callers whose calls were to end as ${end}: ${callers[i].said()}`));
  const [wakes] = await Promise.all([Promise.all(devices), ...told]);
  await Promise.all(ports.map((kept) => kept.hold()));
  for (const { wake, end, number, page, sink, since, sip } of wakes) {
    const view = await world.state(wake, end);
    assert.equal(view.final, true);
    // Once each: one push, one INVITE at most, one record.
    assert.equal(sink.log.filter((e) => e.name === 'push' && e.kind === 'invitation', since).length, 1, number);
    const invites = page.log.filter((e) => e.name === 'request' && e.method === 'INVITE', sip).length;
    assert.equal(invites, ['answered', 'busy'].includes(end) ? 1 : 0, `${number}: INVITEs at the page`);
    assert.equal((await world.record(wake)).outcome, end);
  }
  const rows = await world.edge.rows('SELECT COUNT(*) AS n FROM calls');
  for (const { page } of wakes) {
    await page.close();
    page.socket = null;
  }
  return rows[0].n;
}

describe('a hundred at once', { skip: !process.env.WAKELINE_FULL && 'a hundred calls at once through each call server: with --full' }, () => {
  for (const [name, { open, rest, memory, more, patience }] of Object.entries(SERVERS)) {
    test(`through ${name}: each ends once, and nothing is left`, { timeout: 240_000 }, async (context) => {
      // The server knows from where calls may come long before sipp is there.
      const ports = [];
      for (const _ of Object.keys(ENDS)) ports.push(await KeptPort.open());
      const world = await open(ports.map(({ port }) => `127.0.0.1:${port}`));
      try {
        const lines = [];
        for (const line of numbers) lines.push({ ...line, ...(await world.sleeping(line.number)) });
        // Twice for what is kept for good, and once more: that must leave no trace.
        const used = [];
        for (let round = 1; round <= 3; round += 1) {
          const begun = Date.now();
          const marked = lines.map((line) => ({ ...line, since: line.sink.log.mark(), sip: line.page.log.mark() }));
          assert.equal(await storm(world, marked, ports, patience), round * numbers.length, 'a record for each call');
          const took = Date.now() - begun;
          await rest(world);
          used.push(await memory(world));
          context.diagnostic(`round ${round}: ${numbers.length} calls in ${(took / 1000).toFixed(1)} s, then ${Math.round(used.at(-1))} kB`);
        }
        assert.ok(used[2] <= used[1] + more, `memory after each round: ${used.join(', ')} kB`);
      } finally {
        await world.close();
        await Promise.all(ports.map((kept) => kept.letGo()));
      }
    });
  }
});
