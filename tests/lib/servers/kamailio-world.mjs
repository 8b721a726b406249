// Kamailio as we ship it, before a real edge: a voice gateway on one side, pages that sleep on the other.
import { CallWorld, SECRET } from './call-world.mjs';
import { ShippedKamailio } from './kamailio-shipped.mjs';
import { RtpEngine } from './rtpengine.mjs';

export class KamailioWorld extends CallWorld {
  /** `site` adds to the site at the edge; `callback` and `more` are those of `ShippedKamailio`; `wire` makes what stands between it and rtpengine. */
  static async open({ site, callback, more, wire } = {}) {
    const world = new KamailioWorld();
    await world.begin({ scheme: 'ephemeral', site });
    const engine = await world.bench.add(RtpEngine);
    const media = wire ? await wire(engine) : engine;
    world.server = await world.bench.add(ShippedKamailio, {
      edge: world.edge.origin, credential: world.credential, domain: world.edge.domain, secret: SECRET, gateway: world.trunk.address, media, callback, more,
    });
    world.trunk.towards(world.server.sip);
    return world;
  }
}
