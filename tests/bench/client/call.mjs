// How long a caller waits from `call()` until sound goes both ways: ours, JsSIP and SIP.js in the same shell of a page, registered at the
// same Kamailio, calling the same phone (baresip, which answers at once) through the same rtpengine, in turns, a page of its own each time.
//
// Both ways: the keys for sending are agreed (the microphone runs: its next packet goes), and the first packet of the phone has been
// played. What goes out and comes in is counted after each call. No STUN server for anybody: it would be the network that is measured.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { writeTone } from '../../lib/audio.mjs';
import { Baresip } from '../../lib/servers/baresip.mjs';
import { Bench, DOMAIN, passwordOf } from '../../lib/servers/bench.mjs';
import { Kamailio } from '../../lib/servers/kamailio.mjs';
import { RtpEngine } from '../../lib/servers/rtpengine.mjs';
import { median, serve } from './shell.mjs';

/** In front of every contestant: the connections that the page makes, whoever makes them, and the clock. */
const WATCH = `
  const made = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      made.push(this);
      this.addEventListener('track', ({ track }) => {
        const audio = new Audio();
        audio.srcObject = new MediaStream([track]);
        audio.play();
      });
    }
  };
  const flows = (it) => it.getSenders()[0]?.transport?.state === 'connected' && it.getReceivers()[0]?.getSynchronizationSources().length > 0;
  window.place = async (call) => {
    const begun = performance.now();
    call();
    while (!made.some(flows)) {
      if (performance.now() - begun > 15_000) throw new Error('no sound both ways within 15 s');
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    const took = performance.now() - begun;
    const counted = async () => [...(await made.find(flows).getStats()).values()].reduce((sum, it) => ({
      sent: sum.sent + (it.type === 'outbound-rtp' ? it.packetsSent : 0), received: sum.received + (it.type === 'inbound-rtp' ? it.packetsReceived : 0),
    }), { sent: 0, received: 0 });
    for (let packets = { sent: 0, received: 0 }; !(packets.sent > 5 && packets.received > 5); packets = await counted()) {
      if (performance.now() - begun > 15_000) throw new Error('the packets do not flow: ' + JSON.stringify(packets));
    }
    return took;
  };`;

/** What each page runs, given `line`; `window.call` and `window.end` when it is registered. */
const PAGES = {
  ours: `
    import { Phone, Session } from './client-wasm/js/index.ts';
    ${WATCH}
    const session = await Session.atServer({ server: line.url, addressOfRecord: line.uri, password: line.password });
    const phone = await Phone.open({ session, iceServers: [] });
    const look = () => { if (phone.registration.state === 'registered') window.call = () => phone.call('phone'); };
    window.end = () => { for (const call of phone.calls) call.hangUp(); };
    phone.addEventListener('registration', look);
    look();`,
  // Its candidates are not waited for once there is one, as its documentation has it.
  jssip: `
    import JsSIP from 'jssip';
    ${WATCH}
    const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(line.url)], uri: line.uri, password: line.password });
    ua.on('registered', () => {
      window.call = () => ua.call('sip:phone@' + line.domain, {
        mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] }, eventHandlers: { icecandidate: ({ ready }) => ready() },
      });
    });
    window.end = () => ua.terminateSessions();
    ua.start();`,
  sipjs: `
    import { Inviter, Registerer, RegistererState, UserAgent } from 'sip.js';
    ${WATCH}
    const agent = new UserAgent({
      uri: UserAgent.makeURI(line.uri), transportOptions: { server: line.url }, authorizationUsername: line.user, authorizationPassword: line.password, logLevel: 'error',
      sessionDescriptionHandlerFactoryOptions: { iceGatheringTimeout: 500, peerConnectionConfiguration: { iceServers: [] } },
    });
    const registerer = new Registerer(agent);
    let inviter;
    registerer.stateChange.addListener((state) => {
      if (state !== RegistererState.Registered) return;
      window.call = () => {
        inviter = new Inviter(agent, UserAgent.makeURI('sip:phone@' + line.domain), { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } });
        inviter.invite();
      };
    });
    window.end = () => inviter.bye();
    await agent.start();
    await registerer.register();`,
};

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

/** `{ours, jssip, sipjs}`, medians in ms. */
export async function callTimes({ rounds = 15 } = {}) {
  const bench = Bench.open();
  const profile = mkdtempSync(join(tmpdir(), 'wakeline-call-'));
  let web;
  let browser;
  try {
    const media = await bench.add(RtpEngine);
    const kamailio = await bench.add(Kamailio, { users: ['page', 'phone'], media });
    const phone = await bench.add(Baresip, { server: kamailio.sip, tone: 440 });
    web = await serve(PAGES, { url: kamailio.url, uri: `sip:page@${DOMAIN}`, domain: DOMAIN, user: 'page', password: passwordOf('page') });
    browser = await puppeteer.launch({
      executablePath: '/usr/bin/chromium', headless: true, userDataDir: profile, ignoreDefaultArgs: ['--mute-audio'], protocolTimeout: 60_000,
      args: [...FLAGS, `--use-file-for-fake-audio-capture=${writeTone(join(profile, '1000.wav'), 1000)}`],
    });
    const found = Object.fromEntries(Object.keys(PAGES).map((name) => [name, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const [name, list] of Object.entries(found)) {
        const page = await browser.newPage();
        await page.goto(`${web.origin}/${name}`);
        await page.waitForFunction('window.call', { timeout: 20_000, polling: 20 });
        const since = phone.events.mark();
        const took = await page.evaluate('place(call)').catch((error) => { throw new Error(`${name}: ${error.message}`); });
        if (round > 0) list.push(took); // the first round fills caches
        await page.evaluate('end()');
        await phone.event('CALL_CLOSED', { since });
        await page.close();
      }
    }
    return Object.fromEntries(Object.entries(found).map(([name, list]) => [name, Math.round(median(list) * 10) / 10]));
  } finally {
    await browser?.close();
    web?.close();
    await bench.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
