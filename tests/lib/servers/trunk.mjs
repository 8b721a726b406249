// A voice gateway with a mobile behind it, as plain SIP over UDP: calls the server, is called by it, and says what it heard.
import { createSocket } from 'node:dgram';
import { Device } from '../../edge/device.mjs';
import { until } from '../events.mjs';
import { loudest } from '../wav.mjs';

const voice = (port) => `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n`;

/** One octet of A-law (G.711) as a sample between -1 and 1. */
function linear(octet) {
  const bits = octet ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 15) << 4) + 8;
  const size = exponent ? (mantissa + 256) << (exponent - 1) : mantissa;
  return ((bits & 128) ? size : -size) / 32768;
}

/** A sample between -1 and 1 as one octet of A-law. */
function alaw(sample) {
  const size = Math.min(4095, Math.round(Math.abs(sample) * 4096));
  const exponent = size < 32 ? 0 : Math.floor(Math.log2(size)) - 4;
  const bits = (exponent << 4) | ((size >> Math.max(exponent, 1)) & 15);
  return (bits | (sample < 0 ? 0 : 128)) ^ 0x55;
}

export class Trunk extends Device {
  /** What its earpiece plays: samples at 8,000 Hz, from all calls. */
  earpiece = [];

  /** `server` is `host:port`; calls come from and go to `address`. */
  static async open({ number = '13800000000', domain = 'gateway.test' } = {}) {
    const trunk = new Trunk({ domain }, number);
    trunk.socket = createSocket('udp4');
    await new Promise((resolve) => trunk.socket.bind(0, '127.0.0.1', resolve));
    trunk.port = trunk.socket.address().port;
    trunk.address = `127.0.0.1:${trunk.port}`;
    trunk.sound = createSocket('udp4');
    await new Promise((resolve) => trunk.sound.bind(0, '127.0.0.1', resolve));
    trunk.sdp = voice(trunk.sound.address().port);
    trunk.sound.on('message', (packet) => {
      // RTP, payload type 8; not RTCP.
      if ((packet[1] & 127) === 8) for (const octet of packet.subarray(12)) trunk.earpiece.push(linear(octet));
    });
    trunk.contact = `<sip:${number}@${trunk.address}>`;
    trunk.socket.on('message', (bytes, from) => {
      trunk.from = from;
      trunk.receive(bytes.toString());
    });
    return trunk;
  }

  towards(server) {
    const [host, port] = server.split(':');
    this.from = { address: host, port: Number(port) };
    this.domain = server;
    return this;
  }

  send(text) {
    this.socket.send(text, this.from.port, this.from.address);
  }

  via(branch = `z9hG4bK${Math.random().toString(36).slice(2)}`) {
    return `Via: SIP/2.0/UDP ${this.address};rport;branch=${branch}`;
  }

  /** Plays a tone to whom this description names, until it is told to stop. */
  speak(hz, sdp) {
    const [host, port] = [/c=IN IP4 (\S+)/, /m=audio (\d+)/].map((one) => one.exec(sdp)[1]);
    const packet = Buffer.alloc(172);
    packet.writeUInt16BE(0x8008, 0);
    packet.writeUInt32BE(this.port, 8);
    const begun = Date.now();
    let sent = 0;
    this.hush();
    this.speaking = setInterval(() => {
      for (; sent * 20 <= Date.now() - begun; sent += 1) {
        packet.writeUInt16BE(sent & 0xffff, 2);
        packet.writeUInt32BE((sent * 160) >>> 0, 4);
        for (let i = 0; i < 160; i += 1) packet[12 + i] = alaw(0.5 * Math.sin((2 * Math.PI * hz * (sent * 160 + i)) / 8000));
        this.sound.send(Buffer.from(packet), Number(port), host);
      }
    }, 20);
  }

  hush() {
    clearInterval(this.speaking);
  }

  /** Waits for `seconds` more of sound and answers its loudest frequency. */
  async hearsSound({ seconds = 1, ms = 15_000 } = {}) {
    const from = this.earpiece.length;
    const to = from + seconds * 8000;
    await until(() => this.earpiece.length >= to, { ms, what: `${seconds} s of sound (${this.earpiece.length - from} samples came)` });
    return loudest({ rate: 8000, wave: Float32Array.from(this.earpiece.slice(from, to)) });
  }

  async close() {
    this.hush();
    this.sound.close();
    await new Promise((resolve) => this.socket.close(resolve));
  }
}
