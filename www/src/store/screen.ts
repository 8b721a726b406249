/** Which screen a state is: the one place that decides what is in front. Also the `data-state` that tests wait for. */
import type { CallView, State } from './state.ts';

export type Screen =
  | 'starting' | 'sign-in' | 'signed-out' | 'set-up' | 'keypad' | 'reconnecting' | 'calling' | 'connecting' | 'ringing'
  | 'answering' | 'active' | 'ended' | 'too-late' | 'missed' | 'devices' | 'sound' | 'following';

export function screenOf(state: State): Screen {
  if (state.session === 'signed-out') return state.signedOut === 'never' ? 'sign-in' : 'signed-out';
  const call = callInFront(state);
  if (call && call.phase !== 'ended') return screenOfCall(call);
  if (state.wake) return state.wake.progress === 'over' ? 'too-late' : 'connecting';
  if (call) return 'ended';
  if (state.session === 'starting') return 'starting';
  if (state.session === 'unreachable') return 'reconnecting';
  if (state.role === 'following') return 'following';
  if (state.page === 'keypad') {
    const lost = state.registration.state === 'reconnecting' || state.registration.state === 'offline' || state.registration.state === 'refused';
    return lost ? 'reconnecting' : 'keypad';
  }
  return state.page;
}

function screenOfCall(call: CallView): Screen {
  switch (call.phase) {
    case 'incoming': return 'ringing';
    case 'connecting': return call.direction === 'in' ? 'answering' : 'calling';
    case 'active': return 'active';
    case 'ended': return 'ended';
    default: return 'calling';
  }
}

const rank = { active: 0, connecting: 1, ringing: 2, waking: 3, calling: 4, new: 5, incoming: 6, ended: 7 };

/** One that is held waits behind those that are on their way. */
const place = (call: CallView): number => (call.phase === 'active' && call.held ? 6.5 : rank[call.phase]);

/** The call that has the screen: the user's own before one that rings, a living one before one that ended. */
export function callInFront(state: State): CallView | null {
  return [...state.calls].sort((a, b) => place(a) - place(b))[0] ?? null;
}

/** The call that is held, or about to be spoken in, beside the one that has the screen. */
export function callBeside(state: State): CallView | null {
  const front = callInFront(state);
  return state.calls.find((call) => call !== front && call.phase === 'active') ?? null;
}

/** A second caller while another call has the screen. */
export function callBehind(state: State): CallView | null {
  const front = callInFront(state);
  return state.calls.find((call) => call !== front && call.phase === 'incoming') ?? null;
}

/** How far an outgoing call is, for the caller. */
export function stageOf(call: CallView): 'calling' | 'pushed' | 'shown' | 'opened' | 'ringing' | 'answered' {
  if (call.phase === 'ringing') return 'ringing';
  if (call.phase === 'connecting' || call.phase === 'active') return 'answered';
  return call.stage ?? (call.phase === 'waking' ? 'pushed' : 'calling');
}

/** Something is not granted that could be: the keypad keeps a way back to set-up. */
export const setupIncomplete = ({ setup }: State): boolean =>
  [setup.microphone, setup.notifications].some((permission) => !['granted', 'unknown', 'unsupported'].includes(permission));

export const unseen = (state: State): number => state.missed.filter((missed) => !missed.seen).length;

/** Whether set-up has something to ask or to explain, and the user has not put it off. */
export const setupWanted = ({ setup }: State): boolean =>
  !setup.later && [setup.microphone, setup.notifications].some((permission) => permission !== 'granted' && permission !== 'unknown');
