/** Every way in which the state changes: one action, one line in the table below. Pure. */
import type { MediaState } from './media.ts';
import type { VideoState } from './video.ts';
import {
  unlisted, type Account, type CallView, type DeviceView, type Digits, type Language, type MissedView, type Page, type Peer, type Registration, type Setup,
  type SignInProblem, type State, type WakeView,
} from './state.ts';

export type Action =
  | { type: 'signed-in'; account: Account }
  | { type: 'signed-out'; because: State['signedOut'] }
  | { type: 'unreachable' }
  | { type: 'signing-in' }
  | { type: 'sign-in-failed'; problem: SignInProblem }
  | { type: 'role'; role: State['role'] }
  | { type: 'registration'; registration: Registration }
  | { type: 'calls'; calls: CallView[]; now: number }
  | { type: 'dismiss' }
  | { type: 'beside-read' }
  | { type: 'wake'; wake: Partial<WakeView> & { id: string } }
  | { type: 'missed'; missed: MissedView[] }
  | { type: 'missed-seen' }
  | { type: 'missed-busy' }
  | { type: 'missed-failed' }
  | { type: 'missed-list'; missed: MissedView[] }
  | { type: 'clock'; ahead: number }
  | { type: 'devices'; list: DeviceView[] }
  | { type: 'devices-busy' }
  | { type: 'devices-failed'; what: 'list' | 'change' }
  | { type: 'reach'; reach: Partial<State['reach']> }
  | { type: 'setup'; setup: Partial<Setup> }
  | { type: 'page'; page: Page }
  | { type: 'dial'; number: string }
  | { type: 'peer'; peer: Omit<Peer, 'old'> }
  | { type: 'visible'; visible: boolean }
  | { type: 'dial-failed' }
  | { type: 'dialling'; dialling: State['dialling'] }
  | { type: 'transfer'; state: State['transfer'] }
  | { type: 'refused'; refused: State['refused'] }
  | { type: 'digit'; call: string; digit: string }
  | { type: 'digits-refused'; call: string }
  | { type: 'sound'; sound: Partial<State['sound']> }
  | { type: 'media'; media: MediaState }
  | { type: 'video'; video: VideoState | null }
  | { type: 'language'; language: Language };

/** A clock that is off by less is not wrong: the answer itself takes some time. */
const CLOCK_FINE = 30_000;

export function reduce(state: State, action: Action): State {
  switch (action.type) {
    case 'signed-in':
      return { ...state, session: 'signed-in', account: action.account, signIn: { busy: false, problem: null } };
    case 'signed-out':
      return {
        ...state, session: 'signed-out', signedOut: action.because, account: null, calls: [], endedBeside: null, refused: null, digits: {}, dismissed: [], missed: [], missedList: unlisted,
        devices: { list: [], busy: false, failed: null }, reach: { blocked: [], quietSince: null, failed: false }, page: 'keypad', dial: '', peer: null, visible: null, signIn: { busy: false, problem: null },
        registration: { state: 'closed', reason: '', retryAt: null }, role: 'leading',
        // Whoever has tapped and is not signed in here is asked to, because somebody calls.
        wake: action.because === 'never' ? state.wake : null,
      };
    case 'unreachable':
      return { ...state, session: 'unreachable' };
    case 'signing-in':
      return { ...state, signIn: { busy: true, problem: null } };
    case 'sign-in-failed':
      return { ...state, signIn: { busy: false, problem: action.problem } };
    case 'role':
      return { ...state, role: action.role };
    case 'registration':
      return { ...state, registration: action.registration };
    case 'calls':
      return withCalls(state, action.calls, action.now);
    case 'dismiss':
      return {
        ...state, calls: state.calls.filter((call) => call.phase !== 'ended'),
        dismissed: [...state.dismissed, ...state.calls.filter((call) => call.phase === 'ended').map((call) => call.id), ...(state.wake ? [state.wake.id] : [])].slice(-50),
        wake: null,
      };
    case 'beside-read':
      return withoutEndedBeside(state);
    case 'wake':
      return withWake(state, action.wake);
    case 'missed':
      return { ...state, missed: remembered(state, action.missed), wake: enrich(state.wake, action.missed) };
    case 'clock':
      return { ...state, clock: Math.abs(action.ahead) < CLOCK_FINE ? 0 : action.ahead };
    case 'missed-seen':
      return { ...state, missed: allSeen(state.missed) };
    case 'missed-busy':
      // A sentence that it failed stays until there is an answer: it would only flicker.
      return { ...state, missedList: { ...state.missedList, busy: true } };
    case 'missed-failed':
      return { ...state, missedList: { ...state.missedList, busy: false, failed: true } };
    case 'missed-list':
      return { ...state, missed: listed(state, action.missed), missedList: { busy: false, failed: false, known: true }, wake: enrich(state.wake, action.missed) };
    case 'devices':
      return { ...state, devices: { list: action.list, busy: false, failed: null } };
    case 'devices-busy':
      return { ...state, devices: { ...state.devices, busy: true, failed: null } };
    case 'devices-failed':
      return { ...state, devices: { ...state.devices, busy: false, failed: action.what } };
    case 'reach':
      return { ...state, reach: { ...state.reach, failed: false, ...action.reach } };
    case 'setup':
      return { ...state, setup: { ...state.setup, ...action.setup } };
    case 'page':
      // The list that is left has been looked at.
      return { ...state, page: action.page, dialFailed: false, missed: state.page === 'missed' && action.page !== 'missed' ? allSeen(state.missed) : state.missed };
    case 'dial':
      return { ...state, dial: action.number, dialFailed: false, peer: state.peer?.number === action.number ? state.peer : null };
    case 'peer':
      return { ...state, peer: withPeer(state.peer, action.peer) };
    case 'visible':
      return { ...state, visible: action.visible };
    case 'dial-failed':
      return { ...state, dialFailed: true };
    case 'dialling':
      return { ...state, dialling: action.dialling };
    case 'transfer':
      return { ...state, transfer: action.state };
    case 'refused':
      return { ...state, refused: action.refused };
    case 'digit':
      return withDigits(state, action.call, { sent: ((state.digits[action.call]?.sent ?? '') + action.digit).slice(-MOST_DIGITS), refused: false });
    case 'digits-refused':
      return withDigits(state, action.call, { sent: '', refused: true });
    case 'sound':
      return { ...state, sound: { ...state.sound, ...action.sound } };
    case 'media':
      return { ...state, media: action.media };
    case 'video':
      return { ...state, video: action.video };
    case 'language':
      return { ...state, language: action.language };
  }
}

/**
 * The phone's calls as they stand. A call that has ended stays on the screen until it is dismissed or another call
 * takes its place; the wake that brought a call has done its work once the call is there.
 */
function withCalls(state: State, calls: CallView[], now: number): State {
  const known = new Map(state.calls.map((call) => [call.id, call]));
  const present = new Set(calls.map((call) => call.id));
  const next = calls
    .filter((call) => !state.dismissed.includes(call.id))
    .map((call) => ({ ...call, endedAt: call.phase === 'ended' ? (known.get(call.id)?.endedAt ?? now) : null }));
  for (const call of state.calls) {
    if (!present.has(call.id) && call.phase === 'ended') next.push(call);
  }
  const living = next.some((call) => call.phase !== 'ended');
  const ended = next.filter((call) => call.phase === 'ended').sort((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0));
  const before = followed(state, next) ? withoutEndedBeside(state) : state;
  const endedBeside = living ? (ended.find((call) => tells(before, call)) ?? before.endedBeside) : null;
  const kept = living ? next.filter((call) => call.phase !== 'ended') : ended.slice(0, 1);
  const digits = Object.fromEntries(Object.entries(state.digits).filter(([id]) => kept.some((call) => call.id === id && call.phase !== 'ended')));
  const refused = state.refused && kept.some(({ id, phase, held }) => id === state.refused?.call && phase === 'active' && held === (state.refused.what === 'resume')) ? state.refused : null;
  const wake = state.wake && calls.some((call) => call.wake === state.wake?.id) ? null : state.wake;
  return {
    ...before, calls: kept, endedBeside, refused, digits, wake, transfer: living ? state.transfer : null, dialFailed: living ? false : state.dialFailed,
    sound: living ? state.sound : { ring: 'silent', remote: 'silent' },
  };
}

/** Another call has come than those that were there. */
const followed = (state: State, next: CallView[]): boolean => next.some((call) => call.phase !== 'ended' && !state.calls.some(({ id }) => id === call.id));

/** Its end is news: it was not told before, and is not what the user has just done here. */
function tells({ calls, endedBeside, dismissed }: State, { id, end }: CallView): boolean {
  if (endedBeside?.id === id || dismissed.includes(id) || calls.some((call) => call.id === id && call.phase === 'ended')) return false;
  return end !== null && !(end.by === 'local' && ['hungup', 'declined', 'cancelled'].includes(end.outcome));
}

/** It was read, or there is newer news; the phone may remember it longer. */
function withoutEndedBeside(state: State): State {
  const { endedBeside } = state;
  return endedBeside ? { ...state, endedBeside: null, dismissed: [...state.dismissed, endedBeside.id].slice(-50) } : state;
}

/** So many digits are shown. */
const MOST_DIGITS = 32;

function withDigits(state: State, call: string, digits: Digits): State {
  return { ...state, digits: { ...state.digits, [call]: digits } };
}

/** A state that could not be renewed stays, as an old one. */
function withPeer(before: Peer | null, next: Omit<Peer, 'old'>): Peer {
  const known = before?.number === next.number && before.state !== 'failed' && before.state !== 'unknown';
  return known && next.state === 'failed' ? { ...before, old: true } : { ...next, old: false };
}

const fresh = (id: string): WakeView => ({
  id, answer: false, progress: 'opening', outcome: null, why: null, hindered: null, caller: null, callerOnline: null, at: null,
});

/** A person's tap (it says whether to answer) brings back what was dismissed; a report about it does not. Its call rings all the same. */
function withWake(before: State, change: Partial<WakeView> & { id: string }): State {
  const tapped = change.answer !== undefined;
  if (!tapped && before.dismissed.includes(change.id)) return before;
  const state = tapped ? { ...before, dismissed: before.dismissed.filter((id) => id !== change.id) } : before;
  return { ...state, wake: mergeWake(state, change), answerAsked: change.answer ? change.id : state.answerAsked };
}

function mergeWake(state: State, change: Partial<WakeView> & { id: string }): WakeView | null {
  // Its call is on the screen already: a late report about how it came here says nothing new.
  if (change.progress !== 'over' && state.calls.some((call) => call.wake === change.id)) return state.wake;
  const before = state.wake?.id === change.id ? state.wake : fresh(change.id);
  return enrich({ ...before, ...change }, state.missed);
}

const allSeen = (missed: MissedView[]): MissedView[] => missed.map((one) => ({ ...one, seen: true }));

/** So many missed calls are shown. */
const MOST_MISSED = 100;

/**
 * The missed calls that nobody has seen, as the edge tells them, and those that were seen since: whoever looks at the list must not
 * lose it because it is asked for once more.
 */
function remembered({ missed, page }: State, unseen: MissedView[]): MissedView[] {
  const known = new Map(missed.map(({ id, seen }) => [id, seen]));
  const rest = missed.filter(({ id }) => !unseen.some((one) => one.id === id));
  // What is new stays so for as long as the list is looked at; what was seen here is seen, also if the edge does not know it yet.
  const kept = page === 'missed' ? rest : rest.map((one) => ({ ...one, seen: true }));
  return [...unseen.map((one) => ({ ...one, seen: known.get(one.id) ?? one.seen })), ...kept].sort((a, b) => b.at - a.at).slice(0, MOST_MISSED);
}

/** All that the edge keeps, seen or new by the same rule. */
function listed({ missed, page }: State, kept: MissedView[]): MissedView[] {
  const known = new Map(missed.map(({ id, seen }) => [id, seen]));
  const seen = (one: MissedView): boolean => (page === 'missed' ? (known.get(one.id) ?? one.seen) : one.seen || known.get(one.id) === true);
  return kept.map((one) => ({ ...one, seen: seen(one) })).sort((a, b) => b.at - a.at);
}

/** The list of missed calls knows who called and whether they are online now. */
function enrich(wake: WakeView | null, missed: MissedView[]): WakeView | null {
  const entry = wake && missed.find((one) => one.id === wake.id);
  if (!wake || !entry) return wake;
  return { ...wake, caller: wake.caller ?? entry.caller, at: wake.at ?? entry.at, callerOnline: entry.callerOnline };
}
