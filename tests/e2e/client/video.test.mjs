// Video between real browsers through the real edge: offered and taken, without a camera, refused, added, removed, held, a screen.
// What counts is what is decoded: each side's picture has a size, and its frames go on.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { Stage, hear, hears } from './harness.mjs';

const TONES = { ada: 440, ben: 1000 };
let stage, ada, ben;

before(async () => {
  stage = await Stage.open();
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  [ada, ben] = await Promise.all(Object.values(TONES).map(async (hz, at) => stage.signedIn(await stage.browser(hz), String(1001 + at))));
  for (const page of [ada, ben]) {
    await page.evaluate(() => {
      // What a page does with the video of a call.
      const [remote, local] = [document.createElement('video'), document.createElement('video')];
      for (const view of [remote, local]) Object.assign(view, { muted: true, autoplay: true });
      document.body.append(remote, local);
      window.views = { remote, local };
      window.watchVideo = async () => {
        const video = window.video = await call.video();
        window.told = [];
        const show = () => Object.assign(remote, { srcObject: video.remote }) && Object.assign(local, { srcObject: video.local });
        video.addEventListener('change', () => { told.push([video.source, Boolean(video.remote)]); show(); });
        video.addEventListener('refused', () => told.push('refused'));
        show();
      };
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.cameras = [];
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (wanted.video && window.noCamera) throw new DOMException('Requested device not found', 'NotFoundError');
        const stream = await ask(wanted);
        window.cameras.push(...stream.getVideoTracks());
        return stream;
      };
      window.decoded = async () => [...(await call.connection.getStats()).values()].find((it) => it.type === 'inbound-rtp' && it.kind === 'video')?.framesDecoded ?? 0;
    });
  }
}, { timeout: 180_000 });

after(() => stage?.close(), { timeout: 30_000 });

beforeEach(async () => {
  await Promise.all([ada, ben].map(async (page) => {
    await page.evaluate('for (const call of phone.calls) call.hangUp()');
    await page.waitForFunction('phone.calls.length === 0');
    await page.waitForFunction(`cameras.every((track) => track.readyState === 'ended')`, { timeout: 10_000 });
    await page.evaluate('window.call = window.video = undefined; window.cameras.length = 0; window.noCamera = false; views.remote.srcObject = views.local.srcObject = null; undefined');
  }));
}, { timeout: 60_000 });

/** Until this page decodes pictures, and goes on to. */
async function sees(page, { least = 10 } = {}) {
  await page.waitForFunction('views.remote.videoWidth > 0', { timeout: 30_000 }).catch(async (error) => {
    throw new Error(`sees nothing: ${JSON.stringify(await page.evaluate('[told, call.state, call.connection?.getTransceivers().map((it) => [it.mid, it.receiver.track.kind, it.direction, it.currentDirection])]'))}; ${error.message}`);
  });
  const before = await page.evaluate('decoded()');
  await page.waitForFunction(async (least) => await window.decoded() >= least, { timeout: 30_000 }, before + least);
}

/** Nothing more is decoded. */
async function seesNothing(page) {
  await page.waitForFunction('video.remote === null', { timeout: 20_000 });
  const before = await page.evaluate('decoded()');
  await hear(page, 600);
  assert.equal(await page.evaluate('decoded()'), before);
}

async function talk({ from = {}, to = {} } = {}) {
  await ada.evaluate(async (options) => { await dial('1002', options); await watchVideo(); }, from);
  await ben.waitForFunction(`window.call?.state === 'incoming'`);
  if (to.video !== undefined || to.watch) await ben.evaluate('watchVideo()');
  await ben.evaluate((options) => call.answer(options), to);
  await ada.waitForFunction(`call.state === 'active'`);
}

test('a video call: each side sees and hears the other, and the cameras are let go at its end', { timeout: 120_000 }, async () => {
  await talk({ from: { video: true }, to: { video: true } });
  await Promise.all([sees(ada), sees(ben)]);
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);
  assert.deepEqual(await Promise.all([ada, ben].map((page) => page.evaluate('[video.source, views.local.videoWidth > 0, call.remoteVideo, video.problem]'))), [['camera', true, true, null], ['camera', true, true, null]]);
  await ben.evaluate('call.hangUp()');
  for (const page of [ada, ben]) {
    await page.waitForFunction(`call.state === 'ended' && cameras.length > 0 && cameras.every((track) => track.readyState === 'ended')`);
    assert.deepEqual(await page.evaluate('[video.source, video.local, video.remote, video.refused]'), [null, null, null, false]);
  }
});

test('whoever has no camera takes a video call all the same, and sees; whoever calls without one, too', { timeout: 120_000 }, async () => {
  await ben.evaluate('window.noCamera = true');
  await talk({ from: { video: true }, to: { video: true } });
  await sees(ben);
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);
  assert.deepEqual(await ben.evaluate('[video.source, video.problem.name, call.remoteVideo]'), [null, 'NotFoundError', true]);
  assert.deepEqual(await ada.evaluate('[video.source, video.remote, call.remoteVideo]'), ['camera', null, false]);
  await ben.evaluate('call.hangUp()');
  await ada.waitForFunction(`call.state === 'ended'`);

  await ben.evaluate('window.noCamera = false; window.call = undefined');
  await ada.evaluate('window.noCamera = true');
  await talk({ from: { video: true }, to: { video: true } });
  await sees(ada);
  await hears(ben, TONES.ada);
  assert.deepEqual(await ada.evaluate('[video.source, video.problem.name]'), [null, 'NotFoundError']);
});

test('a callee who answers without video has audio only, and the caller is told; either may show a camera later', { timeout: 120_000 }, async () => {
  await ada.evaluate(async () => { await dial('1002', { video: true }); await watchVideo(); });
  await ben.waitForFunction(`window.call?.state === 'incoming'`);
  assert.equal(await ben.evaluate('call.remoteVideo'), true);
  await ben.evaluate('call.answer()');
  await ada.waitForFunction(`told.includes('refused') && video.source === null`);
  await ada.waitForFunction(`cameras.length === 1 && cameras[0].readyState === 'ended'`);
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);
  assert.equal(await ben.evaluate('cameras.length'), 0);

  await ben.evaluate('watchVideo().then(() => video.show())');
  await sees(ada);
  await ada.evaluate('video.show()');
  await sees(ben);
  await hears(ben, TONES.ada);
});

test('video is added by either side, refused by a page that takes none, removed, and added again; the sound goes on', { timeout: 180_000 }, async () => {
  await talk();
  await hears(ben, TONES.ada);
  // Nobody looks after video over there.
  await ada.evaluate('video.show()');
  await ada.waitForFunction(`told.includes('refused') && video.source === null && cameras.every((track) => track.readyState === 'ended')`);
  assert.equal(await ada.evaluate('call.state'), 'active');
  await hears(ben, TONES.ada);

  await ben.evaluate('watchVideo()');
  await ada.evaluate('told.length = 0; video.show()');
  await sees(ben);
  await seesNothing(ada);
  await ben.evaluate('video.show()');
  await Promise.all([sees(ada), sees(ben)]);

  await ada.evaluate('video.stop()');
  await seesNothing(ben);
  await sees(ada);
  await ben.evaluate('video.stop()');
  await ada.waitForFunction('video.remote === null');
  for (const page of [ada, ben]) await page.waitForFunction(`!/^m=video [1-9]/m.test(call.connection.currentRemoteDescription.sdp)`);
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);

  await Promise.all([ada, ben].map((page) => page.evaluate('video.show()')));
  await Promise.all([sees(ada), sees(ben)]);
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);
});

test('a held call shows nothing, with no camera open on either side, and both show again when it is resumed', { timeout: 120_000 }, async () => {
  await talk({ from: { video: true }, to: { video: true } });
  await Promise.all([sees(ada), sees(ben)]);
  for (const times of [1, 2]) {
    await ada.evaluate('call.hold()');
    await ben.waitForFunction('call.remoteHeld');
    await Promise.all([seesNothing(ada), seesNothing(ben)]);
    for (const page of [ada, ben]) {
      await page.waitForFunction(`cameras.length > 0 && cameras.every((track) => track.readyState === 'ended')`);
      assert.deepEqual(await page.evaluate('[video.source, video.local, video.problem]'), ['camera', null, null]);
    }
    await ada.evaluate('call.hold(false)');
    await ben.waitForFunction('!call.remoteHeld');
    await Promise.all([sees(ada), sees(ben)]);
    for (const page of [ada, ben]) assert.deepEqual(await page.evaluate(`[cameras.length, cameras.filter((track) => track.readyState === 'live').length]`), [times + 1, 1]);
  }
  await hears(ben, TONES.ada);

  // A camera that is gone by then: the call goes on, and whoever had it is told.
  await ada.evaluate('call.hold()');
  await ada.waitForFunction('call.held');
  await ben.waitForFunction(`call.remoteHeld && cameras.every((track) => track.readyState === 'ended')`);
  await ben.evaluate('window.noCamera = true');
  await ada.evaluate('call.hold(false)');
  await ben.waitForFunction(`video.problem?.name === 'NotFoundError' && video.source === null`);
  await sees(ben);
  await ada.waitForFunction('video.remote === null');
  await Promise.all([hears(ada, TONES.ben), hears(ben, TONES.ada)]);
});

test('a screen is shared in a call of sound, and takes the place of the camera in one of video', { timeout: 120_000 }, async () => {
  await talk({ to: { watch: true } });
  await ada.evaluate('video.shareScreen()');
  assert.equal(await ada.evaluate('video.source'), 'screen');
  await sees(ben);
  await ada.evaluate('video.stopSharing()');
  await seesNothing(ben);

  await ada.evaluate('video.show()');
  await sees(ben);
  await ada.evaluate('video.shareScreen()');
  await sees(ben);
  // The browser's own bar ends it: the camera comes back.
  await ada.evaluate(`video.local.getVideoTracks()[0].dispatchEvent(new Event('ended'))`);
  await ada.waitForFunction(`video.source === 'camera'`);
  await sees(ben);
  await hears(ben, TONES.ada);
});
