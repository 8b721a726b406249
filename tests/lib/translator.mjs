// A network whose addresses are translated, on loopback: what a page that is in it learns of its address, and learns late.
import dgram from 'node:dgram';

const LATE_MS = 1500;

/** Runs in a page: nobody there reaches an address that is not the translator's. Every description that the other side sent is kept. */
export function behind() {
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
export class Translator {
  #sockets = [];
  #outside = new Map();
  #closed = false;

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
    if (this.#closed) socket.close();
    return socket;
  }

  /** Browsers go on asking and talking to the end: what is under way when this is closed goes nowhere. */
  #send(socket, bytes, port, address) {
    if (!this.#closed) socket.send(bytes, port, address);
  }

  async #answer(bytes, from) {
    if (this.#closed) return;
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
    this.#send(this.server, answer, from.port, from.address);
  }

  async #translate(inner) {
    const outside = await this.#bound();
    const inside = new Map();
    outside.on('message', async (bytes, peer) => {
      const key = `${peer.address}:${peer.port}`;
      if (!inside.has(key)) {
        inside.set(key, this.#bound().then((socket) => socket.on('message', (back) => this.#send(outside, back, peer.port, peer.address))));
      }
      this.#send(await inside.get(key), bytes, inner.port, inner.address);
    });
    return outside.address();
  }

  close() {
    this.#closed = true;
    for (const socket of this.#sockets) socket.close();
  }
}
