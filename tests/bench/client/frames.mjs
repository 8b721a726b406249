// From a frame at the socket to the event that the page hears, in the real clients: ours, JsSIP and SIP.js, each with a socket that the
// page plays the server on, taking turns. Everything between is in it: parsing, transactions, dialogs, what is sent at once, the event.
import puppeteer from 'puppeteer-core';
import { serve } from './shell.mjs';

const CONTEST = `
  import JsSIP from 'jssip';
  import { Inviter, Registerer, RegistererState, SessionState, UserAgent } from 'sip.js';
  import { Phone, Session } from './client-wasm/js/index.ts';

  /** Stands where the browser has its socket: answers REGISTER, keeps what is sent, and takes the frames of the contest. */
  class Wire extends EventTarget {
    static CONNECTING = 0; static OPEN = 1; static CLOSING = 2; static CLOSED = 3;
    CONNECTING = 0; OPEN = 1; CLOSING = 2; CLOSED = 3;
    readyState = 0; protocol = 'sip'; binaryType = 'blob'; bufferedAmount = 0;
    sent = []; held = null; waits = [];
    constructor(url) {
      super();
      this.url = url;
      wires.push(this);
      for (const name of ['open', 'message', 'close', 'error']) this.addEventListener(name, (event) => this['on' + name]?.(event));
      setTimeout(() => { this.readyState = 1; this.dispatchEvent(new Event('open')); });
    }
    send(data) {
      const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
      const [first] = text.split('\\r\\n');
      if (first.startsWith('REGISTER')) {
        this.contact = /^(?:Contact|m): *(<?[^;\\r\\n>]+(?:;[^>\\r\\n]*)?>?)/im.exec(text)[1];
        const response = reply(text, '200 OK', 'Contact: ' + /^(?:Contact|m): *(.*)$/im.exec(text)[1].replace(/;expires=\\d+/, '') + ';expires=600\\r\\n');
        if (this.holds) this.held = response;
        else setTimeout(() => this.deliver(response));
      } else {
        this.sent.push(text);
        const { waits } = this;
        this.waits = waits.filter(({ test, resolve }) => !(test.test(text) && (resolve(text), true)));
      }
    }
    sees(test) {
      const found = this.sent.find((text) => test.test(text));
      return found ? Promise.resolve(found) : new Promise((resolve) => this.waits.push({ test, resolve }));
    }
    deliver(data) { this.dispatchEvent(new MessageEvent('message', { data })); }
    close() { this.readyState = 3; setTimeout(() => this.dispatchEvent(new CloseEvent('close', { code: 1000, wasClean: true }))); }
  }
  const wires = [];
  const Real = WebSocket;
  window.WebSocket = Wire;

  const field = (text, name) => text.split('\\r\\n\\r\\n')[0].split('\\r\\n').filter((line) => new RegExp('^' + name + ' *:', 'i').test(line)).map((line) => line.slice(line.indexOf(':') + 1).trim());
  let count = 0;
  const tag = () => 'srv' + (count += 1);
  function reply(request, status, more = '') {
    const to = field(request, 'To')[0];
    return 'SIP/2.0 ' + status + '\\r\\n' + field(request, 'Via').map((via) => 'Via: ' + via + '\\r\\n').join('') + 'From: ' + field(request, 'From')[0] + '\\r\\nTo: '
      + to + (/;tag=/.test(to) || status.startsWith('100') ? '' : ';tag=' + tag()) + '\\r\\nCall-ID: ' + field(request, 'Call-ID')[0] + '\\r\\nCSeq: ' + field(request, 'CSeq')[0] + '\\r\\n' + more
      + 'Content-Length: 0\\r\\n\\r\\n';
  }
  const uriOf = (contact) => contact.replace(/^.*</, '').replace(/>.*$/, '');
  function invite(wire, sdp) {
    const id = tag();
    return 'INVITE ' + uriOf(wire.contact) + ' SIP/2.0\\r\\nVia: SIP/2.0/TCP 192.0.2.10;branch=z9hG4bK' + id + '\\r\\nVia: SIP/2.0/UDP 192.0.2.20:5060;rport=5060;received=192.0.2.20;branch=z9hG4bKa' + id
      + '\\r\\nRecord-Route: <sip:192.0.2.10;transport=ws;lr>\\r\\nMax-Forwards: 69\\r\\nFrom: "Ada Lovelace" <sip:1001@bench.test>;tag=f' + id + '\\r\\nTo: <sip:page@bench.test>\\r\\nCall-ID: c' + id
      + '@192.0.2.20\\r\\nCSeq: 1 INVITE\\r\\nContact: <sip:1001@192.0.2.20:5060>\\r\\nAllow: INVITE, ACK, BYE, CANCEL, OPTIONS\\r\\nSupported: timer\\r\\nUser-Agent: Contest 1.0\\r\\nContent-Type: application/sdp\\r\\nContent-Length: '
      + sdp.length + '\\r\\n\\r\\n' + sdp;
  }
  const follow = (request, method, to) => method + ' ' + request.split(' ')[1] + ' SIP/2.0\\r\\nVia: ' + field(request, 'Via')[0] + '\\r\\nMax-Forwards: 70\\r\\nFrom: ' + field(request, 'From')[0]
    + '\\r\\nTo: ' + (to ?? field(request, 'To')[0]) + '\\r\\nCall-ID: ' + field(request, 'Call-ID')[0] + '\\r\\nCSeq: 1 ' + method + '\\r\\nContent-Length: 0\\r\\n\\r\\n';
  const ofCall = (request) => field(request, 'Call-ID')[0].replace(/[^A-Za-z0-9]/g, '.');

  /** Each opens a client on a wire of its own; it says \`told(name)\` in the listener that a page would have. */
  let told = () => {};
  const clients = {
    async ours() {
      const session = await Session.atServer({ server: 'wss://ours.invalid', addressOfRecord: 'sip:page@bench.test', password: 'x' });
      const phone = await Phone.open({ session, iceServers: [] });
      const watch = (call) => { call.addEventListener('state', () => told(call.state)); return call; };
      phone.addEventListener('registration', () => { if (phone.registration.state === 'registered') told('registered'); });
      let call;
      phone.addEventListener('incoming', (event) => { told('incoming'); call = watch(event.call); });
      return { reject: () => call.reject(), dial: async () => { watch(await phone.call('1002')); }, close: () => phone.close() };
    },
    async jssip() {
      const ua = new JsSIP.UA({ sockets: [new JsSIP.WebSocketInterface('wss://jssip.invalid')], uri: 'sip:page@bench.test', password: 'x' });
      ua.on('registered', () => told('registered'));
      let session;
      ua.on('newRTCSession', ({ session: it, originator }) => {
        session = it;
        it.on('progress', () => { if (originator === 'local') told('ringing'); });
        it.on('failed', () => told('ended'));
        if (originator === 'remote') told('incoming');
      });
      ua.start();
      return {
        reject: () => session.terminate({ status_code: 603 }), close: async () => ua.stop(),
        dial: async () => { ua.call('sip:1002@bench.test', { mediaConstraints: { audio: true, video: false }, pcConfig: { iceServers: [] } }); },
      };
    },
    async sipjs() {
      let invitation;
      const ended = (state) => { if (state === SessionState.Terminated) told('ended'); };
      const agent = new UserAgent({
        uri: UserAgent.makeURI('sip:page@bench.test'), transportOptions: { server: 'wss://sipjs.invalid' }, logLevel: 'error',
        sessionDescriptionHandlerFactoryOptions: { peerConnectionConfiguration: { iceServers: [] } },
        delegate: { onInvite: (it) => { told('incoming'); invitation = it; it.stateChange.addListener(ended); } },
      });
      const registerer = new Registerer(agent);
      registerer.stateChange.addListener((state) => { if (state === RegistererState.Registered) told('registered'); });
      await agent.start();
      await registerer.register();
      return {
        reject: () => invitation.reject({ statusCode: 603 }), close: () => agent.stop(),
        dial: async () => {
          const inviter = new Inviter(agent, UserAgent.makeURI('sip:1002@bench.test'), { sessionDescriptionHandlerOptions: { constraints: { audio: true, video: false } } });
          inviter.stateChange.addListener(ended);
          await inviter.invite({ requestDelegate: { onProgress: () => told('ringing') } });
        },
      };
    },
  };

  /** Delivers a frame; µs until the event is heard. */
  async function timed(wire, frame, event) {
    let at = 0;
    const heard = new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no ' + event + ' within 5 s after ' + frame.split('\\r\\n')[0])), 5000);
      told = (name) => { if (name === event && !at) { at = performance.now(); clearTimeout(timer); resolve(); } };
    });
    const begun = performance.now();
    wire.deliver(frame);
    await heard;
    told = () => {};
    return (at - begun) * 1000;
  }
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  async function round(who, sdp, note) {
    const before = wires.length;
    Wire.prototype.holds = true;
    const client = await Promise.race([clients[who]()]);
    while (!wires[before]?.held) await settled();
    const wire = wires[before];
    Wire.prototype.holds = false;
    note('register-200', await timed(wire, wire.held, 'registered'));
    await settled();
    for (let times = 0; times < 4; times += 1) {
      const first = invite(wire, sdp);
      note('invite', await timed(wire, first, 'incoming'));
      await settled();
      client.reject();
      const refusal = await wire.sees(new RegExp('^SIP/2.0 [4-6][^]*Call-ID: *' + ofCall(first), 'i'));
      wire.deliver(follow(first, 'ACK', field(refusal, 'To')[0]));
      await settled();
      const second = invite(wire, sdp);
      await timed(wire, second, 'incoming');
      await settled();
      note('cancel', await timed(wire, follow(second, 'CANCEL'), 'ended'));
      const cancelled = await wire.sees(new RegExp('^SIP/2.0 487[^]*Call-ID: *' + ofCall(second), 'i'));
      wire.deliver(follow(second, 'ACK', field(cancelled, 'To')[0]));
      await settled();
    }
    wire.sent = [];
    void client.dial();
    const ours = await wire.sees(/^INVITE /);
    const to = ';tag=' + tag();
    const with_ = (status) => reply(ours, status, 'Contact: <sip:1002@192.0.2.30:5060>\\r\\n').replace(/^(To: [^\\r]*?)(;tag=[^\\r]*)?\\r/m, '$1' + to + '\\r');
    wire.deliver(reply(ours, '100 Trying'));
    await settled();
    note('180', await timed(wire, with_('180 Ringing'), 'ringing'));
    await settled();
    note('486', await timed(wire, with_('486 Busy Here'), 'ended'));
    await wire.sees(/^ACK /);
    wire.held = null;
    await client.close().catch?.(() => {});
    await settled();
  }

  window.contest = async (rounds) => {
    const connection = new RTCPeerConnection();
    connection.addTransceiver('audio');
    const { sdp } = await connection.createOffer();
    connection.close();
    const found = {};
    for (let nth = 0; nth <= rounds; nth += 1) {
      for (const who of Object.keys(clients)) {
        const note = (message, us) => { if (nth > 0) ((found[message] ??= {})[who] ??= []).push(us); };
        await round(who, sdp, note).catch((error) => { throw new Error(who + ': ' + error.message); });
      }
    }
    const median = (list) => list.sort((one, other) => one - other)[list.length >> 1];
    return Object.fromEntries(Object.entries(found).map(([message, by]) => [message, Object.fromEntries(Object.entries(by).map(([who, list]) => [who, Math.round(median(list))]))]));
  };`;

/** `{invite: {ours, jssip, sipjs}, cancel: …, '180': …, '486': …, 'register-200': …}`, medians in µs. */
export async function frameTimes({ rounds = 12 } = {}) {
  // A page that is isolated has a clock that is good enough.
  const isolated = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
  const web = await serve({ contest: CONTEST }, {}, isolated);
  const browser = await puppeteer.launch({
    executablePath: '/usr/bin/chromium', headless: true, protocolTimeout: 200_000,
    args: ['--no-sandbox', '--disable-gpu', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  });
  try {
    const page = await browser.newPage();
    await page.goto(`${web.origin}/contest`);
    await page.waitForFunction('window.contest', { polling: 50 });
    return await page.evaluate((rounds) => window.contest(rounds), rounds);
  } finally {
    await browser.close();
    web.close();
  }
}
