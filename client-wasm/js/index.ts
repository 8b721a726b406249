/**
 * Wakeline for a page: `Session` (who am I on this edge), `Phone` (one per tab; leads or follows) and `Call`.
 *
 * This entry gives the wasm core its `EventTarget` conventions and nothing else: every decision is made in Rust.
 */

/** Where the device stands with its edge. */
export type RegistrationState = 'connecting' | 'registered' | 'reconnecting' | 'refused' | 'offline' | 'closed';

/** The true registration, with the reason of a refusal and the time of the next try (ms since the epoch). */
export interface Registration {
  state: RegistrationState;
  reason?: string;
  retryAt?: number;
}

/** How far a call has come. */
export type CallState = 'new' | 'calling' | 'waking' | 'ringing' | 'incoming' | 'connecting' | 'active' | 'ended';

/** How far the other side's furthest device has come while it is woken. */
export type WakeStage = 'pushed' | 'shown' | 'opened';

/** Why a call ended. */
export type Outcome =
  | 'hungup' | 'declined' | 'busy' | 'unanswered' | 'expired' | 'cancelled' | 'elsewhere'
  | 'unbound' | 'unknown' | 'unreachable' | 'failed';

/** The end of a call in one place. */
export interface CallEnd {
  outcome: Outcome;
  status: number;
  reason: string;
  by: 'local' | 'remote';
}

/** The other side of a call. Display names are data, never markup. */
export interface Party {
  number: string;
  displayName: string;
}

/** The account behind a session. */
export interface Account {
  uid: string;
  number: string;
  displayName: string;
  addressOfRecord: string;
}

/** A caller as the REST interface names it. */
export interface Caller {
  number: string;
  display_name: string;
}

/** One attempt to bring a line online for one call. */
export interface Wake {
  id: string;
  state: string;
  caller: Caller;
  created_at: number;
  expires_at: number;
  devices: { device: string; state: string }[];
}

/** A call that was missed. */
export interface Missed {
  id: string;
  caller: Caller;
  at: number;
  outcome: string;
  caller_online: boolean;
  seen: boolean;
}

/** A place where the user can be woken. */
export interface Device {
  device: string;
  label?: string;
  lang?: string;
  push?: boolean;
  created_at?: number;
  seen_at?: number;
}

/** What waits for this line. */
export interface Waiting {
  wakes: Wake[];
  missed: Missed[];
}

/** What became of a wake that this page was opened for. */
export interface WakeProgress {
  wake: string;
  state: 'registering' | 'ready' | 'over';
  /** The wake's final state when it is over. */
  outcome?: string;
}

/** An RFC 9457 problem as an exception; `status` 0 means that the edge could not be reached. */
export class Problem extends Error {
  readonly status: number;
  readonly type: string;
  readonly title: string;
  readonly detail: string;
  /** Seconds to wait before the next try, in 429 and 503. */
  readonly retryAfter?: number;
  /** The wake as it ended, when it was too late for it (410). */
  readonly wake?: Wake;
  constructor(o: { status: number; type?: string; title: string; detail?: string; retryAfter?: number; wake?: Wake }) {
    super(o.detail || o.title);
    this.name = 'Problem';
    this.status = o.status;
    this.type = o.type ?? 'about:blank';
    this.title = o.title;
    this.detail = o.detail ?? '';
    if (o.retryAfter !== undefined) this.retryAfter = o.retryAfter;
    if (o.wake) this.wake = o.wake;
  }
}

const later = (): never => {
  throw new Problem({ status: 501, title: 'not built yet' });
};

/** Who am I on this edge. Lives in IndexedDB `wakeline`, with the device's non-extractable key. */
export class Session {
  /** Signs in by password. Throws a `Problem`. */
  static async signIn(_o: { edge: string; number: string; password: string }): Promise<Session> { return later(); }
  /** The stored session, renewed by the device credential when its token has expired; null when signed out. */
  static async restore(_o: { edge: string }): Promise<Session | null> { return null; }
  /** A session from a token that the site's own backend signed. */
  static async withToken(_o: { edge: string; token: string }): Promise<Session> { return later(); }

  get account(): Account { return later(); }
  get edge(): string { return later(); }
  get deviceId(): string { return later(); }
  /** The line's token, renewed when near expiry. */
  async token(): Promise<string> { return later(); }
  /** Binds this device; called on each load, idempotent. `subscription: null` unbinds its push target. */
  async bindDevice(_o: { subscription?: PushSubscription | null; label?: string; lang?: string } = {}): Promise<void> { later(); }
  async devices(): Promise<Device[]> { return later(); }
  async revoke(_device: string): Promise<void> { later(); }
  async vapidKey(): Promise<string> { return later(); }
  async waiting(): Promise<Waiting> { return later(); }
  async wake(_id: string): Promise<Wake> { return later(); }
  async reportOpened(_id: string): Promise<void> { later(); }
  async decline(_id: string): Promise<Wake> { return later(); }
  async missed(): Promise<Missed[]> { return later(); }
  async missedSeen(_ids: string[]): Promise<void> { later(); }
  /** Unbinds the device at the edge and forgets everything here. */
  async signOut(): Promise<void> { later(); }
}

/** What `Phone.open` wants. */
export type PhoneOptions = ({ edge: string; token: string } | { session: Session }) & {
  /** Asked of the edge when left out. */
  iceServers?: RTCIceServer[];
  /** The wake this page was opened for. */
  wake?: string;
  /** What to ask of the microphone. */
  audio?: MediaTrackConstraints;
};

/** Carries the call of an `incoming` event. */
export class CallEvent extends Event {
  readonly call: Call;
  constructor(type: string, call: Call) { super(type); this.call = call; }
}

/** Carries the progress of a `waking` event. */
export class WakingEvent extends Event {
  readonly wake: WakeProgress;
  constructor(wake: WakeProgress) { super('waking'); this.wake = wake; }
}

/** The events of a phone. */
export interface PhoneEventMap {
  registration: Event;
  role: Event;
  incoming: CallEvent;
  waking: WakingEvent;
  calls: Event;
}

/** The events of a call. */
export interface CallEventMap {
  state: Event;
  media: Event;
  ended: Event;
}

type Listener<E extends Event> = ((event: E) => void) | { handleEvent(event: E): void } | null;

/** One call, in or out. */
export class Call extends EventTarget {
  get id(): string { return later(); }
  /** The wake this call belongs to, as the edge named it. */
  get wake(): string | null { return later(); }
  get direction(): 'in' | 'out' { return later(); }
  get remote(): Party { return later(); }
  get state(): CallState { return later(); }
  /** While `waking`: how far the other side has come. */
  get stage(): WakeStage | null { return later(); }
  get end(): CallEnd | null { return later(); }
  get muted(): boolean { return later(); }
  /** When it was answered, ms since the epoch. */
  get answeredAt(): number | null { return later(); }
  get remoteStream(): MediaStream | null { return later(); }
  async answer(): Promise<void> { later(); }
  reject(): void { later(); }
  hangUp(): void { later(); }
  mute(_on: boolean): void { later(); }
  async stats(): Promise<RTCStatsReport> { return later(); }

  override addEventListener<K extends keyof CallEventMap>(type: K, listener: Listener<CallEventMap[K]>, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
  override removeEventListener<K extends keyof CallEventMap>(type: K, listener: Listener<CallEventMap[K]>, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
}

/** The phone of a tab. One tab per browser profile leads; the others follow and can take over. */
export class Phone extends EventTarget {
  /** Opens the phone: the socket is under way before this resolves. */
  static async open(_o: PhoneOptions): Promise<Phone> { return later(); }
  get session(): Session { return later(); }
  get role(): 'leading' | 'following' { return later(); }
  /** Makes this tab lead. A call in progress in the tab that led until now is ended there. */
  async takeOver(): Promise<void> { later(); }
  get registration(): Registration { return later(); }
  get calls(): Call[] { return later(); }
  async call(_number: string): Promise<Call> { return later(); }
  /** Registers anew once, then says ready for this wake. */
  async ready(_wake: string): Promise<Wake> { return later(); }
  async close(): Promise<void> { later(); }

  override addEventListener<K extends keyof PhoneEventMap>(type: K, listener: Listener<PhoneEventMap[K]>, options?: boolean | AddEventListenerOptions): void {
    super.addEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
  override removeEventListener<K extends keyof PhoneEventMap>(type: K, listener: Listener<PhoneEventMap[K]>, options?: boolean | EventListenerOptions): void {
    super.removeEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
}
