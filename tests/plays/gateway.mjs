// Calls from a mobile network: a voice gateway, a real call server with the configuration that we ship, and the callee's closed page.
//
//   node tests/plays/gateway.mjs [--server kamailio|asterisk] [--browser firefox|chromium] [--json FILE]
//
// Real phones play the mobiles, real push and a real click wake the page. Prints what was seen; the exit status says whether every
// point held.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { invitation, missedNotice } from '../lib/ends.mjs';
import { until } from '../lib/events.mjs';
import { CALL_SERVERS, GatewayWorld, MOBILE_CALLER, TONES } from '../lib/gateway-world.mjs';
import { header, isResponse, status, wakeOf } from '../lib/timeline.mjs';
import { NUMBERS } from '../lib/world.mjs';
import { phoneHears, phoneHearsTone } from './phone.mjs';

const TOLERANCE = 0.02;
/** What the gateway says of the callee's mobile, in dBm; or nothing, for it has decided by itself that the call goes to the page. */
const STRONG = -70;
const WEAK = -110;
const DECIDED = null;
/** A number that nobody has, and one whose user has no device. */
const NOBODY = '1999';
const NO_DEVICE = '1003';
/** The limit of the case in which nobody taps, in seconds. */
const SHORT_S = 8;

const near = (heard, hz) => Math.abs(heard - hz) <= hz * TOLERANCE;
const pushes = (world, call) => world.push.log.filter((event) => event.name === 'push' && event.status === 201, call.push).length;
const invites = (world, call) => world.sipWire.log.filter((event) => event.name === 'received' && /^INVITE /.test(event.text), call.sip);
const missed = async (world) => (await world.edge.api('GET', '/v1/missed', { token: await world.edge.token(NUMBERS.callee) })).body.missed;

/** Both ways of one call between two ends that can each be heard and muted. */
async function listen(world, page, check) {
  const atPage = await hear(page.page, TONES.caller, { tolerance: TOLERANCE });
  check(near(atPage.hz, TONES.caller) && atPage.rms > SILENCE, `the page hears ${atPage.hz} Hz of ${TONES.caller}${atPage.error ? ` (${atPage.error})` : ''}`);
  const atMobile = await phoneHearsTone(world.mobileCaller, TONES.callee);
  check(near(atMobile.hz, TONES.callee) && atMobile.rms > SILENCE, `the mobile caller hears ${atMobile.hz} Hz of ${TONES.callee}`);

  await page.press('mute');
  await page.pressed('mute', true);
  let silent;
  await until(async () => { silent = await phoneHears(world.mobileCaller); return silent.rms < SILENCE; }, { ms: 15_000, what: 'silence' }).catch(() => {});
  check(silent.rms < SILENCE, `the mobile caller hears silence while the page is muted (${silent.rms.toFixed(5)})`);
  await page.press('mute');
  await page.pressed('mute', false);

  await world.mobileCaller.command('mute');
  let level;
  await until(async () => { level = await loudness(page.page, 600); return level < SILENCE; }, { ms: 15_000, what: 'silence' }).catch(() => {});
  check(level < SILENCE, `the page hears silence while the mobile caller is muted (${level.toFixed(5)})`);
  await world.mobileCaller.command('mute');
  const again = await phoneHearsTone(world.mobileCaller, TONES.callee);
  check(near(again.hz, TONES.callee), `the mobile caller hears the page again after unmute (${again.hz} Hz)`);
  return {
    caller_to_callee: { sent_hz: TONES.caller, heard_hz: atPage.hz, after_mute: Math.round(level * 1e5) / 1e5 },
    callee_to_caller: { sent_hz: TONES.callee, heard_hz: atMobile.hz, after_mute: Math.round(silent.rms * 1e5) / 1e5 },
  };
}

/** Good signal: the mobile rings and is answered, and nobody is woken. */
async function strong(world, check) {
  const call = await world.mobileDials({ signal: STRONG });
  await world.told(call, /^SIP\/2\.0 180 /);
  await world.mobile.event('CALL_ESTABLISHED', { since: call.mobile });
  await world.mobileCaller.event('CALL_ESTABLISHED', { since: call.caller });
  const heard = await phoneHearsTone(world.mobileCaller, TONES.mobile);
  check(near(heard.hz, TONES.mobile), `the mobiles talk (${heard.hz} Hz of ${TONES.mobile})`);
  check(pushes(world, call) === 0, 'nobody is woken');
  await world.mobileCaller.command('hangup');
  await world.mobile.event('CALL_CLOSED', { since: call.mobile });
  return { ended: 'answered', by: 'mobile' };
}

/** Weak signal: the closed page is woken, rings once, is answered, and both hear each other. */
async function weak(world, check) {
  const call = await world.mobileDials({ signal: WEAK });
  await invitation(world, call);
  const tap = await world.notifications.click();
  const { text: invite, at: invited } = await world.sipWire.log.wait((event) => event.name === 'received' && /^INVITE /.test(event.text), { since: call.sip, ms: 30_000, what: 'the INVITE at the page' });
  const ringing = await world.sipWire.log.wait((event) => event.name === 'sent' && isResponse(event.text, 180, 'INVITE'), { since: call.sip, ms: 20_000, what: 'the page rings' });
  const page = await world.calleePage();
  await page.until('ringing', { ms: 20_000 });
  const told = await world.told(call, /^SIP\/2\.0 180 /);
  check(told.at >= ringing.at, 'the mobile caller hears ringback only when the page rings');
  const stages = world.gateway.statuses(call.gateway);
  check(stages.every((line) => !/^18[0135-9] /.test(line) || line.startsWith('180')) && world.says.provisional.every((code) => stages.some((line) => line.startsWith(code))), `before that it is told ${stages.join(', ')}`);
  // Who says ready, and when, is seen at the edge; that the INVITE comes after it, at the page.
  const registered = world.sipWire.log.find((event) => event.name === 'received' && isResponse(event.text, 200, 'REGISTER'), call.sip);
  const ready = world.wire.log.find((event) => event.name === 'request' && /\/ready$/.test(event.path), call.wire);
  check(registered.at <= ready.at && ready.at <= invited, 'the page registers at the call server, says ready at the edge, and only then is called');
  const wake = wakeOf(invite).wake ?? wakeOf(invite.replace(/^X-Wakeline-Wake/im, 'Wakeline-Wake')).wake;
  check(ready.path.includes(`/${wake}/`), `the INVITE names the wake (${wake})`);
  check(page.errors.length === 0, 'the page throws nothing');
  await page.press('answer');
  await page.until('active', { ms: 20_000 });
  await world.mobileCaller.event('CALL_ESTABLISHED', { since: call.caller });
  const audio = await listen(world, page, check);
  check(invites(world, call).length === 1, 'it rang once');
  await world.mobileCaller.command('hangup');
  const end = await page.until('ended');
  check(end.outcome === 'hungup', `the page is told that the caller hung up (${end.outcome})`);
  check(world.notifications.displayed.size === 0, 'no notification is left');
  const view = await world.edge.api('GET', `/v1/wakes/${wake}`, { token: await world.edge.token(NUMBERS.callee) });
  check(view.body.state === 'answered', `the edge knows that it was answered (${view.body.state})`);
  check(!(await missed(world)).some((one) => one.id === wake), 'and it is no missed call');
  return { ended: 'answered', by: 'page', audio, tap_to_ringing_ms: Math.round(ringing.at - tap.at), ready_to_invite_ms: invited - ready.at, told: stages };
}

/** Nobody has the number, or its user has no device: an end at once, with its cause. */
async function unbound(world, check) {
  const ends = [];
  for (const [number, code] of [[NO_DEVICE, 480], [NOBODY, 404]]) {
    const call = await world.mobileDials({ number, signal: DECIDED });
    const { text, at } = await world.told(call, /^SIP\/2\.0 [3-6]\d\d /);
    check(status(text) === code, `${number}: ${text.split('\r\n')[0]}`);
    check(world.says.unbound.test(header(text, 'Reason') ?? ''), `${number}: its cause is told (${header(text, 'Reason')})`);
    check(at - call.invite.at < 3000, `${number}: at once (${at - call.invite.at} ms)`);
    check(world.gateway.statuses(call.gateway).every((line) => !/^18/.test(line)), `${number}: nothing rang`);
    await world.mobileCaller.event('CALL_CLOSED', { since: call.caller });
    ends.push(status(text));
  }
  return { ended: 'unbound', statuses: ends };
}

/** The invitation is shown and nobody taps it. */
async function untapped(world, check) {
  await world.configure({ limits: { ready_s: SHORT_S, tap_grace_s: 1 } });
  const call = await world.mobileDials({ signal: WEAK });
  await invitation(world, call);
  const { text, at } = await world.told(call, /^SIP\/2\.0 [3-6]\d\d /, { ms: 60_000 });
  const took = (at - call.invite.at) / 1000;
  check(status(text) === 480 && world.says.expired.test(header(text, 'Reason') ?? ''), `the mobile caller is told ${text.split('\r\n')[0]}, ${header(text, 'Reason')}`);
  check(took >= SHORT_S - 1 && took <= SHORT_S + 5, `after the limit of ${SHORT_S} s (${took.toFixed(1)} s)`);
  await missedNotice(world, call, 10_000);
  check(true, 'the invitation becomes "missed call"');
  check((await missed(world))[0]?.outcome === 'expired', 'which is in the list as expired');
  check(invites(world, call).length === 0, 'no page was called');
  await world.configure({ limits: {} });
  return { ended: 'expired', after_s: Math.round(took * 10) / 10 };
}

/** The caller hangs up while the call is parked. */
async function cancelled(world, check) {
  const call = await world.mobileDials({ signal: DECIDED });
  await invitation(world, call);
  const since = Date.now();
  await world.mobileCaller.command('hangup');
  const { at } = await missedNotice(world, call, 10_000);
  check(at - since <= 2000, `the invitation becomes "missed call" within 2 s (${Math.round(at - since)} ms)`);
  const { text } = await world.told(call, /^SIP\/2\.0 487 /);
  check(status(text) === 487, 'the mobile network is told 487');
  await until(async () => (await missed(world))[0]?.outcome === 'cancelled', { ms: 5000, what: 'the missed call' }).catch(() => {});
  check((await missed(world))[0]?.outcome === 'cancelled', 'it is in the list as cancelled');
  check(invites(world, call).length === 0, 'no page was called');
  return { ended: 'cancelled', missed_after_ms: Math.round(at - since) };
}

export const CASES = { strong, weak, unbound, untapped, cancelled };

/** The whole play. */
export async function playGateway(server, { browser = 'chromium', cases = Object.keys(CASES), say = () => {} } = {}) {
  const failures = [];
  const report = { scenario: 'gateway', server, browser, ended: 'failed', cases: [] };
  const world = await GatewayWorld.open({ server, browser });
  try {
    await world.edge.account(NO_DEVICE);
    await world.calleeAsleep();
    say(`     ${MOBILE_CALLER.number} calls ${NUMBERS.callee}, who is set up in ${browser} and whose page is closed`);
    for (const name of cases) {
      say(`     ${name}`);
      const failed = failures.length;
      const check = (held, point) => {
        say(`${held ? '  ok ' : 'FAIL '} ${point}`);
        if (!held) failures.push(`${name}: ${point}`);
      };
      let result = { ended: 'failed' };
      try {
        result = await CASES[name](world, check);
      } catch (error) {
        check(false, error.message);
      }
      if (failures.length > failed) failures.evidence = await world.evidence(`play gateway ${server} ${browser} ${name}`);
      report.cases.push({ name, ...result, ...(failures.length > failed && { ended: 'failed' }) });
      await world.rest();
    }
    if (!failures.length) report.ended = 'ok';
  } catch (error) {
    say(`FAIL  ${error.message}`);
    failures.push(error.message);
    failures.evidence = await world.evidence(`play gateway ${server} ${browser}`);
  } finally {
    await world.close();
  }
  return { report, failures };
}

async function main() {
  const { values } = parseArgs({ options: { server: { type: 'string', default: 'kamailio' }, browser: { type: 'string', default: 'chromium' }, json: { type: 'string' } } });
  if (!['chromium', 'firefox'].includes(values.browser)) throw new Error(`--browser is firefox or chromium, not ${values.browser}`);
  if (!CALL_SERVERS[values.server]) throw new Error(`--server is ${Object.keys(CALL_SERVERS).join(' or ')}, not ${values.server}`);
  console.log(`play gateway through ${values.server}, in ${values.browser}`);
  const { report, failures } = await playGateway(values.server, { browser: values.browser, say: console.log });
  if (values.json) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  console.log(JSON.stringify(report.cases, null, 1));
  if (failures.length) console.log(`\n${failures.length} points did not hold${failures.evidence ? `; evidence in ${failures.evidence}` : ''}`);
  process.exitCode = failures.length ? 1 : 0;
}

if (import.meta.main) await main();
