// baresip, a phone: registers by UDP, answers by itself, plays a tone and records what it hears. Driven by its control
// socket (netstrings of JSON), which also tells its events.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { writeTone } from '../audio.mjs';
import { EventLog, until } from '../events.mjs';
import { freePair, freePort, freeRange } from '../ports.mjs';
import { DOMAIN, Part, passwordOf } from './bench.mjs';

const MODULES = '/usr/lib/baresip/modules';

export class Baresip extends Part {
  name = 'baresip';

  /**
   * `server` is where it registers (`host:port`), or what it calls through when it does not (`register`); `tone` the frequency that its
   * microphone hears. What it writes down of a call ends with the first re-INVITE of that call, by a fault of its own.
   */
  async open({ user = 'phone', display = '', server, tone, codec = 'pcmu/8000/1', transport = 'udp', answer = 'auto', domain = DOMAIN, register = true }) {
    this.user = user;
    this.register = register;
    this.events = new EventLog();
    this.sounds = join(this.dir, 'sounds');
    mkdirSync(this.sounds, { recursive: true });
    // It takes the port after that of SIP for TLS, and ends where that is taken.
    const [[sip], control, [low, high]] = [await freePair(), await freePort(), await freeRange(40)];
    this.control = control;
    this.port = sip;
    const [, rate] = codec.split('/').map(Number);
    writeTone(join(this.sounds, 'tone.wav'), tone, { rate, seconds: 60 });
    writeFileSync(join(this.dir, 'accounts'), [
      `${display && `"${display}" `}<sip:${user}@${domain};transport=${transport}>;auth_user=${user};auth_pass="${passwordOf(user)}"`,
      `outbound="sip:${server};transport=${transport}"`, `answermode=${answer}`, `audio_codecs=${codec}`, `regint=${register ? 300 : 0}\n`,
    ].join(';'));
    writeFileSync(join(this.dir, 'contacts'), '');
    writeFileSync(join(this.dir, 'config'), [
      'poll_method epoll', `sip_listen 127.0.0.1:${sip}`, `sip_trans_def ${transport}`, 'call_max_calls 4',
      `audio_source aufile,${this.sounds}/tone.wav`, `audio_player aufile,${this.sounds}/play.wav`, `audio_alert aufile,${this.sounds}/alert.wav`,
      `ausrc_srate ${rate}`, `auplay_srate ${rate}`, 'ausrc_channels 1', 'auplay_channels 1', 'audio_level no',
      `rtp_ports ${low}-${high}`, 'rtcp_mux no', 'jitter_buffer_delay 2-10', 'net_interface 127.0.0.1', 'ring_aufile none',
      `module_path ${MODULES}`,
      ...['g711', 'opus', 'aufile', 'sndfile', 'ausine'].map((name) => `module ${name}.so`),
      'module_tmp uuid.so', 'module_tmp account.so', 'module_app contact.so', 'module_app menu.so', 'module_app ctrl_tcp.so',
      `ctrl_tcp_listen 127.0.0.1:${control}`, `snd_path ${this.sounds}\n`,
    ].join('\n'));
    // Its telephone events (digits) are told on the control socket as well.
    this.run('baresip', ['-f', this.dir]);
    await until(() => this.alive() && this.#attach(), { ms: 20_000, every: 50, what: 'baresip takes a control connection' });
    if (register) await this.events.wait((event) => event.type === 'REGISTER_OK', { ms: 20_000, what: `${user} is registered` });
  }

  async #attach() {
    this.socket = await new Promise((resolve) => {
      const socket = connect(this.control, '127.0.0.1', () => resolve(socket)).on('error', () => resolve(null));
    });
    if (!this.socket) return false;
    let buffer = Buffer.alloc(0);
    this.socket.on('data', (bytes) => {
      buffer = Buffer.concat([buffer, bytes]);
      for (;;) {
        const colon = buffer.indexOf(':');
        const length = Number(buffer.subarray(0, Math.max(colon, 0)).toString());
        if (colon < 0 || buffer.length < colon + length + 2) return;
        const message = JSON.parse(buffer.subarray(colon + 1, colon + 1 + length).toString());
        buffer = buffer.subarray(colon + length + 2);
        this.events.record(message.event ? 'event' : 'response', message);
      }
    });
    // Whether it registered before anyone listened.
    if (this.register) await this.command('reginfo').then((answer) => {
      if (/OK/.test(answer.data ?? '')) this.events.record('event', { type: 'REGISTER_OK' });
    });
    return true;
  }

  /** One command of its menu (`dial`, `hangup`, `mute`, `sndcode` …). */
  async command(command, params) {
    const token = `t${(this.tokens = (this.tokens ?? 0) + 1)}`;
    const text = JSON.stringify({ command, ...(params && { params }), token });
    const since = this.events.mark();
    this.socket.write(`${Buffer.byteLength(text)}:${text},`);
    return this.events.wait((event) => event.name === 'response' && event.token === token, { since, ms: 5000, what: `baresip answers ${command}` });
  }

  /** Awaits one of its events: `CALL_INCOMING`, `CALL_ESTABLISHED`, `CALL_CLOSED`, `CALL_DTMF_START` … */
  event(type, { since = 0, ms = 15_000 } = {}) {
    return this.events.wait((event) => event.type === type, { since, ms, what: `${this.user}: ${type}` });
  }

  /** Hangs up whatever is left, and waits for it. */
  async idle() {
    const open = () => this.events.filter((e) => e.type === 'CALL_ESTABLISHED').length > 0 && this.#calls().length > 0;
    while (open()) {
      const since = this.events.mark();
      await this.command('hangup');
      await this.event('CALL_CLOSED', { since });
    }
  }

  /** Ids of the calls that are not closed. */
  #calls() {
    const closed = this.events.filter((e) => e.type === 'CALL_CLOSED').map((e) => e.id);
    return [...new Set(this.events.filter((e) => e.class === 'call').map((e) => e.id))].filter((id) => !closed.includes(id));
  }

  /** The file with what the phone has heard in its latest call. */
  recording() {
    const files = readdirSync(this.sounds).filter((name) => /^dump-.*-dec\.wav$/.test(name)).sort();
    return files.length ? join(this.sounds, files.at(-1)) : null;
  }

  async close() {
    this.socket?.destroy();
    await super.close();
  }
}
