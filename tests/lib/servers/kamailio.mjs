// Kamailio as registrar and proxy: SIP over WebSocket and UDP, digest for every request that starts something, rtpengine
// between pages and phones.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../events.mjs';
import { freePort } from '../ports.mjs';
import { asked } from './asked.mjs';
import { DOMAIN, Part, passwordOf } from './bench.mjs';

const MODULES = [
  'kex', 'pv', 'sl', 'tm', 'tmx', 'rr', 'maxfwd', 'siputils', 'textops', 'htable', 'usrloc', 'registrar', 'nathelper', 'auth',
  'xhttp', 'websocket', 'xlog', 'corex',
];

/** Where Debian keeps them, and the empty tables that its presence server insists on. */
const LIBRARY = '/usr/lib/x86_64-linux-gnu/kamailio/modules/';
const TABLES = '/usr/share/kamailio/dbtext/kamailio';
const PRESENCE = ['textopsx', 'db_text', 'presence', 'presence_xml', 'presence_dialoginfo', 'presence_mwi', 'presence_conference'];

/** Has it a presence server on this machine? */
export const hasPresence = () => PRESENCE.every((name) => existsSync(`${LIBRARY}${name}.so`));

const hashed = (text, how) => createHash(how).update(text).digest('hex');

/** H(A1) of a line, as Kamailio stores it. */
export const ha1Of = (user, how = 'md5') => hashed(`${user}:${DOMAIN}:${passwordOf(user)}`, how);

export class Kamailio extends Part {
  name = 'kamailio';

  /**
   * `users` may register (or `anyone`); `media` is a started `RtpEngine`, or nothing when only signalling is wanted. `workers` are the
   * processes that take SIP over WebSocket. `presence`: it keeps states that are published, and tells them to who subscribes.
   * `hash` is of its digest, `params` more lines for its modules, `first` what it does with a request that is proven, before all else, `within` with one
   * inside of a dialog. `trusted` are addresses (`host:port`, UDP) whose requests need no proof: a gateway's.
   */
  async open({ users = [], anyone = false, media, workers = 2, connections = 4096, memory = 128, presence = false, hash = 'md5', params = '', first = '', within = '', trusted = [] }) {
    this.udp = await freePort();
    this.tcp = await freePort();
    this.url = `ws://127.0.0.1:${this.tcp}`;
    this.sip = `127.0.0.1:${this.udp}`;
    const file = join(this.dir, 'kamailio.cfg');
    if (presence) {
      mkdirSync(join(this.dir, 'tables'));
      for (const table of ['version', 'presentity', 'active_watchers', 'watchers', 'xcap']) cpSync(join(TABLES, table), join(this.dir, 'tables', table));
    }
    writeFileSync(file, this.#configuration({ users, anyone, media, workers, connections, presence, hash, params, first, within, trusted }));
    await this.launch(file, memory);
  }

  /** Runs this configuration in the foreground, so that the process is ours; the run folder holds what it would keep under /run. */
  async launch(file, memory = 128) {
    this.run('kamailio', ['-DD', '-E', '-f', file, '-Y', this.dir, '-m', String(memory), '-M', '16', '-P', join(this.dir, 'pid')]);
    await until(() => this.alive() && this.#answers(), { ms: 20_000, every: 50, what: 'Kamailio answers OPTIONS' });
  }

  #configuration({ users, anyone, media, workers, connections, presence, hash, params, first, within, trusted }) {
    // Every user's password is made from the name by one rule, so that a bench may have as many as it wants.
    const ha1 = (user) => (anyone ? `$var(who) = ${user} + ":${DOMAIN}:${passwordOf('')}" + ${user}; $var(ha1) = $(var(who){s.md5});` : `$var(ha1) = $sht(users=>${user});`);
    const load = [...MODULES, ...(media ? ['rtpengine'] : []), ...(presence ? PRESENCE : [])].map((name) => `loadmodule "${name}.so"`).join('\n');
    const passwords = users.map((user) => `    $sht(users=>${user}) = "${ha1Of(user, hash)}";`).join('\n');
    return `#!KAMAILIO
debug=0
log_stderror=yes
children=2
tcp_children=${workers}
use_dns_cache=no
auto_aliases=no
alias="${DOMAIN}"
listen=udp:127.0.0.1:${this.udp}
listen=tcp:127.0.0.1:${this.tcp}
# The GET of a WebSocket has no Content-Length.
tcp_accept_no_cl=yes
tcp_connection_lifetime=3605
tcp_max_connections=${connections}
tcp_accept_unique=0
mpath="${LIBRARY}"
${load}
modparam("tm", "fr_timer", 5000)
modparam("tm", "fr_inv_timer", 60000)
modparam("registrar", "max_expires", 3600)
modparam("registrar", "received_avp", "$avp(RECEIVED)")
modparam("nathelper", "received_avp", "$avp(RECEIVED)")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "handle_lost_tcp", 1)
modparam("auth", "nonce_expire", 300)
modparam("auth", "qop", "auth")
${hash === 'md5' ? '' : 'modparam("auth", "algorithm", "SHA-256")'}
modparam("htable", "htable", "users=>size=12;")
modparam("websocket", "keepalive_mechanism", 0)
${media ? `modparam("rtpengine", "rtpengine_sock", "udp:${media.control}")` : ''}
${presence ? `modparam("presence|presence_xml", "db_url", "text://${this.dir}/tables")
modparam("presence", "server_address", "sip:127.0.0.1:${this.udp}")
modparam("presence", "subs_db_mode", 0)
# Soon renewed, or soon over.
modparam("presence", "max_expires", 8)
modparam("presence", "publ_cache", 0)
modparam("presence_xml", "force_active", 1)` : ''}
${params}

request_route {
    if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
    if (is_method("OPTIONS") && uri==myself && $rU==$null) { sl_send_reply("200", "OK"); exit; }
    force_rport();
    if (is_method("REGISTER")) {
        if (proto==WS) fix_nated_register();
    } else if (proto==WS && is_method("INVITE|UPDATE|SUBSCRIBE|NOTIFY|REFER|MESSAGE")) {
        add_contact_alias();
    }
    if (is_method("CANCEL")) { if (t_check_trans()) route(RELAY); exit; }
    if (!is_method("ACK")) { if (t_precheck_trans()) { t_check_trans(); exit; } t_check_trans(); }
    if (has_totag()) { route(WITHIN); exit; }
    if (is_method("ACK")) exit;
    route(PROOF);
    remove_hf("Route");
    ${first}
${presence ? `    # What it tells goes through itself first: only there the page's alias becomes its socket.
    if (is_method("SUBSCRIBE")) { append_hf("Record-Route: <sip:127.0.0.1:${this.udp};lr>\\r\\n"); msg_apply_changes(); t_newtran(); handle_subscribe(); exit; }
    if (is_method("PUBLISH")) { t_newtran(); handle_publish(); exit; }` : ''}
    if (is_method("INVITE|SUBSCRIBE")) record_route();
    if (is_method("REGISTER")) { if (!save("location")) sl_reply_error(); exit; }
    if (!lookup("location")) {
        if ($sht(users=>$rU)==$null) sl_send_reply("404", "Not Found"); else sl_send_reply("480", "Temporarily Unavailable");
        exit;
    }
    route(RELAY);
}

route[PROOF] {
${trusted.map((address) => `    if (proto==UDP && $sp==${address.split(':')[1]}) return;\n`).join('')}    # 16 more: the proof was right, and its nonce had aged, or served.
    if (is_method("REGISTER")) {
        ${ha1('$tU')}
        if ($var(ha1)==$null || $var(ha1)==0) { sl_send_reply("403", "Forbidden"); exit; }
        if (!pv_www_authenticate("${DOMAIN}", "$var(ha1)", "1")) { if ($rc==-4 || $rc==-6) www_challenge("${DOMAIN}", "17"); else www_challenge("${DOMAIN}", "1"); exit; }
    } else {
        ${ha1('$fU')}
        if ($var(ha1)==$null || $var(ha1)==0) { sl_send_reply("403", "Forbidden"); exit; }
        if (!pv_proxy_authenticate("${DOMAIN}", "$var(ha1)", "1")) { if ($rc==-4 || $rc==-6) proxy_challenge("${DOMAIN}", "17"); else proxy_challenge("${DOMAIN}", "1"); exit; }
    }
    consume_credentials();
}

route[WITHIN] {
${presence ? '    if (is_method("SUBSCRIBE") && uri==myself) { msg_apply_changes(); t_newtran(); handle_subscribe(); exit; }' : ''}
    if (loose_route()) {
        ${within}
        handle_ruri_alias();
${media ? `        # The answer to an offer that came with the 200.
        if (is_method("ACK") && has_body("application/sdp")) {
            if (proto==WS) rtpengine_answer("RTP/AVP ICE=remove SDES-off rtcp-mux-demux replace-origin replace-session-connection");
            else rtpengine_answer("ICE=force SDES-off replace-origin replace-session-connection");
        }` : ''}
${media ? '        if (is_method("BYE")) rtpengine_delete();' : ''}
        route(RELAY);
        exit;
    }
    if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; }
    sl_send_reply("404", "Not Here");
}

route[RELAY] {
    $avp(late) = "no";
    if (is_method("INVITE") && !has_body("application/sdp")) $avp(late) = "yes";
    if (is_method("INVITE|UPDATE|ACK|PRACK")) { t_on_branch("BRANCH"); t_on_reply("REPLY"); }
${media ? '    if (is_method("INVITE") && !has_totag()) t_on_failure("FAILED");' : ''}
    if (!t_relay()) sl_reply_error();
    exit;
}

branch_route[BRANCH] {
    $avp(leg) = "same";
    $var(to) = "udp";
    if ($du =~ "transport=ws" || ($du==$null && $ru =~ "transport=ws")) $var(to) = "ws";
    if (proto==WS && $var(to)=="udp") $avp(leg) = "out";
    if (proto!=WS && $var(to)=="ws") $avp(leg) = "in";
${media ? `    if (has_body("application/sdp")) {
        if ($avp(leg)=="out") rtpengine_offer("RTP/AVP ICE=remove SDES-off rtcp-mux-demux replace-origin replace-session-connection");
        # Towards a page the browser is the one that waits for the DTLS handshake.
        if ($avp(leg)=="in") rtpengine_offer("UDP/TLS/RTP/SAVPF ICE=force DTLS=passive SDES-off rtcp-mux-require replace-origin replace-session-connection");
    }` : ''}
}

onreply_route[REPLY] {
    if (proto==WS) add_contact_alias();
${media ? `    if (has_body("application/sdp")) {
        if ($avp(late)=="yes") {
            if ($avp(leg)=="in") rtpengine_offer("RTP/AVP ICE=remove SDES-off rtcp-mux-demux replace-origin replace-session-connection");
            if ($avp(leg)=="out") rtpengine_offer("UDP/TLS/RTP/SAVPF ICE=force DTLS=passive SDES-off rtcp-mux-require replace-origin replace-session-connection");
            exit;
        }
        if ($avp(leg)=="out") rtpengine_answer("ICE=force SDES-off replace-origin replace-session-connection");
        if ($avp(leg)=="in") rtpengine_answer("RTP/AVP ICE=remove SDES-off rtcp-mux-demux replace-origin replace-session-connection");
    }` : ''}
}

${media ? 'failure_route[FAILED] { rtpengine_delete(); }' : ''}

event_route[xhttp:request] {
    set_reply_close();
    set_reply_no_connect();
    if ($hdr(Upgrade) =~ "websocket" && $hdr(Connection) =~ "Upgrade" && $rm =~ "GET") {
        if (ws_handle_handshake()) exit;
    }
    xhttp_reply("404", "Not Found", "", "");
}

event_route[htable:mod-init] {
    xlog("L_DBG", "users\n");
${passwords}
}
`;
  }

  #answers() {
    const options = (port) => [
      `OPTIONS sip:${this.domain ?? DOMAIN} SIP/2.0`, `Via: SIP/2.0/UDP 127.0.0.1:${port};branch=z9hG4bK${port}${Date.now()}`, 'Max-Forwards: 5',
      `From: <sip:ready@${DOMAIN}>;tag=1`, `To: <sip:${DOMAIN}>`, `Call-ID: ready-${port}`, 'CSeq: 1 OPTIONS', 'Content-Length: 0', '', '',
    ].join('\r\n');
    return asked(this.udp, options, (bytes) => bytes.toString().startsWith('SIP/2.0 200'));
  }
}
