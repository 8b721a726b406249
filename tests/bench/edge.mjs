// What the edge carries, beside Kamailio in the same run on the same machine, with the same client.
//
//   node tests/bench/edge.mjs [--json FILE] [--only register,floor,calls,wakes,cost,idle] [--seconds N] [--idle 2000,10000] [--lines 100000]
//
// The worker runs in workerd itself, one process, no development proxy. The client is one Node process on the same
// machine: what it cannot send, no server can take, and the JSON says how many processors there were for all.
import { createECDH, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Edge } from '../lib/edge.mjs';
import { Bench, DOMAIN, passwordOf } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { SHAPES, openFloor } from './edge/floor.mjs';
import { SipSocket } from './edge/socket.mjs';
import { cpu, family, files, memory, workerd } from './edge/process.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
const PARTS = ['register', 'floor', 'calls', 'wakes', 'cost', 'idle'];
const { values: options } = parseArgs({
  options: {
    json: { type: 'string' }, only: { type: 'string', default: PARTS.join() }, seconds: { type: 'string', default: '8' },
    idle: { type: 'string', default: '2000,10000' }, lines: { type: 'string', default: '100000' }, sockets: { type: 'string', default: '64' },
  },
});
const only = options.only.split(',');
const seconds = Number(options.seconds);
const SOCKETS = Number(options.sockets);
const WOKEN = 20;
/** New sockets a second where memory is weighed. */
const PACE = 80;

const now = () => performance.now();
const round = (value, digits = 0) => Number(value.toFixed(digits));
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How often a second all of `workers` together get through `once`, after a second of warming up. */
async function rate(workers, once) {
  const [begin, end] = [now() + 1000, now() + 1000 + seconds * 1000];
  let done = 0;
  await Promise.all(workers.map(async (worker) => {
    while (now() < end) {
      await once(worker);
      const at = now();
      if (at >= begin && at < end) done += 1;
    }
  }));
  return round(done / seconds, 1);
}

/** Does `work` on every item, at most `width` at once. */
async function each(items, width, work) {
  let next = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (next < items.length) await work(items[next++]);
  }));
}

// The two servers, seen alike: where sockets go, who may register, which processes they are.

async function openEdge() {
  const edge = await Edge.open({
    assets: null, before: join(HERE, 'edge/counting.mjs'),
    sites: [{ limits: { calls_per_minute: 1_000_000, sockets_per_minute: 1_000_000, idle_s: 120 } }],
  });
  const { signing_keys: [{ kid, secret }] } = edge.secrets.test;
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  // As the site's own backend signs it.
  const token = (number) => {
    const at = Math.floor(Date.now() / 1000);
    const text = `${part({ alg: 'HS256', typ: 'JWT', kid })}.${part({ iss: 'test', sub: `u${number}`, num: number, name: `Line ${number}`, iat: at, exp: at + 3600, aud: 'wakeline' })}`;
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
  };
  return {
    name: 'ours', edge, domain: edge.domain, url: `${edge.origin.replace('http', 'ws')}/sip`, token,
    pids: () => workerd(),
    account: (number) => edge.account(number, { password: passwordOf(number) }),
    close: () => edge.close(),
  };
}

async function openKamailio(bench) {
  const kamailio = await bench.add(Kamailio, { anyone: true, workers: 2, connections: 16_384, memory: 1024 });
  return { name: 'kamailio', domain: DOMAIN, url: kamailio.url, pids: () => family(kamailio.process.pid), account: async () => {}, close: async () => {} };
}

const digestLine = (server, number) => ({ number, domain: server.domain, password: passwordOf(number) });

async function online(server, number, more = {}) {
  const socket = await SipSocket.open(server.url, { ...digestLine(server, number), ...more });
  await socket.register();
  return socket;
}

async function registerRate(server, numbers) {
  const sockets = await Promise.all(numbers.map((number) => online(server, number)));
  const before = cpu(server.pids());
  const result = await rate(sockets, (socket) => socket.register());
  const used = (cpu(server.pids()) - before) / (result * (seconds + 1));
  for (const socket of sockets) socket.close();
  return { per_s: result, cpu_ms: round(used, 2) };
}

/** What workerd takes for the shape of a REGISTER when nothing is done in it: its rate is the ceiling of ours. */
async function floorRate({ edge }) {
  const floor = await openFloor(dirname(edge.dir));
  try {
    const result = {};
    for (const shape of Object.keys(SHAPES)) {
      const sockets = await floor.sockets(shape, SOCKETS);
      const before = cpu(workerd());
      const per_s = await rate(sockets, (socket) => socket.exchange());
      result[shape] = { per_s, cpu_ms: round((cpu(workerd()) - before) / (per_s * (seconds + 1)), 2) };
      for (const socket of sockets) socket.close();
    }
    return result;
  } finally {
    await floor.close();
  }
}

/** The same two objects as a server of the idle part: each socket says one thing, and then nothing. */
async function openIdleFloor({ edge }) {
  const floor = await openFloor(dirname(edge.dir));
  const come = async () => {
    const [socket] = await floor.sockets('rows', 1);
    await socket.exchange();
    return socket;
  };
  return { name: 'workerd_alone', pids: () => workerd(), come, close: () => floor.close() };
}

async function callRate(server, numbers) {
  const pairs = [];
  for (let at = 0; at + 1 < numbers.length; at += 2) {
    const [caller, callee] = await Promise.all([online(server, numbers[at]), online(server, numbers[at + 1])]);
    callee.answers();
    pairs.push([caller, callee.number, callee]);
  }
  const result = await rate(pairs, async ([caller, callee]) => {
    const call = await caller.invite(callee);
    if (call.answer.status !== 200) throw new Error(`call: ${call.answer.text.slice(0, 300)}`);
    await caller.finish(call);
  });
  for (const [caller, , callee] of pairs) for (const socket of [caller, callee]) socket.close();
  return { per_s: result };
}

/** Memory per idle registered socket, once the server has settled. */
async function idle(server, counts) {
  const settled = async () => {
    // Objects are forgotten by their platform some ten seconds after the last event: memory is read when it stands still.
    let [last, same] = [memory(server.pids()), 0];
    for (const end = now() + 30_000; now() < end && same < 3;) {
      await pause(2500);
      const present = memory(server.pids());
      same = Math.abs(present - last) < Math.max(512, last * 0.004) ? same + 1 : 0;
      last = present;
    }
    return last;
  };
  const come = server.come ?? ((number) => online(server, number, server.token && { token: server.token(number) }));
  const empty = await settled();
  const sockets = [];
  const result = {};
  for (const count of counts) {
    const numbers = Array.from({ length: count - sockets.length }, (_, i) => `7${String(sockets.length + i).padStart(6, '0')}`);
    const from = now();
    // Objects stay in memory some ten seconds after their last event, and the allocator keeps what it once had: sockets that
    // came all at once would be weighed with the objects of all of them.
    let [refused, held] = [undefined, files(server.pids())];
    await each(numbers.map((number, i) => [number, from + (i * 1000) / PACE]), 24, async ([number, at]) => {
      if (refused) return;
      await pause(Math.max(0, at - now()));
      try {
        sockets.push(await come(number));
        if (sockets.length % 100 === 0) held = files(server.pids());
      } catch (error) {
        refused ??= error;
      }
    });
    if (refused) {
      // An object's storage holds files open: where the system allows few, they are the end of it, not memory.
      result[count] = null;
      console.log(`   ${server.name}: no more than ${sockets.length} of ${count} sockets, with about ${held} (${refused.message})`);
      continue;
    }
    const took = (now() - from) / 1000;
    result[count] = round((await settled() - empty) / count, 1);
    console.log(`   ${server.name}: ${count} sockets (${round(numbers.length / took)} new ones a second): ${result[count]} kB each`);
  }
  return { result, close: () => { for (const socket of sockets) socket.close(); } };
}

/** A push service that takes everything at once. */
async function pushService() {
  const waits = new Map();
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.writeHead(201).end();
      const number = request.url.split('/').at(-1);
      waits.get(number)?.();
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  return {
    subscription: (number) => ({ kind: 'webpush', endpoint: `http://127.0.0.1:${server.address().port}/push/${number}`, p256dh: keys.getPublicKey('base64url'), auth: randomBytes(16).toString('base64url') }),
    next: (number) => new Promise((resolve) => waits.set(number, resolve)),
    close: () => { server.closeAllConnections(); server.close(); },
  };
}

async function sleeper(server, push, number) {
  const device = randomUUID();
  const { status, body } = await server.edge.api('PUT', `/v1/devices/${device}`, { token: server.token(number), body: { push: push.subscription(number) } });
  if (status >= 300) throw new Error(`device of ${number}: ${status} ${JSON.stringify(body)}`);
  return { number, device };
}

async function wakeRate(server, push, count = 32) {
  const pairs = [];
  for (let i = 0; i < count; i += 1) {
    const callee = await sleeper(server, push, `3${String(i).padStart(4, '0')}`);
    const number = `4${String(i).padStart(4, '0')}`;
    pairs.push([await online(server, number, { token: server.token(number) }), callee]);
  }
  const result = await rate(pairs, async ([caller, callee]) => {
    const pushed = push.next(callee.number);
    const parked = Promise.withResolvers();
    const call = caller.invite(callee.number, (status) => { if (status === 182) parked.resolve(); });
    await Promise.race([Promise.all([pushed, parked.promise]), call.then(({ answer }) => { throw new Error(`wake: ${answer.text.slice(0, 200)}`); })]);
    await caller.cancel();
    const { answer } = await call;
    if (answer.status !== 487) throw new Error(`wake: ${answer.text.slice(0, 200)}`);
  });
  for (const [caller] of pairs) caller.close();
  return { per_s: result };
}

const counts = async (server) => (await server.edge.api('GET', '/bench/counts', { token: null })).body;

/** What one woken call costs, from INVITE to the end of the talk: object requests, rows written, processor time. */
async function wakeCost(server, push, prefix) {
  const caller = await online(server, `${prefix}0`, { token: server.token(`${prefix}0`) });
  const calls = [];
  for (let i = 1; i <= WOKEN + 3; i += 1) calls.push(await sleeper(server, push, `${prefix}${i}`));
  const one = async ({ number, device }) => {
    const pushed = push.next(number);
    const call = caller.invite(number);
    await pushed;
    const token = server.token(number);
    const callee = await SipSocket.open(server.url, { number, domain: server.domain, token });
    callee.answers();
    const registered = await callee.register({ instance: device });
    const [, wake] = /Wakeline-Waiting: ?([\w-]+)/i.exec(registered.text);
    const { status, body } = await server.edge.api('POST', `/v1/wakes/${wake}/ready`, { token, body: { device } });
    if (status !== 200) throw new Error(`ready: ${status} ${JSON.stringify(body)}`);
    const answered = await call;
    if (answered.answer.status !== 200) throw new Error(`woken call: ${answered.answer.text.slice(0, 200)}`);
    await caller.finish(answered);
    callee.close();
  };
  for (const callee of calls.slice(0, 3)) await one(callee);
  await quiet(server);
  const [before, used] = [await counts(server), cpu(server.pids())];
  for (const callee of calls.slice(3)) await one(callee);
  await quiet(server);
  const after = await counts(server);
  caller.close();
  return {
    requests: round((after.requests - before.requests) / WOKEN, 1), rows: round((after.rows - before.rows) / WOKEN, 1),
    alarms: round((after.alarms - before.alarms) / WOKEN, 1), cpu_ms: round((cpu(server.pids()) - used) / WOKEN, 1),
  };
}

/** Until nothing is asked of an object for a second: records and acknowledgements come after the call. */
async function quiet(server) {
  let last = await counts(server);
  for (const end = now() + 15_000; now() < end;) {
    await pause(1000);
    const present = await counts(server);
    if (present.requests === last.requests) return;
    last = present;
  }
}

/** Fills the directory with lines that nobody uses. */
async function fillDirectory(server, lines) {
  const database = await server.edge.runtime.getD1Database('DB');
  await database.prepare(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${lines})
    INSERT INTO accounts (site, number, uid, display_name, verifier, created_at) SELECT 'test', '9' || printf('%07d', i), 'f' || i, 'Line', 'none', 0 FROM n`).run();
}

async function main() {
  for (const part of only) if (!PARTS.includes(part)) throw new Error(`--only knows ${PARTS.join(', ')}, not ${part}`);
  const wants = (part) => only.includes(part);
  const report = options.json && existsSync(options.json) ? JSON.parse(readFileSync(options.json, 'utf8')) : {};
  Object.assign(report, { machine: { processors: cpus().length, model: cpus()[0].model }, seconds, sockets: SOCKETS });
  const keep = () => options.json && writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
  const bench = Bench.open();
  const servers = [await openEdge(), await openKamailio(bench)];
  const [ours] = servers;
  const push = await pushService();
  try {
    if (wants('cost')) {
      (report.wake_cost ??= {}).lines_10 = await wakeCost(ours, push, '51');
      console.log('   one woken call, 10 lines:', JSON.stringify(report.wake_cost.lines_10));
      keep();
    }
    const numbers = Array.from({ length: SOCKETS }, (_, i) => `2${String(i).padStart(4, '0')}`);
    if (wants('register') || wants('calls')) await each(numbers, 4, ours.account);
    for (const [part, measure] of [['register', registerRate], ['calls', callRate]]) {
      if (!wants(part)) continue;
      const key = part === 'register' ? 'register_per_s' : 'calls_per_s';
      report[key] = {};
      for (const server of servers) {
        const { per_s: result, ...more } = await measure(server, numbers);
        report[key][server.name] = result;
        console.log(`   ${part}, ${server.name}: ${result}/s ${JSON.stringify(more)}`);
      }
      report[key].share = round(report[key].ours / report[key].kamailio, 3);
      keep();
    }
    if (wants('floor')) {
      report.floor = await floorRate(ours);
      console.log(`   workerd alone, in the shape of a REGISTER: ${JSON.stringify(report.floor)}`);
      keep();
    }
    if (wants('wakes')) {
      report.wakes_per_s = { ours: (await wakeRate(ours, push)).per_s };
      console.log(`   wakes: ${report.wakes_per_s.ours}/s`);
      keep();
    }
    let idling;
    if (wants('idle')) {
      report.idle_socket_kb = {};
      const steps = options.idle.split(',').map(Number);
      const floor = await openIdleFloor(ours);
      for (const [server, up] of [[servers[1], steps], [floor, steps.slice(0, 1)], [ours, steps]]) {
        idling = await idle(server, up);
        report.idle_socket_kb[server.name] = idling.result;
        if (server !== ours) idling.close();
        if (server === floor) await floor.close();
        keep();
      }
    }
    if (wants('cost')) {
      const lines = Number(options.lines);
      await fillDirectory(ours, lines);
      report.wake_cost[`lines_${lines}`] = await wakeCost(ours, push, '52');
      // What stood there: accounts in the directory, and lines with an object of their own.
      report.wake_cost.objects = (await ours.edge.runtime.listDurableObjectIds('LineObject')).length;
      console.log(`   one woken call, ${lines} lines:`, JSON.stringify(report.wake_cost[`lines_${lines}`]));
    }
    idling?.close();
    keep();
  } finally {
    push.close();
    await ours.close();
    await bench.close();
  }
}

await main();
process.exit();
