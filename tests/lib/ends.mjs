// How a call ended, seen from everywhere at once: the caller's SIP and screen, the list of missed calls, the record.
import assert from 'node:assert/strict';
import { until } from './events.mjs';
import { finalOf, missedOf, recordOf, wakeIdOf } from './story.mjs';
import { header, wakeOf } from './timeline.mjs';
import { NUMBERS } from './world.mjs';

/** The invitation on the callee's screen. */
export const invitation = (world, call, { ms } = {}) =>
  world.notifications.shown((one) => /Ada.*is calling/.test(one.title), { since: call.notifications, ms, what: 'the invitation' });

/** "Missed call" on the callee's screen. */
export const missedNotice = (world, call, ms = 15_000) =>
  world.notifications.shown((one) => /Missed call.*Ada/.test(one.title), { since: call.notifications, ms, what: 'the notification to say "missed call"' });

/** The final answer at the caller. */
export const final = (world, call, code, ms = 30_000) =>
  finalOf(world, 'caller', call, code, ms);

/** Nothing on the screen still rings. */
export const nothingRings = (world) =>
  until(() => ![...world.notifications.displayed.values()].some((one) => /is calling/.test(one.title)), { ms: 2000, what: 'no notification rings 2 s after the end' });

/** The INVITEs that the callee's page was sent. */
export const invites = (world, call) => world.wire.log.filter((event) => event.side === 'callee' && event.name === 'received' && /^INVITE /.test(event.text), call.wire);

/**
 * The call ended without being answered: the status, its Reason and wake state, the caller's screen with its sentence, the
 * missed call, and one record that says the same. Answers the final response.
 */
export async function ended(world, call, { code, state, why, outcome = why ?? state, says, missed = true, number = NUMBERS.callee, ms }) {
  const refusal = await final(world, call, code, ms);
  const { wake, state: told } = wakeOf(refusal.text);
  assert.equal(told, state, header(refusal.text, 'Reason'));
  assert.match(header(refusal.text, 'Reason') ?? '', new RegExp(`^SIP;cause=${code};text="${state}`));
  assert.equal(header(refusal.text, 'Wakeline-Why'), why);
  await world.caller.until('ended', { outcome });
  if (says) assert.match(await world.caller.text('ended-reason'), says);
  const { body } = await world.edge.api('GET', '/v1/missed', { token: await world.edge.token(number) });
  const entry = body.missed.filter((one) => one.id === wake);
  assert.deepEqual(entry.map((one) => one.outcome), missed ? [state] : []);
  const records = await until(async () => {
    const rows = await world.edge.rows('SELECT outcome, answered_at FROM calls WHERE id = ?', wake);
    // It is there from the question on, and closed with its outcome.
    return rows.length && rows.every((row) => row.outcome) ? rows : null;
  }, { what: 'the record of the call, closed' });
  assert.deepEqual(records.map((row) => [row.outcome, row.answered_at]), [[state, null]]);
  await nothingRings(world);
  return { ...refusal, wake };
}

/** An answered call is over, hung up by this side: the caller heard 200, one record says so, nothing is missed, nothing rings. */
export async function answered(world, call, by) {
  await final(world, call, 200);
  const wake = await wakeIdOf(world, 'caller', call);
  const record = await recordOf(world, wake);
  assert.deepEqual([record.outcome, record.ended_by], ['answered', by]);
  assert.ok(record.answered_at <= record.ended_at);
  assert.equal(await missedOf(world, wake), undefined);
  await nothingRings(world);
  return record;
}

/** One of the two who talk hangs up: both screens say so, and what is left of the call. */
export async function hangsUp(world, call, by, { ms } = {}) {
  await by.press('hang-up');
  for (const phone of [by, by === call.page ? world.caller : call.page]) await phone.until('ended', { outcome: 'hungup', ms });
  return answered(world, call, by.side);
}

/** The callee has opened their page by hand, is called, and it rings. */
export async function ringsByHand(world, { dial } = {}) {
  const page = await world.calleeByHand();
  await page.until('keypad', { registration: 'registered' });
  const call = { ...(await world.callerDials(NUMBERS.callee, dial)), page };
  await page.until('ringing');
  return call;
}

/** The same, answered: both talk. */
export async function talking(world) {
  const call = await ringsByHand(world);
  await call.page.press('answer');
  await call.page.until('active');
  await world.caller.until('active');
  return call;
}
