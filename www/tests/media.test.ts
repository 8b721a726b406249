import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge, grade, mos, type Sample } from '../../client-wasm/js/media/mos.ts';
import { shape } from '../../client-wasm/js/media/sdp.ts';
import { levelsOf, sampleOf } from '../../client-wasm/js/media/stats.ts';

const OFFER = [
  'v=0', 'o=- 1 2 IN IP4 127.0.0.1', 's=-', 't=0 0',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 0 8 13 110 126', 'c=IN IP4 0.0.0.0', 'a=rtpmap:111 opus/48000/2', 'a=rtcp-fb:111 transport-cc',
  'a=fmtp:111 minptime=10;useinbandfec=1', 'a=rtpmap:0 PCMU/8000', 'a=rtpmap:13 CN/8000', 'a=rtpmap:110 telephone-event/48000', 'a=rtpmap:126 telephone-event/8000', 'a=sendrecv',
  'm=video 9 UDP/TLS/RTP/SAVPF 96', 'a=rtpmap:96 VP8/90000', '',
].join('\r\n');
const types = (sdp: string): string => /^m=audio \S+ \S+ (.*)$/m.exec(sdp)![1]!.trim();
const opus = (sdp: string): string | undefined => /^a=fmtp:111 (.*)$/m.exec(sdp)?.[1]?.trim();

test('nothing wanted changes nothing, to the octet', () => {
  assert.equal(shape(OFFER, {}), OFFER);
  assert.equal(shape('no description at all', { codecs: ['PCMU'], fec: true }), 'no description at all');
});

test('the wanted codecs come first and others go, with all that is said of them; digits and comfort noise stay', () => {
  const one = shape(OFFER, { codecs: ['PCMA', 'PCMU'] });
  assert.equal(types(one), '8 0 13 110 126');
  assert.doesNotMatch(one, /:111 /);
  assert.match(one, /a=rtpmap:0 PCMU/);
  assert.match(one, /m=video 9 UDP\/TLS\/RTP\/SAVPF 96\r\na=rtpmap:96/, 'the rest is left alone');
  assert.equal(types(shape(OFFER, { codecs: ['PCMU', 'opus'] })), '0 111 13 110 126');
});

test('a description without any wanted codec keeps what it has', () => {
  const only = OFFER.replace('111 0 8 13 110 126', '111 126');
  assert.equal(types(shape(only, { codecs: ['PCMU'] })), '111 126');
});

test('FEC and DTX are said and unsaid, and nothing else of the format is touched', () => {
  assert.equal(opus(shape(OFFER, { dtx: true })), 'minptime=10;useinbandfec=1;usedtx=1');
  assert.equal(opus(shape(OFFER, { fec: false })), 'minptime=10');
  assert.equal(opus(shape(OFFER, { fec: true, dtx: false })), 'minptime=10;useinbandfec=1');
  const bare = OFFER.replace('a=fmtp:111 minptime=10;useinbandfec=1\r\n', '');
  assert.equal(opus(shape(bare, { fec: true })), 'useinbandfec=1');
  assert.equal(shape(bare, { fec: false }), bare);
  const twice = shape(shape(OFFER, { fec: true, dtx: true }), { fec: true, dtx: true });
  assert.equal(opus(twice)!.match(/usedtx/g)!.length, 1);
});

const fine: Sample = { rtt: 40, jitter: 3, loss: 0, packets: 50 };

test('the score follows delay, jitter and loss', () => {
  assert.ok(mos(fine) > 4.3 && mos(fine) < 4.5, String(mos(fine)));
  const scores = [{}, { rtt: 300 }, { rtt: 500 }, { rtt: 500, loss: 0.05 }, { rtt: 500, loss: 0.15 }, { loss: 1 }].map((worse) => mos({ ...fine, ...worse }));
  assert.deepEqual(scores, [...scores].sort((a, b) => b - a));
  assert.equal(scores.at(-1), 1);
  assert.ok(mos({ ...fine, jitter: 60 }) < mos(fine));
  assert.equal(mos({ ...fine, rtt: null }), mos({ ...fine, rtt: 0 }));
});

test('grades have their bounds', () => {
  const grades = [4.4, 4.21, 4.2, 4.1, 4.0, 3.7, 3.6, 3.1, 3.0, 1].map(grade);
  assert.deepEqual(grades, ['excellent', 'excellent', 'great', 'great', 'good', 'good', 'fair', 'fair', 'degraded', 'degraded']);
});

test('a warning is raised when three of five seconds are bad, once, and cleared when at most one is', () => {
  const judge = new Judge();
  const second = (bad: boolean): ReturnType<Judge['add']> => judge.add({ ...fine, jitter: bad ? 31 : 30 });
  assert.deepEqual([true, false, true].map((bad) => second(bad).raised), [[], [], []]);
  assert.deepEqual(second(true).raised, ['jitter']);
  assert.deepEqual(second(true).raised, []);
  assert.deepEqual(second(false).warnings, ['jitter']);
  assert.deepEqual([false, false].map((bad) => second(bad).cleared), [[], []]);
  assert.deepEqual(second(false).cleared, ['jitter']);
});

test('each limit has its own warning', () => {
  const raised = (worse: Partial<Sample>): string[] => {
    const judge = new Judge();
    return [1, 2, 3].flatMap(() => judge.add({ ...fine, ...worse }).raised);
  };
  assert.deepEqual(raised({}), []);
  assert.deepEqual(raised({ rtt: 401 }), ['rtt']);
  assert.deepEqual(raised({ rtt: 400 }), []);
  assert.deepEqual(raised({ loss: 0.3 }), ['mos']);
  assert.deepEqual(raised({ packets: 0 }), ['silence']);
  const silent = new Judge();
  assert.deepEqual([silent.add({ ...fine, packets: 0 }).mos, silent.add({ ...fine, packets: 0 }).grade], [null, null]);
});

test('a call that was held begins anew', () => {
  const judge = new Judge();
  for (let second = 0; second < 3; second += 1) judge.add({ ...fine, rtt: 900 });
  assert.deepEqual(judge.forget(), ['rtt', 'mos'].filter((kind) => kind === 'rtt' || mos({ ...fine, rtt: 900 }) < 3));
  assert.deepEqual(judge.add({ ...fine, rtt: 900 }).warnings, []);
});

const report = (received: number, lost: number): RTCStatsReport => new Map<string, object>([
  ['in', { type: 'inbound-rtp', kind: 'audio', id: 'in', packetsReceived: received, packetsLost: lost, jitter: 0.012, audioLevel: 0.25 }],
  ['source', { type: 'media-source', kind: 'audio', id: 'source', audioLevel: 0.5 }],
  ['t', { type: 'transport', id: 't', selectedCandidatePairId: 'p2' }],
  ['p1', { type: 'candidate-pair', id: 'p1', nominated: true, state: 'succeeded', currentRoundTripTime: 9 }],
  ['p2', { type: 'candidate-pair', id: 'p2', currentRoundTripTime: 0.08 }],
]) as unknown as RTCStatsReport;

test('a second is the difference of two reports; a new connection begins at zero', () => {
  const first = sampleOf(report(100, 2), null);
  const { sample } = sampleOf(report(145, 7), first.counters);
  assert.deepEqual(sample, { packets: 45, rtt: 80, jitter: 12, loss: 0.1 });
  assert.equal(sampleOf(report(10, 0), first.counters).sample.packets, 10);
  assert.deepEqual(sampleOf(new Map() as unknown as RTCStatsReport, null).sample, { packets: 0, rtt: null, jitter: 0, loss: 0 });
  assert.deepEqual(levelsOf(report(1, 0), () => 0.9), { input: 0.5, output: 0.25 });
  // As in Firefox.
  const unsaid = new Map([['source', { type: 'media-source', kind: 'audio', id: 'source' }]]) as unknown as RTCStatsReport;
  assert.deepEqual(levelsOf(unsaid, () => 0.9), { input: 0.9, output: 0 });
});
