// Runs our Lua script for FreeSWITCH with a session that the test plays: real Lua, real HTTP to the edge, no FreeSWITCH.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EventLog } from '../events.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));
export const SHIPPED = join(HERE, '../../../deploy/freeswitch');

/** The interpreter, or nothing where the machine has none. */
export const LUA = ['/usr/bin/lua5.3', '/usr/bin/lua5.4', '/usr/bin/luajit'].find((file) => existsSync(file));

/** Words that mod_curl tells apart (`argv[10]` in its source); the last is all that is left. */
const CURL_WORDS = 10;

/** `curl`'s arguments as FreeSWITCH's mod_curl reads them: split at spaces outside of single quotes, what is posted decoded. */
function request(words) {
  const found = [...words.matchAll(/'([^']*)'|(\S+)/g)];
  const parts = found.slice(0, CURL_WORDS - 1).map(([, inside, plain]) => inside ?? plain);
  if (found.length >= CURL_WORDS) parts.push(words.slice(found[CURL_WORDS - 1].index));
  const asked = { url: parts[0], method: 'GET', headers: {} };
  for (let i = 1; i < parts.length; i += 1) {
    if (parts[i] === 'post') Object.assign(asked, { method: 'POST', body: decodeURIComponent(parts[i += 1]) });
    else if (parts[i] === 'content-type') asked.headers['content-type'] = parts[i += 1];
    else if (parts[i] === 'append_headers') {
      const [, name, value] = /^([^:]+):\s*(.*)$/.exec(parts[i += 1]);
      asked.headers[name] = value;
    } else if (parts[i] === 'timeout') asked.timeout = Number(parts[i += 1]) * 1000;
    else if (parts[i] === 'connect-timeout') i += 1;
    else throw new Error(`mod_curl knows no ${parts[i]}`);
  }
  return asked;
}

/** Calls by their UUID, for what is done beside them. */
const calls = new Map();

export class FreeSwitchSession {
  log = new EventLog();
  /** The caller hangs up when this is false. */
  up = true;

  /**
   * `scripts` is a folder with the script and its configuration; `bridge(words)` plays a call and answers its `originate_disposition`;
   * `contacts(number)` is what is registered.
   */
  constructor(scripts, { variables = {}, contacts = () => '', bridge = () => 'NO_ANSWER', uuid = crypto.randomUUID(), domain = 'wakeline.test' } = {}) {
    Object.assign(this, { scripts, variables, contacts, bridge, uuid });
    this.globals = { script_dir: scripts, domain, gateway_ip: '192.0.2.10', gateway_port: '5060' };
    this.database = new Set();
    calls.set(uuid, this);
  }

  /** Runs the script to its end; answers its exit status. */
  async run(...args) {
    const child = spawn(LUA, [join(HERE, 'freeswitch-stub.lua'), join(this.scripts, 'wakeline.lua'), ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    child.stderr.on('data', (bytes) => { said += bytes; });
    const done = new Promise((resolve) => { child.once('exit', resolve); });
    for await (const line of createInterface({ input: child.stdout })) {
      const words = line.split('\t').map((word) => word.replace(/\\(.)/g, (_, c) => ({ t: '\t', n: '\n' })[c] ?? c));
      const answer = await this.#answer(...words);
      const bytes = answer === undefined || answer === null ? null : Buffer.from(String(answer));
      child.stdin.write(bytes ? `${bytes.length}\n` : '-1\n');
      if (bytes) child.stdin.write(bytes);
    }
    const code = await done;
    if (code !== 0) throw new Error(`the script ended with ${code}: ${said}`);
  }

  async #answer(kind, ...words) {
    if (!['time', 'ready', 'global'].includes(kind)) this.log.record(kind, { words });
    switch (kind) {
      case 'time': return Date.now();
      case 'ready': return this.up ? 'yes' : 'no';
      case 'global': return this.globals[words[0]];
      case 'get': return this.variables[words[0]];
      case 'uuid': return this.uuid;
      case 'set': this.variables[words[0]] = words[1]; return undefined;
      case 'hangup': this.up = false; this.cause = words[0]; return undefined;
      case 'sleep': await new Promise((resolve) => { setTimeout(resolve, Number(words[0])); }); return undefined;
      case 'execute':
        if (words[0] === 'bridge') this.variables.originate_disposition = await this.bridge(words[1], this);
        return undefined;
      case 'api': return this.#api(...words);
      default: return undefined;
    }
  }

  async #api(name, words) {
    if (name === 'sofia_contact') return this.contacts(/^\*\/(.+)@/.exec(words)[1]) || 'error/user_not_registered';
    if (name === 'db') {
      const [verb, , key] = words.split('/');
      if (verb === 'insert') this.database.add(key);
      if (verb === 'delete') this.database.delete(key);
      return verb === 'list' ? [...this.database].join(',') : '+OK';
    }
    if (name === 'luarun') {
      // In a thread of its own.
      const [, ...args] = words.split(' ');
      const beside = new FreeSwitchSession(this.scripts, { domain: this.globals.domain });
      (this.beside ??= []).push(beside.run(...args));
      return '+OK';
    }
    if (name.startsWith('uuid_')) {
      const [uuid, ...rest] = words.split(' ');
      const call = calls.get(uuid);
      if (!call?.up) return '-ERR No such channel!';
      if (name === 'uuid_getvar') return call.variables[rest[0]] || '_undef_';
      if (name === 'uuid_setvar') call.variables[rest[0]] = rest[1];
      if (name === 'uuid_kill') Object.assign(call, { up: false, cause: rest[0] });
      return '+OK';
    }
    if (name !== 'curl') return '+OK';
    const { url, timeout, ...asked } = request(words);
    this.log.record('asked', { url, ...asked });
    try {
      return await (await fetch(url, { ...asked, signal: AbortSignal.timeout(timeout) })).text();
    } catch {
      return '';
    }
  }

  /** What `api_on_ring` or `api_on_answer` of a bridged leg would run. */
  async event(words, name) {
    const [, args] = new RegExp(`api_on_${name}='luarun wakeline.lua ([^']*)'`).exec(words);
    const other = new FreeSwitchSession(this.scripts, { domain: this.globals.domain });
    await other.run(...args.split(' '));
  }
}
