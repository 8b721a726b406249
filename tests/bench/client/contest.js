// The same messages through three parsers, in Node or in a browser: bundled by parse.mjs, it knows neither.
import JsSIP from 'jssip/lib/Parser';
import { Parser as SipJs } from 'sip.js/lib/core/messages/parser.js';
import * as wire from '../../../build/sip-bench/wakeline_sip_bench.js';

const quiet = { debug() {}, log() {}, warn() {}, error() {} };
const agent = {};

const paramsOf = (all) => `[${Object.entries(all ?? {}).map(([name, value]) => `${name}=${value ?? ''}`).sort().join(',')}]`;
const address = (display, uri, params) =>
  [display || '-', uri.scheme, uri.user ?? '-', uri.host, uri.port ?? '-', paramsOf(uri._parameters ?? uri.parameters), paramsOf(params)].join(' ');
const without = (all, name) => Object.fromEntries(Object.entries(all ?? {}).filter(([key]) => key !== name));
/** A Via keeps what it knows by name beside its other parameters; both libraries do it alike. */
const viaOf = (via) => {
  const known = { branch: via.branch, received: via.received, rport: via.rport ?? undefined, ttl: via.ttl, maddr: via.maddr };
  const params = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
  return [via.transport, via.host, via.port ?? '-', paramsOf({ ...without(via.params, 'rport'), ...params })].join(' ');
};

const contestants = {
  ours: { decode: (text) => wire.decode(text), told: (text) => wire.told(text) },
  jssip: {
    decode(text) {
      const message = JsSIP.parseMessage(text, agent);
      return message.cseq + (message.parseHeader('contact', 0) && message.via && message.from && message.to ? 0 : NaN);
    },
    told(text) {
      const it = JsSIP.parseMessage(text, agent);
      const contact = it.parseHeader('contact', 0);
      const method = it.parseHeader('cseq').method;
      return [
        address(it.from.display_name, it.from.uri, it.from._parameters), address(it.to.display_name, it.to.uri, it.to._parameters), viaOf(it.via),
        address(contact.display_name, contact.uri, contact._parameters), `${it.cseq} ${method}`,
      ].join('\n');
    },
  },
  sipjs: {
    decode(text) {
      const message = SipJs.parseMessage(text, quiet);
      return message.cseq + (message.parseHeader('contact', 0) && message.via && message.from && message.to ? 0 : NaN);
    },
    told(text) {
      const it = SipJs.parseMessage(text, quiet);
      const contact = it.parseHeader('contact', 0);
      return [
        address(it.from.displayName, it.from.uri, it.from.parameters), address(it.to.displayName, it.to.uri, it.to.parameters), viaOf(it.via),
        address(contact.displayName, contact.uri, contact.parameters), `${it.cseq} ${it.parseHeader('cseq').method}`,
      ].join('\n');
    },
  },
};

const median = (list) => [...list].sort((one, other) => one - other)[list.length >> 1];

/**
 * Messages per second by message and contestant: medians of `rounds` rounds of `ms` milliseconds each, taking turns. Throws where
 * two of them do not read the same.
 */
export async function contest({ corpus, module, rounds = 7, ms = 120 }) {
  await wire.default({ module_or_path: module });
  const rates = {};
  for (const [name, text] of Object.entries(corpus)) {
    const read = Object.entries(contestants).map(([who, { told }]) => [who, told(text)]);
    for (const [who, told] of read) if (told !== read[0][1]) throw new Error(`${name}: ${who} reads\n${told}\nand ours\n${read[0][1]}`);
    const found = Object.fromEntries(Object.keys(contestants).map((who) => [who, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [who, { decode }] of Object.entries(contestants)) {
        const begun = performance.now();
        let [count, sum, now] = [0, 0, begun];
        while (now - begun < ms) {
          for (let turn = 0; turn < 50; turn += 1) sum += decode(text);
          count += 50;
          now = performance.now();
        }
        if (!(sum > 0)) throw new Error(`${who} decoded nothing of ${name}`);
        if (round > 0) found[who].push((count * 1000) / (now - begun)); // the first one warms up
      }
    }
    rates[name] = Object.fromEntries(Object.entries(found).map(([who, list]) => [who, Math.round(median(list))]));
  }
  return rates;
}
