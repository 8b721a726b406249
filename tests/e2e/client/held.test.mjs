// A microphone that is open before its call is made, and is lost meanwhile: forbidden, pulled out, or no longer the one that is chosen. The
// call that follows speaks by another one or says why it was not made. The permission and the sound devices are a machine's own.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Desktop } from '../../lib/desktop.mjs';
import { Stage, hears } from './harness.mjs';

/** In the page: every microphone that was given, and one that the test may keep back from whoever asked for it. */
const hands = () => {
  Object.assign(window, { mics: [], kept: null });
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.mics.push(...stream.getTracks());
    await window.kept?.until;
    return stream;
  };
};

const VOICE = 440;
let stage, desktop, caller, callee, settings;
const devices = {};

const plug = async (name) => {
  const properties = `source_properties=device.description=${name}`;
  devices[name] = await desktop.run('pactl', 'load-module', 'module-remap-source', 'master=voice.monitor', `source_name=${name}`, properties);
};
const pull = async (name) => {
  await desktop.run('pactl', 'unload-module', devices[name]);
  delete devices[name];
};
const permit = (setting) => settings.send('Browser.setPermission', { permission: { name: 'microphone' }, setting, origin: stage.edge.origin });

before(async () => {
  [stage, desktop] = await Promise.all([Stage.open(), Desktop.open({ sound: true })]);
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  // A voice apart from what is played here: a microphone hears the one, not the other.
  await desktop.run('pactl', 'load-module', 'module-null-sink', 'sink_name=voice', 'rate=48000');
  await desktop.run('pactl', 'load-module', 'module-sine', 'sink=voice', `frequency=${VOICE}`);
  for (const name of ['desk', 'headset']) await plug(name);
  const [one, two] = await Promise.all([stage.personal(desktop), stage.browser(1000)]);
  // What a session sets holds as long as the session.
  settings = await one.target().createCDPSession();
  await permit('granted');
  caller = await stage.signedIn(one, '1001', { before: hands });
  callee = await stage.signedIn(two, '1002');
  await caller.evaluate(async () => { window.media = await import('./client/media.js'); });
}, { timeout: 120_000 });
after(async () => {
  await stage?.close();
  await desktop?.close();
}, { timeout: 30_000 });

const dark = () => caller.waitForFunction(`mics.every((track) => track.readyState === 'ended')`);
afterEach(async () => {
  await caller.evaluate('for (const call of phone.calls) call.hangUp()');
  for (const page of [caller, callee]) await page.waitForFunction('phone.calls.length === 0');
  await caller.evaluate('media.drop(phone)');
  // The light is off, however it went.
  await dark();
  for (const page of [caller, callee]) await page.evaluate(() => Object.assign(window, { call: undefined, mics: [], kept: null }));
  await callee.evaluate('seen.incoming.length = 0');
  await permit('granted');
  for (const name of ['desk', 'headset']) if (!devices[name]) await plug(name);
}, { timeout: 30_000 });

const PLAIN = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
/** For the calls to come; one that is not there gives way to the system's choice. */
const choose = (name) => caller.evaluate(async (name, plain) => {
  const { inputs } = await media.soundDevices();
  await media.chooseInput(phone, inputs.find(({ label }) => label === name)?.id ?? '', plain);
}, name, PLAIN);
const held = async () => {
  await caller.evaluate('media.prepare(phone, { microphone: true })');
  assert.deepEqual(await lights(), [['live', false]], 'one, and nothing of it is heard');
};
const lights = () => caller.evaluate('mics.map(({ readyState, enabled }) => [readyState, enabled])');

/** Nobody was called, and why. */
async function refused(reason) {
  await caller.waitForFunction(`call.state === 'ended'`);
  assert.deepEqual(await caller.evaluate('[call.end.outcome, call.end.reason, call.end.by]'), ['failed', reason, 'local']);
  assert.deepEqual(await callee.evaluate('seen.incoming'), []);
  await dark();
}

/** The call is answered, and the voice is heard. */
async function speaks() {
  await callee.waitForFunction(`window.call?.state === 'incoming'`);
  await callee.evaluate('call.answer()');
  for (const page of [caller, callee]) await page.waitForFunction(`call.state === 'active'`);
  await hears(callee, VOICE);
  assert.equal(await caller.evaluate('call.silent'), false);
}

test('forbidden while it is held: its light goes out, the call says why nobody was called, and is made once it is allowed again', { timeout: 60_000 }, async () => {
  await held();
  await permit('denied');
  await dark();
  await caller.evaluate(`dial('1002')`);
  await refused('NotAllowedError');
  await permit('granted');
  await caller.evaluate(`Object.assign(window, { mics: [], call: undefined })`);
  await held();
  await caller.evaluate(`dial('1002')`);
  await speaks();
});

test('forbidden after the call was made and before it needed it: the call says why nobody was called', { timeout: 60_000 }, async () => {
  // Whatever else the call waits for, it does for a time only: a call that has gone out rings on in silence when its microphone is forbidden.
  await caller.evaluate(() => {
    window.kept = {};
    kept.until = new Promise((resolve) => { kept.goOn = resolve; });
  });
  await caller.evaluate(`dial('1002')`);
  await caller.waitForFunction('mics.length === 1');
  await permit('denied');
  await dark();
  await caller.evaluate('kept.goOn()');
  await refused('NotAllowedError');
});

test('another one is pulled out while the system’s choice is held: the call asks for it anew', { timeout: 60_000 }, async () => {
  await choose('');
  await held();
  await pull('headset');
  await caller.evaluate(`dial('1002')`);
  await speaks();
  assert.deepEqual(await lights(), [['ended', false], ['live', true]]);
});

test('the chosen one is pulled out while it is held: the call says that it is gone, and speaks by another one then', { timeout: 60_000 }, async () => {
  await choose('headset');
  await held();
  assert.equal(await caller.evaluate('mics[0].label'), 'headset');
  // A browser on Linux does not notice by itself that the sound server has one less: the track stays "live", and is silent for ever.
  await pull('headset');
  await caller.evaluate(`dial('1002')`);
  await refused('OverconstrainedError');
  await choose('headset');
  await caller.evaluate(`dial('1002')`);
  await speaks();
  assert.equal(await caller.evaluate('mics.at(-1).label'), 'Default');
});

test('another one is chosen while it is held: the call speaks by that one, and the light of the first is out', { timeout: 60_000 }, async () => {
  await choose('desk');
  await held();
  await choose('headset');
  await caller.evaluate(`dial('1002')`);
  await speaks();
  assert.deepEqual([await lights(), await caller.evaluate('mics.map(({ label }) => label)')], [[['ended', false], ['live', true]], ['desk', 'headset']]);
});
