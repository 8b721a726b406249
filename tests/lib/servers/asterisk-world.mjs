// Asterisk as we ship it, before a real edge: a voice gateway on one side, pages that sleep on the other.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Sink } from '../../edge/sink.mjs';
import { writeTone } from '../audio.mjs';
import { Edge } from '../edge.mjs';
import { until } from '../events.mjs';
import { end, start } from '../processes.mjs';
import { ShippedAsterisk } from './asterisk-shipped.mjs';
import { Bench } from './bench.mjs';
import { Trunk } from './trunk.mjs';
import { Woken } from './woken.mjs';

const APPLICATION = fileURLToPath(new URL('../../../deploy/asterisk/wakeline-ari.mjs', import.meta.url));
/** What the passwords of its pages are made from. */
const SECRET = 'what the passwords of pages are made from';
const LINES = Array.from({ length: 60 }, (_, i) => String(1002 + i));

export class AsteriskWorld {
  /** `wakenBy` is `dialplan` or `stasis`; `site` adds to the site at the edge, `announcement` is the frequency of one. */
  static async open({ wakenBy = 'dialplan', announcement, site = {}, limits = { ring_s: 20, direct_s: 3 } } = {}) {
    const world = Object.assign(new AsteriskWorld(), { wakenBy, opened: [] });
    const sip = { servers: ['wss://pbx.test/ws'], domain: 'wakeline.test', scheme: 'derived' };
    world.edge = await Edge.open({ assets: null, sites: [{ call_servers: [{ id: 'pbx', may: ['wake', 'gateway'] }], sip, limits: { ready_s: 15, ring_s: 20 }, ...site }], secrets: { sip_secret: SECRET } });
    world.trunk = await Trunk.open();
    world.trunk.hangsUp = true;
    world.bench = Bench.open();
    // Asterisk wants the name of a sound without its ending.
    const sound = announcement && join(world.bench.dir, 'please-wait');
    if (sound) writeTone(`${sound}.wav`, announcement, { rate: 8000, on: 1, off: 0 });
    world.asterisk = await world.bench.add(ShippedAsterisk, {
      edge: world.edge.origin, credential: world.credential, domain: world.edge.domain, lines: LINES, secret: SECRET, gateway: world.trunk.address, wakenBy, limits, announcement: sound,
    });
    world.trunk.towards(world.asterisk.sip);
    if (wakenBy === 'stasis') await world.lead();
    return world;
  }

  get credential() {
    return `pbx.${this.edge.secrets.test.call_servers.pbx[0]}`;
  }

  get secrets() {
    return [this.edge.secrets.test.call_servers.pbx[0], SECRET];
  }

  /** Starts the Stasis application. */
  async lead() {
    this.application = start(process.execPath, [APPLICATION, this.asterisk.etc], { logDir: this.asterisk.dir, name: `application-${Date.now()}` });
    await until(() => /leads calls/.test(this.application.logTail()), { ms: 20_000, what: 'the Stasis application leads calls' });
  }

  /** A line with one device that can be pushed to; its page is closed. */
  async sleeping(number) {
    const { edge } = this;
    await edge.account(number, { display_name: `Line ${number}` });
    const page = new Woken(edge, number, { token: await edge.token(number), server: this.asterisk.url });
    const { body } = await page.api('GET', '/v1/account');
    assert.equal(body.sip.username, number);
    page.password = body.sip.password;
    const sink = await Sink.open({ vapid: edge.vapid });
    assert.equal((await page.bind({ sink })).status, 201);
    this.opened.push(page, sink);
    return { page, sink };
  }

  /** What the call server sees of a wake. */
  async wakeOf(id) {
    return (await this.edge.api('GET', `/v1/wakes/${id}?wait=0`, { authorization: `Bearer ${this.credential}` })).body;
  }

  state(id, wanted, ms = 10_000) {
    return until(async () => {
      const view = await this.wakeOf(id);
      return view.state === wanted && view;
    }, { ms, every: 50, what: `wake ${id} is ${wanted}` });
  }

  /** The statuses that a caller behind the gateway has heard so far. */
  heard(call) {
    return this.trunk.log.filter((e) => e.name === 'response' && e.message.callId === call.callId && e.message.cseq.method === 'INVITE', call.since).map((e) => e.status);
  }

  async close() {
    await Promise.all(this.opened.map((it) => it.close()));
    if (this.application) await end(this.application);
    await this.bench?.close();
    await this.trunk?.close();
    await this.edge?.close();
  }
}

/** The Q.850 cause of an answer. */
export const causeOf = (answer) => Number(/cause=(\d+)/.exec(answer.all('reason'))?.[1]);
