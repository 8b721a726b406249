// Kamailio as we ship it, before a real edge: a voice gateway on one side, pages that sleep on the other.
import { CallWorld, SECRET } from './call-world.mjs';
import { ShippedKamailio } from './kamailio-shipped.mjs';
import { RtpEngine } from './rtpengine.mjs';

export class KamailioWorld extends CallWorld {
  /** `site` adds to the site at the edge; `callback` and `more` are those of `ShippedKamailio`. */
  static async open({ site, callback, more } = {}) {
    const world = new KamailioWorld();
    await world.begin({ scheme: 'ephemeral', site });
    const media = await world.bench.add(RtpEngine);
    world.server = await world.bench.add(ShippedKamailio, {
      edge: world.edge.origin, credential: world.credential, domain: world.edge.domain, secret: SECRET, gateway: world.trunk.address, media, callback, more,
    });
    world.trunk.towards(world.server.sip);
    return world;
  }
}
