// coturn of the bench really relays: what later tests of TURN stand on.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench } from '../lib/servers/bench.mjs';
import { Coturn } from '../lib/servers/coturn.mjs';
import { Pages } from '../lib/servers/pages.mjs';

let bench, turn, pages, page;
before(async () => {
  bench = Bench.open();
  turn = await bench.add(Coturn);
  pages = await Pages.open();
  page = await pages.page(await pages.browser('chromium', 1000));
}, { timeout: 90_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 30_000 });

const relayed = (iceServers) => page.evaluate(async (iceServers) => {
  const [a, b] = [1, 2].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: 'relay' }));
  const candidates = [];
  a.onicecandidate = ({ candidate }) => { if (candidate?.candidate) { candidates.push(candidate.type); b.addIceCandidate(candidate); } };
  b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate);
  const gathered = new Promise((resolve) => { a.onicegatheringstatechange = () => a.iceGatheringState === 'complete' && resolve(); });
  const channel = a.createDataChannel('x');
  const said = new Promise((resolve) => { b.ondatachannel = (event) => { event.channel.onmessage = ({ data }) => resolve(data); }; });
  channel.onopen = () => channel.send('through the relay');
  await a.setLocalDescription();
  await b.setRemoteDescription(a.localDescription);
  await b.setLocalDescription();
  await a.setRemoteDescription(b.localDescription);
  const nothing = gathered.then(() => (candidates.length ? said : null));
  const heard = await Promise.race([said, nothing]);
  for (const one of [a, b]) one.close();
  return { heard, candidates };
}, iceServers);

test('two peers that may only use the relay reach each other by it', { timeout: 60_000 }, async () => {
  const { heard, candidates } = await relayed(turn.iceServers);
  assert.equal(heard, 'through the relay');
  assert.ok(candidates.every((kind) => kind === 'relay') && candidates.length > 0, candidates.join());
});

test('a wrong credential gets no relay', { timeout: 60_000 }, async () => {
  const { heard, candidates } = await relayed([{ ...turn.iceServers[0], credential: 'wrong' }]);
  assert.deepEqual([heard, candidates], [null, []]);
});
