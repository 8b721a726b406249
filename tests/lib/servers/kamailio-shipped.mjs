// Kamailio with the configuration that we ship (deploy/kamailio), as it stands there: only what the file calls "yours" is this
// test's, in the file beside it that it reads.
import { execFile } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../ports.mjs';
import { end } from '../processes.mjs';
import { Kamailio } from './kamailio.mjs';
import { RtpEngine } from './rtpengine.mjs';

const SHIPPED = join(dirname(fileURLToPath(import.meta.url)), '../../../deploy/kamailio/kamailio.cfg');
const run = promisify(execFile);

export class ShippedKamailio extends Kamailio {
  /**
   * `edge` is its origin, `credential` what proves this server to it, `secret` what the pages' credentials are made from; `gateway` the
   * trunk's other end, `host:port`. Without `callback` the edge is asked each second, and it may be another address than Kamailio's own;
   * `more` are further definitions.
   */
  async open({ edge, credential, domain, secret, gateway, media, callback = true, more = {} }) {
    this.udp = await freePort();
    this.tcp = await freePort();
    this.domain = domain;
    this.url = `ws://127.0.0.1:${this.tcp}/`;
    this.sip = `127.0.0.1:${this.udp}`;
    const yours = {
      PLAIN: '', DOMAIN: `"${domain}"`, EDGE: `"${edge}"`, EDGE_CREDENTIAL: `"${credential}"`, SIP_SECRET: `"${secret}"`, GATEWAY_IP: '"127.0.0.1"',
      GATEWAY: `"sip:${gateway}"`, LISTEN_TRUNK: `udp:${this.sip}`, LISTEN_PAGES: `tcp:127.0.0.1:${this.tcp}`, RTPENGINE: `"udp:${media?.control ?? '127.0.0.1:9'}"`,
      ...(callback && { CALLBACK: `"${callback === true ? `http://127.0.0.1:${this.tcp}/wakeline` : callback}"` }), ...more,
    };
    copyFileSync(SHIPPED, join(this.dir, 'kamailio.cfg'));
    const lines = Object.entries(yours).map(([name, value]) => `#!define ${name} ${value}`.trim());
    // For the test to look into it.
    lines.push('loadmodule "ctl.so"', `modparam("ctl", "binrpc", "unix:${join(this.dir, 'ctl')}")`);
    writeFileSync(join(this.dir, 'wakeline-local.cfg'), `${lines.join('\n')}\n`);
    await this.start();
  }

  start() {
    this.gone = undefined;
    return this.launch(join(this.dir, 'kamailio.cfg'));
  }

  /** The process is killed with all its children, as by a power cut. */
  crash() {
    return end(this.process, 0);
  }

  /** One RPC command; answers what it printed. */
  async ask(...words) {
    const { stdout } = await run('kamcmd', ['-s', `unix:${join(this.dir, 'ctl')}`, ...words], { timeout: 20_000 });
    return stdout;
  }

  /** How many calls are parked. */
  async slots() {
    return this.entries('slot');
  }

  /** How much one of its tables holds. */
  async entries(table) {
    return ((await this.ask('htable.dump', table)).match(/name: /g) ?? []).length;
  }

  /** How many transactions stand. */
  async transactions() {
    return Number(/current: (\d+)/.exec(await this.ask('tm.stats'))[1]);
  }

  /** Octets of its shared memory that are in use. */
  async memory() {
    return Number(/\bused: (\d+)/.exec(await this.ask('core.shmmem'))[1]);
  }

  /** All that it wrote. */
  log() {
    return this.process.logText();
  }
}

/** What `play gateway` needs to know of a call server. */
export const kamailio = {
  scheme: 'ephemeral',
  path: '/',
  /** What the caller is told. */
  says: { provisional: ['182'], unbound: /unbound/, expired: /expired/ },
  async open(bench, options) {
    const media = await bench.add(RtpEngine);
    return bench.add(ShippedKamailio, { ...options, media });
  },
};
