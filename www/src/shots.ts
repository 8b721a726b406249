/** Development only: any state of the page, through the real components, by `shots.html#STATE,LANGUAGE`. Not in `dist`. */
import { WakelineApp } from './app.ts';
import { initialState, unlisted, type CallView, type Language, type State } from './store/state.ts';
import './screens/call-sound.ts';
import { views } from './screens/call-video.ts';
import type { VideoState } from './store/video.ts';
import { initialMedia, usualSound, type MediaState } from './store/media.ts';
import css from './styles/index.css?inline';

const NOW = new Date(2026, 10, 21, 10, 32).getTime();
const MINUTE = 60_000;
const alice = { number: '1001', displayName: 'Alice Moreau' };
const bob = { number: '1002', displayName: '' };

const base = (language: Language): State => ({
  ...initialState(language),
  session: 'signed-in',
  account: { ...alice, addressOfRecord: 'sip:1001@wakeline.example' },
  registration: { state: 'registered', reason: '', retryAt: null },
  setup: { microphone: 'granted', notifications: 'granted', asking: false, subscribed: true, later: false },
});
const call = (change: Partial<CallView>): CallView => ({
  id: 'c1', wake: 'w1', direction: 'out', remote: bob, phase: 'calling', stage: null, muted: false, silent: false, held: false, remoteHeld: false, video: false, recorded: false, recordingTold: false, lost: false, broken: false, answeredAt: null, end: null, endedAt: null, ...change,
});
const incoming = call({ direction: 'in', remote: alice, phase: 'incoming' });
const active = call({ direction: 'in', remote: alice, phase: 'active', answeredAt: NOW - 83_000 });
const ended = (change: Partial<CallView>, outcome: NonNullable<CallView['end']>['outcome'], by: 'local' | 'remote' = 'remote', reason = ''): Partial<State> => ({
  calls: [call({ phase: 'ended', endedAt: NOW, ...change, end: { outcome, by, status: 480, reason, retryAfter: null } })],
});
const wake = (change: Partial<NonNullable<State['wake']>>): Partial<State> => ({
  wake: { id: 'w1', answer: false, progress: 'registering', outcome: null, why: null, hindered: null, caller: null, callerOnline: null, at: null, ...change },
});
const missed: State['missed'] = [
  { id: 'm1', caller: alice, at: NOW - 4 * MINUTE, outcome: 'expired', callerOnline: true, seen: false },
  { id: 'm2', caller: { number: '1003', displayName: '陈晓' }, at: NOW - 130 * MINUTE, outcome: 'cancelled', callerOnline: false, seen: false },
  { id: 'm3', caller: bob, at: NOW - 26 * 60 * MINUTE, outcome: 'unanswered', callerOnline: true, seen: true },
  { id: 'm4', caller: { number: '+4930123456', displayName: 'A caller whose display name is a good deal longer than it should be' }, at: NOW - 200 * 60 * MINUTE, outcome: 'unanswered', callerOnline: false, seen: true },
];
const listed: State['missedList'] = { ...unlisted, known: true };
const setup = (change: Partial<State['setup']>): Partial<State> => ({ page: 'set-up', setup: { microphone: 'prompt', notifications: 'prompt', asking: false, subscribed: null, later: false, ...change } });
const lost = (change: Partial<State['registration']>): Partial<State> => ({ registration: { state: 'reconnecting', reason: '', retryAt: NOW + 4000, ...change } });

const media = (change: Partial<MediaState>): Partial<State> => ({
  media: {
    ...initialMedia(usualSound), canRecord: true, choosesOutput: true, inputs: [{ id: 'a', label: 'Headset' }, { id: 'b', label: 'A microphone whose name is a good deal longer than it should be (0d8c:0014)' }],
    outputs: [{ id: 'c', label: 'Speaker' }], ...change,
  },
});

const video = (change: Partial<VideoState>): Partial<State> => ({
  ...media({ quality: { grade: 'excellent', mos: 4.41, warnings: [] } }), video: { call: 'c1', source: null, remote: false, busy: false, problem: null, shares: true, ...change },
});
/** A picture for a view: the colours of the page, as if somebody were seen. */
for (const [view, from, to] of [[views.remote, '#7a8f5a', '#24405c'], [views.own, '#c58a4a', '#5c2440']] as const) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 480 });
  const drawing = canvas.getContext('2d')!;
  const shade = drawing.createLinearGradient(0, 0, 640, 480);
  shade.addColorStop(0, from);
  shade.addColorStop(1, to);
  drawing.fillStyle = shade;
  drawing.fillRect(0, 0, 640, 480);
  view.poster = canvas.toDataURL();
}

/** One of each: what `cargo xtask shots` takes pictures of. */
export const states: Record<string, Partial<State>> = {
  'starting': { session: 'starting', account: null },
  'sign-in': { session: 'signed-out', account: null },
  'sign-in-refused': { session: 'signed-out', account: null, signIn: { busy: false, problem: 'credentials' } },
  'sign-in-tapped': { session: 'signed-out', account: null, ...wake({}) },
  'signed-out': { session: 'signed-out', signedOut: 'asked', account: null },
  'signed-out-revoked': { session: 'signed-out', signedOut: 'revoked', account: null },
  'set-up': setup({}),
  'set-up-asking': setup({ asking: true }),
  'set-up-done': setup({ microphone: 'granted', notifications: 'granted', subscribed: true }),
  'set-up-blocked': setup({ microphone: 'blocked', notifications: 'blocked' }),
  'set-up-unsupported': setup({ microphone: 'unsupported', notifications: 'unsupported' }),
  'set-up-missing': setup({ microphone: 'missing', notifications: 'granted', subscribed: false }),
  'set-up-install': setup({ notifications: 'install' }),
  'keypad': { dial: '1002', missed },
  'keypad-empty': { setup: { microphone: 'prompt', notifications: 'granted', asking: false, subscribed: null, later: true } },
  'keypad-online': { dial: '1002', peer: { number: '1002', state: 'online', at: NOW, old: false } },
  'keypad-asleep': { dial: '1002', peer: { number: '1002', state: 'asleep', at: NOW, old: false } },
  'keypad-offline': { dial: '1002', peer: { number: '1002', state: 'offline', at: NOW, old: false } },
  'keypad-unknown': { dial: '4711', peer: { number: '4711', state: 'unknown', at: NOW, old: false } },
  'keypad-lookup-failed': { dial: '1002', peer: { number: '1002', state: 'failed', at: NOW, old: false } },
  'keypad-old': { dial: '1002', peer: { number: '1002', state: 'asleep', at: NOW - 3 * MINUTE, old: true } },
  'keypad-failed': { dial: '1002', dialFailed: true },
  'keypad-camera': { dial: '1002', dialling: 'video', peer: { number: '1002', state: 'online', at: NOW, old: false } },
  'reconnecting': { dial: '1002', ...lost({}) },
  'offline': { dial: '1002', ...lost({ state: 'offline', retryAt: null }) },
  'refused': { dial: '1002', ...lost({ state: 'refused', reason: '403 Forbidden', retryAt: null }) },
  'calling': { calls: [call({})] },
  'calling-pushed': { calls: [call({ phase: 'waking', stage: 'pushed' })] },
  'calling-shown': { calls: [call({ phase: 'waking', stage: 'shown' })] },
  'calling-opened': { calls: [call({ phase: 'waking', stage: 'opened' })] },
  'calling-ringing': { calls: [call({ phase: 'ringing', stage: 'opened' })] },
  'calling-lost': { calls: [call({ phase: 'waking', stage: 'pushed' })], ...lost({}) },
  'calling-second': { calls: [call({ phase: 'ringing' }), { ...incoming, id: 'c2' }] },
  'calling-ringing-at-once': { calls: [call({ phase: 'ringing' })] },
  'connecting': wake({}),
  'connecting-ready': wake({ progress: 'ready', caller: alice }),
  'connecting-refused': wake({ hindered: 'refused' }),
  'connecting-unregistered': wake({ hindered: 'unregistered' }),
  'connecting-unready': wake({ hindered: 'unready' }),
  'connecting-unreachable': wake({ hindered: 'unreachable' }),
  'ringing': { calls: [incoming] },
  'ringing-video': { calls: [{ ...incoming, video: true }] },
  'ringing-silent': { calls: [incoming], sound: { ring: 'blocked', remote: 'silent' }, setup: { microphone: 'prompt', notifications: 'granted', asking: false, subscribed: true, later: false } },
  'ringing-answer-asked': { calls: [incoming], answerAsked: 'w1', sound: { ring: 'blocked', remote: 'silent' } },
  'ringing-second': { calls: [incoming, { ...incoming, id: 'c2', remote: bob }] },
  'ringing-blocked': { calls: [incoming], setup: { microphone: 'blocked', notifications: 'granted', asking: false, subscribed: true, later: false } },
  'ringing-missing': { calls: [incoming], setup: { microphone: 'missing', notifications: 'granted', asking: false, subscribed: true, later: false } },
  'answering': { calls: [{ ...incoming, phase: 'connecting' }], setup: { microphone: 'prompt', notifications: 'granted', asking: false, subscribed: true, later: false } },
  'active': { calls: [active] },
  'active-other-tab': { role: 'following', calls: [active] },
  'active-broken': { calls: [{ ...active, broken: true }] },
  'active-quality': { calls: [active], ...media({ quality: { grade: 'excellent', mos: 4.41, warnings: [] } }) },
  'active-poor': { calls: [active], ...media({ quality: { grade: 'degraded', mos: 2.6, warnings: ['jitter', 'rtt', 'mos', 'silence'] } }) },
  'active-sound': { calls: [active], ...media({ open: true, quality: { grade: 'good', mos: 3.9, warnings: [] }, levels: { input: 0.2, output: 0.05 } }) },
  'active-recorded': { calls: [{ ...active, recorded: true }], ...media({ quality: { grade: 'excellent', mos: 4.41, warnings: [] } }) },
  'active-recording-told': { calls: [{ ...active, recordingTold: true }], ...media({ open: true, recording: { call: 'c1', since: NOW - 20_000 } }) },
  'active-recording': { calls: [active], ...media({ open: true, recording: { call: 'c1', since: NOW - 20_000 }, refused: true }) },
  'active-video': { calls: [{ ...active, video: true }], ...video({ source: 'camera', remote: true }) },
  'active-video-theirs': { calls: [{ ...active, video: true }], ...video({ remote: true }) },
  'active-video-own': { calls: [active], ...video({ source: 'camera' }) },
  'active-video-off': { calls: [active], ...video({}) },
  'active-video-asking': { calls: [active], ...video({ busy: true }) },
  'active-screen': { calls: [{ ...active, video: true }], ...video({ source: 'screen', remote: true }) },
  'active-video-blocked': { calls: [active], ...video({ problem: 'blocked' }) },
  'active-video-missing': { calls: [active], ...video({ problem: 'missing' }) },
  'active-video-taken': { calls: [active], ...video({ problem: 'taken' }) },
  'active-video-refused': { calls: [active], ...video({ problem: 'refused' }) },
  'active-muted': { calls: [{ ...active, muted: true }] },
  'active-held': { calls: [{ ...active, held: true }] },
  'active-hold-refused': { calls: [active], refused: { call: 'c1', what: 'hold' } },
  'active-resume-refused': { calls: [{ ...active, held: true }], refused: { call: 'c1', what: 'resume' } },
  'active-recording-other': { calls: [active, { ...active, id: 'c2', held: true, remote: bob }], ...media({ open: true, recording: { call: 'c2', since: NOW - 20_000 } }) },
  'active-held-by-other': { calls: [{ ...active, remoteHeld: true }] },
  'active-digits-refused': { calls: [{ ...active, remoteHeld: true }], digits: { c1: { sent: '', refused: true } } },
  'active-two': { calls: [active, { ...active, id: 'c2', held: true, remote: { number: '1003', displayName: 'Carol' } }] },
  'active-ended-beside': { calls: [active], endedBeside: call({ id: 'c2', phase: 'ended', endedAt: NOW, end: { outcome: 'busy', by: 'remote', status: 486, reason: '', retryAfter: null } }) },
  'active-no-microphone': { calls: [{ ...active, silent: true }], setup: { microphone: 'blocked', notifications: 'granted', asking: false, subscribed: true, later: false } },
  'active-silent': { calls: [active], sound: { ring: 'silent', remote: 'blocked' } },
  'active-second': { calls: [active, { ...incoming, id: 'c2', remote: bob }] },
  'active-remote-lost': { calls: [{ ...active, lost: true }] },
  'active-lost': { calls: [active], ...lost({}) },
  'ended-hungup': ended({ direction: 'in', remote: alice, answeredAt: NOW - 83_000 }, 'hungup'),
  'ended-declined': ended({}, 'declined'),
  'ended-busy': ended({}, 'busy'),
  'ended-unanswered': ended({}, 'unanswered'),
  'ended-expired': ended({}, 'expired'),
  'ended-refused': ended({}, 'refused'),
  'ended-unregistered': ended({}, 'unregistered'),
  'ended-unready': ended({}, 'unready'),
  'ended-unrung': ended({}, 'unrung'),
  'ended-microphone': ended({}, 'failed', 'local', 'NotAllowedError'),
  'ended-unbound': ended({}, 'unbound'),
  'ended-unknown': ended({ remote: { number: '4711', displayName: '' } }, 'unknown'),
  'ended-unreachable': ended({}, 'unreachable'),
  'ended-quiet': ended({}, 'quiet'),
  'ended-limited': { calls: [call({ phase: 'ended', endedAt: NOW, end: { outcome: 'limited', by: 'remote', status: 429, reason: '', retryAfter: 42 } })] },
  'ended-lost': ended({ direction: 'in', remote: alice, answeredAt: NOW - 83_000 }, 'lost'),
  'ended-lost-here': ended({}, 'lost', 'local'),
  'ended-yourself': ended({ remote: alice }, 'unbound'),
  'ended-failed': ended({}, 'failed', 'remote', 'media could not be agreed on'),
  'ended-missed': ended({ direction: 'in', remote: alice }, 'cancelled'),
  'ended-elsewhere': ended({ direction: 'in', remote: alice }, 'elsewhere'),
  'too-late': wake({ progress: 'over', outcome: 'expired', caller: alice, at: NOW - 4 * MINUTE, callerOnline: true }),
  'too-late-refused': wake({ progress: 'over', outcome: 'expired', why: 'refused', caller: alice, at: NOW - MINUTE, callerOnline: true }),
  'too-late-answered': wake({ progress: 'over', outcome: 'answered', caller: alice, at: NOW - 4 * MINUTE }),
  'missed': { page: 'missed', missed, missedList: listed },
  'missed-loading': { page: 'missed', missedList: { ...unlisted, busy: true } },
  'missed-loading-seen': { page: 'missed', missed: missed.slice(0, 2), missedList: { ...unlisted, busy: true } },
  'missed-failed': { page: 'missed', missed: missed.slice(0, 2), missedList: { ...unlisted, failed: true } },
  'missed-failed-all': { page: 'missed', missedList: { ...unlisted, failed: true } },
  'missed-blocked': { page: 'missed', missed, missedList: listed, reach: { blocked: [{ caller: alice, at: NOW }], quietSince: null, failed: false } },
  'missed-none': { page: 'missed', missedList: listed },
  'devices': {
    page: 'devices', visible: true,
    devices: {
      busy: false, failed: null,
      list: [
        { id: 'd1', label: 'Firefox · Linux', here: true, wakes: true, online: true, seenAt: NOW },
        { id: 'd2', label: 'Chrome · Android', here: false, wakes: true, online: false, seenAt: NOW - 50 * MINUTE },
        { id: 'd3', label: 'Safari · iOS', here: false, wakes: false, online: false, seenAt: NOW - 50 * 60 * MINUTE },
      ],
    },
  },
  'devices-loading': { page: 'devices', visible: true, devices: { busy: true, failed: null, list: [] } },
  'devices-hidden': { page: 'devices', visible: false },
  'devices-quiet': { page: 'devices', reach: { blocked: [{ caller: alice, at: NOW }, { caller: bob, at: NOW }], quietSince: NOW, failed: false } },
  'devices-reach-failed': { page: 'devices', reach: { blocked: [], quietSince: null, failed: true } },
  'devices-failed': { page: 'devices', devices: { busy: false, failed: 'list', list: [] } },
  'devices-unsaved': { page: 'devices', visible: true, devices: { busy: false, failed: 'change', list: [] } },
  'sound': { page: 'sound', ...media({}) },
  'sound-loading': { page: 'sound' },
  'sound-unnamed': { page: 'sound', ...media({ inputs: [], outputs: [], settings: { ...usualSound, codec: 'g711' } }) },
  'sound-checking': { page: 'sound', ...media({ check: { running: true, passed: null, steps: [{ name: 'microphone', result: 'passed', ms: 1502, why: '', label: 'Headset' }] } }) },
  'sound-checked': {
    page: 'sound', ...media({ check: { running: false, passed: true, steps: [
      { name: 'microphone', result: 'passed', ms: 1502, why: '', label: 'Headset' }, { name: 'socket', result: 'passed', ms: 41, why: '' }, { name: 'registration', result: 'passed', ms: 0, why: '' },
      { name: 'stun', result: 'skipped', ms: 112, why: 'direct' }, { name: 'turn', result: 'passed', ms: 204, why: '' }, { name: 'loopback', result: 'passed', ms: 5230, why: '', mos: 4.4 },
    ] } }),
  },
  'sound-check-failed': {
    page: 'sound', ...media({ check: { running: false, passed: false, steps: [
      { name: 'microphone', result: 'failed', ms: 12, why: 'NotAllowedError' }, { name: 'socket', result: 'failed', ms: 8000, why: 'timeout' }, { name: 'registration', result: 'failed', ms: 0, why: '403' },
      { name: 'stun', result: 'skipped', ms: 0, why: 'none' }, { name: 'turn', result: 'failed', ms: 30, why: 'refused' }, { name: 'loopback', result: 'skipped', ms: 0, why: 'microphone' },
    ] } }),
  },
  'following': { role: 'following' },
};

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.unshift(sheet);
const app = new WakelineApp();
app.now = () => NOW;
const show = (): void => {
  const [name = '', language] = location.hash.slice(1).split(',');
  app.state = { ...base(language === 'zh' ? 'zh' : 'en'), ...states[name] };
};
show();
addEventListener('hashchange', show);
document.body.append(app);
Object.assign(window, { shots: Object.keys(states) });
