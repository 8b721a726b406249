// What a registrar can ask of a page, or refuse it: Kamailio set up in one way after another, pages in a real browser. What was said
// on the socket is looked at, and that the page is registered, or says why not, in the end.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
import { ha1Of, Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';

const USERS = { users: ['ada', 'ben'] };
const WAIT = { timeout: 30_000 };
let bench, pages, browser;
before(async () => {
  bench = Bench.open();
  pages = await Pages.open({ whole: true });
  browser = await pages.browser('chromium', 1000);
}, { timeout: 90_000 });
after(async () => {
  await pages?.close();
  await bench?.close();
}, { timeout: 30_000 });

const opened = [];
async function registered(server, user = 'ada', more = {}) {
  const page = await pages.registered(browser, server, user, more);
  opened.push(page);
  return page;
}
test.afterEach(async () => {
  for (const page of opened.splice(0)) {
    await page.evaluate('phone.close()').catch(() => {});
    await page.close();
  }
});

/** The messages of this page that these words begin (`> REGISTER`, `< SIP/2.0 401`), and that have these in them. */
const wire = (page, start, words = '') => page.evaluate((start, words) => window.wire.filter((one) => one.startsWith(start) && one.includes(words)), start, words);
const appears = (page, start, words = '', times = 1) => page.waitForFunction((start, words, times) => window.wire.filter((one) => one.startsWith(start) && one.includes(words)).length >= times, WAIT, start, words, times)
  .catch(async (error) => assert.fail(`${start} … ${words}: ${error.message}\n${(await page.evaluate('wire')).join('\n')}`));
/** Calls that number, and answers how it ended. */
const fate = (page, number) => page.evaluate(async (number) => {
  await dial(number);
  while (call.state !== 'ended') await new Promise((resolve) => call.addEventListener('state', resolve, { once: true }));
  return call.end.status;
}, number);

// (Kamailio offers `auth-int` and cannot check it, and knows no `-sess`: those are asked by a registrar of our own, in digest.test.mjs.)
for (const hash of ['md5', 'sha256']) {
  test(`digest with ${hash}: registered, a call and a message proven; H(A1) does it too`, { timeout: 60_000 }, async () => {
    const server = await bench.add(Kamailio, { ...USERS, hash });
    for (const proof of [{}, { password: undefined, ha1: ha1Of('ada', hash) }]) {
      const page = await registered(server, 'ada', proof);
      assert.match((await wire(page, '> REGISTER', 'Authorization'))[0], hash === 'md5' ? /algorithm=MD5,/ : /algorithm=SHA-256,/);
      // Whoever is not proven hears 407; this one is told of who is not there.
      assert.equal(await fate(page, 'ben'), 480);
      assert.equal(await page.evaluate(() => wakeline.Beside.of(phone).message('ben', 'hello').catch((problem) => problem.status)), 480);
      await page.evaluate('phone.close()');
    }
  });
}

test('a nonce that has served is stale: proven anew, and registered all the while; so is the last word', { timeout: 60_000 }, async () => {
  const server = await bench.add(Kamailio, { ...USERS, params: 'modparam("auth", "one_time_nonce", 1)\nmodparam("registrar", "max_expires", 8)' });
  const page = await registered(server);
  await appears(page, '< SIP/2.0 401', 'stale=true');
  await appears(page, '< SIP/2.0 200', 'REGISTER', 2);
  assert.deepEqual(await page.evaluate(`[phone.registration.state, seen.registration.map((one) => one.state).filter((state) => !['connecting', 'registered'].includes(state))]`), ['registered', []]);
  // Whoever closes a page when this resolves leaves no binding behind that would be rung.
  await page.evaluate('phone.close()');
  assert.match((await wire(page, '> REGISTER')).at(-1), /expires=0/);
  assert.match((await page.evaluate('wire')).at(-1), /^< SIP\/2\.0 200 /);
});

test('the next nonce is taken from the answer: no refresh is challenged', { timeout: 60_000 }, async () => {
  const params = 'modparam("auth", "one_time_nonce", 1)\nmodparam("auth", "add_authinfo_hdr", 1)\nmodparam("registrar", "max_expires", 8)';
  const page = await registered(await bench.add(Kamailio, { ...USERS, params }));
  await appears(page, '< SIP/2.0 200', 'nextnonce', 3);
  const [challenged, granted] = await page.evaluate(`[wire.findLastIndex((one) => one.startsWith('< SIP/2.0 401')), wire.findIndex((one) => one.startsWith('< SIP/2.0 200'))]`);
  assert.ok(challenged < granted, 'only the first one');
});

test('too brief an interval (423) is lengthened', { timeout: 60_000 }, async () => {
  const page = await registered(await bench.add(Kamailio, { ...USERS, params: 'modparam("registrar", "min_expires", 1200)\nmodparam("registrar", "min_expires_mode", 1)' }));
  assert.match((await wire(page, '< SIP/2.0 423'))[0], /Min-Expires: 1200/);
  assert.match((await wire(page, '> REGISTER')).at(-1), /expires=1200/);
});

test('another registrar is named (302) and asked; another number is, and called', { timeout: 90_000 }, async () => {
  const server = await bench.add(Kamailio, {
    ...USERS,
    params: 'alias="other.bench.test"',
    first: `if (is_method("REGISTER") && $rd=="${DOMAIN}") { append_to_reply("Contact: <sip:other.bench.test>\\r\\n"); sl_send_reply("302", "Moved Temporarily"); exit; }
    if (is_method("INVITE") && $rU=="moved") { append_to_reply("Contact: <sip:ben@${DOMAIN}>;q=0.5, <sip:cy@${DOMAIN}>;q=0.1\\r\\n"); sl_send_reply("302", "Moved Temporarily"); exit; }`,
  });
  const [page, other] = [await registered(server), await registered(server, 'ben')];
  assert.match((await wire(page, '> REGISTER')).at(-1), /^> REGISTER sip:other\.bench\.test /);
  await page.evaluate(`dial('moved')`);
  await other.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
  await page.waitForFunction(`call.state === 'ringing'`, WAIT);
  await page.evaluate('call.hangUp()');
  await other.waitForFunction(`call.state === 'ended'`, WAIT);
});

test('a server in trouble (503, Retry-After) is left for the next one; alone, its time is kept and shown', { timeout: 90_000 }, async () => {
  const trouble = await bench.add(Kamailio, {
    ...USERS, params: 'modparam("htable", "htable", "tried=>size=4;")',
    first: `if (is_method("REGISTER") && $sht(tried=>$ci)==$null) { $sht(tried=>$ci) = 1; append_to_reply("Retry-After: 4\\r\\n"); sl_send_reply("503", "Service Unavailable"); exit; }`,
  });
  const good = await bench.add(Kamailio, USERS);
  const page = await registered(trouble, 'ada', { server: [trouble.url, good.url] });
  assert.equal((await wire(page, '< SIP/2.0 503')).length, 1);
  assert.equal(await fate(page, 'nobody'), 404, 'the good one answers its calls');
  await page.evaluate('phone.close()');
  const alone = await registered(trouble, 'ben');
  const waited = await alone.evaluate(`seen.registration.find((one) => one.retryAt)`);
  assert.ok(waited, JSON.stringify(await alone.evaluate('seen.registration')));
  const after = await alone.evaluate('performance.timeOrigin + performance.now()') - waited.retryAt;
  assert.ok(after >= -50, `registered ${-after} ms before the time that it was given`);
});

test('weights: the server of the first priority, whatever the order; when it dies, that of the next', { timeout: 120_000 }, async () => {
  const [second, first] = [await bench.add(Kamailio, USERS), await bench.add(Kamailio, USERS)];
  const weights = [{ priority: 20, weight: 100 }, { priority: 10, weight: 1 }];
  const page = await registered(first, 'ada', { server: [second.url, first.url], ways: { weights } });
  await page.evaluate('seen.registration.length = 0');
  await first.close();
  await page.waitForFunction(`seen.registration.some((one) => one.state === 'reconnecting') && phone.registration.state === 'registered'`, { timeout: 60_000 });
  assert.equal(await fate(page, 'nobody'), 404);
  const odd = await page.evaluate((server) => wakeline.Session.atServer({ server, addressOfRecord: 'sip:a@b.test', password: 'x', ways: { weights: [] } }).then(() => 'taken', (problem) => problem.message), second.url);
  assert.notEqual(odd, 'taken', 'as many weights as servers');
});

test('a routable address (GRUU) is asked for where a page wants it, and the other side reaches the page by it', { timeout: 90_000 }, async () => {
  const server = await bench.add(Kamailio, {
    ...USERS,
    params: '',
    within: 'if (uri==myself && $ru =~ ";gr") { if (lookup("location")) { route(RELAY); exit; } }',
  });
  const [page, other] = [await registered(server, 'ada', { ways: { gruu: true } }), await registered(server, 'ben')];
  assert.match((await wire(page, '> REGISTER', 'Contact:'))[0], /Supported:[^\r]*gruu/);
  const [, gruu] = /pub-gruu="([^"]+)"/.exec((await wire(page, '< SIP/2.0 200', 'REGISTER'))[0]);
  await page.evaluate(`dial('ben')`);
  await other.waitForFunction(`window.call?.state === 'incoming'`, WAIT);
  assert.match((await wire(page, '> INVITE'))[0], new RegExp(`Contact: <${gruu.replace(/[.?*+]/g, '\\$&')}`));
  await other.evaluate('call.answer()');
  await page.waitForFunction(`call.state === 'active'`, WAIT);
  // The BYE of the other side is sent to that address.
  await other.evaluate('call.hangUp()');
  await page.waitForFunction(`call.state === 'ended'`, WAIT);
  assert.match((await wire(other, '> BYE'))[0], /^> BYE sip:[^ ]*;gr/);
});
