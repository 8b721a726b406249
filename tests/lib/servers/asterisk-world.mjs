// Asterisk as we ship it, before a real edge: a voice gateway on one side, pages that sleep on the other.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeTone } from '../audio.mjs';
import { until } from '../events.mjs';
import { end, start } from '../processes.mjs';
import { ShippedAsterisk } from './asterisk-shipped.mjs';
import { Cable } from './cable.mjs';
import { CallWorld, SECRET } from './call-world.mjs';

const APPLICATION = fileURLToPath(new URL('../../../deploy/asterisk/wakeline-ari.mjs', import.meta.url));
/** How many polls of one call server an object keeps. */
const POLLS = 32;

export class AsteriskWorld extends CallWorld {
  /**
   * `wakenBy` is `dialplan` or `stasis`; `site` adds to the site at the edge, `announcement` is the frequency of one. `lines` are the
   * numbers that may register, `callers` addresses beside the trunk's that calls may come from. With
   * `cable` what lies between it and the edge can be pulled.
   */
  static async open({ wakenBy = 'dialplan', announcement, site, limits = { ring_s: 10, direct_s: 3 }, lines = Array.from({ length: 60 }, (_, i) => String(1002 + i)), callers, cable = false } = {}) {
    const world = Object.assign(new AsteriskWorld(), { wakenBy });
    await world.begin({ scheme: 'derived', site });
    // Asterisk wants the name of a sound without its ending.
    const sound = announcement && join(world.bench.dir, 'please-wait');
    if (sound) writeTone(`${sound}.wav`, announcement, { rate: 8000, on: 1, off: 0 });
    if (cable) world.cable = await Cable.open(world.edge.port);
    world.server = await world.bench.add(ShippedAsterisk, {
      edge: (world.cable ?? world.edge).origin, credential: world.credential, domain: world.edge.domain, lines, secret: SECRET, gateway: world.trunk.address, callers, wakenBy, limits, announcement: sound,
    });
    world.trunk.towards(world.server.sip);
    if (wakenBy === 'stasis') await world.lead();
    return world;
  }

  get asterisk() {
    return this.server;
  }

  /** Starts the Stasis application. */
  async lead() {
    this.application = start(process.execPath, [APPLICATION, this.server.etc], { logDir: this.server.dir, name: `application-${Date.now()}` });
    await until(() => /leads calls/.test(this.application.logTail()), { ms: 20_000, what: 'the Stasis application leads calls' });
  }

  async forgotten(wake) {
    this.cable?.pull();
    // A long poll keeps an object in memory, and it waits on for whom it cannot reach any more; as many polls as it keeps, all of them
    // short, take the place of that one.
    if (this.cable && wake) await Promise.all(Array.from({ length: POLLS }, () => this.wakeOf(wake, { wait: 1 })));
    await super.forgotten();
    this.cable?.putBack();
  }

  async close() {
    if (this.application) await end(this.application);
    await this.cable?.close();
    await super.close();
  }
}

/** The Q.850 cause of an answer. */
export const causeOf = (answer) => Number(/cause=(\d+)/.exec(answer.all('reason'))?.[1]);
