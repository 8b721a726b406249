// A call server as we ship it, before a real edge: a voice gateway on one side, pages that sleep on the other. What Asterisk and
// Kamailio have in common; `asterisk-world.mjs` and `kamailio-world.mjs` say the rest.
import assert from 'node:assert/strict';
import { Sink } from '../../edge/sink.mjs';
import { Edge } from '../edge.mjs';
import { until } from '../events.mjs';
import { Bench } from './bench.mjs';
import { Trunk } from './trunk.mjs';
import { Woken } from './woken.mjs';

/** What the passwords of its pages are made from. */
export const SECRET = 'what the passwords of pages are made from';

export class CallWorld {
  opened = [];

  /** `site` adds to the site at the edge; `scheme` is how pages prove themselves. The call server is for `open` of the class to add. */
  async begin({ scheme, site = {} }) {
    const sip = { servers: ['wss://pbx.test/ws'], domain: 'wakeline.test', scheme };
    const limits = { ready_s: 15, ring_s: 10, ...site.limits };
    this.edge = await Edge.open({ assets: null, sites: [{ call_servers: [{ id: 'pbx', may: ['wake', 'gateway'] }], sip, ...site, limits }], secrets: { sip_secret: SECRET } });
    this.trunk = await Trunk.open();
    this.trunk.hangsUp = true;
    this.bench = Bench.open();
  }

  get credential() {
    return `pbx.${this.edge.secrets.test.call_servers.pbx[0]}`;
  }

  get secrets() {
    return [this.edge.secrets.test.call_servers.pbx[0], SECRET];
  }

  /** A line with one device that can be pushed to; its page is closed. */
  async sleeping(number, uid) {
    await this.edge.account(number, { display_name: `Line ${number}`, ...(uid && { uid }) });
    return this.another(number);
  }

  /** One more device of a line. */
  async another(number) {
    const { edge } = this;
    const page = new Woken(edge, number, { token: await edge.token(number), server: this.server.url });
    const { body } = await page.api('GET', '/v1/account');
    Object.assign(page, { username: body.sip.username, password: body.sip.password });
    const sink = await Sink.open({ vapid: edge.vapid });
    assert.equal((await page.bind({ sink })).status, 201);
    this.opened.push(page, sink);
    return { page, sink };
  }

  /** The page of a wake comes, registers and says so; answers the call that it then gets. */
  async comes(page, wake, { ms } = {}) {
    const since = page.log.mark();
    if (!page.socket) await page.online({ ms });
    await this.ready(page, wake);
    return page.incoming({ since, ms });
  }

  async ready(page, wake) {
    const { status, body } = await page.report(wake, 'ready');
    assert.equal(status, 200, JSON.stringify(body));
  }

  /** What the call server sees of a wake. */
  async wakeOf(id, { wait = 0 } = {}) {
    return (await this.edge.api('GET', `/v1/wakes/${id}?wait=${wait}`, { authorization: `Bearer ${this.credential}` })).body;
  }

  state(id, wanted, ms = 10_000) {
    return until(async () => {
      const view = await this.wakeOf(id);
      return view.state === wanted && view;
    }, { ms, every: 50, what: `wake ${id} is ${wanted}` });
  }

  /** The record of a call, once it is closed. */
  record(id, ms = 10_000) {
    return until(async () => (await this.edge.rows('SELECT * FROM calls WHERE id = ? AND ended_at IS NOT NULL', id))[0], { ms, every: 100, what: `the record of ${id} is closed` });
  }

  /** The statuses that a caller behind the gateway has heard so far. */
  heard(call) {
    return this.trunk.log.filter((e) => e.name === 'response' && e.message.callId === call.callId && e.message.cseq.method === 'INVITE', call.since).map((e) => e.status);
  }

  /** Every object of the edge is forgotten, as the platform may do whenever nobody waits there for an answer (about `wake`, that is). */
  async forgotten() {
    await this.edge.evictAll();
  }

  async close() {
    await Promise.all(this.opened.map((it) => it.close()));
    await this.bench?.close();
    await this.trunk?.close();
    await this.edge?.close();
  }
}
