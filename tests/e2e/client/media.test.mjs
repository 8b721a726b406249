// What a page can do about the sound of its calls: microphones and speakers, codecs, quality, levels, recordings, the check before.
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { build } from 'esbuild';
import { until } from '../../lib/events.mjs';
import { Stage, hear, hears, left, tonesIn } from './harness.mjs';

let stage, caller, callee;

/** Every microphone that was handed out. */
function watch() {
  window.given = [];
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.given.push(...stream.getTracks());
    return stream;
  };
}

before(async () => {
  const also = (assets) => build({ entryPoints: [join(import.meta.dirname, '../../../client-wasm/js/describe.ts')], bundle: true, format: 'esm', outdir: join(assets, 'client'), logLevel: 'error' });
  stage = await Stage.open({}, { also });
  await stage.account('1001', 'Ada');
  await stage.account('1002', 'Ben');
  const [one, two] = await Promise.all([stage.browser(440), stage.browser(1000)]);
  caller = await stage.signedIn(one, '1001', { before: watch });
  callee = await stage.signedIn(two, '1002', { before: watch });
  for (const page of [caller, callee]) await page.evaluate(async () => { window.media = await import('/client/media.js'); });
}, { timeout: 120_000 });

after(() => stage?.close(), { timeout: 30_000 });

const live = (page) => page.evaluate(`given.filter((track) => track.readyState === 'live').length`);

async function talking(to = callee) {
  await Promise.all([caller, to].map((page) => page.evaluate('window.call = undefined')));
  await caller.evaluate(`dial('1002')`);
  await to.waitForFunction(`window.call?.state === 'incoming'`);
  await to.evaluate('call.answer()');
  for (const page of [caller, to]) await page.waitForFunction(`call.state === 'active' && call.connection.connectionState === 'connected'`);
}

/** How much of each tone, and of one that nobody has, is in the first and the last second of the page's recording. */
const tones = (page) => page.evaluate(tonesIn);

async function hangUp() {
  await caller.evaluate('call.hangUp()');
  for (const page of [caller, callee]) {
    await page.waitForFunction(`call.state === 'ended' && phone.calls.length === 0`);
    assert.equal(await live(page), 0, 'the light of the microphone is off');
  }
}

test('another microphone and another speaker in the middle of a call, and what is done to the sound', { timeout: 60_000 }, async () => {
  const { inputs, outputs } = await caller.evaluate('media.soundDevices()');
  assert.ok(inputs.length >= 2 && outputs.length >= 1, JSON.stringify({ inputs, outputs }));
  assert.ok(inputs.every(({ id, label }) => id && label));
  await talking();
  const used = () => caller.evaluate(() => {
    const { track } = call.connection.getSenders()[0];
    const { deviceId, echoCancellation, noiseSuppression } = track.getSettings();
    return { id: track.id, deviceId, echoCancellation, noiseSuppression, enabled: track.enabled };
  });
  const first = await used();
  const other = inputs.find(({ id }) => id !== first.deviceId && id !== 'default');
  await caller.evaluate('call.mute(true)');
  await caller.evaluate((id) => media.useInput(phone, id, { echoCancellation: true, noiseSuppression: false }), other.id);
  const second = await used();
  assert.equal(second.deviceId, other.id);
  assert.notEqual(second.id, first.id);
  assert.deepEqual([second.echoCancellation, second.noiseSuppression, second.enabled], [true, false, false], 'as it was asked for, and still muted');
  assert.equal(await live(caller), 1, 'the one before is let go');
  await caller.evaluate('call.mute(false)');
  await caller.evaluate(() => media.useInput(phone, '', { echoCancellation: false, noiseSuppression: false, autoGainControl: false }));
  await hears(callee, 440); // from the third one
  assert.equal(await caller.evaluate('media.choosesOutput()'), true);
  const speaker = outputs.find(({ id }) => id !== 'default') ?? outputs[0];
  assert.equal(await caller.evaluate(async (id) => {
    await media.useOutput(document.querySelector('audio'), id);
    return document.querySelector('audio').sinkId;
  }, speaker.id), speaker.id);
  await caller.evaluate(`media.useOutput(document.querySelector('audio'), '')`);

  // One that is not there gives way to another, and a refusal leaves what was.
  await caller.evaluate(`media.useInput(phone, 'no such device', { echoCancellation: false, noiseSuppression: false, autoGainControl: false })`);
  assert.equal(await live(caller), 1);
  const refusal = await caller.evaluate(async () => {
    const ask = navigator.mediaDevices.getUserMedia;
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotReadableError'); };
    const told = await media.useInput(phone, '').then(() => 'given', (error) => [error.name, error.title]);
    navigator.mediaDevices.getUserMedia = ask;
    return told;
  });
  assert.deepEqual(refusal, ['Problem', 'NotReadableError']);
  assert.equal(await caller.evaluate('call.silent'), false);
  assert.equal(await live(caller), 1);
  await hangUp();
});

test('the quality of a call is told each second; when nothing comes any more, that is warned of', { timeout: 60_000 }, async () => {
  await talking();
  await callee.evaluate(() => {
    window.told = { quality: [], warnings: [] };
    const quality = new media.CallQuality(call);
    quality.addEventListener('quality', ({ judgement, sample }) => told.quality.push({ ...judgement, ...sample }));
    quality.addEventListener('warning', ({ warning }) => told.warnings.push(`+${warning}`));
    quality.addEventListener('cleared', ({ warning }) => told.warnings.push(`-${warning}`));
    window.loudest = { input: 0, output: 0 };
    media.watchLevels(call, ({ input, output }) => { loudest = { input: Math.max(input, loudest.input), output: Math.max(output, loudest.output) }; });
  });
  await callee.waitForFunction('told.quality.filter(({ packets }) => packets > 20).length >= 3 && told.quality.at(-1).rtt !== null');
  const [last] = await callee.evaluate('told.quality.slice(-1)');
  assert.ok(last.mos > 1 && last.mos <= 4.5 && last.grade && last.rtt !== null, JSON.stringify(last));
  await callee.waitForFunction('loudest.input > 0.05 && loudest.output > 0.05');
  // A held call is not judged; then the other side falls silent without a word.
  await caller.evaluate(async () => {
    const [sender] = call.connection.getSenders();
    window.track = sender.track;
    await sender.replaceTrack(null);
  });
  await callee.waitForFunction(`told.warnings.includes('+silence')`, { timeout: 20_000 });
  await caller.evaluate('call.connection.getSenders()[0].replaceTrack(track)');
  await callee.waitForFunction(`told.warnings.includes('-silence')`, { timeout: 20_000 });
  await hangUp();
});

test('G.711 alone, and Opus with silence that is not sent: agreed on by both sides', { timeout: 60_000 }, async () => {
  const codec = (page) => page.evaluate(async () => {
    const stats = [...(await call.connection.getStats()).values()];
    const out = stats.find(({ type, kind }) => type === 'outbound-rtp' && kind === 'audio');
    return stats.find(({ id }) => id === out?.codecId)?.mimeType;
  });
  await caller.evaluate(`media.chooseCodecs(phone, { codecs: ['PCMU'] })`);
  await talking();
  for (const page of [caller, callee]) {
    await page.waitForFunction(`call.connection.getStats().then((report) => [...report.values()].some((one) => one.type === 'outbound-rtp' && one.codecId))`);
    assert.equal(await codec(page), 'audio/PCMU');
  }
  await hears(callee, 440);
  await hangUp();

  await caller.evaluate(`media.chooseCodecs(phone, { codecs: ['opus', 'PCMU'], fec: true, dtx: true })`);
  await talking();
  const said = (page) => page.evaluate(() => /a=fmtp:111 (.*)/.exec(call.connection.remoteDescription.sdp)[1]);
  assert.match(await said(callee), /usedtx=1.*useinbandfec=1|useinbandfec=1.*usedtx=1/);
  assert.match(await said(caller), /usedtx=1/);
  assert.equal(await codec(caller), 'audio/opus');
  await hangUp();
  await caller.evaluate('media.chooseCodecs(phone, {})');
});

test('a recording holds both sides, and ends with its call', { timeout: 60_000 }, async () => {
  await talking();
  await Promise.all([hears(caller, 1000), hears(callee, 440)]);
  assert.equal(await caller.evaluate('media.canRecord()'), true);
  await caller.evaluate('window.recording = new media.Recording(call)');
  await callee.waitForFunction('call.recorded', { timeout: 20_000 });
  await caller.waitForFunction('call.recordingTold', { timeout: 20_000 });
  await Promise.all([hear(caller, 2500), hear(callee, 2500)]);
  // Another microphone meanwhile is in it, too.
  await caller.evaluate(() => media.useInput(phone, '', { echoCancellation: false, noiseSuppression: false, autoGainControl: false }));
  await hear(caller, 1500);
  await hangUp();
  const file = await tones(caller);
  assert.match(file.type, /^audio\//);
  assert.ok(file.seconds > 3, `${file.seconds} s`);
  for (const [ours, theirs, nobody] of file.tones) assert.ok(ours > nobody * 20 && theirs > nobody * 20, JSON.stringify(file));
});

for (const unnamed of [false, true]) {
  // Two offers that cross are refused by both sides: each takes its own back.
  test(`a sound is there for Web Audio after an offer was rolled back, twice, where its stream is ${unnamed ? 'not named' : 'named'}`, { timeout: 60_000 }, async () => {
    const heard = await caller.evaluate(async (unnamed) => {
      const { tended } = await import('/client/describe.js');
      const context = new AudioContext();
      const tone = context.createMediaStreamDestination();
      const oscillator = context.createOscillator();
      oscillator.connect(tone);
      oscillator.start();
      const [far, near] = [new RTCPeerConnection(), tended(new RTCPeerConnection(), () => () => {})];
      for (const [one, other] of [[far, near], [near, far]]) {
        one.onicecandidate = ({ candidate }) => candidate && other.addIceCandidate(candidate).catch(() => {});
        one.addTrack(tone.stream.getAudioTracks()[0], tone.stream);
      }
      // What many phones say of their streams: nothing.
      const said = ({ type, sdp }) => ({ type, sdp: unnamed ? sdp.replace(/^a=ssrc:.*\r\n/gm, '') : sdp });
      const agree = async (one, other) => {
        await one.setLocalDescription(await one.createOffer({ iceRestart: true }));
        await other.setRemoteDescription(said(one.localDescription));
        await other.setLocalDescription(await other.createAnswer());
        await one.setRemoteDescription(said(other.localDescription));
      };
      await agree(far, near);
      const [{ track }] = near.getReceivers();
      const player = Object.assign(new Audio(), { srcObject: new MediaStream([track]) });
      await player.play();
      const analyser = context.createAnalyser();
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const wave = new Float32Array(analyser.fftSize);
      const loud = async () => {
        for (const until = performance.now() + 5000; performance.now() < until;) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          analyser.getFloatTimeDomainData(wave);
          if (Math.max(...wave) > 0.5) return true;
        }
        return false;
      };
      const heard = [await loud()];
      for (const [one, other] of [[far, near], [near, far]]) {
        await near.setLocalDescription(await near.createOffer());
        await near.setLocalDescription({ type: 'rollback' });
        await agree(one, other);
        // What was on its way has been heard.
        await new Promise((resolve) => setTimeout(resolve, 500));
        heard.push(await loud());
      }
      player.pause();
      for (const it of [far, near]) it.close();
      await context.close();
      return heard;
    }, unnamed);
    assert.deepEqual(heard, [true, true, true]);
  });
}

test('candidates that were gathered while the number was typed are not waited for', { timeout: 60_000 }, async () => {
  // A STUN server that takes its time, and may fall silent.
  const socket = dgram.createSocket('udp4');
  let [answers, answered] = [true, 0];
  socket.on('message', (bytes, from) => {
    if (!answers || bytes.readUInt16BE(0) !== 0x0001) return;
    const answer = Buffer.alloc(32);
    answer.writeUInt16BE(0x0101, 0);
    answer.writeUInt16BE(12, 2);
    bytes.copy(answer, 4, 4, 20);
    answer.writeUInt16BE(0x0020, 20);
    answer.writeUInt16BE(8, 22);
    answer.writeUInt16BE(0x0001, 24);
    answer.writeUInt16BE((from.port + 1) ^ 0x2112, 26); // as if translated
    from.address.split('.').forEach((octet, at) => { answer[28 + at] = Number(octet) ^ answer[4 + at]; });
    setTimeout(() => socket.send(answer, from.port, from.address, () => { answered += 1; }), 200);
  });
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  try {
    await caller.evaluate(async (port) => {
      await phone.close();
      await open({ session, iceServers: [{ urls: `stun:127.0.0.1:${port}` }] });
    }, socket.address().port);
    await caller.waitForFunction(`phone.registration.state === 'registered'`);
    const dialled = async (ahead) => {
      await callee.evaluate('window.call = undefined');
      if (ahead) {
        answered = 0;
        await caller.evaluate('media.prepare(phone)');
        await until(() => answered > 0, { what: 'the server has answered' });
        await new Promise((resolve) => setTimeout(resolve, 300)); // nobody is told when the browser has taken it
        answers = false;
      }
      const ms = await left(caller, '1002');
      const sdp = await caller.evaluate('call.connection.localDescription.sdp');
      await callee.waitForFunction(`window.call?.state === 'incoming'`);
      await hangUp();
      return { ms, reflexive: /typ srflx/.test(sdp) };
    };
    await dialled(false); // what is loaded at the first call
    const [asked, ahead, silent] = [await dialled(false), await dialled(true), await dialled(false)];
    // Those that were gathered ahead are there although the server is silent by then; without them the call waits half a second, not more.
    assert.deepEqual([asked, ahead, silent].map(({ reflexive }) => reflexive), [true, true, false], JSON.stringify({ asked, ahead, silent }));
    assert.ok(silent.ms > 490 && silent.ms < 5000, JSON.stringify({ asked, ahead, silent }));
    console.log(`# call() to INVITE: ${Math.round(asked.ms)} ms with a server that takes 200, ${Math.round(ahead.ms)} ms with candidates gathered ahead, ${Math.round(silent.ms)} ms with a silent one`);
    // Prepared and not called: nothing stays.
    await caller.evaluate('media.prepare(phone).then(() => media.drop(phone))');
  } finally {
    socket.close();
  }
});

test('the check before a call tries each thing by itself, rings nobody, and lets the microphone go', { timeout: 60_000 }, async () => {
  await caller.evaluate(async () => {
    await phone.close();
    await open({ session });
  });
  await caller.waitForFunction(`phone.registration.state === 'registered'`);
  const { report, steps } = await caller.evaluate(async () => {
    const steps = [];
    return { report: await media.preflight(phone, { loopbackMs: 3000, told: ({ name }) => steps.push(name) }), steps };
  });
  assert.deepEqual(steps, ['microphone', 'socket', 'registration', 'stun', 'turn', 'loopback']);
  assert.equal(report.passed, true, JSON.stringify(report));
  const by = Object.fromEntries(report.steps.map((step) => [step.name, step]));
  assert.ok(by.microphone.level > 0.05 && by.microphone.label, JSON.stringify(by.microphone));
  assert.deepEqual([by.stun.result, by.stun.why, by.turn.result, by.turn.why], ['skipped', 'none', 'skipped', 'none']);
  assert.ok(by.loopback.mos > 1 && by.loopback.grade && by.loopback.relayed === false, JSON.stringify(by.loopback));
  assert.equal(await live(caller), 0);

  const refused = await caller.evaluate(async () => {
    const ask = navigator.mediaDevices.getUserMedia;
    navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotFoundError'); };
    const report = await media.preflight(phone, { loopbackMs: 1000 });
    navigator.mediaDevices.getUserMedia = ask;
    return report;
  });
  assert.equal(refused.passed, false);
  assert.deepEqual(refused.steps.map(({ result, why }) => [result, why]).filter(([, why]) => why), [['failed', 'NotFoundError'], ['skipped', 'none'], ['skipped', 'none'], ['skipped', 'microphone']]);
});

test('the shortest loopback call of the check is judged as well; a shorter one is refused before anything is tried', { timeout: 60_000 }, async () => {
  const { steps } = await caller.evaluate('media.preflight(phone, { loopbackMs: 1000 })');
  const { result, why, mos } = steps.at(-1);
  assert.deepEqual([result, why, mos > 1], ['passed', '', true], JSON.stringify(steps.at(-1)));
  await caller.evaluate('given = []');
  for (const short of ['999', '0', 'NaN']) {
    const told = await caller.evaluate(`media.preflight(phone, { loopbackMs: ${short} }).then(() => 'checked', ({ name, message }) => [name, message])`);
    assert.deepEqual(told, ['RangeError', `loopbackMs is ${short}, and 1000 at least`]);
  }
  assert.equal(await caller.evaluate('given.length'), 0);
});

test('the servers of a site are asked for once, whoever wants them; what failed is asked again', { timeout: 60_000 }, async () => {
  const asked = await caller.evaluate(async () => {
    await phone.close();
    const real = window.fetch;
    const asked = { cut: 0, answered: 0 };
    let cut = true;
    window.fetch = (request, ...rest) => {
      if (!request.url.endsWith('/v1/ice')) return real(request, ...rest);
      asked[cut ? 'cut' : 'answered'] += 1;
      return cut ? Promise.reject(new TypeError('cut')) : real(request, ...rest);
    };
    try {
      await open({ session });
      await media.prepare(phone); // goes on without
      media.drop(phone);
      cut = false;
      await media.prepare(phone);
      media.drop(phone);
      await media.preflight(phone, { loopbackMs: 1000 });
    } finally {
      window.fetch = real;
    }
    return asked;
  });
  assert.ok(asked.cut > 0);
  assert.equal(asked.answered, 1);
});
