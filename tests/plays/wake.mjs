// The main job: a closed page rings, is answered, and both hear each other.
//
//   node tests/plays/wake.mjs [--browser firefox|chromium] [--json FILE]
//
// Prints a timeline of what was seen; the exit status says whether every point held.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hear, loudness, SILENCE } from '../lib/audio.mjs';
import { until } from '../lib/events.mjs';
import { atRest } from '../lib/rest.mjs';
import { bareLoad } from '../lib/bare.mjs';
import { roundTrips, isResponse, steps } from '../lib/timeline.mjs';
import { NUMBERS, TONES, World } from '../lib/world.mjs';

const TOLERANCE = 0.02;
/** States of a wake, whole and of its device, that the play has to see. */
const EXPECTED = {
  wake: ['pushed', 'opened', 'ringing', 'answered'],
  callee: ['pushed', 'shown', 'opened', 'registered', 'ready', 'invited', 'ringing', 'answered'],
};

/**
 * Calls the sleeping callee and taps the notification: the page rings. `measured`: the browser is at rest before, and no
 * driver looks on until it has rung.
 */
export async function wakeAndTap(world, { button, measured = false } = {}) {
  const call = await world.callerDials();
  const shown = await world.notifications.shown((one) => one.body.includes('Ada') || one.title.includes('Ada'), {
    since: call.notifications,
    what: 'the invitation, naming the caller',
  });
  const browser = world.browsers.callee;
  if (measured) {
    await browser.detach();
    await atRest(browser.process);
  }
  const tap = button ? await world.notifications.press(button) : await world.notifications.click();
  // Nobody looks into the woken page before it has rung: a debugger's questions would slow it.
  await world.wire.sip('callee', 'sent', (text) => [180, 200].some((code) => isResponse(text, code, 'INVITE')), { since: call.wire, ms: 20_000, what: 'the woken page answers the INVITE' });
  if (measured) await browser.attach();
  const page = await world.calleePage();
  return { ...call, shown, tap, page };
}

/** Awaits ringing on both sides; answers what it took. */
export async function ringing(world, call) {
  const { page, tap, wire } = call;
  await page.until('ringing', { ms: 20_000 });
  const sent = await world.wire.sip('callee', 'sent', (text) => isResponse(text, 180, 'INVITE'), { since: wire });
  await world.caller.until('calling', { stage: 'ringing' });
  const painted = await until(async () => (await page.marks()).painted, { what: 'the answering screen is painted' });
  return { tapToRinging: Math.max(sent.at, painted) - tap.at, painted, ringingSent: sent.at };
}

/** Answers and waits until both pages say so. */
export async function answer(world, { page }) {
  await page.press('answer');
  await page.until('active');
  await world.caller.until('active');
}

/** Mute on one side, what the other hears, and unmute again. */
async function negativeControl(speaker, listener, hz) {
  await speaker.press('mute');
  await speaker.pressed('mute', true);
  const silent = await until(async () => (await loudness(listener.page, 600)) < SILENCE, { ms: 8000, what: `${listener.side} hears silence after ${speaker.side} muted` }).then(() => true, () => false);
  const level = await loudness(listener.page, 1000);
  await speaker.press('mute');
  await speaker.pressed('mute', false);
  const again = await hear(listener.page, hz, { tolerance: TOLERANCE });
  return { silent: silent && level < SILENCE, level, again };
}

/** Both directions: the tone of the one at the other's ear, silence while muted, the tone again. */
export async function audio(world, { page }, check) {
  const result = {};
  const directions = [
    ['caller_to_callee', world.caller, page, TONES.caller],
    ['callee_to_caller', page, world.caller, TONES.callee],
  ];
  for (const [name, speaker, listener, hz] of directions) {
    const first = await hear(listener.page, hz, { tolerance: TOLERANCE });
    check(Math.abs(first.hz - hz) <= hz * TOLERANCE && first.rms > SILENCE, `${name}: heard ${first.hz} Hz of ${hz}${first.error ? ` (${first.error})` : ''}`);
    check(first.muted === false && first.paused === false, `${name}: the page itself plays it`);
    const control = await negativeControl(speaker, listener, hz);
    check(control.silent, `${name}: silence after mute (level ${control.level.toFixed(4)})`);
    check(Math.abs(control.again.hz - hz) <= hz * TOLERANCE, `${name}: heard again after unmute (${control.again.hz} Hz)`);
    result[name] = { sent_hz: hz, heard_hz: first.hz, after_mute: Math.round(control.level * 1e5) / 1e5 };
  }
  return result;
}

/** Hangs up at the caller; both are quiet. */
export async function hangUp(world, { page }, check) {
  await world.caller.press('hang-up');
  const [mine, theirs] = await Promise.all([world.caller.until('ended'), page.until('ended')]);
  for (const [side, phone, shown] of [['caller', world.caller, mine], ['callee', page, theirs]]) {
    check(shown.outcome === 'hungup', `${side}: ended with "${shown.outcome}"`);
    const quiet = await until(async () => (await phone.playing()) === 0, { ms: 2000, what: 'quiet' }).catch(() => false);
    check(quiet, `${side}: quiet within 2 s`);
  }
  check(world.notifications.displayed.size === 0, 'no notification is left');
}

/** The whole play in an open world. Answers the report; failed points are in `failures`. */
export async function playWake(world, { say = () => {} } = {}) {
  const failures = [];
  const check = (held, point) => {
    say(`${held ? '  ok ' : 'FAIL '} ${point}`);
    if (!held) failures.push(point);
  };
  const report = { scenario: 'wake', browser: world.browserName, ended: 'failed', steps: [], audio: {} };
  let call;
  try {
    await world.callerReady();
    await world.calleeAsleep();
    say(`${NUMBERS.callee} is set up in ${world.browserName} and its page is closed; ${NUMBERS.caller} calls`);
    report.bare_load_ms = await bareLoad(world);
    call = await wakeAndTap(world, { measured: true });
    const { tapToRinging } = await ringing(world, call);
    report.tap_to_ringing_ms = Math.round(tapToRinging);
    const trips = roundTrips(world, call, (await call.page.marks()).script);
    report.round_trips_to_invite = trips?.count;
    report.round_trips = trips?.chain;
    await answer(world, call);
    report.audio = await audio(world, call, check);
    await hangUp(world, call, check);
    report.ended = 'answered';
  } catch (error) {
    check(false, error.message);
    failures.evidence = await world.evidence(`play wake ${world.browserName}`);
  }
  if (call) {
    report.steps = steps(world, call);
    for (const [device, states] of Object.entries(EXPECTED)) {
      const missing = states.filter((state) => !report.steps.some((step) => step.device === device && step.state === state));
      check(missing.length === 0, `${device}: every state was seen${missing.length ? `, but ${missing.join(', ')}` : ''}`);
    }
  }
  return { report, failures };
}

function print({ steps: seen, audio: heard, ...rest }) {
  console.log('\n   ms since INVITE');
  for (const { at_ms: at, device, state } of seen) console.log(`${at.toFixed(1).padStart(10)}  ${device.padEnd(8)} ${state}`);
  for (const [direction, { sent_hz: sent, heard_hz: hz, after_mute: muted }] of Object.entries(heard)) {
    console.log(`   ${direction.replaceAll('_', ' ')}: sent ${sent} Hz, heard ${hz} Hz, muted ${muted}`);
  }
  console.log(`   bare page ${rest.bare_load_ms} ms · tap to ringing ${rest.tap_to_ringing_ms} ms · round trips to INVITE ${rest.round_trips_to_invite} (${rest.round_trips?.join(', ')})`);
}

async function main() {
  const { values } = parseArgs({ options: { browser: { type: 'string', default: 'chromium' }, json: { type: 'string' } } });
  if (!['chromium', 'firefox'].includes(values.browser)) throw new Error(`--browser is firefox or chromium, not ${values.browser}`);
  console.log(`play wake in ${values.browser}: starting a desktop, a push service, the edge and two browsers`);
  const world = await World.open({ browser: values.browser });
  try {
    const { report, failures } = await playWake(world, { say: console.log });
    print(report);
    if (values.json) {
      const { round_trips: _, ...plain } = report;
      writeFileSync(values.json, `${JSON.stringify(plain, null, 2)}\n`);
    }
    if (failures.length) console.log(`\n${failures.length} points did not hold${failures.evidence ? `; evidence in ${failures.evidence}` : ''}`);
    process.exitCode = failures.length ? 1 : 0;
  } finally {
    await world.close();
  }
}

if (import.meta.main) await main();
