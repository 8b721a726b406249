// rtpengine in user space: DTLS-SRTP and ICE on one side, plain RTP on the other.
import dgram from 'node:dgram';
import { writeFileSync } from 'node:fs';
import { until } from '../events.mjs';
import { freePort, freeRange } from '../ports.mjs';
import { Part } from './bench.mjs';

export class RtpEngine extends Part {
  name = 'rtpengine';

  async open() {
    this.port = await freePort();
    this.control = `127.0.0.1:${this.port}`;
    const [min, max] = await freeRange(600);
    // A configuration of its own: the system's names fixed ports, and two of them could not run on one machine.
    const config = `${this.dir}/rtpengine.conf`;
    writeFileSync(config, '[rtpengine]\n');
    this.run('rtpengine', [
      `--config-file=${config}`, '--foreground', '--log-stderr', '--log-level=4', '--table=-1', '--interface=127.0.0.1', `--listen-ng=${this.control}`,
      `--port-min=${min}`, `--port-max=${max}`, '--num-threads=2', '--pidfile', `${this.dir}/pid`,
    ]);
    await until(() => this.alive() && this.#pongs(), { ms: 20_000, every: 50, what: 'rtpengine answers a ping' });
  }

  #pongs() {
    return new Promise((resolve) => {
      const socket = dgram.createSocket('udp4');
      const done = (answer) => {
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(() => done(false), 300);
      socket.on('error', () => {});
      socket.on('message', (bytes) => done(bytes.includes('pong')));
      socket.send('1 d7:command4:pinge', this.port, '127.0.0.1');
    });
  }
}
