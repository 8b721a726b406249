// JsSIP 3.13.8 as a foreign client of our edge: another reading of the RFCs, written by others, in a real browser.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { Device } from '../edge/device.mjs';
import { Sink } from '../edge/sink.mjs';
import { Stage, hears } from '../e2e/client/harness.mjs';
import { JsSip, writePage } from '../lib/foreign/jssip.mjs';

let stage, browsers, caller, callee;

before(async () => {
  stage = await Stage.open({}, { also: writePage });
  for (const [number, name] of [['1001', 'Ada'], ['1002', 'Ben'], ['1003', 'Cy'], ['1004', 'Di']]) await stage.account(number, name);
  browsers = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await JsSip.open(stage, browsers[0], '1001');
  callee = await JsSip.open(stage, browsers[1], '1002');
}, { timeout: 120_000 });
after(() => stage?.close(), { timeout: 30_000 });
beforeEach(() => Promise.all([caller, callee].map((phone) => phone?.forget())));

async function ringing() {
  await caller.run(`dial('sip:1002@${stage.edge.domain}')`);
  const session = await callee.sees('session', { originator: 'remote' });
  await caller.sees('progress', { status: 180 });
  return session;
}

async function talking() {
  await ringing();
  await callee.run('take()');
  await Promise.all([caller.sees('confirmed'), callee.sees('confirmed')]);
}

async function hungUp(by = caller, other = callee) {
  await by.run('session.terminate()');
  await Promise.all([by.sees('ended', { originator: 'local' }), other.sees('ended', { originator: 'remote', cause: 'Terminated' })]);
}

test('a wrong password is refused in words that JsSIP understands', { timeout: 60_000 }, async () => {
  const page = await stage.page(browsers[0], '/jssip/');
  await page.evaluate((options) => window.start(options), {
    url: `${stage.edge.origin.replace('http', 'ws')}/sip`, uri: `sip:1003@${stage.edge.domain}`, password: 'wrong',
  });
  await page.waitForFunction(`seen.some((one) => one.name === 'registrationFailed')`);
  const failed = await page.evaluate(`seen.find((one) => one.name === 'registrationFailed')`);
  assert.ok([401, 403].includes(failed.status), JSON.stringify(failed));
  await page.close();
});

test('it calls and is called: both hear the other', { timeout: 90_000 }, async () => {
  const session = await ringing();
  assert.deepEqual([session.from, session.display], ['1001', 'Ada'], 'the name is the one that the edge knows');
  await callee.run('take()');
  await Promise.all([caller.sees('confirmed'), callee.sees('confirmed')]);
  await Promise.all([hears(caller.page, 1000), hears(callee.page, 440)]);
  await hungUp(callee, caller);
});

test('digits by INFO pass, both ways', { timeout: 60_000 }, async () => {
  await talking();
  await caller.run(`session.sendDTMF('5')`);
  await callee.sees('dtmf', { originator: 'remote', tone: '5' });
  await callee.run(`session.sendDTMF('#')`);
  await caller.sees('dtmf', { originator: 'remote', tone: '#' });
  await hungUp();
});

test('hold and resume by re-INVITE pass, from both sides', { timeout: 60_000 }, async () => {
  await talking();
  for (const [one, other] of [[caller, callee], [callee, caller]]) {
    await one.run('hold(true)');
    await other.sees('hold', { originator: 'remote' });
    await one.run('hold(false)');
    await other.sees('unhold', { originator: 'remote' });
    await Promise.all([one, other].map((phone) => phone.forget()));
  }
  await hears(callee.page, 440);
  await hungUp();
});

test('a caller who gives up is cancelled at the callee', { timeout: 60_000 }, async () => {
  await ringing();
  await caller.run('session.terminate()');
  await callee.sees('failed', { originator: 'remote', cause: 'Canceled' });
  await caller.sees('failed', { originator: 'local', cause: 'Canceled' });
});

test('busy and declined reach the caller as they are', { timeout: 60_000 }, async () => {
  await ringing();
  await callee.run('session.terminate({ status_code: 486 })');
  await caller.sees('failed', { cause: 'Busy', status: 486 });
  await Promise.all([caller, callee].map((phone) => phone.forget()));
  await ringing();
  await callee.run('session.terminate({ status_code: 603 })');
  await caller.sees('failed', { cause: 'Rejected', status: 603 });
});

test('an unknown line and one without a device say so', { timeout: 60_000 }, async () => {
  for (const [number, status] of [['9999', 404], ['1004', 480]]) {
    await caller.forget();
    await caller.run(`dial('sip:${number}@${stage.edge.domain}')`);
    await caller.sees('failed', { status });
  }
});

test('our own page and JsSIP talk to each other', { timeout: 90_000 }, async () => {
  const page = await stage.signedIn(browsers[1], '1003');
  await page.evaluate(`dial('1001')`);
  await caller.sees('session', { originator: 'remote' });
  await page.waitForFunction(`call.state === 'ringing'`);
  await caller.run('take()');
  await page.waitForFunction(`call.state === 'active'`, { timeout: 20_000 });
  await caller.sees('confirmed');
  await hears(page, 440);
  // Hold from JsSIP is a re-INVITE that our page answers.
  await caller.run('hold(true)');
  await caller.run('hold(false)');
  await page.evaluate('call.hangUp()');
  await caller.sees('ended', { originator: 'remote' });
  await page.evaluate('phone.close()');
  await page.close();
});

test('a JsSIP page that is closed is woken: push, page, REGISTER, ready, INVITE', { timeout: 90_000 }, async () => {
  const instance = randomUUID();
  const sink = await Sink.open({ vapid: stage.edge.vapid });
  // What its site does beside JsSIP: binds the push target, and says ready.
  const device = new Device(stage.edge, '1004', { device: instance, token: await stage.edge.token('1004') });
  assert.equal((await device.bind({ sink })).status, 201);
  try {
    await caller.run(`dial('sip:1004@${stage.edge.domain}')`);
    const { wake } = await sink.push('invitation');
    await caller.sees('progress', { status: 182 });
    const woken = await JsSip.open(stage, browsers[1], '1004', { instance });
    const { waiting } = await woken.sees('registered');
    assert.equal(waiting, wake, 'the registration says what waits');
    assert.equal((await device.report(wake, 'ready')).status, 200);
    await woken.sees('session', { originator: 'remote', from: '1001' });
    await caller.sees('progress', { status: 180 });
    await woken.run('take()');
    await Promise.all([caller.sees('confirmed'), woken.sees('confirmed')]);
    await hears(caller.page, 1000);
    await woken.run('session.terminate()');
    await caller.sees('ended', { originator: 'remote' });
    await woken.close();
  } finally {
    await sink.close();
  }
});

test('unregistering leaves nobody to ring', { timeout: 60_000 }, async () => {
  await callee.run('ua.unregister()');
  await callee.sees('unregistered');
  await caller.run(`dial('sip:1002@${stage.edge.domain}')`);
  await caller.sees('failed', { status: 480 });
});
