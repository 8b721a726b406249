// What is left of a call when it is over: its final response, its record, its place among the missed ones.
import assert from 'node:assert/strict';
import { until } from './events.mjs';
import { status, wakeOf } from './timeline.mjs';
import { NUMBERS } from './world.mjs';

/** The final response to the INVITE of a side. */
export const finalOf = (world, side, call, code, ms = 20_000) =>
  world.wire.sip(side, 'received', (text) => status(text) === code && /^CSeq:\s*\d+ INVITE/im.test(text), { since: call.wire, ms, what: `${code} at the ${side}` });

/** The wake of a side's call, as soon as the edge has named it. */
export async function wakeIdOf(world, side, call) {
  const { text } = await world.wire.sip(side, 'received', (message) => /^SIP\/2\.0/.test(message) && wakeOf(message).wake, { since: call.wire, what: `the ${side}'s wake is named` });
  return wakeOf(text).wake;
}

/** The one record of a call, once it is closed: it is there from the question on, without an outcome. */
export async function recordOf(world, wake) {
  const rows = await until(async () => {
    const found = await world.edge.rows('SELECT * FROM calls WHERE id = ?', wake);
    return found.length && found.every((row) => row.outcome) ? found : null;
  }, { what: `the closed record of ${wake}` });
  assert.equal(rows.length, 1);
  return rows[0];
}

/** How a call stands among the callee's missed ones; undefined when it does not. */
export async function missedOf(world, wake, number = NUMBERS.callee) {
  const { body } = await world.edge.api('GET', '/v1/missed', { token: await world.edge.token(number) });
  return body.missed.find((one) => one.id === wake)?.outcome;
}

/** The page is set to a language. The callee's tells the edge, which says its invitations in it: that has arrived, too. */
async function speaks(phone, language, tag) {
  const told = phone.side === 'callee' && phone.page.waitForResponse(
    (response) => response.request().method() === 'PUT' && /\/v1\/devices\/[^/]+$/.test(response.url()),
    { timeout: 20_000 },
  );
  // Whoever does not come to await it has failed already.
  if (told) told.catch(() => {});
  await phone.page.evaluate((wanted) => document.querySelector('wakeline-app').dispatchEvent(new CustomEvent('language-request', { detail: { language: wanted } })), language);
  await phone.page.waitForFunction((wanted) => document.documentElement.lang === wanted, { polling: 50 }, tag);
  await told;
}

/** What a page says in Chinese; English again after. */
export async function inChinese(phone, id) {
  await speaks(phone, 'zh', 'zh-CN');
  const said = await phone.text(id);
  await speaks(phone, 'en', 'en');
  return said;
}

/** What a page says in English and in Chinese. */
export const inBoth = async (phone, id) => `${await phone.text(id)} ${await inChinese(phone, id)}`;
