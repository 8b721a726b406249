// A page and a real phone call each other through real SIP servers, and both hear the other's tone.
//
//   node tests/plays/phone.mjs [--server kamailio|asterisk] [--browser firefox|chromium] [--json FILE]
//
// Prints what each side heard, both ways and with silence as the control; the exit status says whether every point held.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { Asterisk } from '../lib/servers/asterisk.mjs';
import { Baresip } from '../lib/servers/baresip.mjs';
import { Bench, DOMAIN } from '../lib/servers/bench.mjs';
import { Kamailio } from '../lib/servers/kamailio.mjs';
import { Pages } from '../lib/servers/pages.mjs';
import { RtpEngine } from '../lib/servers/rtpengine.mjs';
import { length, loudest, samples } from '../lib/wav.mjs';

const TOLERANCE = 0.02;
const TONES = { page: 1000, phone: 440 };
export const SERVERS = ['kamailio', 'asterisk'];

/** Starts the server with all it needs; both know `page` and `phone`. */
async function serve(bench, name) {
  if (name === 'asterisk') return bench.add(Asterisk, { pages: ['page'], phones: ['phone'] });
  const media = await bench.add(RtpEngine);
  return bench.add(Kamailio, { users: ['page', 'phone'], media });
}

const near = (heard, hz) => Math.abs(heard - hz) <= hz * TOLERANCE;

/** What the phone has heard in the next `ms` of its recording; `skip` ms of what was under way are left out. */
export async function phoneHears(phone, { ms = 1200, skip = 0 } = {}) {
  const file = await until(() => phone.recording(), { ms: 15_000, what: 'the phone records' });
  const { rate } = samples(file);
  const from = length(file) + Math.floor((skip * rate) / 1000);
  const to = from + Math.floor((ms * rate) / 1000);
  await until(() => length(file) >= to, { ms: 30_000, what: 'the phone hears on' });
  const { wave } = samples(file, from);
  return loudest({ rate, wave });
}

/** Waits until the phone hears this tone, as long as a loaded machine may take. */
export async function phoneHearsTone(phone, hz) {
  let heard;
  await until(async () => {
    heard = await phoneHears(phone);
    return near(heard.hz, hz) && heard.rms > SILENCE;
  }, { ms: 20_000, what: `the phone hears ${hz} Hz` }).catch(() => {});
  return heard;
}

/** One call that stands: both tones, silence of each side while it is muted, and the tone again. */
async function listen(page, phone, check) {
  const atPage = await hear(page, TONES.phone, { tolerance: TOLERANCE });
  check(near(atPage.hz, TONES.phone) && atPage.rms > SILENCE, `the page hears ${atPage.hz} Hz of ${TONES.phone}${atPage.error ? ` (${atPage.error})` : ''}`);
  const atPhone = await phoneHearsTone(phone, TONES.page);
  check(near(atPhone.hz, TONES.page) && atPhone.rms > SILENCE, `the phone hears ${atPhone.hz} Hz of ${TONES.page}`);

  await page.evaluate('call.mute(true)');
  let silent;
  await until(async () => { silent = await phoneHears(phone); return silent.rms < SILENCE; }, { ms: 15_000, what: 'silence' }).catch(() => {});
  check(silent.rms < SILENCE, `the phone hears silence while the page is muted (${silent.rms.toFixed(5)})`);
  await page.evaluate('call.mute(false)');
  const again = await phoneHearsTone(phone, TONES.page);
  check(near(again.hz, TONES.page), `and the tone again afterwards (${again.hz} Hz)`);

  await phone.command('mute');
  let level;
  await until(async () => { level = await loudness(page, 600); return level < SILENCE; }, { ms: 15_000, what: 'silence' }).catch(() => {});
  check(level < SILENCE, `the page hears silence while the phone is muted (${level.toFixed(5)})`);
  await phone.command('mute');
  return {
    sent_hz: { page: TONES.page, phone: TONES.phone }, phone_hears_hz: atPhone.hz, page_hears_hz: atPage.hz,
    phone_hears_muted: Math.round(silent.rms * 1e5) / 1e5, page_hears_muted: Math.round(level * 1e5) / 1e5,
  };
}

const active = (page) => page.waitForFunction(`window.call?.state === 'active'`, { timeout: 20_000 }).catch(async (error) => {
  throw new Error(`the page's call is not active: ${JSON.stringify(await page.evaluate('[seen.states, window.call?.end]'))}; ${error.message}`);
});

/** Page calls phone; the page hangs up. */
async function pageCalls(page, phone, check) {
  const since = phone.events.mark();
  await page.evaluate(`dial('phone')`);
  await phone.event('CALL_ESTABLISHED', { since });
  await active(page);
  const heard = await listen(page, phone, check);
  await page.evaluate('call.hangUp()');
  await phone.event('CALL_CLOSED', { since });
  return heard;
}

/** Phone calls page, which rings and is answered; the phone hangs up. */
async function phoneCalls(page, phone, check) {
  const since = phone.events.mark();
  await page.evaluate('window.call = undefined');
  await phone.command('dial', `sip:page@${DOMAIN}`);
  await page.waitForFunction(`window.call?.state === 'incoming'`, { timeout: 20_000 });
  await phone.event('CALL_RINGING', { since });
  await page.evaluate('call.answer()');
  await active(page);
  await phone.event('CALL_ESTABLISHED', { since });
  const heard = await listen(page, phone, check);
  await phone.command('hangup');
  await page.waitForFunction(`call.state === 'ended'`);
  const end = await page.evaluate('call.end');
  check(end.outcome === 'hungup' && end.by === 'remote', `the page is told who hung up (${end.outcome} by ${end.by})`);
  return heard;
}

/** The whole play through one server. */
export async function playPhone(server, { browser: name = 'chromium', say = () => {} } = {}) {
  const failures = [];
  const check = (held, point) => {
    say(`${held ? '  ok ' : 'FAIL '} ${point}`);
    if (!held) failures.push(point);
  };
  const report = {};
  const bench = Bench.open();
  let pages;
  try {
    const running = await serve(bench, server);
    const phone = await bench.add(Baresip, { user: 'phone', server: running.sip, tone: TONES.phone });
    pages = await Pages.open();
    const browser = await pages.browser(name, TONES.page);
    const page = await pages.registered(browser, running, 'page');
    say(`     ${server}: the page is registered in ${name}, the phone as well`);
    for (const [direction, call] of [['page_to_phone', pageCalls], ['phone_to_page', phoneCalls]]) {
      say(`     ${direction.replaceAll('_', ' ')}`);
      report[direction] = await call(page, phone, check);
    }
    await page.evaluate('phone.close()');
  } catch (error) {
    check(false, error.message);
    failures.evidence = bench.logs();
  } finally {
    await pages?.close();
    await bench.close();
  }
  return { report, failures };
}

async function main() {
  const { values } = parseArgs({ options: { server: { type: 'string' }, browser: { type: 'string', default: 'chromium' }, json: { type: 'string' } } });
  if (!['chromium', 'firefox'].includes(values.browser)) throw new Error(`--browser is firefox or chromium, not ${values.browser}`);
  const servers = values.server ? [values.server] : SERVERS;
  for (const server of servers) if (!SERVERS.includes(server)) throw new Error(`--server is kamailio or asterisk, not ${server}`);
  const report = { scenario: 'phone', browser: values.browser, servers: {} };
  let failed = 0;
  for (const server of servers) {
    console.log(`play phone through ${server}, in ${values.browser}`);
    const { report: heard, failures } = await playPhone(server, { browser: values.browser, say: console.log });
    report.servers[server] = heard;
    failed += failures.length;
    if (failures.evidence) console.log(failures.evidence);
  }
  if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (failed) console.log(`\n${failed} points did not hold`);
  process.exitCode = failed ? 1 : 0;
}

if (import.meta.main) await main();
