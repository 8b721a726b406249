// Asterisk 22 as a PBX: pages over WebSocket, phones over UDP, media through itself. The tree comes from
// `cargo xtask` (setup/asterisk.rs); nothing of it is installed on the machine.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from '../events.mjs';
import { freePort, freeRange } from '../ports.mjs';
import { DOMAIN, Part, passwordOf } from './bench.mjs';

const TREE = process.env.WAKELINE_ASTERISK ?? join(dirname(fileURLToPath(import.meta.url)), '../../../.wakeline/asterisk');
const run = promisify(execFile);

/** Is there an Asterisk on this machine? */
export const hasAsterisk = () => existsSync(join(TREE, 'bin/asterisk'));

// What a PBX between pages and phones needs; everything else stays out, so that it boots in half a second.
const MODULES = `pbx_config res_timing_timerfd bridge_simple bridge_softmix bridge_native_rtp bridge_builtin_features bridge_holding
codec_ulaw codec_alaw codec_resample codec_opus_open_source res_format_attr_opus format_wav format_pcm format_sln res_crypto res_srtp
res_rtp_asterisk res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip res_pjsip_session res_pjsip_sdp_rtp
res_pjsip_caller_id res_pjsip_authenticator_digest res_pjsip_outbound_authenticator_digest res_pjsip_endpoint_identifier_user
res_pjsip_registrar res_pjsip_path res_pjsip_nat res_pjsip_rfc3326 res_pjsip_dtmf_info res_pjsip_header_funcs
res_pjsip_transport_websocket res_pjsip_pubsub res_pjsip_refer res_pjsip_messaging res_http_websocket chan_pjsip func_pjsip_aor
func_pjsip_contact func_pjsip_endpoint func_callerid func_channel func_logic func_strings func_global func_uri app_dial app_echo
app_playtones app_verbose app_stack app_read app_senddtmf app_confbridge app_exec res_musiconhold res_pjsip_outbound_publish res_pjsip_exten_state
res_pjsip_dialog_info_body_generator res_pjsip_pidf_body_generator res_pjsip_mwi res_pjsip_mwi_body_generator res_adsi res_smdi app_voicemail res_pjsip_diversion`.split(/\s+/);

/** An Asterisk process whose configuration somebody else has written into `etc`. */
export class AsteriskProcess extends Part {
  name = 'asterisk';

  /** Folders of its own, and what names them; answers a writer of configuration files. */
  folders() {
    if (!hasAsterisk()) throw new Error(`no Asterisk in ${TREE}: run \`cargo xtask play phone\` once, which fetches it`);
    this.etc = join(this.dir, 'etc');
    for (const folder of ['etc', 'var', 'keys/keys', 'run', 'log', 'spool']) mkdirSync(join(this.dir, folder), { recursive: true });
    const own = (name) => join(this.dir, name);
    const write = (name, ...sections) => writeFileSync(join(this.etc, `${name}.conf`), `${sections.join('\n')}\n`);
    write('asterisk', '[directories]', ...Object.entries({
      astetcdir: this.etc, astmoddir: join(TREE, 'lib/asterisk/modules'), astvarlibdir: own('var'), astdbdir: own('var'), astkeydir: own('keys'),
      astdatadir: join(TREE, 'share/asterisk'), astagidir: own('var'), astspooldir: own('spool'), astrundir: own('run'), astlogdir: own('log'),
      astcachedir: own('var'), astsbindir: join(TREE, 'bin'),
    }).map(([key, value]) => `${key} => ${value}`), '[options]', 'nocolor = yes', 'verbose = 3', 'hideconnect = yes', 'documentation_language = en_US');
    write('cdr', '[general]', 'enable=no');
    return write;
  }

  async boot() {
    this.gone = undefined;
    this.run(this.#loader, [...this.#program, '-C', join(this.etc, 'asterisk.conf'), '-f', '-n', '-q']);
    await until(() => this.alive() && existsSync(join(this.dir, 'run/asterisk.ctl')), { ms: 30_000, every: 50, what: 'Asterisk opens its console' });
    await until(() => this.alive() && this.cli('core waitfullybooted').then((said) => /fully booted/i.test(said), () => false), { ms: 30_000, every: 100, what: 'Asterisk is booted' });
  }

  get #loader() { return join(TREE, 'lib/ld-linux-x86-64.so.2'); }

  get #program() { return ['--library-path', join(TREE, 'lib'), join(TREE, 'bin/asterisk')]; }

  /** One console command; answers what it printed. */
  async cli(command) {
    const { stdout } = await run(this.#loader, [...this.#program, '-C', join(this.etc, 'asterisk.conf'), '-r', '-x', command], { timeout: 20_000 });
    return stdout;
  }

  async close() {
    if (this.process && !this.gone) await this.cli('core stop now').catch(() => {});
    await super.close();
  }
}

export class Asterisk extends AsteriskProcess {
  /** Lays a message into a page's mailbox, as one that was spoken would lie there. */
  mail(user, name = 'msg0000') {
    const inbox = join(this.dir, 'spool/voicemail/bench', user, 'INBOX');
    mkdirSync(inbox, { recursive: true });
    writeFileSync(join(inbox, `${name}.txt`), '[message]\norigmailbox=x\n');
  }

  /**
   * `pages` register over WebSocket, `phones` over UDP; each may call each by its name. `echo` answers with an echo, `menu` reads four
   * digits into the global `READ` and says "666". Who is in a call can be watched, and each page has a mailbox. `endpoint` is a line for the endpoints of all pages, `more` are lines for those of some users,
   * `plan` is more of the dialplan.
   */
  async open({ pages = [], phones = [], endpoint = '', more = {}, plan = [] }) {
    this.udp = await freePort();
    this.http = await freePort();
    this.url = `ws://127.0.0.1:${this.http}/ws`;
    this.sip = `127.0.0.1:${this.udp}`;
    await this.#configure(pages, phones, endpoint, more, plan);
    await this.boot();
  }

  async #configure(pages, phones, endpoint, more, plan) {
    const write = this.folders();
    const [low, high] = await freeRange(200);
    write('modules', '[modules]', 'autoload=no', ...MODULES.map((name) => `load=${name}.so`));
    write('logger', '[general]', '[logfiles]', 'console => notice,warning,error');
    write('http', '[general]', 'enabled=yes', 'bindaddr=127.0.0.1', `bindport=${this.http}`);
    // Addresses of this machine are told as loopback: nothing leaves it.
    const addresses = Object.values(networkInterfaces()).flat().filter((one) => one.family === 'IPv4' && !one.internal);
    write('rtp', '[general]', `rtpstart=${low}`, `rtpend=${high}`, 'icesupport=yes', 'strictrtp=yes', '[ice_host_candidates]', ...addresses.slice(0, 1).map((one) => `${one.address} => 127.0.0.1`));
    const common = ['rtp_timeout=30', 'media_address=127.0.0.1', 'bind_rtp_to_media_address=yes', 'context=bench', 'direct_media=no', 'rewrite_contact=yes', 'moh_passthrough=yes', 'disallow=all'];
    const line = (user, template) => [
      `[${user}](${template})`, `auth=auth-${user}`, `aors=${user}`, ...(more[user] ?? []), `[auth-${user}]`, 'type=auth', 'auth_type=userpass', `username=${user}`,
      `password=${passwordOf(user)}`, `realm=${DOMAIN}`, `[${user}]`, 'type=aor', 'max_contacts=4', 'remove_existing=yes', 'minimum_expiration=10',
      `mailboxes=${user}@bench`,
    ];
    write('pjsip',
      '[global]', 'type=global', `default_realm=${DOMAIN}`, '[udp]', 'type=transport', 'protocol=udp', `bind=127.0.0.1:${this.udp}`,
      '[ws]', 'type=transport', 'protocol=ws', 'bind=127.0.0.1',
      '[page](!)', 'type=endpoint', 'transport=ws', 'webrtc=yes', 'dtls_auto_generate_cert=yes', ...common, 'allow=opus,ulaw,alaw', endpoint,
      '[phone](!)', 'type=endpoint', 'transport=udp', 'rtp_symmetric=yes', ...common, 'allow=ulaw,alaw',
      ...pages.flatMap((user) => line(user, 'page')), ...phones.flatMap((user) => line(user, 'phone')));
    write('extensions', '[bench]', 'exten => echo,1,Answer()', ' same => n,Echo()',
      'exten => menu,1,Answer()', ' same => n,Read(GOT,,4,,1,20)', ' same => n,Set(GLOBAL(READ)=${GOT})', ' same => n,SendDTMF(666,100,100)', ' same => n,Wait(5)', ' same => n,Hangup()',
      ...[...pages, ...phones].flatMap((user) => [`exten => ${user},hint,PJSIP/${user}`, `exten => ${user},1,Dial(\${PJSIP_DIAL_CONTACTS(${user})},30)`, ` same => n,Hangup(\${HANGUPCAUSE})`]), ...plan);
    write('voicemail', '[general]', 'format=wav', 'pollmailboxes=yes', 'pollfreq=1', '[bench]', ...pages.map((user) => `${user} => 0,${user}`));
    write('confbridge', '[general]');
    write('indications', '[general]', 'country=us', '[us]', 'ringcadence = 2000,4000', 'dial = 350+440', 'busy = 480+620/500,0/500', 'ring = 440+480/2000,0/4000');
    for (const empty of ['features', 'acl', 'udptl', 'pjproject', 'ccss', 'cel', 'musiconhold', 'websocket_client']) write(empty, '');
  }
}
