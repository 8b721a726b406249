// The real worker in real workerd, as built, with storage of its own: no wrangler between.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import webpush from 'web-push';
import { freePort } from './ports.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');
const WORKER = join(ROOT, 'build/worker');
const MIGRATIONS = join(ROOT, 'edge-worker/migrations');
// Storage in memory where there is such a place: each turn of an object is committed before anything leaves it, and a disk that
// others write to would be what a test measures (INVITE to push: 4 ms in memory, 11 to 60 on a busy disk).
const STORAGE = process.env.WAKELINE_TEST_STORAGE ?? (existsSync('/dev/shm') ? '/dev/shm' : tmpdir());
const CLASSES = { FLOW: 'FlowObject', LINE: 'LineObject', METER: 'MeterObject', VENDOR: 'VendorObject' };
const VENDOR = `export default {
  fetch(request, env) {
    const url = new URL(request.url);
    // A push service of a test's own stands on loopback already.
    if (url.hostname === '127.0.0.1') return fetch(request);
    url.protocol = 'http:';
    url.host = env.ADDRESS;
    return fetch(new Request(url, request));
  },
};`;
const secret = (octets = 32) => randomBytes(octets).toString('base64url');

/** A site for tests; anything may be overridden. */
function siteOf({ id = 'test', limits, push, ...rest } = {}) {
  return {
    id,
    domain: 'wakeline.test',
    hosts: ['*'],
    origins: [],
    token_ttl_s: 3600,
    ice_servers: [],
    ...rest,
    limits: { calls_per_minute: 1000, line_calls_per_minute: 1000, caller_calls_per_minute: 0, sign_in_tries: 1000, ...limits },
    push: { loopback: true, subject: 'mailto:operator@wakeline.test', ...push },
  };
}

export class Edge {
  /**
   * Starts the worker with fresh storage. `sites` are site configurations (one by default; see
   * `siteOf`); `outbound` is a loopback address that answers for every host that the worker calls:
   * the local stand-in of a push service whose host is fixed. `secrets` is added to those of the first
   * site. `before` is a module that runs in front of the worker.
   */
  static async open({ sites = [{}], secrets = {}, outbound, port, assets = join(ROOT, 'www/dist'), log = process.env.WAKELINE_EDGE_LOG, before } = {}) {
    const edge = new Edge();
    edge.dir = mkdtempSync(join(STORAGE, 'wakeline-edge-'));
    edge.port = port ?? (await freePort());
    edge.origin = `http://127.0.0.1:${edge.port}`;
    edge.sites = sites.map(siteOf);
    edge.secrets = Object.fromEntries(edge.sites.map(({ id, call_servers = [], push }) => {
      const { publicKey, privateKey } = webpush.generateVAPIDKeys();
      return [id, {
        api_keys: [secret()],
        signing_keys: [{ kid: 'k1', secret: secret() }],
        vapid: { public_key: publicKey, private_key: privateKey },
        call_servers: Object.fromEntries(call_servers.map((server) => [server.id, [secret()]])),
        ...(id === edge.sites[0].id && secrets),
        ...(push?.getui && { getui: { master_secret: 'M'.repeat(22) } }),
        ...(push?.unicloud && { unicloud: { key: secret() } }),
      }];
    }));
    edge.accounts = new Map();
    edge.edgeSecret = secret();
    edge.operatorKey = secret();
    edge.outbound = outbound;
    edge.assets = assets;
    edge.before = before;
    edge.log = log;
    /** Lines that the worker logged, to be scanned and shown when a test fails. */
    edge.lines = [];
    await edge.#start();
    await edge.#migrate();
    return edge;
  }

  get #options() {
    const compatibilityDate = /compatibility_date = "(.*)"/.exec(readFileSync(join(ROOT, 'wrangler.toml'), 'utf8'))[1];
    const worker = {
      name: 'wakeline',
      modulesRoot: WORKER,
      modules: [
        ...(this.before ? [{ type: 'ESModule', path: join(WORKER, 'before.js'), contents: readFileSync(this.before, 'utf8') }] : []),
        ...['index.js', ...readdirSync(WORKER).filter((file) => file.endsWith('.wasm'))].map((file) => ({
          type: file.endsWith('.wasm') ? 'CompiledWasm' : 'ESModule',
          path: join(WORKER, file),
        })),
      ],
      compatibilityDate,
      durableObjects: Object.fromEntries(Object.entries(CLASSES).map(([binding, className]) => [binding, { className, useSQLite: true }])),
      d1Databases: { DB: 'wakeline' },
      bindings: { SITES: JSON.stringify(this.sites), SITE_SECRETS: JSON.stringify(this.secrets), EDGE_SECRET: this.edgeSecret, OPERATOR_KEY: this.operatorKey },
    };
    if (this.assets) {
      worker.assets = { directory: this.assets, binding: 'ASSETS', run_worker_first: ['/v1/*', '/sip', '/healthz'], routerConfig: { has_user_worker: true } };
    }
    const workers = [worker];
    if (this.outbound) {
      // All that the worker sends are pushes: this one hands them to the stand-in.
      worker.outboundService = 'vendor';
      workers.push({ name: 'vendor', modules: true, script: VENDOR, compatibilityDate, bindings: { ADDRESS: this.outbound } });
    }
    return convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: this.port,
      cf: false,
      telemetry: { enabled: false },
      log: new Log(this.log ? LogLevel.DEBUG : LogLevel.ERROR),
      handleStructuredLogs: ({ level, message }) => {
        this.lines.push(`${level}: ${message}`);
        if (this.log) console.error(`[edge ${level}] ${message}`);
      },
      resourcePersistencePath: join(this.dir, 'storage'),
      isolatedResourcePersistencePath: join(this.dir, 'storage'),
      unsafeInspectDurableObjects: true,
      workers,
    });
  }

  async #start() {
    this.runtime = new Miniflare(this.#options);
    await this.runtime.ready;
  }

  async #migrate() {
    const database = await this.runtime.getD1Database('DB');
    for (const file of readdirSync(MIGRATIONS).filter((name) => name.endsWith('.sql')).sort()) {
      const statements = readFileSync(join(MIGRATIONS, file), 'utf8').replace(/--.*$/gm, '').split(';').map((text) => text.trim()).filter(Boolean);
      await database.batch(statements.map((statement) => database.prepare(statement)));
    }
  }

  /** Rows of D1, for a test that looks at the records. */
  async rows(query, ...values) {
    const database = await this.runtime.getD1Database('DB');
    return (await database.prepare(query).bind(...values).all()).results;
  }

  get apiKey() {
    return this.secrets[this.sites[0].id].api_keys[0];
  }

  get domain() {
    return this.sites[0].domain;
  }

  get vapid() {
    return this.secrets[this.sites[0].id].vapid;
  }

  /** One REST request: `api('POST', '/v1/accounts', {body, token})` → `{status, body}`. */
  async api(method, path, { body, token = this.apiKey, authorization = token && `Bearer ${token}`, origin } = {}) {
    const response = await fetch(this.origin + path, {
      method,
      headers: {
        ...(authorization && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(origin && { origin }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text && /json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : text };
  }

  /** Creates an account by the site's key; answers it with its password. */
  async account(number, { password = secret(9), ...more } = {}) {
    const { status, body } = await this.api('POST', '/v1/accounts', { body: { number, password, ...more } });
    if (status !== 201) throw new Error(`account ${number}: ${status} ${JSON.stringify(body)}`);
    this.accounts.set(number, { ...body, number, password });
    return { ...body, password };
  }

  /** A token for a number, by the site's key. */
  async token(number, { ttl_s } = {}) {
    const { status, body } = await this.api('POST', '/v1/tokens', { body: { number, ttl_s } });
    if (status >= 300) throw new Error(`token for ${number}: ${status} ${JSON.stringify(body)}`);
    return body.token;
  }

  /** The object name of a line of the first site. */
  lineName(number) {
    return `line:${this.sites[0].id}:${number}`;
  }

  /** Makes the runtime forget an object now, as it may at any time; its sockets hibernate. */
  async evict(objectName) {
    const className = CLASSES[objectName.startsWith('flow:') ? 'FLOW' : 'LINE'];
    await this.runtime.unsafeEvictDurableObject('wakeline', className, { name: objectName, webSockets: 'hibernate' });
  }

  /** Evicts every object that has storage. */
  async evictAll() {
    for (const className of Object.values(CLASSES)) {
      for (const id of await this.runtime.listDurableObjectIds(className)) {
        await this.runtime.unsafeEvictDurableObject('wakeline', className, { id, webSockets: 'hibernate' }).catch((error) => {
          // Forgotten already, by the runtime itself.
          if (!/not currently running/.test(error.message)) throw new Error(`${className}: ${error.message}`, { cause: error });
        });
      }
    }
  }

  /** What runs once a day. */
  async scheduled() {
    const { outcome } = await (await this.runtime.getWorker('wakeline')).scheduled();
    if (outcome !== 'ok') throw new Error(`the daily handler: ${outcome}`);
  }

  /**
   * Ends the process and starts it again on the same storage; `sites` may change meanwhile, and `between` may look into
   * the files of the storage.
   */
  async restart({ sites, between } = {}) {
    if (sites) this.sites = sites.map(siteOf);
    await this.runtime.dispose();
    await between?.(join(this.dir, 'storage'));
    await this.#start();
  }

  async close() {
    await this.runtime?.dispose();
    if (!process.env.WAKELINE_KEEP) rmSync(this.dir, { recursive: true, force: true, maxRetries: 3 });
  }
}
