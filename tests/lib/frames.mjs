// Reads WebSocket frames (RFC 6455 §5.2) off a byte stream, for looking only.

const CONTINUATION = 0;
const TEXT = 1;
const BINARY = 2;

export class FrameReader {
  #pending = Buffer.alloc(0);
  #parts = [];

  /** `onMessage` gets the text of each whole data message. */
  constructor(onMessage) {
    this.onMessage = onMessage;
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
    if (opcode === TEXT || opcode === BINARY || opcode === CONTINUATION) {
      this.#parts.push(payload);
      if (final) {
        this.onMessage(Buffer.concat(this.#parts).toString('utf8'));
        this.#parts = [];
      }
    }
    return true;
  }
}
