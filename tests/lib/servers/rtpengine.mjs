// rtpengine in user space: DTLS-SRTP and ICE on one side, plain RTP on the other.
import { writeFileSync } from 'node:fs';
import { until } from '../events.mjs';
import { freePort, freeRange } from '../ports.mjs';
import { asked } from './asked.mjs';
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
    await until(() => this.alive() && asked(this.port, '1 d7:command4:pinge', (bytes) => bytes.includes('pong')), { ms: 20_000, every: 50, what: 'rtpengine answers a ping' });
  }
}
