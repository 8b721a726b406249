// coturn: STUN and TURN on loopback, with one user, or with a secret that short-lived users are made from.
import { until } from '../events.mjs';
import { freePort, freeRange } from '../ports.mjs';
import { asked } from './asked.mjs';
import { DOMAIN, Part, passwordOf } from './bench.mjs';

const BINDING = Buffer.from('000100002112a442000102030405060708090a0b', 'hex');

export class Coturn extends Part {
  name = 'coturn';

  /** With `secret` it takes whoever can prove it by coturn's REST scheme; else `user`. `port` is one that stood before. */
  async open({ user = 'turn', secret, port } = {}) {
    this.port = port ?? (await freePort());
    const [min, max] = await freeRange(100);
    this.run('turnserver', [
      '-n', '--log-file=stdout', '--simple-log', '--no-tls', '--no-dtls', '--no-cli', '--no-rfc5780', '--fingerprint',
      '--listening-ip=127.0.0.1', '--relay-ip=127.0.0.1', '--allow-loopback-peers', `--listening-port=${this.port}`,
      `--min-port=${min}`, `--max-port=${max}`, `--realm=${DOMAIN}`, `--pidfile=${this.dir}/pid`,
      `--userdb=${this.dir}/turndb`,
      ...(secret ? ['--use-auth-secret', `--static-auth-secret=${secret}`] : ['--lt-cred-mech', `--user=${user}:${passwordOf(user)}`]),
    ]);
    this.urls = [`turn:127.0.0.1:${this.port}?transport=udp`];
    /** As `RTCConfiguration.iceServers` wants it. */
    this.iceServers = [{ urls: this.urls, username: user, credential: passwordOf(user) }];
    const binds = () => asked(this.port, BINDING, (bytes) => bytes.readUInt16BE(0) === 0x0101);
    await until(() => this.alive() && binds(), { ms: 20_000, every: 50, what: 'coturn answers a STUN binding' });
  }
}
