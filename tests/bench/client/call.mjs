// How long a caller waits from `call()` until sound goes both ways: ours, JsSIP and SIP.js in the same shell of a page, registered at the
// same Kamailio, calling the same phone (baresip, which answers at once) through the same rtpengine, in turns, a page of its own each time.
//
// Both ways: the keys for sending are agreed (the microphone runs: its next packet goes), and the first packet of the phone has been
// played. What goes out and comes in is counted after each call. No STUN server for anybody: it would be the network that is measured.
//
// Twice, under conditions that are the same for all, and half a second after the page has registered: nobody calls sooner. At once: the page
// does nothing before `call()` (Wakeline by itself has a connection that waits for the next call and has gone through one that nobody made;
// the network has not heard of either).
// Prepared: the number was typed in that half second, and each page does meanwhile what the documentation lets it do: all
// three open the microphone; Wakeline gathers candidates, too, JsSIP and SIP.js make their connection within the call. In both nobody
// waits for all candidates: JsSIP goes on at the first one, Wakeline a little after the first one of the best kind, SIP.js when the
// browser is done, for it has no other way than a limit (500 ms here, as Wakeline's).
//
// Each has called at this server before, in a first round that is not counted: what a client remembers of a server counts for it.
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
  // The INVITE that the server took is the last one: what comes after it is the server's, the phone's and the browser's.
  let invited = 0;
  const { send } = WebSocket.prototype;
  WebSocket.prototype.send = function (data) {
    if ((typeof data === 'string' ? data : new TextDecoder().decode(data)).startsWith('INVITE ')) invited = performance.now();
    return send.call(this, data);
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
    return { took, invited: invited - begun };
  };`;

/** What each page runs, given `line`; `window.call`, `window.prepare` and `window.end` when it is registered. */
const PAGES = {
  ours: `
    import { Phone } from './client-wasm/js/index.ts';
    ${WATCH}
    const phone = await Phone.open({ server: line.url, addressOfRecord: line.uri, password: line.password, iceServers: [] });
    const look = () => { if (phone.registration.state === 'registered') window.call = () => phone.call('phone'); };
    window.prepare = async () => (await import('./client-wasm/js/media/index.ts')).prepare(phone, { microphone: true });
    window.end = () => { for (const call of phone.calls) call.hangUp(); };
    phone.addEventListener('registration', look);
    look();`,
  // Its candidates are not waited for once there is one, as its documentation has it.
  jssip: `
    import JsSIP from 'jssip';
    ${WATCH}
    let mediaStream;
    const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface(line.url)], uri: line.uri, password: line.password });
    ua.on('registered', () => {
      window.call = () => ua.call('sip:phone@' + line.domain, {
        mediaStream, mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] }, eventHandlers: { icecandidate: ({ ready }) => ready() },
      });
    });
    window.prepare = async () => { mediaStream = await navigator.mediaDevices.getUserMedia({ audio: true }); };
    window.end = () => ua.terminateSessions();
    ua.start();`,
  sipjs: `
    import { Inviter, Registerer, RegistererState, UserAgent, Web } from 'sip.js';
    ${WATCH}
    let microphone;
    const askedFor = Web.defaultMediaStreamFactory();
    const agent = new UserAgent({
      uri: UserAgent.makeURI(line.uri), transportOptions: { server: line.url }, authorizationUsername: line.user, authorizationPassword: line.password, logLevel: 'error',
      sessionDescriptionHandlerFactory: Web.defaultSessionDescriptionHandlerFactory((...wanted) => microphone ? Promise.resolve(microphone) : askedFor(...wanted)),
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
    window.prepare = async () => { microphone = await navigator.mediaDevices.getUserMedia({ audio: true }); };
    window.end = () => inviter.bye();
    await agent.start();
    await registerer.register();`,
};

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
];

/** From registration to call, ms: as long as a number takes to be typed. */
const TYPED_MS = 500;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** `{ours, jssip, sipjs, prepared: {…}}`, medians in ms, and alike in `invited`: when the INVITE went out that the server took. */
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
    const turns = [false, true].flatMap((prepared) => Object.keys(PAGES).map((name) => ({ name, prepared, found: [] })));
    for (let round = 0; round <= rounds; round += 1) {
      for (const { name, prepared, found } of turns) {
        const page = await browser.newPage();
        await page.goto(`${web.origin}/${name}`);
        await page.waitForFunction('window.call', { timeout: 20_000, polling: 20 });
        const since = phone.events.mark();
        await Promise.all([prepared && page.evaluate('prepare()'), sleep(TYPED_MS)]);
        const times = await page.evaluate('place(call)').catch((error) => { throw new Error(`${name}: ${error.message}`); });
        if (round > 0) found.push(times); // the first round fills caches
        await page.evaluate('end()');
        await phone.event('CALL_CLOSED', { since });
        await page.close();
      }
    }
    const times = (wanted, which) => Object.fromEntries(turns.filter(({ prepared }) => prepared === wanted)
      .map(({ name, found }) => [name, Math.round(median(found.map((it) => it[which])) * 10) / 10]));
    return { ...times(false, 'took'), prepared: times(true, 'took'), invited: { ...times(false, 'invited'), prepared: times(true, 'invited') } };
  } finally {
    await browser?.close();
    web?.close();
    await bench.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 3 });
  }
}
