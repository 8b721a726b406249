// Two pages that may use nothing but a relay talk through a real coturn, with the short-lived credentials that the edge gives them.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Stage, hear, hears, tonesIn } from '../e2e/client/harness.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Coturn } from '../lib/servers/coturn.mjs';

const secret = randomBytes(24).toString('base64url');
let bench, turn, stage, caller, callee;

/** Whatever the page asks for, its connections have relay candidates only. */
const relayOnly = (page) => page.evaluateOnNewDocument(() => {
  window.connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) {
      super({ ...configuration, iceTransportPolicy: 'relay' });
      window.connections.push(this);
    }

    setConfiguration(configuration) {
      super.setConfiguration({ ...configuration, iceTransportPolicy: 'relay' });
    }
  };
});

before(async () => {
  bench = Bench.open();
  turn = await bench.add(Coturn, { secret });
  stage = await Stage.open({ turn: { provider: 'coturn', urls: turn.urls, ttl_s: 600 } }, { prepare: relayOnly, secrets: { turn_secret: secret } });
  for (const number of ['1001', '1002']) await stage.account(number, `Line ${number}`);
  const browsers = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(browsers[0], '1001');
  callee = await stage.signedIn(browsers[1], '1002');
}, { timeout: 120_000 });
after(async () => {
  await stage?.close();
  await bench?.close();
}, { timeout: 30_000 });

/** The kind of our own candidate that the latest connection really uses: that of the other side may be seen before it is told. */
const way = (page) => page.evaluate(async () => {
  const stats = [...(await call.connection.getStats()).values()];
  const { selectedCandidatePairId } = stats.find((one) => one.type === 'transport');
  const { localCandidateId } = stats.find((one) => one.id === selectedCandidatePairId);
  return stats.find((one) => one.id === localCandidateId).candidateType;
});

const bothHear = () => Promise.all([hears(caller, 1000), hears(callee, 440)]);

test('both hear the other, through the relay alone', { timeout: 90_000 }, async () => {
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`, { timeout: 30_000 });
  await callee.evaluate('call.answer()');
  await Promise.all([caller, callee].map((page) => page.waitForFunction(`call.state === 'active'`, { timeout: 30_000 })));
  await bothHear();
  for (const page of [caller, callee]) assert.equal(await way(page), 'relay');
  await caller.evaluate('call.hangUp()');
  await callee.waitForFunction(`call.state === 'ended'`);
});

test('the credentials are of the line, end soon, and no other password opens the relay', { timeout: 60_000 }, async () => {
  const { body } = await stage.edge.api('GET', '/v1/ice', { token: await stage.edge.token('1001') });
  const server = body.ice_servers.find(({ urls }) => urls.some((url) => url.startsWith('turn:')));
  const ends = Number(server.username.split(':')[0]) - Date.now() / 1000;
  assert.ok(ends > 300 && ends <= 610, `in ${ends} s`);
  const gathered = (iceServers) => caller.evaluate(async (iceServers) => {
    const connection = new RTCPeerConnection({ iceServers });
    const found = [];
    const done = new Promise((resolve) => { connection.onicegatheringstatechange = () => connection.iceGatheringState === 'complete' && resolve(); });
    connection.onicecandidate = ({ candidate }) => { if (candidate?.candidate) found.push(candidate.type); };
    connection.createDataChannel('x');
    await connection.setLocalDescription();
    await done;
    connection.close();
    return found;
  }, iceServers);
  assert.ok((await gathered([server])).includes('relay'));
  assert.deepEqual(await gathered([{ ...server, credential: 'wrong' }]), []);
  const [, number] = server.username.split(':');
  assert.deepEqual(await gathered([{ ...server, username: `${Math.floor(Date.now() / 1000) - 60}:${number}` }]), []);
});

/** The energy of what the page has decoded in a second (a full tone: 0.25). */
const loudness = (page) => page.evaluate(async () => {
  const energy = async () => [...(await call.connection.getStats()).values()].find(({ type }) => type === 'inbound-rtp')?.totalAudioEnergy ?? 0;
  const before = await energy();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return await energy() - before;
});

/** What the page's connection says of itself. */
const watched = async () => {
  const stats = [...(await call.connection.getStats()).values()];
  return {
    broken: call.broken, state: call.connection.connectionState, ice: call.connection.iceConnectionState, muted: call.muted, silent: call.silent, held: [call.held, call.remoteHeld],
    signaling: call.connection.signalingState, directions: call.connection.getTransceivers().map(({ direction, currentDirection }) => [direction, currentDirection]),
    pairs: stats.filter(({ type }) => type === 'candidate-pair').map(({ state, nominated, packetsSent, packetsReceived }) => [state, nominated, packetsSent, packetsReceived]),
    rtp: stats.filter(({ type }) => /bound-rtp$/.test(type)).map(({ type, packetsSent, packetsReceived }) => [type, packetsSent, packetsReceived]),
  };
};

/** A call whose relay goes away, and comes back after `meanwhile`. */
async function lostAndFound(meanwhile = async () => {}) {
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`, { timeout: 30_000 });
  await callee.evaluate('call.answer()');
  await Promise.all([caller, callee].map((page) => page.waitForFunction(`call.state === 'active' && call.connection.connectionState === 'connected'`, { timeout: 30_000 })));
  const look = (page) => page.evaluate(() => ({
    made: connections.length,
    fragment: /a=ice-ufrag:(\S+)/.exec(call.connection.localDescription.sdp)[1],
    user: call.connection.getConfiguration().iceServers.find(({ username }) => username).username,
  }));
  const before = await look(caller);
  await Promise.all([caller, callee].map((page) => page.evaluate(() => {
    window.broke = false;
    call.addEventListener('media', () => { window.broke ||= call.broken; });
  })));
  await bothHear();
  for (const page of [caller, callee]) await page.evaluate(async () => { window.recording = new (await import('/client/media.js')).Recording(call); });
  await hear(caller, 2000);
  await turn.close();
  await Promise.race([caller, callee].map((page) => page.waitForFunction('broke', { timeout: 30_000 })));
  for (const loud of await Promise.all([caller, callee].map(loudness))) assert.ok(loud < 0.01, `without a relay ${loud} is heard`);
  await meanwhile();
  turn = await bench.add(Coturn, { secret, port: turn.port });
  await Promise.all([caller, callee].map((page) => page.waitForFunction(`call.state === 'active' && call.connection.connectionState === 'connected' && !call.broken`, { timeout: 60_000 })));
  await bothHear().catch(async (error) => {
    assert.fail(`${error.message}: ${JSON.stringify(await Promise.all([caller, callee].map((one) => one.evaluate(watched))))}`);
  });
  await hear(caller, 1500);
  const after = await look(caller);
  assert.equal(after.made, before.made, 'no other connection');
  assert.notEqual(after.fragment, before.fragment);
  assert.notEqual(after.user, before.user);
  for (const page of [caller, callee]) assert.equal(await way(page), 'relay');
  await caller.evaluate('call.hangUp()');
  await callee.waitForFunction(`call.state === 'ended'`);
  // What was recorded has both tones before and after.
  for (const page of [caller, callee]) {
    const file = await page.evaluate(tonesIn);
    for (const [one, other, nobody] of file.tones) assert.ok(one > nobody * 20 && other > nobody * 20, JSON.stringify(file));
  }
}

test('a relay that goes away under a call, and comes back, is found again: the same call, another path, new credentials', { timeout: 120_000 }, () => lostAndFound());

test('the same where an offer of the caller is taken back while there is no path, as one that crosses another', { timeout: 120_000 }, () => lostAndFound(async () => {
  await caller.waitForFunction('broke', { timeout: 30_000 });
  const states = await caller.evaluate(async () => {
    const { connection } = call;
    connection.restartIce();
    await connection.setLocalDescription(await connection.createOffer());
    const offered = connection.signalingState;
    await connection.setLocalDescription({ type: 'rollback' });
    return [offered, connection.signalingState];
  });
  assert.deepEqual(states, ['have-local-offer', 'stable']);
}));

test('the check before a call finds the relay, and calls itself through it', { timeout: 60_000 }, async () => {
  const report = await caller.evaluate(async () => (await import('/client/media.js')).preflight(phone, { loopbackMs: 3000 }));
  const results = Object.fromEntries(report.steps.map(({ name, result }) => [name, result]));
  assert.deepEqual(results, { microphone: 'passed', socket: 'passed', registration: 'passed', stun: 'skipped', turn: 'passed', loopback: 'passed' }, JSON.stringify(report));
  const { relayed, mos } = report.steps.at(-1);
  assert.ok(relayed && mos > 3, JSON.stringify(report.steps.at(-1)));
});
