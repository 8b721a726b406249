// What a page does at a SIP server before its core is there: it opens the socket, and asks to be challenged, so that its first REGISTER is
// proven. A tab that follows says nothing. Pages of a real browser whose core comes when the test wants it.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Asterisk, hasAsterisk } from '../lib/servers/asterisk.mjs';
import { Bench, DOMAIN, passwordOf } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { answer, granted, registrar } from '../lib/servers/registrar.mjs';

const WAIT = { timeout: 20_000 };
const SERVERS = {
  kamailio: (bench) => bench.add(Kamailio, { users: ['ada', 'ben'] }),
  asterisk: (bench) => bench.add(Asterisk, { pages: ['ada', 'ben'] }),
};
let bench, pages, browser;
before(async () => {
  bench = Bench.open();
  pages = await Pages.open();
  browser = await pages.browser('chromium', 1000);
}, { timeout: 90_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 30_000 });

const opened = [];
test.afterEach(async () => {
  for (const page of opened.splice(0)) {
    await page.evaluate('window.phone?.close()').catch(() => {});
    await page.close();
  }
});

/**
 * Opens the phone of a line in a page that counts its sockets, each by what was sent on it, and that is given its core only at `release()`;
 * with `slow` it knows whether it leads only when its socket is open, with `patient` it waits for an answer as long as it takes.
 */
async function held(server, line = {}, how = {}) {
  const page = await pages.page(browser);
  opened.push(page);
  await page.evaluate(({ slow, patient }) => {
    const [Native, fetched, locks] = [window.WebSocket, window.fetch, navigator.locks.request.bind(navigator.locks)];
    window.sockets = [];
    window.WebSocket = class extends Native {
      sent = 0;
      constructor(...how) { super(...how); window.sockets.push(this); }
      send(frame) { this.sent += 1; super.send(frame); }
    };
    const released = new Promise((resolve) => (window.release = resolve));
    window.fetch = async (...what) => { await released; return fetched(...what); };
    const later = window.setTimeout;
    if (patient) window.setTimeout = (work, ms, ...more) => later(work, ms === 1000 ? 60_000 : ms, ...more);
    if (!slow) return;
    navigator.locks.request = async (...what) => {
      navigator.locks.request = locks;
      await new Promise((open) => window.sockets[0].addEventListener('open', open));
      return locks(...what);
    };
  }, how);
  await page.evaluate((it) => { window.opening = open(it); }, { server: server.url, addressOfRecord: `sip:ada@${DOMAIN}`, password: passwordOf('ada'), ...line });
  return page;
}
const asks = (page) => page.waitForFunction(`wire.some((one) => one.startsWith('> REGISTER'))`, WAIT);
const heard = (page, start) => page.waitForFunction((start) => wire.some((one) => one.startsWith(`< ${start}`)), WAIT, start);
const is = (page, state) => page.waitForFunction((state) => window.phone?.registration.state === state, WAIT, state)
  .catch(async (error) => assert.fail(`not ${state}: ${error.message}\n${(await page.evaluate('wire')).join('\n')}`));
/** What the page has said: each message by whether it asks for a binding, and whether it is proven. */
const said = (page) => page.evaluate(() => wire.filter((one) => one.startsWith('> ')).map((one) => [
  one.split(' ')[1], ...['Contact', 'Authorization'].filter((name) => one.includes(`\r\n${name}: `)),
].join(' ')));
const [QUERY, PLAIN, PROVEN] = ['REGISTER', 'REGISTER Contact', 'REGISTER Contact Authorization'];

for (const [name, start] of Object.entries(SERVERS)) {
  describe(`at ${name}`, { skip: name === 'asterisk' && !hasAsterisk() && 'no Asterisk on this machine' }, () => {
    let server;
    before(async () => { server = await start(bench); }, { timeout: 60_000 });

    test('it is challenged before its core is there, and its first REGISTER is proven, on the same socket', { timeout: 60_000 }, async () => {
      const page = await held(server);
      await heard(page, 'SIP/2.0 401');
      await page.evaluate('release()');
      await is(page, 'registered');
      assert.deepEqual(await said(page), [QUERY, PROVEN]);
      assert.deepEqual(await page.evaluate('sockets.map((it) => it.sent)'), [2]);
    });

    test('a wrong password is told as it is where nothing was asked before, after as many tries', { timeout: 60_000 }, async () => {
      const ends = async (line) => {
        const page = await held(server, { password: 'wrong', ...line });
        await page.waitForFunction('sockets[0]?.readyState === WebSocket.OPEN', WAIT);
        if (!line) await heard(page, 'SIP/2.0 401');
        await page.evaluate('release()');
        await is(page, 'refused');
        const end = { registration: await page.evaluate('phone.registration'), said: await said(page) };
        await page.evaluate('phone.close()');
        return end;
      };
      // Whatever is not as plain as most addresses are is left to the core.
      const [asked, left] = [await ends(), await ends({ addressOfRecord: `sip:ada@${DOMAIN};x=y` })];
      assert.deepEqual([asked.registration.state, asked.registration.reason], ['refused', '401']);
      assert.deepEqual(asked.registration, left.registration);
      assert.deepEqual([asked.said, left.said], [[QUERY, PROVEN, PROVEN], [PLAIN, PROVEN]]);
    });

    test('of two tabs of a line one registers: the other closes what it has opened, says nothing, and leads when the first is gone', { timeout: 60_000 }, async () => {
      const first = await held(server);
      await heard(first, 'SIP/2.0 401');
      const second = await held(server, {}, { slow: true });
      // The first one leads although neither has its core yet.
      await second.waitForFunction('sockets[0]?.readyState === WebSocket.CLOSED', WAIT);
      for (const page of [second, first]) await page.evaluate('release()');
      for (const page of [first, second]) await is(page, 'registered');
      assert.deepEqual(await Promise.all([first, second].map((page) => page.evaluate('[phone.role, sockets.map((it) => it.sent)]'))), [['leading', [2]], ['following', [0]]]);
      await first.evaluate('phone.close()');
      await second.waitForFunction(`phone.role === 'leading' && phone.registration.state === 'registered' && sockets.length === 2`, WAIT);
      assert.deepEqual(await said(second), [PLAIN, PROVEN]);
    });
  });
}

const challenge = (nonce) => [401, `WWW-Authenticate: Digest realm="${DOMAIN}", nonce="${nonce}", algorithm=SHA-256, qop="auth"`];
const takes = (nonce) => (message) => (message.header('authorization')?.includes(`nonce="${nonce}"`) ? granted(message) : challenge(nonce));
/** What a registrar may make of a question ahead, what it makes of a REGISTER, what the core is kept back for, and what the page has said in the end. */
const ODD = {
  'says 200 to whoever asks': [(query) => [200, `Contact: ${query.header('from')}`], takes('n'), 'heard', [QUERY, PLAIN, PROVEN]],
  'wants a Contact': [() => [400], takes('n'), 'heard', [QUERY, PLAIN, PROVEN]],
  'says what is no SIP': [(query, socket) => { socket.send(`SIP/2.0 401 \0\r\n${query.text.slice(9)}`); }, takes('n'), 'heard', [QUERY, PLAIN, PROVEN]],
  'asks for another proof': [() => [401, 'WWW-Authenticate: Bearer authz_server="https://tokens.test"'], takes('n'), 'heard', [QUERY, PLAIN, PROVEN]],
  'forgets its nonce, and does not say so': [() => challenge('old'), takes('new'), 'heard', [QUERY, PROVEN, PROVEN]],
  'closes the socket': [(query, socket) => socket.close(), takes('n'), 'closed', [QUERY, PLAIN, PROVEN]],
  'never answers': [() => null, takes('n'), 'asked', [QUERY, PLAIN, PROVEN]],
};

for (const [what, [answers, then, until, words]] of Object.entries(ODD)) {
  test(`registered at a server that ${what}`, { timeout: 60_000 }, async () => {
    const peer = await registrar((message, socket) => (message.header('contact') ? then(message) : answers(message, socket)));
    try {
      const page = await held(peer);
      await asks(page);
      if (until === 'heard') await heard(page, 'SIP/2.0 ');
      if (until === 'closed') await page.waitForFunction('sockets[0].readyState === WebSocket.CLOSED', WAIT);
      await page.evaluate('release()');
      await is(page, 'registered');
      assert.deepEqual(await said(page), words);
      assert.deepEqual(await page.evaluate(`[...new Set(seen.registration.map((one) => one.state))]`), ['connecting', 'registered']);
    } finally {
      peer.close();
    }
  });
}

test('a core that is there before the answer waits for it', { timeout: 60_000 }, async () => {
  const kept = Promise.withResolvers();
  const peer = await registrar((query, socket) => {
    if (query.header('contact')) return takes('n')(query);
    void kept.promise.then(() => socket.send(answer(query, challenge('n'))));
    return null;
  });
  try {
    const page = await held(peer, {}, { patient: true });
    await asks(page);
    await page.evaluate('release()');
    await page.waitForFunction('window.phone', WAIT);
    kept.resolve();
    await is(page, 'registered');
    assert.deepEqual(await said(page), [QUERY, PROVEN]);
  } finally {
    peer.close();
  }
});

test('an answer that comes when it is waited for no more is nobody\'s, and nobody is told', { timeout: 60_000 }, async () => {
  let query;
  const peer = await registrar((message, socket) => {
    if (!message.header('contact')) {
      query = message;
      return null;
    }
    socket.send(answer(query, challenge('late')));
    return message.header('authorization')?.includes('nonce="n"') ? granted(message) : challenge('n');
  });
  try {
    const page = await held(peer);
    const complaints = [];
    for (const kind of ['console', 'pageerror']) page.on(kind, (it) => complaints.push(String(it)));
    await asks(page);
    await page.evaluate('release()');
    await is(page, 'registered');
    await page.waitForFunction(`wire.some((one) => one.includes('nonce="late"'))`, WAIT);
    assert.deepEqual([await said(page), complaints], [[QUERY, PLAIN, PROVEN], []]);
    assert.deepEqual(await page.evaluate(`[...new Set(seen.registration.map((one) => one.state))]`), ['connecting', 'registered']);
  } finally {
    peer.close();
  }
});

test('nothing is asked for a line that has a token', { timeout: 60_000 }, async () => {
  const peer = await registrar(granted);
  try {
    const page = await held(peer, { token: 'good' });
    await page.waitForFunction('sockets[0]?.readyState === WebSocket.OPEN', WAIT);
    await page.evaluate('release()');
    await is(page, 'registered');
    assert.deepEqual(await said(page), [PROVEN]);
  } finally {
    peer.close();
  }
});

test('what is wrong with a line is said, and leaves neither a socket nor the lead behind', { timeout: 60_000 }, async () => {
  const peer = await registrar(takes('n'));
  try {
    const page = await held(peer);
    await page.evaluate('release()');
    await page.evaluate('opening.then(() => phone.close())');
    const told = await page.evaluate(async (url) => {
      const before = sockets.length;
      const failed = await wakeline.Phone.open({ server: [url, 'https://127.0.0.1/'], addressOfRecord: 'sip:ada@example.com', password: 'x' }).catch((it) => it.message);
      // A lock that stays is what the test's limit ends.
      while ((await navigator.locks.query()).held.length) await new Promise((resolve) => setTimeout(resolve, 10));
      return { failed, closed: sockets.slice(before).map((it) => it.readyState >= WebSocket.CLOSING) };
    }, peer.url);
    assert.match(told.failed, /wss:/);
    assert.deepEqual(told.closed, [true]);
    const refused = (line) => page.evaluate((it) => wakeline.Session.atServer(it).then(() => 'taken', ({ name, status, title, message }) => [name, status, title, message]), { addressOfRecord: 'sip:ada@example.com', ...line });
    assert.deepEqual(await refused({ server: 'pbx.example.com' }), ['Problem', 0, 'SyntaxError', 'no address of a server: pbx.example.com']);
    assert.deepEqual(await refused({ server: [] }), ['Problem', 0, 'SyntaxError', 'a line has a server']);
    assert.deepEqual(await refused({ server: [peer.url, 'wss://example.com'] }), ['Problem', 0, 'SyntaxError', "a server's address begins with wss://"]);
    assert.equal((await refused({ server: peer.url, addressOfRecord: 'ada' }))[3], 'the address is like sip:user@example.com');
    assert.equal((await refused({ server: peer.url, password: 42 }))[3], 'what a line says of itself is text');
  } finally {
    peer.close();
  }
});
