// Process CPU per 1,000 pushes, ours beside Node `web-push`, each on the platform it runs on: the
// push room in a workerd process, web-push in this Node process. Alternating in one run, medians.
//
// Both sides make the whole request short of sending it. `signing` signs a VAPID token each time;
// `cached` uses one over. web-push has no such cache, so it is spared the work by being handed the
// finished Authorization header. `ours_in_node` is the same wasm in this Node process, where each
// WebCrypto call is a job for another thread; nobody runs it so, but it is told.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createECDH, createPublicKey, randomBytes, verify } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** `wasm-bindgen --target web` of the release build of wakeline-push-bench. */
const WASM = fileURLToPath(new URL('../../../build/push-bench', import.meta.url));
const NAME = 'wakeline_push_bench';
/** No push message with its headers is smaller: whoever answers less left work out. */
const FLOOR = 300;
const require = createRequire(import.meta.url);
const webpush = require('web-push');
const ece = require('http_ece');

const subject = 'mailto:operator@phone.example';
const vapid = webpush.generateVAPIDKeys();
const devices = Array.from({ length: 16 }, (_, n) => {
  const keys = createECDH('prime256v1');
  keys.generateKeys();
  const auth = randomBytes(16).toString('base64url');
  const endpoint = `https://fcm.googleapis.com/fcm/send/device-${n}`;
  return { keys, auth, subscription: { endpoint, keys: { p256dh: keys.getPublicKey('base64url'), auth } } };
});
const subscriptions = devices.map(device => device.subscription);

/**
 * Measures both. `ours`, `webpush` and `ours_in_node` are milliseconds of CPU per 1,000 pushes.
 * @param {{rounds?: number, pushes?: number}} options
 * @returns {Promise<Record<'cached'|'signing', {ours: number, webpush: number, ours_in_node: number}>>}
 */
export async function pushCpu({ rounds = 7, pushes = 1000 } = {}) {
  const worker = await startWorker();
  try {
    await worker.ask('open', { vapid, subject, subscriptions });
    const inNode = await openInNode();

    // Right first, then fast: web-push's own decoder reads what ours wrote.
    const sample = await worker.ask('sample', { device: 3 });
    const payload = read(Buffer.from(await sample.arrayBuffer()), devices[3]);
    assert.equal(JSON.parse(payload).web_push, 8030);
    assert.ok(isSigned(sample.headers.get('x-authorization')));
    const cached = { headers: { Authorization: sample.headers.get('x-authorization') } };

    const contest = signing => ({
      ours: { cpu: worker.cpu, run: async () => (await (await worker.ask('run', { pushes, signing })).json()).octets },
      webpush: { cpu: ownCpu, run: () => runWebPush(pushes, payload, signing ? { vapidDetails: { subject, ...vapid } } : cached) },
      ours_in_node: { cpu: ownCpu, run: () => inNode.run(pushes, signing) },
    });
    return await measure(rounds, pushes, { cached: contest(false), signing: contest(true) });
  } finally {
    await worker.stop();
  }
}

async function measure(rounds, pushes, contests) {
  const samples = {};
  // Round -1 warms the compilers up; the order turns round each time.
  for (let round = -1; round < rounds; round++) {
    for (const [name, sides] of Object.entries(contests)) {
      const order = Object.entries(sides);
      for (const [side, { cpu, run }] of round % 2 ? order : order.reverse()) {
        const before = cpu();
        assert.ok(await run() > pushes * FLOOR);
        const ms = (cpu() - before) * 1000 / pushes;
        if (round >= 0) ((samples[name] ??= {})[side] ??= []).push(ms);
      }
    }
  }
  return Object.fromEntries(Object.entries(samples).map(([name, sides]) =>
    [name, Object.fromEntries(Object.keys(contests[name]).map(side => [side, median(sides[side])]))]));
}


function runWebPush(pushes, payload, how) {
  let octets = 0;
  for (let at = 0; at < pushes; at++) {
    const made = webpush.generateRequestDetails(subscriptions[at % subscriptions.length], payload,
      { TTL: 60, urgency: 'high', topic: 'a'.repeat(32), ...how });
    octets += made.body.length + made.headers.Authorization.length;
  }
  return octets;
}

function read(body, { keys, auth }) {
  return ece.decrypt(body, { version: 'aes128gcm', privateKey: keys, authSecret: auth }).toString();
}

/** RFC 8292 §3: `vapid t=<JWT>, k=<our key>`, and the JWT is signed by that key. */
function isSigned(authorization) {
  const [, token, k] = /^vapid t=([\w.-]+), k=([\w-]+)$/.exec(authorization);
  const point = Buffer.from(k, 'base64url');
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(half => half.toString('base64url'));
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } });
  const [head, claims, signature] = token.split('.');
  return k === vapid.publicKey
    && verify('sha256', Buffer.from(`${head}.${claims}`), { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url'));
}

async function openInNode() {
  const { default: load, Bench } = await import(pathToFileURL(join(WASM, `${NAME}.js`)));
  await load({ module_or_path: readFileSync(join(WASM, `${NAME}_bg.wasm`)) });
  const bench = await Bench.open(vapid.publicKey, vapid.privateKey, subject);
  for (const { endpoint, keys } of subscriptions) bench.device(endpoint, keys.p256dh, keys.auth);
  return bench;
}

async function startWorker() {
  const folder = mkdtempSync(join(tmpdir(), 'push-bench-'));
  copyFileSync(new URL('worker.mjs', import.meta.url), join(folder, 'worker.js'));
  for (const file of [`${NAME}.js`, `${NAME}_bg.wasm`]) copyFileSync(join(WASM, file), join(folder, file));
  writeFileSync(join(folder, 'config.capnp'), `
    using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (
      services = [(name = "bench", worker = (
        modules = [
          (name = "worker.js", esModule = embed "worker.js"),
          (name = "${NAME}.js", esModule = embed "${NAME}.js"),
          (name = "${NAME}_bg.wasm", wasm = embed "${NAME}_bg.wasm"),
        ],
        compatibilityDate = "2025-09-01",
      ))],
      sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "bench")],
    );`);
  const child = spawn(require('workerd').default, ['serve', '--control-fd=3', join(folder, 'config.capnp')],
    { stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  const exited = once(child, 'exit');
  const port = await listening(child);
  return {
    cpu: () => cpuOf(child.pid),
    async ask(action, body) {
      const answer = await fetch(`http://127.0.0.1:${port}/${action}`, { method: 'POST', body: JSON.stringify(body) });
      assert.equal(answer.status, 200, `${action}: ${answer.ok || await answer.text()}`);
      return answer;
    },
    async stop() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function listening(child) {
  let text = '';
  for await (const chunk of child.stdio[3]) {
    text += chunk;
    for (const line of text.split('\n').slice(0, -1)) {
      const said = JSON.parse(line);
      if (said.event === 'listen') return said.port;
    }
  }
  throw new Error('workerd ended before it listened');
}

/** CPU time of another process in ms: user and system, all its threads, in ticks of 10 ms (proc_pid_stat(5)). */
function cpuOf(pid) {
  const [, fields] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) * 10;
}

function ownCpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return Math.round(sorted[sorted.length >> 1] * 10) / 10;
}
