// Kamailio with the configuration that we ship (deploy/kamailio), as it stands there: only what the file calls "yours" is this
// test's, in the file beside it that it reads.
import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../ports.mjs';
import { Kamailio } from './kamailio.mjs';
import { RtpEngine } from './rtpengine.mjs';

const SHIPPED = join(dirname(fileURLToPath(import.meta.url)), '../../../deploy/kamailio/kamailio.cfg');

export class ShippedKamailio extends Kamailio {
  /**
   * `edge` is its origin, `credential` what proves this server to it, `secret` what the pages' credentials are made from; `gateway` the
   * trunk's other end, `host:port`. Without `callback` the edge is asked each second; `more` are further definitions.
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
      ...(callback && { CALLBACK: `"http://127.0.0.1:${this.tcp}/wakeline"` }), ...more,
    };
    copyFileSync(SHIPPED, join(this.dir, 'kamailio.cfg'));
    writeFileSync(join(this.dir, 'wakeline-local.cfg'), Object.entries(yours).map(([name, value]) => `#!define ${name} ${value}`.trim()).join('\n') + '\n');
    await this.start();
  }

  start() {
    return this.launch(join(this.dir, 'kamailio.cfg'));
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
