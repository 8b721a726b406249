// Asterisk with the configuration that we ship (deploy/asterisk), as it stands there: only what the files call "yours", and
// addresses and ports, are this test's.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, freeRange } from '../ports.mjs';
import { AsteriskProcess } from './asterisk.mjs';

const SHIPPED = join(dirname(fileURLToPath(import.meta.url)), '../../../deploy/asterisk');

export class ShippedAsterisk extends AsteriskProcess {
  /**
   * `edge` is its origin, `credential` what proves this server to it; `lines` are the pages' numbers and `secret` what their passwords are
   * made from; `gateway` the trunk's other end, `host:port`, `callers` more addresses that its calls come from. `announcement` is a sound file that the caller hears while a page is woken.
   */
  async open({ edge, credential, domain, lines, secret, gateway, callers = [], wakenBy = 'dialplan', limits = {}, announcement }) {
    this.folders();
    this.udp = await freePort();
    this.http = await freePort();
    this.url = `ws://127.0.0.1:${this.http}/ws`;
    this.ari = { url: `http://127.0.0.1:${this.http}/ari`, user: 'wakeline', password: 'of the test' };
    this.sip = `127.0.0.1:${this.udp}`;
    const [low, high] = await freeRange(800);
    const outer = Object.values(networkInterfaces()).flat().find((one) => one.family === 'IPv4' && !one.internal);
    const own = {
      'http.conf': [['bindport=8088', `bindport=${this.http}`]],
      'rtp.conf': [['rtpstart=20000', `rtpstart=${low}`], ['rtpend=29999', `rtpend=${high}`], [';10.0.0.5 => 203.0.113.5', outer ? `${outer.address} => 127.0.0.1` : ';']],
      'pjsip.conf': [
        ['default_realm=phone.example.com', `default_realm=${domain}`], ['bind=0.0.0.0:5060', `bind=127.0.0.1:${this.udp}`],
        ['contact=sip:192.0.2.10:5060', `contact=sip:${gateway}`], ['match=192.0.2.10:5060', `match=${[gateway, ...callers].join(',')}`],
        // Nothing leaves this machine.
        ['webrtc=yes', 'webrtc=yes\nmedia_address=127.0.0.1\nbind_rtp_to_media_address=yes'],
        ['dtmf_mode=rfc4733', 'dtmf_mode=rfc4733\nmedia_address=127.0.0.1\nbind_rtp_to_media_address=yes'],
      ],
      'wakeline.conf': [
        ['origin=https://phone.example.com', `origin=${edge}`], ['credential=pbx.SECRET', `credential=${credential}`],
        ['woken_by=dialplan', `woken_by=${wakenBy}`], ['announcement=', `announcement=${announcement ? 'wakeline-please-wait' : ''}`],
        ...Object.entries(limits).map(([name, value]) => [new RegExp(`^${name}=\\d+$`, 'm'), `${name}=${value}`]),
      ],
      'musiconhold.conf': [['entry=/var/lib/asterisk/sounds/please-wait', `entry=${announcement ?? '/nothing'}`]],
      'ari.conf': [['enabled=no', `enabled=${wakenBy === 'stasis' ? 'yes' : 'no'}`], ['password=CHANGE-ME', `password=${this.ari.password}`]],
    };
    for (const file of readdirSync(SHIPPED).filter((name) => name.endsWith('.conf'))) {
      let text = readFileSync(join(SHIPPED, file), 'utf8');
      for (const [shipped, mine] of own[file] ?? []) {
        if (!(shipped instanceof RegExp ? shipped.test(text) : text.includes(shipped))) throw new Error(`${file} has no ${shipped}`);
        text = text.replace(shipped, () => mine);
      }
      writeFileSync(join(this.etc, file), text);
    }
    const env = { ...process.env, WAKELINE_SIP_SECRET: secret };
    writeFileSync(join(this.etc, 'pjsip_lines.conf'), execFileSync(process.execPath, [join(SHIPPED, 'lines.mjs'), domain, ...lines], { env }));
    // What every Asterisk has, and we do not ship.
    writeFileSync(join(this.etc, 'logger.conf'), '[general]\n[logfiles]\nconsole => notice,warning,error,verbose\n');
    writeFileSync(join(this.etc, 'indications.conf'), '[general]\ncountry=us\n[us]\ndescription = US\nringcadence = 2000,4000\nring = 440+480/2000,0/4000\ndial = 350+440\nbusy = 480+620/500,0/500\n');
    for (const name of ['features', 'acl', 'udptl', 'pjproject', 'ccss', 'cel', 'confbridge', 'websocket_client']) writeFileSync(join(this.etc, `${name}.conf`), '');
    await this.boot();
  }

  /** The process is killed, as by a power cut. */
  async crash() {
    this.process.kill('SIGKILL');
    await this.process.exited;
  }

  /** What its database would still know after a power cut; it writes once a second, and what has a journal beside it would be taken back. */
  stored(text) {
    const file = join(this.dir, 'var/astdb.sqlite3');
    return readFileSync(file).includes(text) && !existsSync(`${file}-journal`);
  }

  /** All that it wrote to its console. */
  log() {
    return readFileSync(join(this.dir, 'asterisk.log'), 'utf8');
  }

  /** Memory of the process, kB. */
  memory() {
    return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.process.pid}/status`, 'utf8'))[1]);
  }

  /** How many channels stand. */
  async channels() {
    return Number(/(\d+) active channels?/.exec(await this.cli('core show channels count'))[1]);
  }
}

/** What `play gateway` needs to know of a call server. */
export const asterisk = {
  scheme: 'derived',
  path: '/ws',
  /** What the caller is told: Asterisk has no 182, and names a Q.850 cause. */
  says: { provisional: [], unbound: /Q\.850;\s*cause=(1|19)\b/, expired: /Q\.850;\s*cause=19\b/ },
  open: (bench, options) => bench.add(ShippedAsterisk, options),
};
