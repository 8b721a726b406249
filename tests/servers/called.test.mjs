// What comes to a page through Kamailio from a phone that a test plays: calls that leave the offer to the page, headers that the server
// adds or keeps, and questions about what the page can do. Whatever it says of itself is tried.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { hear } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { RtpEngine } from '../lib/servers/rtpengine.mjs';
import { Trunk } from '../lib/servers/trunk.mjs';

const WAIT = { timeout: 30_000 };
const TONES = { page: 1000, phone: 620 };
/** What the server adds to a call, by what the caller asks for. */
const ADDED = {
  asserted: ['P-Asserted-Identity: \\"Ada Asserted\\" <sip:4711@bench.test>'],
  withheld: ['P-Asserted-Identity: <sip:4711@bench.test>', 'Privacy: id'],
  diverted: ['Diversion: \\"The Office\\" <sip:4242@bench.test>;reason=unconditional', 'Diversion: <sip:4141@bench.test>;reason=no-answer'],
  retold: ['History-Info: <sip:4343@bench.test>;index=1', 'History-Info: <sip:page@bench.test?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1'],
};

describe('called through Kamailio', () => {
  let bench, pages, browser, server, phone, other;
  const opened = [];
  before(async () => {
    bench = Bench.open();
    const media = await bench.add(RtpEngine);
    [phone, other] = await Promise.all(['phone', 'other'].map((number) => Trunk.open({ number })));
    for (const one of [phone, other]) one.hangsUp = true;
    const first = `${Object.entries(ADDED).map(([name, lines]) => `if ($hdr(X-Add)=="${name}") { ${lines.map((line) => `append_hf("${line}\\r\\n");`).join(' ')} }`).join('\n    ')}
    if (is_method("INVITE") && $rU=="night") { append_to_reply("Reason: SIP;cause=480;text=\\"Closed until eight\\"\\r\\n"); sl_send_reply("480", "Temporarily Unavailable"); exit; }
    # The page, and a phone beside it.
    if (is_method("INVITE") && $rU=="group") { record_route(); append_branch("${other.contact.slice(1, -1)}"); $rU = "page"; lookup("location"); route(RELAY); }`;
    server = await bench.add(Kamailio, { users: ['page', 'night'], media, first, trusted: [phone.address] });
    phone.towards(server.sip);
    pages = await Pages.open({ whole: true });
    browser = await pages.browser('chromium', TONES.page);
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
    for (const one of [phone, other]) await one?.close();
  }, { timeout: 60_000 });
  afterEach(async (t) => {
    phone.hush();
    for (const page of opened.splice(0)) {
      if (!t.passed) t.diagnostic(`${JSON.stringify(await page.evaluate('[seen.states, window.call?.end]'))}\n${(await page.evaluate('wire')).join('\n')}\n${bench.logs()}`);
      await page.evaluate('phone.close()').catch(() => {});
      await page.close();
    }
  });

  async function ready(more) {
    const page = await pages.registered(browser, server, 'page', more);
    opened.push(page);
    await page.evaluate('window.beside = wakeline.Beside.of(phone)');
    return page;
  }
  const rings = (page) => page.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
  const said = (page, start, words = '') => page.evaluate((start, words) => wire.filter((one) => one.startsWith(start) && one.includes(words)), start, words);
  /** A request outside of any dialog; its answer. */
  async function asks(method, { headers = [], body = '', uri = `sip:page@${phone.domain}` } = {}) {
    const callId = randomBytes(8).toString('hex');
    phone.request(method, uri, [phone.via(), 'Max-Forwards: 70', `From: <${phone.aor}>;tag=${callId}`, `To: <sip:page@${phone.domain}>`, `Call-ID: ${callId}`, `CSeq: 1 ${method}`, `Contact: ${phone.contact}`, ...headers], body);
    return phone.hears((m) => m.callId === callId && m.status >= 200, { what: `answer to ${method}` });
  }

  test('a call without an offer rings, the page offers in its 200, and the answer is in the ACK: both hear the other', { timeout: 60_000 }, async () => {
    const page = await ready();
    const call = phone.call('page', { sdp: '' });
    await rings(page);
    const [invite] = await said(page, '< INVITE');
    assert.match(invite, /Content-Length: 0\r\n\r\n$/);
    await call.hears(180);
    // It is answered when the ACK is here.
    const [answer] = await Promise.all([call.final({ sdp: phone.sdp }), page.evaluate('call.answer()')]);
    assert.match((await said(page, '> SIP/2.0 200', 'INVITE'))[0], /a=setup:actpass/);
    phone.speak(TONES.phone, answer.body);
    await page.waitForFunction(`call.state === 'active'`, WAIT);
    assert.match((await said(page, '< ACK'))[0], /m=audio/);
    const heard = await hear(page, TONES.phone);
    assert.ok(Math.abs(heard.hz - TONES.phone) <= 13, `the page hears ${JSON.stringify(heard)}`);
    let atPhone;
    await until(async () => { atPhone = await phone.hearsSound(); return Math.abs(atPhone.hz - TONES.page) <= 20; }, { ms: 20_000, what: 'the tone' }).catch(() => assert.fail(`the phone hears ${JSON.stringify(atPhone)}`));
    assert.equal((await call.dialog.request('BYE')).status, 200);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
  });

  test('who calls and for whom, as the server says; whoever wants to be unknown stays so', { timeout: 60_000 }, async () => {
    const page = await ready();
    async function told(what) {
      await page.evaluate('window.call = undefined');
      const call = phone.call('page', { headers: [`X-Add: ${what}`, 'Subject: Lunch'] });
      await rings(page);
      const about = await page.evaluate('({ ...beside.about(call), remote: call.remote })');
      await call.cancel();
      assert.equal((await call.final()).status, 487);
      await page.waitForFunction(`call.state === 'ended'`, WAIT);
      return about;
    }
    const asserted = await told('asserted');
    assert.deepEqual([asserted.remote, asserted.private, asserted.diverted], [{ number: '4711', displayName: 'Ada Asserted' }, false, null]);
    assert.deepEqual(asserted.headers.filter(([name]) => ['Subject', 'X-Add'].includes(name)).sort(), [['Subject', 'Lunch'], ['X-Add', 'asserted']]);
    const withheld = await told('withheld');
    assert.deepEqual([withheld.private, withheld.remote.number], [true, 'phone']);
    assert.deepEqual((await told('diverted')).diverted, { number: '4242', displayName: 'The Office' });
    assert.deepEqual((await told('retold')).diverted, { number: '4343', displayName: '' });
  });

  test('why a call ended, as the server says: answered by another phone, closed, ended with a reason', { timeout: 60_000 }, async () => {
    const page = await ready();
    const since = other.log.mark();
    const call = phone.call('group');
    await rings(page);
    const [, answer] = await Promise.all([other.incoming({ since }).then((taken) => taken.answer()), call.final()]);
    assert.equal(answer.status, 200);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    assert.match((await said(page, '< CANCEL'))[0], /Reason: SIP;cause=200/);
    const end = await page.evaluate('call.end');
    assert.deepEqual([end.outcome, end.status, end.by], ['elsewhere', 200, 'remote'], JSON.stringify(end));
    assert.match(end.reason, /completed elsewhere/i);
    await call.dialog.request('BYE');

    await page.evaluate(`dial('night')`);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    assert.deepEqual(await page.evaluate('[call.end.status, call.end.reason]'), [480, 'Closed until eight']);

    await page.evaluate('window.call = undefined');
    const talk = phone.call('page');
    await rings(page);
    await Promise.all([talk.final(), page.evaluate('call.answer()')]);
    await page.waitForFunction(`call.state === 'active'`, WAIT);
    assert.equal((await talk.dialog.request('BYE', { headers: ['Reason: Q.850;cause=31', 'Reason: SIP;cause=503;text="Line is closed"'] })).status, 200);
    await page.waitForFunction(`call.state === 'ended'`, WAIT);
    assert.deepEqual(await page.evaluate('[call.end.outcome, call.end.status, call.end.reason]'), ['failed', 503, 'Line is closed']);
  });

  test('asked what it can do, it says what it does: methods, types, packages, extensions', { timeout: 60_000 }, async () => {
    const page = await ready();
    const answer = await asks('OPTIONS');
    assert.equal(answer.status, 200);
    const list = (name) => answer.all(name).split(',').map((one) => one.trim()).sort();
    assert.deepEqual(list('Allow'), ['ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'MESSAGE', 'NOTIFY', 'OPTIONS', 'PRACK', 'REFER', 'UPDATE']);
    assert.deepEqual(list('Accept'), ['application/dtmf-relay', 'application/im-iscomposing+xml', 'application/sdp', 'application/trickle-ice-sdpfrag', 'message/sipfrag', 'text/plain'].sort());
    assert.deepEqual(list('Supported'), ['100rel', 'outbound', 'path', 'record-aware', 'replaces', 'timer', 'trickle-ice']);
    assert.deepEqual([list('Allow-Events'), list('Accept-Encoding')], [['refer'], ['identity']]);
    assert.match(answer.header('contact'), /^<sip:.+>$/);

    // Methods: none that it names is one that it does not know; others are refused by its own word.
    for (const method of ['SUBSCRIBE', 'PUBLISH']) {
      const refused = await asks(method, { headers: ['Event: dialog', 'Expires: 60'] });
      assert.deepEqual([refused.status, refused.all('allow').split(', ').sort()], [405, list('Allow')], method);
    }
    assert.equal((await asks('DANCE')).status, 501);
    assert.equal((await asks('NOTIFY', { headers: ['Event: dialog', 'Subscription-State: active'] })).status, 481);
    // Types of messages.
    const message = (type, body) => asks('MESSAGE', { headers: [`Content-Type: ${type}`], body });
    assert.equal((await message('text/plain', 'hello')).status, 200);
    assert.equal((await message('application/im-iscomposing+xml', '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>idle</state></isComposing>')).status, 200);
    const html = await message('text/html', '<b>hello</b>');
    assert.deepEqual([html.status, html.all('accept')], [415, 'text/plain, application/im-iscomposing+xml']);
    // What the page takes more is told from then on.
    await page.evaluate(`beside.accept('text/html')`);
    assert.ok((await asks('OPTIONS')).all('accept').includes('text/html'));
    assert.equal((await message('text/html', '<b>hello</b>')).status, 200);
    // Extensions: each may be insisted on, and nothing else.
    assert.equal((await asks('OPTIONS', { headers: [`Require: ${list('Supported').join(', ')}`] })).status, 200);
    const telepathy = await asks('OPTIONS', { headers: ['Require: timer, telepathy'] });
    assert.deepEqual([telepathy.status, telepathy.header('unsupported')], [420, 'telepathy']);
    // And it does not cost a call.
    assert.deepEqual(await page.evaluate('[phone.calls.length, phone.registration.state]'), [0, 'registered']);
  });

  test('a line whose calls are all taken says so when asked (486), as it says to who calls, and is free again afterwards', { timeout: 60_000 }, async () => {
    const page = await ready({ ways: { calls: 1 } });
    assert.equal((await asks('OPTIONS')).status, 200);
    const call = phone.call('page');
    await rings(page);
    const busy = await asks('OPTIONS');
    assert.deepEqual([busy.status, busy.all('allow').includes('INVITE')], [486, true]);
    assert.equal((await phone.call('page').final()).status, 486);
    assert.deepEqual(await page.evaluate('[phone.calls.length, call.state]'), [1, 'incoming'], 'nobody is disturbed');
    await call.cancel();
    await call.final();
    await page.waitForFunction('phone.calls.length === 0', WAIT);
    assert.equal((await asks('OPTIONS')).status, 200);
  });
});
