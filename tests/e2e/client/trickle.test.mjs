// Candidates that come late: a page that is called does not wait for them where the caller takes them later (RFC 8840), and the caller
// gets them in the call. The first offer waits, as ever.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { after, before, test } from 'node:test';
import { Stage, hear, left } from './harness.mjs';

const LATE_MS = 1500;
let stage, caller, callee, nat;

/** Every description that the other side sent; and a network in which nobody reaches an address that is not its translator's. */
function watch() {
  const own = / typ host/;
  const { setRemoteDescription, addIceCandidate } = RTCPeerConnection.prototype;
  window.described = [];
  RTCPeerConnection.prototype.setRemoteDescription = function apply({ type, sdp }) {
    window.described.push(sdp);
    return setRemoteDescription.call(this, { type, sdp: sdp.replace(/^a=candidate:.* typ host.*\r\n/gm, '') });
  };
  RTCPeerConnection.prototype.addIceCandidate = async function add(candidate) {
    if (!own.test(candidate?.candidate)) await addIceCandidate.call(this, candidate);
  };
}

const bound = () => new Promise((resolve) => {
  const socket = dgram.createSocket('udp4');
  socket.bind(0, '127.0.0.1', () => resolve(socket));
});

/**
 * A translator with a STUN server in it that takes its time: each socket that asks gets an address outside, and what comes there is
 * handed in from one inside that stands for its sender.
 */
class Translator {
  #sockets = [];
  #outside = new Map();

  static async open() {
    const nat = new Translator();
    nat.server = await nat.#bound();
    nat.port = nat.server.address().port;
    nat.server.on('message', (bytes, from) => {
      if (bytes.readUInt16BE(0) === 0x0001) setTimeout(() => void nat.#answer(bytes, from), LATE_MS).unref();
    });
    return nat;
  }

  async #bound() {
    const socket = await bound();
    this.#sockets.push(socket);
    return socket;
  }

  async #answer(bytes, from) {
    const key = `${from.address}:${from.port}`;
    if (!this.#outside.has(key)) this.#outside.set(key, this.#translate(from));
    const { port } = await this.#outside.get(key);
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(0x0101, 0);
    answer.writeUInt16BE(12, 2);
    bytes.copy(answer, 4, 4, 20);
    answer.writeUInt16BE(0x0020, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt16BE(0x0001, 24);
    answer.writeUInt16BE(port ^ 0x2112, 26);
    [127, 0, 0, 1].forEach((octet, at) => { answer[28 + at] = octet ^ answer[4 + at]; });
    this.server.send(answer, from.port, from.address);
  }

  async #translate(inner) {
    const outside = await this.#bound();
    const inside = new Map();
    outside.on('message', async (bytes, peer) => {
      const key = `${peer.address}:${peer.port}`;
      if (!inside.has(key)) {
        inside.set(key, this.#bound().then((socket) => socket.on('message', (back) => outside.send(back, peer.port, peer.address))));
      }
      (await inside.get(key)).send(bytes, inner.port, inner.address);
    });
    return outside.address();
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }
}

before(async () => {
  nat = await Translator.open();
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  [caller, callee] = await Promise.all([[440, '1001'], [1000, '1002']].map(async ([hz, number]) => stage.signedIn(await stage.browser(hz), number, { before: watch })));
  await callee.evaluate(async (port) => {
    await phone.close();
    await open({ session, iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
  }, nat.port);
  await callee.waitForFunction(`phone.registration.state === 'registered'`);
}, { timeout: 120_000 });

after(async () => {
  await stage?.close();
  nat?.close();
}, { timeout: 30_000 });

const hears = async (page, hz) => {
  let heard;
  for (const until = Date.now() + 20_000; Date.now() < until;) {
    heard = await hear(page, 400);
    if (Math.abs(heard.hz - hz) <= hz * 0.02) return;
  }
  assert.fail(`heard ${heard.hz} Hz at ${heard.rms}, not ${hz}`);
};

test('an answer goes out with what is there; what comes later arrives in the call', { timeout: 90_000 }, async () => {
  await caller.evaluate(`dial('1002')`);
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  await caller.waitForFunction(`call.state === 'active'`);
  const [answer] = await caller.evaluate('described');
  assert.match(answer, / typ host/);
  assert.doesNotMatch(answer, / typ srflx/);
  await caller.waitForFunction(`/ typ srflx/.test(call.connection.remoteDescription.sdp)`, { timeout: 30_000 });
  assert.equal(await caller.evaluate('described.length'), 1, 'no further description was needed');
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
  await caller.evaluate('call.hangUp()');
  await callee.waitForFunction('phone.calls.length === 0');
});

test('a first offer waits for them half a second, and has what came; nobody is sent more before there is a dialog', { timeout: 90_000 }, async () => {
  await Promise.all([caller, callee].map((page) => page.evaluate('window.call = undefined; window.described.length = 0')));
  const ms = await left(callee, '1001');
  assert.ok(ms > 490, `${ms} ms`);
  await caller.waitForFunction(`window.call?.state === 'incoming'`);
  await caller.evaluate('call.answer()');
  await callee.waitForFunction(`call.state === 'active'`);
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
});
