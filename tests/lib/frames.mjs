// Reads WebSocket frames (RFC 6455 §5.2) off a byte stream, and writes one.

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;

export class FrameReader {
  #pending = Buffer.alloc(0);
  #parts = [];
  #raw = [];

  /**
   * `onMessage` gets the text of each whole data message; `onOctets` the octets of each message or control frame in
   * their order, with that text or null.
   */
  constructor(onMessage, onOctets = () => {}) {
    this.onMessage = onMessage;
    this.onOctets = onOctets;
  }

  read(chunk) {
    this.#pending = Buffer.concat([this.#pending, chunk]);
    while (this.#take());
  }

  #take() {
    const octets = this.#pending;
    if (octets.length < 2) return false;
    const final = Boolean(octets[0] & 0x80);
    const opcode = octets[0] & 0x0f;
    const masked = Boolean(octets[1] & 0x80);
    let length = octets[1] & 0x7f;
    let at = 2;
    if (length === 126) {
      if (octets.length < 4) return false;
      length = octets.readUInt16BE(2);
      at = 4;
    } else if (length === 127) {
      if (octets.length < 10) return false;
      length = Number(octets.readBigUInt64BE(2));
      at = 10;
    }
    const mask = masked ? octets.subarray(at, at + 4) : null;
    at += masked ? 4 : 0;
    if (octets.length < at + length) return false;
    const payload = Buffer.from(octets.subarray(at, at + length));
    if (mask) for (let i = 0; i < payload.length; i += 1) payload[i] ^= mask[i & 3];
    this.#pending = octets.subarray(at + length);
    const raw = octets.subarray(0, at + length);
    if (opcode === TEXT || opcode === BINARY || opcode === CONTINUATION) {
      this.#parts.push(payload);
      this.#raw.push(raw);
      if (final) {
        const text = Buffer.concat(this.#parts).toString('utf8');
        const message = Buffer.concat(this.#raw);
        [this.#parts, this.#raw] = [[], []];
        this.onMessage(text);
        this.onOctets(message, text);
      }
    } else {
      this.onOctets(raw, null);
    }
    return true;
  }
}

/** A text message as a server sends it: one frame, not masked. */
export function textFrame(text) {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([0x80 | TEXT, payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    head[0] = 0x80 | TEXT;
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}
