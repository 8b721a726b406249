// sipp through a WebSocket bridge as a foreign client of our edge: scenarios of plain messages, as strict as they are
// written. Registers, calls, is called, is woken, cancels, sends digits, holds.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Device, SDP as OFFER } from '../edge/device.mjs';
import { Sink } from '../edge/sink.mjs';
import { Edge } from '../lib/edge.mjs';
import { until } from '../lib/events.mjs';
import { end } from '../lib/processes.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Sipp, bridge } from '../lib/servers/sipp.mjs';

let edge, bench, wire;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null });
  bench = Bench.open();
  wire = await bridge(`${edge.origin.replace('http', 'ws')}/sip`);
}, { timeout: 60_000 });
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await bench?.close();
  await wire?.close();
  await edge?.close();
}, { timeout: 30_000 });

const SDP = `Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 [call_number] IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio 9 UDP/TLS/RTP/SAVPF 0
a=rtpmap:0 PCMU/8000
`;
const NOTHING = 'Content-Length: 0\n\n';

/** A request outside of a dialog of line `me`. */
const request = (method, uri, me, { cseq = 1, to = me, extra = '', body = NOTHING, tag = '' }) => `<send><![CDATA[
${method} ${uri} SIP/2.0
Via: SIP/2.0/WS sipp.invalid;branch=[branch]
Max-Forwards: 70
From: "sipp" <sip:${me}@${edge.domain}>;tag=[pid]t[call_number]
To: <sip:${to}@${edge.domain}>${tag}
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Contact: <sip:${me}@sipp[pid].invalid;transport=ws>${method === 'REGISTER' ? extra.contact ?? '' : ''}
${method === 'REGISTER' ? extra.headers ?? '' : extra}${body}]]></send>`;

/** A request inside of the dialog that sipp opened: to the other's Contact, by the recorded route. */
const within = (method, me, to, cseq, { extra = '', body = NOTHING } = {}) => `<send><![CDATA[
${method} [next_url] SIP/2.0
Via: SIP/2.0/WS sipp.invalid;branch=[branch]
Max-Forwards: 70
[routes]
From: "sipp" <sip:${me}@${edge.domain}>;tag=[pid]t[call_number]
To: <sip:${to}@${edge.domain}>[peer_tag_param]
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Contact: <sip:${me}@sipp[pid].invalid;transport=ws>
${extra}${body}]]></send>`;

/** A response to the request that was received last. */
const answer = (line, me, body = NOTHING, tag = '') => `<send><![CDATA[
SIP/2.0 ${line}
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]${tag}
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:${me}@sipp[pid].invalid;transport=ws>
${body}]]></send>`;

const got = (status, more = '') => `<recv response="${status}" ${more}/>`;
const maybe = (status) => got(status, 'optional="true"');
const asked = (method, more = '') => `<recv request="${method}" timeout="20000" ${more}/>`;

/** REGISTER, the challenge, REGISTER with digest, 200. */
const registers = (me, { instance, expires = 600, cseq = 1 } = {}) => {
  const contact = instance ? `;+sip.instance="<urn:uuid:${instance}>";reg-id=1` : '';
  const headers = `Expires: ${expires}\n`;
  const proof = `[authentication username=${me} password=secret-${me}]\n`;
  return `${request('REGISTER', `sip:${edge.domain}`, me, { cseq, extra: { contact, headers } })}
${got(401, 'auth="true"')}
${request('REGISTER', `sip:${edge.domain}`, me, { cseq: cseq + 1, extra: { contact, headers: headers + proof } })}
${got(200)}`;
};

const scenario = (steps) => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="wakeline">
${steps}
</scenario>
`;

const line = (number) => edge.account(number, { password: `secret-${number}`, display_name: `Line ${number}` });

async function online(number) {
  await line(number);
  const device = new Device(edge, number, { token: await edge.token(number) });
  closing.push(device);
  return device.online();
}

/** `called` is what it does with requests outside of its own calls: it is called by them. */
const play = (steps, called) => bench.add(Sipp, { scenario: scenario(steps), called: called && scenario(called), port: wire.port, seconds: 40, args: ['-auth_uri', edge.domain] });

/** The scenario went through to its end; what sipp and the edge said to each other otherwise. */
async function ends(sipp) {
  if (await sipp.done) return;
  let said = '';
  for (const file of ['errors', 'messages']) {
    try { said += readFileSync(join(sipp.dir, file), 'utf8').slice(-6000); } catch { /* it wrote none */ }
  }
  assert.fail(`the scenario broke:\n${said || sipp.process.logTail()}`);
}

/** The next request of the call that is not in `seen` yet. */
async function next(call, method) {
  const { log, number } = call.device;
  const { message } = await log.wait((e) => e.name === 'request' && e.method === method && e.message.callId === call.callId && e.message.tag('to') && !e.taken, { what: `${number}: ${method}`, ms: 20_000 });
  log.events.find((e) => e.message === message).taken = true;
  return message;
}

test('it registers by digest, and unregisters', { timeout: 60_000 }, async () => {
  await line('2001');
  await ends(await play(registers('2001') + registers('2001', { expires: 0, cseq: 3 })));
});

test('it calls, holds, resumes, sends a digit and hangs up', { timeout: 60_000 }, async () => {
  await line('2002');
  const callee = await online('2003');
  const hold = (cseq, direction) => `${within('INVITE', '2002', '2003', cseq, { body: SDP.replace('a=rtpmap', `a=${direction}\na=rtpmap`) })}
${maybe(100)}${got(200)}
${within('ACK', '2002', '2003', cseq)}`;
  const sipp = await play(`${registers('2002')}
${request('INVITE', `sip:2003@${edge.domain}`, '2002', { to: '2003', body: SDP })}
${maybe(100)}${maybe(182)}${got(180)}${got(200, 'rrs="true"')}
${within('ACK', '2002', '2003', 1)}
${hold(2, 'sendonly')}
${hold(3, 'sendrecv')}
${within('INFO', '2002', '2003', 4, { body: 'Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal=7\nDuration=160\n' })}
${got(200)}
${within('BYE', '2002', '2003', 5)}
${got(200)}`);
  const call = await callee.incoming();
  call.ring();
  await call.answer();
  for (const direction of ['sendonly', 'sendrecv']) {
    const again = await next(call, 'INVITE');
    assert.match(again.body, new RegExp(`a=${direction}`));
    callee.respond(again, 200, 'OK', { headers: [`Contact: ${callee.contact}`, 'Content-Type: application/sdp'], body: again.body });
  }
  const info = await next(call, 'INFO');
  assert.equal(info.header('content-type'), 'application/dtmf-relay');
  assert.match(info.body, /^Signal=7\r?\nDuration=160/);
  callee.respond(info, 200, 'OK');
  callee.respond(await next(call, 'BYE'), 200, 'OK');
  await ends(sipp);
});

test('it gives up while it rings, and the callee is told', { timeout: 60_000 }, async () => {
  await line('2006');
  const callee = await online('2007');
  const again = (method, to) => `<send><![CDATA[
${method} sip:2007@${edge.domain} SIP/2.0
Via: SIP/2.0/WS sipp.invalid;branch=[branch-${method === 'CANCEL' ? 2 : 5}]
Max-Forwards: 70
From: "sipp" <sip:2006@${edge.domain}>;tag=[pid]t[call_number]
${to}
Call-ID: [call_id]
CSeq: 1 ${method}
${NOTHING}]]></send>`;
  const sipp = await play(`${registers('2006')}
${request('INVITE', `sip:2007@${edge.domain}`, '2006', { to: '2007', body: SDP }).replace('branch=[branch]', 'branch=z9hG4bK[pid]giveup')}
${maybe(100)}${maybe(182)}${got(180)}
${again('CANCEL', `To: <sip:2007@${edge.domain}>`).replace(/branch=\[branch-\d\]/, 'branch=z9hG4bK[pid]giveup')}
${got(200)}${got(487)}
${again('ACK', '[last_To:]').replace(/branch=\[branch-\d\]/, 'branch=z9hG4bK[pid]giveup')}`);
  const call = await callee.incoming();
  call.ring();
  await call.sees('CANCEL', { ms: 20_000 });
  await ends(sipp);
});

// While it waits to be called: nothing it could receive in its own call.
const waits = `<recv request="NEVER" timeout="35000"/>`;
const isCalled = (me) => `<recv request="OPTIONS" optional="true" next="1"/>
<recv request="INVITE" rrs="true"/>
${answer('180 Ringing', me, NOTHING, ';tag=[pid]u[call_number]')}
${answer('200 OK', me, SDP, ';tag=[pid]u[call_number]')}
${asked('ACK')}
${asked('INVITE')}
${answer('200 OK', me, SDP.replace('a=rtpmap', 'a=recvonly\na=rtpmap'))}
${asked('ACK')}
${asked('BYE')}
${answer('200 OK', me)}
<nop next="2"/>
<label id="1"/>
${answer('200 OK', me, NOTHING, ';tag=[pid]o[call_number]')}
<label id="2"/>`;

/** The other side of `isCalled`: talks, holds, hangs up. */
async function talks(call, offer) {
  assert.equal((await call.final({ ms: 20_000 })).status, 200);
  const contact = [`Contact: ${call.device.contact}`, 'Content-Type: application/sdp'];
  const held = await call.dialog.request('INVITE', { headers: contact, body: offer.replace('a=rtpmap', 'a=sendonly\r\na=rtpmap') });
  assert.deepEqual([held.status, /a=recvonly/.test(held.body)], [200, true]);
  await call.dialog.request('ACK');
  assert.equal((await call.dialog.request('BYE')).status, 200);
}

test('it is called, held by the other side, and hung up on', { timeout: 60_000 }, async () => {
  const caller = await online('2004');
  await line('2005');
  const sipp = await play(registers('2005') + waits, isCalled('2005'));
  await sipp.sees(/CSeq: 2 REGISTER/, 'its 200 for REGISTER');
  const call = caller.call('2005');
  await call.hears(180, { ms: 20_000 });
  await talks(call, OFFER);
  await end(sipp.process);
});

test('it is woken: push, REGISTER with the instance, ready, INVITE', { timeout: 60_000 }, async () => {
  const caller = await online('2008');
  await line('2009');
  const instance = randomUUID();
  const sink = await Sink.open({ vapid: edge.vapid });
  closing.push(sink);
  const device = new Device(edge, '2009', { device: instance, token: await edge.token('2009') });
  assert.equal((await device.bind({ sink })).status, 201);
  const call = caller.call('2009');
  const { wake } = await sink.push('invitation');
  await call.hears('pushed');
  const sipp = await play(registers('2009', { instance }) + waits, isCalled('2009'));
  await until(async () => (await device.report(wake, 'ready')).status === 200, { ms: 20_000, every: 200, what: '"ready" is taken once sipp has registered' });
  await call.hears(180, { ms: 20_000 });
  await talks(call, OFFER);
  await end(sipp.process);
});
