// The edge against its own OpenAPI document: schemathesis asks what the document allows, and what it does not, and no answer may be
// a 500 or one that the document does not describe. Its examples are made real first: they name a line, a device and a wake that are.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Device } from '../edge/device.mjs';
import { Sink } from '../edge/sink.mjs';
import { Edge } from '../lib/edge.mjs';

const TOOL = process.env.WAKELINE_SCHEMATHESIS;
const FULL = Boolean(process.env.WAKELINE_FULL);
const EXAMPLES = FULL ? 150 : 5;
const SEED = process.env.WAKELINE_SEED ?? String(Math.floor(Math.random() * 1e9));
const PASSWORD = 'correct horse battery';
/** What the document's examples name. */
const NAMED = { serverWake: 'q83vASNFZ4mrze8BI0VniQMTAwMQ', device: '0189d2c4-7a1b-4c3d-8e9f-0123456789ab', wake: 'q83vASNFZ4mrze8BI0VniQ', endpoint: 'https://updates.push.services.mozilla.com/wpush/v2/example' };

let edge;
let sink;
let folder;
const closing = [];

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wakeline-openapi-'));
  edge = await Edge.open({ sites: [{ call_servers: [{ id: 'pbx', may: ['wake', 'gateway'] }], limits: { ready_s: 600 } }] });
  sink = await Sink.open({ vapid: edge.vapid });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await sink?.close();
  await edge?.close();
  rmSync(folder, { recursive: true, force: true });
});

function run(args) {
  const child = spawn(TOOL, args, { cwd: folder, env: { ...process.env, PYTHONUTF8: '1', NO_COLOR: '1' }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (said += text));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, said }));
  });
}

test('the document is served with the page, as it is', async () => {
  const answer = await fetch(`${edge.origin}/openapi.json`);
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type'), /application\/json/);
  assert.deepEqual(await answer.json(), JSON.parse(readFileSync(new URL('../../www/public/openapi.json', import.meta.url), 'utf8')));
});

test('no answer is a 500 or unknown to the document', { timeout: 20 * 60_000 }, async () => {
  await edge.account('1001', { password: PASSWORD, uid: 'u-1001', display_name: 'Ada' });
  const line = new Device(edge, '1001', { device: NAMED.device, token: await edge.token('1001') });
  await line.bind({ sink });
  const caller = new Device(edge, '1002', { token: await edge.token('1002') });
  closing.push(caller);
  await caller.online();
  const call = caller.call('1001');
  const { wake, said } = await sink.push('invitation');
  await call.hears('pushed');

  // A call server's wake of the same line.
  const led = await edge.api('POST', '/v1/wakes', {
    body: { call: 'led', number: '1001', caller: { number: '13800138000' } }, authorization: `Bearer pbx.${edge.secrets.test.call_servers.pbx[0]}`, token: null,
  });
  assert.equal(led.status, 201, JSON.stringify(led.body));

  const document = readFileSync(new URL('../../www/public/openapi.json', import.meta.url), 'utf8')
    .replaceAll(NAMED.serverWake, led.body.id).replaceAll(NAMED.wake, wake).replaceAll(NAMED.endpoint, sink.subscription.endpoint);
  writeFileSync(join(folder, 'openapi.json'), document);
  const at = Date.now();
  const secrets = {
    siteKey: { bearer: edge.apiKey },
    operatorKey: { bearer: edge.operatorKey },
    token: { bearer: line.token },
    capability: { api_key: `Wake ${said.wakeline.capability}` },
    deviceSignature: { api_key: `WakelineDevice number=1001,at=${at},sig=${await line.sign('push', at)}` },
    callServer: { bearer: `pbx.${edge.secrets.test.call_servers.pbx[0]}` },
  };
  const config = Object.entries(secrets).map(([name, auth]) => `[auth.openapi.${name}]\n${Object.entries(auth).map(([key, value]) => `${key} = ${JSON.stringify(value)}`).join('\n')}\n`);
  writeFileSync(join(folder, 'schemathesis.toml'), config.join('\n'), { mode: 0o600 });
  const { code, said: log } = await run([
    '--config-file', join(folder, 'schemathesis.toml'), 'run', join(folder, 'openapi.json'), '--url', edge.origin,
    '--checks', 'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method,allow_header_conformance,ignored_auth,missing_required_header',
    '--phases', 'examples,coverage,fuzzing', '--max-examples', String(EXAMPLES), '--seed', SEED, '--suppress-health-check', 'all',
    '--continue-on-failure', '--warnings', 'off',
  ]);
  console.log(`# seed ${SEED}\n${log.slice(-30_000)}`);
  assert.equal(code, 0, 'schemathesis found something; the log above says what');
  // Nor did anything fail inside that the answer hides.
  assert.deepEqual(edge.lines.filter((entry) => /event=failure/.test(entry)), []);
});
