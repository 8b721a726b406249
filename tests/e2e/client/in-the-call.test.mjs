// What can be done in a call, between real browsers through the real edge: hold, digits, two calls, transfer.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Stage, hear, hears, hearsNothing } from './harness.mjs';

const TONES = { ada: 440, ben: 1000, cy: 1800 };
let stage, ada, ben, cy;

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  await stage.account('1003', 'Cy');
  [ada, ben, cy] = await Promise.all(
    Object.values(TONES).map(async (hz, at) => stage.signedIn(await stage.browser(hz), String(1001 + at))),
  );
}, { timeout: 180_000 });

after(() => stage?.close(), { timeout: 30_000 });

beforeEach(async () => {
  await Promise.all([ada, ben, cy].map(async (page) => {
    await page.evaluate('for (const call of phone.calls) call.hangUp()');
    await page.waitForFunction('phone.calls.length === 0');
    await page.evaluate('window.call = undefined');
  }));
}, { timeout: 30_000 });

const near = (heard, hz) => Math.abs(heard - hz) <= hz * 0.02;

async function talk(from, to, number) {
  await from.evaluate((number) => dial(number), number);
  await to.waitForFunction(`window.call?.state === 'incoming'`);
  await to.evaluate('call.answer()');
  await from.waitForFunction(`call.state === 'active'`);
}

test('each side holds and resumes; held is silence both ways', { timeout: 120_000 }, async () => {
  await talk(ada, ben, '1002');
  const { rms } = await hears(ada, TONES.ben);
  await hears(ben, TONES.ada);
  for (const [holder, held] of [[ada, ben], [ben, ada]]) {
    await holder.evaluate('call.hold()');
    await holder.waitForFunction('call.held');
    await held.waitForFunction('call.remoteHeld');
    await Promise.all([hearsNothing(ada, rms), hearsNothing(ben, rms)]);
    await holder.evaluate('call.hold(false)');
    await holder.waitForFunction('!call.held');
    await held.waitForFunction('!call.remoteHeld');
    await hears(ada, TONES.ben);
    await hears(ben, TONES.ada);
  }
  // Both at once: the offers cross, and both come through in the end.
  await Promise.all([ada.evaluate('call.hold()'), ben.evaluate('call.hold()')]);
  await Promise.all([ada, ben].map((page) => page.waitForFunction('call.held && call.remoteHeld')));
});

test('digits arrive with the sound, and by INFO', { timeout: 60_000 }, async () => {
  await talk(ada, ben, '1002');
  await hears(ben, TONES.ada);
  // The browser of the other side plays what an RTP event says: 1 is 697 and 1209 Hz.
  await ada.evaluate(`call.dtmf('1'.repeat(30))`);
  const heard = new Set();
  for (const until = Date.now() + 10_000; Date.now() < until && ![...heard].some((hz) => near(hz, 697) || near(hz, 1209));) {
    heard.add((await hear(ben, 150)).hz);
  }
  assert.ok([...heard].some((hz) => near(hz, 697) || near(hz, 1209)), `heard ${[...heard]}`);

  await ben.evaluate(`window.digits = ''; call.addEventListener('digit', (e) => { digits += e.digit; })`);
  await ada.evaluate(`call.dtmf('12*#', { by: 'info' })`);
  await ben.waitForFunction(`digits === '12*#'`);
});

test('digits that are still to come when the other side holds are refused, and not said later', { timeout: 90_000 }, async () => {
  await talk(ada, ben, '1002');
  await hears(ben, TONES.ada);
  await ada.evaluate(() => {
    Object.assign(window, { refused: [], said: '' });
    call.addEventListener('refused', ({ what, status }) => refused.push([what, status]));
    call.connection.getSenders()[0].dtmf.addEventListener('tonechange', ({ tone }) => { said += tone || '.'; });
  });
  await ada.evaluate(`call.dtmf('123456789')`);
  await ada.waitForFunction('said');
  await ben.evaluate('call.hold()');
  await ada.waitForFunction('call.remoteHeld && refused.length');
  const said = await ada.evaluate('said');
  assert.ok(said.length < 9 && '123456789'.startsWith(said), said);
  await ben.evaluate('call.hold(false)');
  await ada.waitForFunction('!call.remoteHeld');
  await hears(ben, TONES.ada);
  await ada.evaluate(`call.dtmf('0')`);
  await ada.waitForFunction(`said.endsWith('0.')`);
  assert.equal(await ada.evaluate(`said.replaceAll('.', '')`), `${said}0`, 'nothing else by itself');
  assert.deepEqual(await ada.evaluate('refused'), [['dtmf', 0]], 'told once');
});

test('digits go on while we hold: the path carries them', { timeout: 60_000 }, async () => {
  await talk(ada, ben, '1002');
  await hears(ben, TONES.ada);
  await ada.evaluate(() => {
    Object.assign(window, { refused: [], said: '' });
    call.addEventListener('refused', ({ what }) => refused.push(what));
    call.connection.getSenders()[0].dtmf.addEventListener('tonechange', ({ tone }) => { said += tone || '.'; });
    call.dtmf('1234');
    call.hold();
  });
  await ada.waitForFunction(`call.held && said.endsWith('.')`);
  assert.deepEqual(await ada.evaluate('[said, refused]'), ['1234.', []]);
});

test('a blind transfer: the two others talk, and the one who transferred is out of it', { timeout: 90_000 }, async () => {
  await talk(ada, ben, '1002');
  await ada.evaluate(`window.progress = []; call.addEventListener('transfer', (e) => progress.push(e.progress))`);
  await ada.evaluate(`call.transfer('1003')`);
  await cy.waitForFunction(`window.call?.state === 'incoming'`);
  assert.equal(await cy.evaluate('call.remote.number'), '1002');
  await cy.evaluate('call.answer()');
  await ada.waitForFunction(`call.state === 'ended'`);
  assert.equal((await ada.evaluate('progress')).at(-1), 'done');
  await ben.waitForFunction(`call.state === 'ended' && phone.calls.length === 1`);
  await ben.evaluate('take(phone.calls[0])');
  await hears(ben, TONES.cy);
  await hears(cy, TONES.ben);
});

test('a transfer that is declined leaves the call as it was', { timeout: 60_000 }, async () => {
  await talk(ada, ben, '1002');
  await ada.evaluate(`window.refused = null; call.addEventListener('refused', (e) => { refused = [e.what, e.status]; })`);
  await ada.evaluate(`call.transfer('1003')`);
  await cy.waitForFunction(`window.call?.state === 'incoming'`);
  await cy.evaluate('call.reject()');
  await ada.waitForFunction('refused');
  assert.deepEqual(await ada.evaluate('refused'), ['transfer', 603]);
  assert.equal(await ada.evaluate('call.state'), 'active');
  await ben.evaluate('call.hold(false)');
  await hears(ada, TONES.ben);
});

test('two calls, one talks at a time; then the two others are connected', { timeout: 120_000 }, async () => {
  await talk(ada, ben, '1002');
  await ada.evaluate('window.first = call');
  await talk(ada, cy, '1003');
  await ada.waitForFunction('first.held && !call.held');
  await ben.waitForFunction('call.remoteHeld');
  await hears(ada, TONES.cy);
  await ada.evaluate('first.hold(false)');
  await ada.waitForFunction('!first.held && call.held');
  await ada.evaluate(`document.querySelector('audio').srcObject = first.remoteStream`);
  await hears(ada, TONES.ben);

  await ada.evaluate('first.transfer(call)');
  await ada.waitForFunction(`first.state === 'ended' && call.state === 'ended'`);
  for (const page of [ben, cy]) {
    await page.waitForFunction(`phone.calls.length === 1 && phone.calls[0].replaces && phone.calls[0].state === 'active'`);
    await page.evaluate('take(phone.calls[0])');
  }
  await hears(ben, TONES.cy);
  await hears(cy, TONES.ben);
});
