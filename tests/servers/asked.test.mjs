// What a PBX asks of a page in a call, and a page of a PBX: Asterisk set up to insist on one extension after another, pages in a real
// browser. What was said on the socket is looked at, and what came of it.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { hear } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Asterisk, hasAsterisk } from '../lib/servers/asterisk.mjs';
import { Bench } from '../lib/servers/bench.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const WAIT = { timeout: 30_000 };
/** Lines that Asterisk treats each in its way. */
const LINES = {
  plain: ['send_pai=yes', 'trust_id_outbound=yes', 'send_diversion=yes', 'send_history_info=yes'],
  strict: ['100rel=required'],
  long: ['timers=always', 'timers_min_se=2000', 'timers_sess_expires=3000'],
  brief: ['timers=always', 'timers_min_se=90', 'timers_sess_expires=90'],
  auto: [],
};
const to = (user, ...before) => [...before, `Dial(\${PJSIP_DIAL_CONTACTS(${user})},30,b(set^${user}^1))`, 'Hangup()'];
const extension = (name, steps) => steps.map((step, at) => `exten => ${name},${at + 1},${step}`);
const PLAN = [
  ...extension('early', ['Progress()', 'PlayTones(700)', 'Wait(20)', 'Hangup()']),
  ...extension('hears', ['Set(GLOBAL(TICKET)=${PJSIP_HEADER(read,X-Ticket)})', 'Answer()', 'Echo()']),
  ...extension('asserted', to('plain', 'Set(CALLERID(name)=Ada Asserted)', 'Set(CALLERID(num)=4711)')),
  ...extension('withheld', to('plain', 'Set(CALLERID(pres)=prohib)')),
  ...extension('diverted', to('plain', 'Set(REDIRECTING(from-num,i)=4242)', 'Set(REDIRECTING(from-name,i)=The Office)', 'Set(REDIRECTING(reason,i)=unconditional)', 'Set(REDIRECTING(count,i)=1)')),
  ...extension('ticket', to('plain')),
  ...extension('by-itself', to('auto')),
  '[set]',
  ...extension('plain', ['Set(PJSIP_HEADER(add,X-Ticket)=42)', 'Return()']),
  ...extension('auto', ['Set(PJSIP_HEADER(add,Alert-Info)=<http://bench.test>\\;info=alert-autoanswer)', 'Return()']),
];

describe('asked by Asterisk', { skip: !hasAsterisk() && 'no Asterisk on this machine' }, () => {
  let bench, server, pages, browser;
  const opened = [];
  before(async () => {
    bench = Bench.open();
    server = await bench.add(Asterisk, { pages: ['caller', ...Object.keys(LINES)], more: LINES, plan: PLAN });
    pages = await Pages.open({ whole: true });
    browser = await pages.browser('chromium', 1000);
  }, { timeout: 120_000 });
  after(async () => {
    await pages?.close();
    await bench?.close();
  }, { timeout: 60_000 });
  afterEach(async (t) => {
    if (!t.passed) for (const page of opened) t.diagnostic((await page.evaluate('wire')).join('\n'));
    for (const page of opened.splice(0)) {
      await page.evaluate('phone.close()').catch(() => {});
      await page.close();
    }
  }, { timeout: 60_000 });

  async function line(user, more) {
    const page = await pages.registered(browser, server, user, more);
    opened.push(page);
    await page.evaluate('window.beside = wakeline.Beside.of(phone)');
    return page;
  }
  const appears = (page, start, words = '', times = 1, timeout = 30_000) => page.waitForFunction((start, words, times) => wire.filter((one) => one.startsWith(start) && one.includes(words)).length >= times, { timeout }, start, words, times);
  const said = (page, start, words = '') => page.evaluate((start, words) => wire.filter((one) => one.startsWith(start) && one.includes(words)), start, words);
  const active = (page) => page.waitForFunction(`window.call?.state === 'active'`, WAIT);
  const rings = (page) => page.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
  const about = (page) => page.evaluate('({ ...beside.about(call), remote: call.remote })');

  test('sound before the answer is heard', { timeout: 60_000 }, async () => {
    const page = await line('caller');
    await page.evaluate(`dial('early')`);
    await until(async () => Math.abs((await hear(page, 700, { ms: 2000 })).hz - 700) < 14, { ms: 30_000, what: 'the tone of the announcement' });
    assert.notEqual(await page.evaluate('call.state'), 'active');
  });

  test('whoever insists on reliable ringing (100rel) gets it, both ways', { timeout: 90_000 }, async () => {
    const [strict, plain] = [await line('strict'), await line('plain')];
    await strict.evaluate(`dial('plain')`);
    await rings(plain);
    await strict.waitForFunction(`call.state === 'ringing'`, WAIT);
    assert.match((await said(strict, '< SIP/2.0 18'))[0], /Require:[^\r]*100rel/);
    await appears(strict, '> PRACK');
    await appears(strict, '< SIP/2.0 200', 'PRACK');
    await plain.evaluate('call.answer()');
    await active(strict);
    await strict.evaluate('call.hangUp()');
    await plain.waitForFunction(`call.state === 'ended'`, WAIT);
    // And asked of the page that is called.
    await plain.evaluate(`window.call = undefined; dial('strict')`);
    await strict.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
    assert.match((await said(strict, '< INVITE'))[0], /Require:[^\r]*100rel/);
    await appears(strict, '< PRACK');
    assert.match((await said(strict, '> SIP/2.0 180'))[0], /RSeq: \d+/);
    await strict.evaluate('call.answer()');
    await active(plain);
  });

  test('an interval that is too short (422) is lengthened', { timeout: 60_000 }, async () => {
    const long = await line('long');
    await long.evaluate(`dial('hears')`);
    await active(long);
    assert.match((await said(long, '< SIP/2.0 422'))[0], /Min-SE: 2000/);
    assert.match((await said(long, '> INVITE')).at(-1), /Session-Expires: 2000/);
    await long.evaluate('call.hangUp()');
  });

  // No interval is shorter than a minute and a half (RFC 4028, section 4).
  const refreshes = { skip: !process.env.WAKELINE_FULL && 'waits for 45 s: with --full', timeout: 180_000 };
  test('either side refreshes a brief interval, and the call goes on', refreshes, async () => {
    const [caller, brief] = [await line('caller'), await line('brief', { ways: { sessionSeconds: 90 } })];
    // The page calls: half of the interval later it asks whether the call still stands. The page is called: the PBX does, or leaves it to the page.
    await brief.evaluate(`dial('hears')`);
    await active(brief);
    const first = await brief.evaluate('call.id');
    assert.match((await said(brief, '> INVITE')).at(-1), /Session-Expires: 90/);
    await caller.evaluate(`dial('brief')`);
    await brief.waitForFunction((first) => window.call?.id !== first && call.state === 'incoming', WAIT, first);
    await brief.evaluate('call.answer()');
    await active(caller);
    // Each of the two calls is refreshed once, by whoever was told to.
    const refreshed = () => brief.evaluate(() => {
      const requests = wire.filter((one) => /^[<>] (UPDATE|INVITE) /.test(one) && /\r\nTo:[^\r]*;tag=/i.test(one) && /\r\nSession-Expires:/i.test(one));
      return [...new Set(requests.map((one) => `${one[0]} ${/\r\nCall-ID: *([^\r]+)/i.exec(one)[1]}`))];
    });
    await until(async () => new Set((await refreshed()).map((one) => one.slice(2))).size === 2, { ms: 90_000, every: 500, what: 'both calls are refreshed' });
    assert.ok((await refreshed()).some((one) => one.startsWith('> ')), 'the page refreshes its own');
    assert.deepEqual(await brief.evaluate('phone.calls.map(({ state }) => state)'), ['active', 'active']);
  });

  test('who really calls, whom it was meant for, and headers of ones own are told, both ways', { timeout: 120_000 }, async () => {
    const [caller, plain] = [await line('caller'), await line('plain')];
    const call = async (number, headers = {}) => {
      await plain.evaluate('window.call = undefined');
      await caller.evaluate((number, headers) => phone.call(number, { headers }), number, headers);
      await rings(plain);
      const told = await about(plain);
      await plain.evaluate('call.reject()');
      await plain.waitForFunction('phone.calls.length === 0', WAIT);
      await caller.waitForFunction('phone.calls.length === 0', WAIT);
      return told;
    };
    assert.deepEqual((await call('asserted')).remote, { number: '4711', displayName: 'Ada Asserted' });
    const ticket = await call('ticket');
    assert.deepEqual([ticket.private, ticket.diverted, ticket.wantsAnswer], [false, null, false]);
    assert.deepEqual(ticket.headers.find(([name]) => name === 'X-Ticket'), ['X-Ticket', '42']);
    const withheld = await call('withheld');
    assert.equal(withheld.private, true, JSON.stringify(withheld));
    assert.match(withheld.remote.number, /anonymous/i);
    assert.deepEqual((await call('diverted')).diverted, { number: '4242', displayName: 'The Office' });
    await caller.evaluate(() => phone.call('hears', { headers: { 'X-Ticket': 'from the page', Route: '<sip:nowhere>' } }));
    await until(async () => (await server.cli('dialplan show globals')).includes('TICKET=from the page'), { ms: 20_000, every: 200, what: 'the header of the page' });
    assert.equal((await said(caller, '> INVITE', 'nowhere')).length, 0, 'what steers a call is not the page’s');
  });

  test('a call that asks to be answered by itself rings, unless the page has said so', { timeout: 90_000 }, async () => {
    const caller = await line('caller');
    let auto = await line('auto');
    await caller.evaluate(`dial('by-itself')`);
    await rings(auto);
    assert.equal((await about(auto)).wantsAnswer, true);
    await caller.waitForFunction(`call.state === 'ringing'`, WAIT);
    await caller.evaluate('call.hangUp()');
    await auto.waitForFunction(`call.state === 'ended'`, WAIT);
    await auto.evaluate('phone.close()');
    auto = await line('auto', { ways: { autoAnswer: true } });
    await caller.evaluate(`dial('by-itself')`);
    await active(auto);
    await active(caller);
  });

  test('the other side makes the offer, in its answer, and the page answers in its ACK', { timeout: 90_000 }, async () => {
    const caller = await line('caller');
    await caller.evaluate(`beside.callWithoutOffer('hears').then(take)`);
    await active(caller);
    assert.match((await said(caller, '> INVITE'))[0], /Content-Length: 0\r\n\r\n$/);
    assert.match((await said(caller, '> ACK')).at(-1), /m=audio/);
    // It is an echo: the page hears its own tone.
    await until(async () => Math.abs((await hear(caller, 1000, { ms: 2000 })).hz - 1000) < 20, { ms: 30_000, what: 'its own tone comes back' });
  });

  test('a call is held by UPDATE where the page wants it so', { timeout: 60_000 }, async () => {
    const page = await line('caller', { ways: { update: true } });
    await page.evaluate(`dial('hears')`);
    await active(page);
    await page.evaluate('call.hold()');
    await page.waitForFunction('call.held', WAIT);
    await page.evaluate('call.hold(false)');
    await page.waitForFunction('!call.held', WAIT);
    assert.deepEqual([(await said(page, '> UPDATE', 'a=sendonly')).length + (await said(page, '> UPDATE', 'a=inactive')).length > 0, (await said(page, '> INVITE', ';tag=')).filter((one) => /\r\nTo:[^\r]*;tag=/.test(one)).length], [true, 0]);
  });
});
