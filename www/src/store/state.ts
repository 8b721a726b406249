/**
 * What the page knows, as plain data: no DOM, no promises, no SIP. Ports report what has happened as actions
 * (`reduce.ts`), screens read it as properties. Only confirmed state is in here: asking for something changes nothing.
 */

import type { MediaState } from './media.ts';
import type { VideoState } from './video.ts';

/** The other side of a call. Both are data, never markup. */
export interface Person {
  number: string;
  displayName: string;
}

export interface Account extends Person {
  addressOfRecord: string;
}

export type CallPhase = 'new' | 'calling' | 'waking' | 'ringing' | 'incoming' | 'connecting' | 'active' | 'ended';
export type Stage = 'pushed' | 'shown' | 'opened';
export type Outcome =
  | 'hungup' | 'declined' | 'busy' | 'unanswered' | 'expired' | 'cancelled' | 'elsewhere'
  | 'unbound' | 'unknown' | 'unreachable' | 'quiet' | 'limited' | 'lost' | 'failed' | 'refused' | 'unregistered' | 'unready' | 'unrung';

export interface CallEnd {
  outcome: Outcome;
  status: number;
  /** The edge's own words; shown only beside ours. */
  reason: string;
  by: 'local' | 'remote';
  /** When limited: seconds until another try may succeed. */
  retryAfter: number | null;
}

export interface CallView {
  id: string;
  wake: string | null;
  direction: 'in' | 'out';
  remote: Person;
  phase: CallPhase;
  stage: Stage | null;
  muted: boolean;
  /** This side holds it. */
  held: boolean;
  remoteHeld: boolean;
  /** The other side shows video, or will if this call is taken with it. */
  video: boolean;
  /** The other side records it. */
  recorded: boolean;
  /** The other side shows that this side records it. */
  recordingTold: boolean;
  /** There is no microphone: the other side hears nothing. */
  silent: boolean;
  /** The edge has lost the other side; it may come back. */
  lost: boolean;
  /** Its sound has lost its path; another one is looked for. */
  broken: boolean;
  answeredAt: number | null;
  end: CallEnd | null;
  /** When it ended, by this device's clock. */
  endedAt: number | null;
}

export type Hindrance = 'refused' | 'unregistered' | 'unready' | 'unreachable';

/** A wake that this page was opened for, until its INVITE comes. */
export interface WakeView {
  id: string;
  /** The notification's own "Answer" was used. */
  answer: boolean;
  progress: 'opening' | 'registering' | 'ready' | 'over';
  /** The wake's final state. */
  outcome: string | null;
  /** Why it expired. */
  why: string | null;
  /** What keeps this page from going on. It keeps trying. */
  hindered: Hindrance | null;
  caller: Person | null;
  callerOnline: boolean | null;
  at: number | null;
}

export interface MissedView {
  id: string;
  caller: Person;
  at: number;
  outcome: string;
  /** null: not known, or not for this line to know. */
  callerOnline: boolean | null;
  seen: boolean;
}

export interface BlockedView {
  caller: Person;
  at: number;
}

export interface DeviceView {
  id: string;
  label: string;
  here: boolean;
  wakes: boolean;
  online: boolean;
  seenAt: number | null;
}

export interface Registration {
  state: 'connecting' | 'registered' | 'reconnecting' | 'refused' | 'offline' | 'closed';
  reason: string;
  retryAt: number | null;
}

/** `blocked`: the user refused it. `missing`: no such device. `install`: only in an installed app (iOS). */
export type Permission = 'unknown' | 'prompt' | 'granted' | 'blocked' | 'missing' | 'unsupported' | 'install';

export interface Setup {
  microphone: Permission;
  notifications: Permission;
  /** The prompts are open now. */
  asking: boolean;
  /** The browser has handed out a push subscription. */
  subscribed: boolean | null;
  /** The user chose to go on without. */
  later: boolean;
}

/**
 * What is known of the number on the keypad. `unknown`: the edge says nothing about it to this line. `failed`: it could
 * not be asked.
 */
export type PeerState = 'online' | 'asleep' | 'offline' | 'unknown' | 'failed';
export interface Peer {
  number: string;
  state: PeerState;
  /** When that was so, by this device's clock. */
  at: number;
  /** It could not be renewed since. */
  old: boolean;
}

/** `refused`: not all that were typed before these were sent. */
export interface Digits {
  sent: string;
  refused: boolean;
}

export type SignInProblem = 'credentials' | 'too-many' | 'network' | 'edge';
export type Page = 'keypad' | 'missed' | 'devices' | 'set-up' | 'sound';
export type Language = 'en' | 'zh';

export interface State {
  session: 'starting' | 'unreachable' | 'signed-out' | 'signed-in';
  /** Why nobody is signed in: `asked` by the user here, `revoked` from elsewhere, `never` before. */
  signedOut: 'never' | 'asked' | 'revoked';
  signIn: { busy: boolean; problem: SignInProblem | null };
  account: Account | null;
  role: 'leading' | 'following';
  registration: Registration;
  calls: CallView[];
  /** The call that has ended last beside one that goes on, until it is read or the next one comes. */
  endedBeside: CallView | null;
  /** Ended calls, and wakes, whose screen was closed; the phone may remember them longer. */
  dismissed: string[];
  wake: WakeView | null;
  /** The wake whose notification said "Answer", kept when its call has come. */
  answerAsked: string | null;
  missed: MissedView[];
  /** How the edge's list of them stands: asked for now, in vain the last time, told once. Before that only those are known that nobody has seen. */
  missedList: { busy: boolean; failed: boolean; known: boolean };
  /** The edge's clock minus this device's, in ms: times that the edge tells are shown by it. */
  clock: number;
  /** `failed`: the list could not be had, or what was changed could not be saved. */
  devices: { list: DeviceView[]; busy: boolean; failed: 'list' | 'change' | null };
  /** Who reaches the user: the callers that do not, and since when nobody does (do-not-disturb). */
  reach: { blocked: BlockedView[]; quietSince: number | null; failed: boolean };
  setup: Setup;
  page: Page;
  /** A number that is waiting on the keypad. */
  dial: string;
  /** The state of that number. */
  peer: Peer | null;
  /** Other lines may look up this one's state; null: not known yet. */
  visible: boolean | null;
  /** How the transfer goes that was asked for last. */
  transfer: 'trying' | 'ringing' | 'refused' | null;
  /** A call that could not be put on hold, or talked in again; until it is asked for once more, or has come about. */
  refused: { call: string; what: 'hold' | 'resume' } | null;
  /** What was typed in each call, since some of it was refused. */
  digits: Record<string, Digits>;
  /** A call that could not even be asked for. */
  dialFailed: boolean;
  /** One is being asked for: until the camera has started there is no call that could be shown. */
  dialling: 'sound' | 'video' | null;
  /** `blocked`: the browser wants a tap before it plays. */
  sound: { ring: 'silent' | 'playing' | 'blocked'; remote: 'silent' | 'playing' | 'blocked' };
  /** The sound of calls; null until its module is loaded. */
  media: MediaState | null;
  /** The video of the call in front; null until its module is loaded. */
  video: VideoState | null;
  language: Language;
}

/** The list of missed calls before anyone has asked for it. */
export const unlisted: State['missedList'] = { busy: false, failed: false, known: false };

/** In localStorage: what the user has set for the sound. */
export const SOUND = 'wakeline:sound';

export const initialState = (language: Language): State => ({
  session: 'starting',
  signedOut: 'never',
  signIn: { busy: false, problem: null },
  account: null,
  role: 'leading',
  registration: { state: 'connecting', reason: '', retryAt: null },
  calls: [],
  endedBeside: null,
  dismissed: [],
  wake: null,
  answerAsked: null,
  missed: [],
  missedList: unlisted,
  clock: 0,
  devices: { list: [], busy: false, failed: null },
  reach: { blocked: [], quietSince: null, failed: false },
  setup: { microphone: 'unknown', notifications: 'unknown', asking: false, subscribed: null, later: false },
  page: 'keypad',
  dial: '',
  peer: null,
  visible: null,
  transfer: null,
  refused: null,
  digits: {},
  dialFailed: false,
  dialling: null,
  sound: { ring: 'silent', remote: 'silent' },
  media: null,
  video: null,
  language,
});

/** A person's name for a sentence: the display name, or the number where none is known. */
export const nameOf = (person: Person): string => person.displayName.trim() || person.number;
