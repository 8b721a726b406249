/**
 * Wakeline for a page: `Session` (who am I on this edge), `Phone` (one per tab; leads or follows) and `Call`.
 *
 * This entry gives the wasm core its `EventTarget` conventions and nothing else: every decision is made in Rust, and the
 * types are generated from there.
 */

import load, { PhoneCore, SessionCore } from '../../build/client/wakeline_client.js';
import type {
  BlockCaller, Blocked, BlockedList, CallChange, CallEnd, CallState, CallView, Device, DeviceList, Direction, DoNotDisturb, InitInput, Missed, MissedList, MissedSeen,
  OwnPresence, PhonePort, Presence, Registration, Remote, Role, SetDoNotDisturb, SetPresence, VapidKey, Waiting, Wake, WakeProgress, WakeReport, WakeStage,
} from '../../build/client/wakeline_client.js';

import { ahead, type ServerLine } from './ahead.ts';
import { dial, direct, gathered, granted, microphone, tended, voice, type Describe } from './describe.ts';
import type { Early } from './early.ts';
import type { CallVideo } from './media/video.ts';
import { lineAt } from './line.ts';
import { offerEarly, takingOver } from './offered.ts';
import { Problem, asked, done } from './problem.ts';
import { rehearsed } from './rehearsed.ts';
import { Spare } from './spare.ts';

export type {
  Blocked, CallEnd, CallState, Device, Direction, Missed, Outcome, OwnPresence, Presence, PresenceState, Registration, RegistrationState, Remote, Role, Visibility, Waiting,
  Wake, WakeProgress, WakeStage, WakeState,
} from '../../build/client/wakeline_client.js';

export type { ServerLine } from './ahead.ts';
export { Problem } from './problem.ts';

/** The account behind a session. */
export interface Account {
  uid: string;
  number: string;
  displayName: string;
  addressOfRecord: string;
}

let loading: Promise<unknown> | undefined;

/**
 * Loads the core ahead of its first use. `from` is where its wasm is, if not beside its script; `early` is what `early.ts`
 * has begun, for the first phone that leads.
 */
export async function preload(from?: InitInput | Promise<InitInput | null>, early?: Early | null): Promise<void> {
  loading ??= (async () => {
    // With nothing to wait for, its request goes out in this very turn.
    const found = from && await from;
    await load(found ? { module_or_path: found } : undefined);
    if (early) offerEarly(early);
  })();
  await loading;
}

/** One segment of a path, whatever it holds. */
const segment = encodeURIComponent;

const core = Symbol('core');
const change = Symbol('change');
/** @internal */
export const beside = Symbol('beside');
/** @internal */
export const told = Symbol('told');
/** @internal */
export const connect = Symbol('connect');
/** @internal */
export const maker = Symbol('maker');
/** @internal */
export const describe = Symbol('describe');
/** @internal */
export const offer = Symbol('offer');
/** @internal */
export const record = Symbol('record');
/** @internal */
export const servers = Symbol('servers');

/** Who am I on this edge. Lives in IndexedDB `wakeline`, with the device's non-extractable key. */
export class Session {
  readonly [core]: SessionCore;
  #phones = new Set<PhoneCore>();

  private constructor(session: SessionCore) {
    this[core] = session;
  }

  /** Signs in by password. Throws a `Problem`. */
  static async signIn(o: { edge: string; number: string; password: string }): Promise<Session> {
    await preload();
    return new Session(await asked(SessionCore.signIn(o.edge, o.number, o.password)));
  }

  /**
   * The stored session, renewed by the device credential when its token has expired; null when signed out. Throws a
   * `Problem`: 401 when the device was revoked, 0 when the edge cannot be reached. `record` is what `early.ts` has read.
   */
  static async restore(o: { edge: string; record?: Promise<unknown> }): Promise<Session | null> {
    await preload();
    const session = await asked(SessionCore.restore(o.edge, o.record));
    return session ? new Session(session) : null;
  }

  /** A session from a token that the site's own backend signed. */
  static async withToken(o: { edge: string; token: string }): Promise<Session> {
    await preload();
    return new Session(await asked(SessionCore.withToken(o.edge, o.token)));
  }

  /**
   * A line at a SIP server that is not a Wakeline edge (Kamailio, Asterisk, FreeSWITCH, …): registration and calls over its
   * WebSocket, by digest (password or H(A1)) or Bearer token. Nothing is stored but the device's
   * id and how the server asks for proof of calls; nobody is woken. Throws a `Problem`.
   */
  static async atServer(o: ServerLine): Promise<Session> {
    const line = lineAt(o);
    await preload();
    return new Session(done(() => SessionCore.atServer(line)));
  }

  get account(): Account {
    const account = done(() => this[core].account());
    return {
      uid: account.uid,
      number: account.number,
      displayName: account.display_name,
      addressOfRecord: account.address_of_record,
    };
  }

  get edge(): string { return this[core].edge(); }

  get deviceId(): string { return done(() => this[core].device()); }

  /** The line's token, renewed when near its end. */
  token(): Promise<string> { return asked(this[core].token()); }

  /**
   * Binds this device: its credential, and its push target if one is given. Called on each load, idempotent. Answers the
   * device as the edge has it: without `push` although a subscription was given, that subscription is dead at its push
   * service and a new one is wanted.
   */
  bindDevice(o: { subscription?: PushSubscription | null; label?: string; lang?: string } = {}): Promise<Device> {
    return asked(this[core].bind(o.subscription ?? undefined, o.label, o.lang));
  }

  async #ask<T>(method: string, path: string, body?: object): Promise<T> { return asked<T>(this[core].ask(method, `/v1/${path}`, body)); }

  async devices(): Promise<Device[]> { return (await this.#ask<DeviceList>('GET', 'devices')).devices; }

  async revoke(device: string): Promise<void> { return this.#ask('DELETE', `devices/${segment(device)}`); }

  async vapidKey(): Promise<string> { return (await this.#ask<VapidKey>('GET', 'vapid')).public_key; }

  waiting(): Promise<Waiting> { return this.#ask('GET', 'waiting'); }

  async wake(id: string): Promise<Wake> { return this.#ask('GET', `wakes/${segment(id)}`); }

  async reportOpened(id: string): Promise<void> { await this.#report(id, 'opened'); }

  decline(id: string): Promise<Wake> { return this.#report(id, 'decline'); }

  async #report(wake: string, what: string): Promise<Wake> {
    const body: WakeReport = { device: this.deviceId };
    return this.#ask('POST', `wakes/${segment(wake)}/${what}`, body);
  }

  async missed(): Promise<Missed[]> { return (await this.#ask<MissedList>('GET', 'missed')).missed; }

  missedSeen(ids: string[]): Promise<void> {
    const body: MissedSeen = { ids };
    return this.#ask('POST', 'missed/seen', body);
  }

  /** Whether somebody is there, before calling them; a `Problem` with status 404 where this line may not know. */
  async presence(number: string): Promise<Presence> { return this.#ask('GET', `presence/${segment(number)}`); }

  /** This line's own state, and who may look it up. */
  ownPresence(): Promise<OwnPresence> { return this.#ask('GET', 'presence'); }

  setVisibility(visibility: 'everyone' | 'nobody'): Promise<OwnPresence> {
    const body: SetPresence = { visibility };
    return this.#ask('PUT', 'presence', body);
  }

  /** The callers whom the user has blocked, newest first. What they hear tells them nothing of it. */
  async blocked(): Promise<Blocked[]> { return (await this.#ask<BlockedList>('GET', 'blocked')).blocked; }

  /** Blocks a caller; `displayName` is kept to recognise it. Answers the whole list, as `unblock` does. */
  async block(number: string, displayName = ''): Promise<Blocked[]> {
    const body: BlockCaller = { display_name: displayName };
    return (await this.#ask<BlockedList>('PUT', `blocked/${segment(number)}`, body)).blocked;
  }

  async unblock(number: string): Promise<Blocked[]> { return (await this.#ask<BlockedList>('DELETE', `blocked/${segment(number)}`)).blocked; }

  /** Since when the user wants no calls, ms since the epoch; null when they come through. Callers are told. */
  async doNotDisturb(): Promise<number | null> { return (await this.#ask<DoNotDisturb>('GET', 'do-not-disturb')).since ?? null; }

  async setDoNotDisturb(on: boolean): Promise<number | null> {
    const body: SetDoNotDisturb = { on };
    return (await this.#ask<DoNotDisturb>('PUT', 'do-not-disturb', body)).since ?? null;
  }

  /** Unbinds the device at the edge and forgets everything here; phones of this session are closed, in every tab. */
  async signOut(): Promise<void> {
    for (const phone of this.#phones) await phone.signedOut();
    await asked(this[core].signOut());
  }

  /** @internal */
  [change](phone: PhoneCore): void { this.#phones.add(phone); }
}

/** What `Phone.open` wants. */
export type PhoneOptions = ({ edge: string; token: string } | { session: Session } | ServerLine) & {
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
  constructor(type: string, call: Call) {
    super(type);
    this.call = call;
  }
}

/** Carries the progress of a `waking` event. */
export class WakingEvent extends Event {
  readonly wake: WakeProgress;
  constructor(wake: WakeProgress) {
    super('waking');
    this.wake = wake;
  }
}

/** A digit that the other side has dialled, by INFO. */
export class DigitEvent extends Event {
  readonly digit: string;

  constructor(digit: string) {
    super('digit');
    this.digit = digit;
  }
}

/** How a transfer goes. When it is `done` this call is over. */
export class TransferEvent extends Event {
  readonly progress: 'trying' | 'ringing' | 'done';

  constructor(progress: 'trying' | 'ringing' | 'done') {
    super('transfer');
    this.progress = progress;
  }
}

/** Something that was wanted of a call could not be had; the call goes on as it was. */
export class RefusedEvent extends Event {
  readonly what: 'hold' | 'resume' | 'dtmf' | 'transfer' | 'media';
  /** The SIP status behind it; 0 when there was none. */
  readonly status: number;

  constructor(what: RefusedEvent['what'], status: number) {
    super('refused');
    this.what = what;
    this.status = status;
  }
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
  digit: DigitEvent;
  transfer: TransferEvent;
  refused: RefusedEvent;
}

type Listener<E extends Event> = ((event: E) => void) | { handleEvent(event: E): void } | null;

/** One call, in or out. Its members are what has been confirmed. */
export class Call extends EventTarget {
  #view: CallView;
  readonly #phone: () => PhoneCore;

  /** @internal */
  constructor(view: CallView, phone: () => PhoneCore) {
    super();
    this.#view = view;
    this.#phone = phone;
  }

  get id(): string { return this.#view.id; }
  /** The wake this call belongs to, as the edge named it. */
  get wake(): string | null { return this.#view.wake ?? null; }
  get direction(): Direction { return this.#view.direction; }
  /** The other side. Its name is data, never markup. */
  get remote(): Remote { return this.#view.remote; }
  get state(): CallState { return this.#view.state; }
  /** While `waking`: how far the other side has come. */
  get stage(): WakeStage | null { return this.#view.stage ?? null; }
  get end(): CallEnd | null { return this.#view.end ?? null; }
  get muted(): boolean { return this.#view.muted; }
  /** This side holds it: neither hears the other. Told by `state` events. */
  get held(): boolean { return this.#view.held ?? false; }
  /** The other side holds it. */
  get remoteHeld(): boolean { return this.#view.remoteHeld ?? false; }
  /** The other side shows video, or will if this call is taken with it. */
  get remoteVideo(): boolean { return this.#view.video ?? false; }
  /** The other side records it. Told by `state` events. */
  get recorded(): boolean { return this.#view.recorded ?? false; }
  /** The other side shows to its user that this side records it (`Recording`). Told by `state` events. */
  get recordingTold(): boolean { return this.#view.recordingTold ?? false; }
  /** The id of the call whose place it takes, after a transfer. */
  get replaces(): string | null { return this.#view.replaces ?? null; }
  /** The other side hears nothing: the microphone was taken away, or the call was answered without one. */
  get silent(): boolean { return this.#view.silent; }
  /** The sound has lost its path, and another one is looked for; told by `media` events. */
  get broken(): boolean { return this.#view.broken ?? false; }
  /** The edge has lost the other side of a call in progress; it may come back. */
  get lost(): boolean { return this.#view.lost; }
  /** When it was answered, ms since the epoch. */
  get answeredAt(): number | null { return this.#view.answeredAt ?? null; }
  /** The other side's sound; null in a tab that follows. */
  get remoteStream(): MediaStream | null { return this.#phone().remoteStream(this.id) ?? null; }

  /**
   * Takes an incoming call; resolves when both sides have agreed. Throws when the microphone is refused: it rings on. With
   * `microphone: false` none is asked for: this side only listens, until `useMicrophone()`. With `video` the camera is shown, and what
   * the other side shows is taken, also where there is no camera; without, its video is refused.
   */
  async answer(o?: { microphone?: boolean; video?: boolean | MediaTrackConstraints }): Promise<void> {
    if (o?.video) await showing(await this.video(), o.video);
    await asked(this.#phone().answer(this.id, o?.microphone === false));
  }

  /** Its video, with a module that is loaded when this is asked for: camera, screen, and what the other side shows. */
  async video(): Promise<CallVideo> { return (await import('./media/video.ts')).CallVideo.of(this); }

  /** @internal */
  [describe]: Describe | null = null;
  /** @internal */
  [offer](): void { done(() => this.#phone().offer(this.id)); }
  /** @internal */
  [record](on: boolean): void { done(() => this.#phone().record(this.id, on)); }

  /** The connection of its sound, for statistics and meters; null in a tab that follows. It is the client's: change nothing in it. */
  get connection(): RTCPeerConnection | null { return this.#phone().connection(this.id) ?? null; }

  /** Takes the microphone anew: in a call that has lost it or was answered without, or another one after `phone.audio` was set. */
  useMicrophone(): Promise<void> { return asked(this.#phone().useMicrophone(this.id)); }
  /** Declines an incoming call. */
  reject(): void { done(() => this.#phone().reject(this.id)); }
  hangUp(): void { done(() => this.#phone().hangUp(this.id)); }
  /** Sends silence, or the microphone again. */
  mute(on: boolean): void { done(() => this.#phone().mute(this.id, on)); }
  /** Puts it on hold, or talks again; then every other call is put on hold. What was refused is told by `refused`. */
  hold(on = true): void { done(() => this.#phone().hold(this.id, on)); }

  /**
   * Sends digits with the sound (RFC 4733), or by INFO where the other side takes none there, or `by: 'info'` says so. `refused` tells that not
   * all were sent: those that are still to come when the other side holds are not sent later.
   */
  dtmf(digits: string, { by = 'sound' }: { by?: 'sound' | 'info' } = {}): void {
    if (by !== 'sound' || !dial(this.connection, digits, () => this.dispatchEvent(new RefusedEvent('dtmf', 0)))) done(() => this.#phone().dtmf(this.id, digits));
  }

  /** Sends the other side to a number, or connects it with the other side of another call. */
  transfer(to: string | Call): void {
    done(() => (typeof to === 'string' ? this.#phone().transfer(this.id, to, false) : this.#phone().transfer(this.id, to.id, true)));
  }

  /** What the browser counts of its connection. */
  async stats(): Promise<RTCStatsReport> {
    const { connection } = this;
    if (!connection) throw new Problem({ status: 0, type: '/problems/gone', title: 'The call is over' });
    return connection.getStats();
  }

  /** @internal */
  [change](view: CallView, what: CallChange): void {
    this.#view = view;
    if (what === 'added') return;
    this.dispatchEvent(new Event(what === 'ended' ? 'state' : what));
    if (what === 'ended') this.dispatchEvent(new Event('ended'));
  }

  override addEventListener<K extends keyof CallEventMap>(
    type: K, listener: Listener<CallEventMap[K]>, options?: boolean | AddEventListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }

  override removeEventListener<K extends keyof CallEventMap>(
    type: K, listener: Listener<CallEventMap[K]>, options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
}

/** A camera that cannot be had is no reason to have no call: `video.problem` says why. */
const showing = (video: CallVideo, wanted: boolean | MediaTrackConstraints): Promise<void> =>
  video.show(wanted === true ? {} : wanted || {}).catch(() => undefined);

/** Events wait no longer than this for somebody who listens, ms. */
const HELD_MS = 5000;

/** After so long without a call the next one is got ready for, ms: a page that was opened for a call has other things to do. */
const REST_MS = 300;

/** Makes what calls need in the place of the browser, or has it ahead. @internal */
export interface Maker {
  make(configuration: RTCConfiguration): RTCPeerConnection;
  /** One that was offered ahead. */
  take(configuration: RTCConfiguration): RTCPeerConnection | null;
  /** One that was opened ahead; it may turn out to be of no use. */
  microphone(): Promise<MediaStream | null> | null;
  drop(): void;
}

/** A microphone that was asked for in the very turn of `call()`, until the call's media takes it. */
interface Opening { stream: Promise<MediaStream>; call: string | null }

/** The phone of a tab. One tab per browser profile leads; the others follow and can take over. */
export class Phone extends EventTarget {
  /** Whose phone it is. */
  readonly session: Session;
  #core!: PhoneCore;
  #role: Role = 'following';
  #registration: Registration = { state: 'connecting' };
  /** What each microphone is asked by. */
  readonly #audio: MediaTrackConstraints = {};
  /** Those that the page named, if it did. */
  readonly iceServers: RTCIceServer[] | null;
  #calls = new Map<string, Call>();
  #maker: Maker | null = null;
  readonly #spare = new Spare();
  #opening: Opening | null = null;
  /** Events wait until somebody listens: a call may have come, and gone, before. */
  #held: Event[] | null = [];

  private constructor(session: Session, o: PhoneOptions) {
    super();
    this.session = session;
    this.iceServers = o.iceServers ?? null;
    this.audio = o.audio ?? {};
  }

  /** What is asked of the microphone (its device, echo cancellation, …): for the calls to come, and for `call.useMicrophone()`. */
  get audio(): MediaTrackConstraints { return { ...this.#audio }; }
  set audio(constraints: MediaTrackConstraints) {
    for (const name of Object.keys(this.#audio)) delete this.#audio[name as keyof MediaTrackConstraints];
    Object.assign(this.#audio, constraints);
  }

  /**
   * Opens the phone of a session, of a token, or of a line at a SIP server: when this tab leads, its socket is under way before this resolves,
   * and that of a line before the core is there.
   */
  static async open(o: PhoneOptions): Promise<Phone> {
    // What takes longest is begun first.
    void preload().catch(() => undefined);
    const early = 'server' in o ? ahead(o) : null;
    try {
      const session = 'session' in o ? o.session : 'server' in o ? await Session.atServer(o) : await Session.withToken(o);
      const phone = new Phone(session, o);
      const begin = (begun: Early | null): Promise<PhoneCore> => asked(PhoneCore.open(session[core], o.iceServers, o.wake, phone.#port(), begun));
      phone.#core = await (early ? begin(early) : takingOver(begin));
      session[change](phone.#core);
      setTimeout(() => phone.#release(), HELD_MS);
      return phone;
    } catch (error) {
      early?.giveUp();
      throw error;
    }
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const event of held) this.dispatchEvent(event);
  }

  get role(): Role { return this.#role; }
  get registration(): Registration { return this.#registration; }
  /** The calls that are not over. */
  get calls(): Call[] { return [...this.#calls.values()]; }

  /** Makes this tab lead. A call in progress in the tab that led until now is ended there. */
  takeOver(): Promise<void> { return asked(this.#core.takeOver()); }

  /**
   * Calls a number; a tab that follows takes over first. `headers` go with the INVITE, but for those that steer it. With `video` the
   * camera is offered, and what the other side shows is taken, also where there is no camera.
   */
  async call(number: string, { headers = {}, video = false }: { headers?: Record<string, string>; video?: boolean | MediaTrackConstraints } = {}): Promise<Call> {
    // The port may have ended and removed it again by the time that its id is known.
    const made: Call[] = [];
    // The media will want to know.
    void granted();
    const opening = video ? null : this.#open();
    const ahead = video ? await (await import('./media/video.ts')).Camera.ahead(video === true ? {} : video) : null;
    this.#making = made;
    try {
      const id = await asked(this.#core.call(number, Object.entries(headers)));
      const call = this.#calls.get(id) ?? made.find((c) => c.id === id);
      if (!call) throw new Problem({ status: 0, type: '/problems/gone', title: 'The call is over' });
      if (opening) opening.call = id;
      if (call.state === 'ended') this.#letGo(id);
      ahead?.take(call);
      return call;
    } catch (error) {
      // No call, no camera and no microphone: their light goes out.
      ahead?.drop();
      if (opening) this.#letGo(opening.call);
      throw error;
    }
  }

  #making: Call[] | null = null;

  /** A call that is placed will want the microphone: it takes longer than all the rest. */
  #open(): Opening | null {
    if (this.#opening || this.#role !== 'leading' || this.#registration.state !== 'registered') return null;
    const stream = this.#microphone();
    stream.catch(() => undefined);
    return (this.#opening = { stream, call: null });
  }

  async #microphone(): Promise<MediaStream> {
    return (await this.#maker?.microphone()) ?? microphone(this.#audio);
  }

  /** The call has not taken it. */
  #letGo(call: string | null): void {
    const opening = this.#opening;
    if (!opening || opening.call !== call) return;
    this.#opening = null;
    opening.stream.then((stream) => stream.getTracks().forEach((track) => track.stop()), () => undefined);
  }

  /** @internal */
  [told]: ((news: unknown) => void) | null = null;

  /** Who makes connections in the place of the browser. @internal */
  set [maker](it: Maker) {
    this.#maker = it;
    this.#spare.drop();
    this.#rest();
  }

  /** A connection for a call, one that offers or one that answers. Candidates are looked for while the description is made. @internal */
  [connect](configuration: RTCConfiguration, offers: boolean): RTCPeerConnection {
    return (offers && this.#spare.take(configuration)) || this.#make({ ...configuration, iceCandidatePoolSize: 1 });
  }

  #make(configuration?: RTCConfiguration): RTCPeerConnection {
    return this.#maker?.make(configuration ?? {}) ?? new RTCPeerConnection(configuration);
  }

  readonly #rests = (): boolean => this.#role === 'leading' && this.#registration.state === 'registered' && !this.#calls.size && !this.#opening;

  /** Between calls: the next one finds its connection made, and the core compiled. */
  #rest(): void {
    setTimeout(() => {
      if (!this.#rests()) return;
      void this.#spare.keep(() => this.#make());
      rehearsed(this.#rests);
    }, REST_MS);
  }

  /** There will be no call. */
  #leave(): void {
    this.#spare.drop();
    this.#maker?.drop();
    this.#letGo(this.#opening?.call ?? null);
  }

  /** STUN and TURN servers for the next call: those that the page named, or else those of the edge. None where they cannot be had. @internal */
  async [servers](): Promise<RTCIceServer[]> { return (await asked(this.#core.iceServers())) ?? []; }

  /** @internal */
  [beside](want: object): number {
    const whole = this.#core as PhoneCore & { beside(want: object): number };
    return done(() => whole.beside(want));
  }

  /** Registers anew once, then says ready for this wake. Throws a `Problem` with status 410 when it is over. */
  ready(wake: string): Promise<Wake> { return asked(this.#core.ready(wake)); }

  /** Hangs up, unregisters, and lets another tab lead. */
  close(): Promise<void> { return this.#core.close(); }

  #tell(event: Event): void {
    if (this.#held) this.#held.push(event);
    else this.dispatchEvent(event);
  }

  #port(): PhonePort {
    return {
      registration: (registration) => {
        this.#registration = registration;
        if (registration.state === 'registered') this.#rest();
        else if (registration.state === 'closed') this.#leave();
        this.#tell(new Event('registration'));
      },
      role: (role) => {
        this.#role = role;
        if (role === 'following') this.#leave();
        this.#tell(new Event('role'));
      },
      waking: (progress) => this.#tell(new WakingEvent(progress)),
      call: (view, what) => this.#callChanged(view, what),
      news: (id, what, detail, status) => {
        const call = this.#calls.get(id);
        if (what === 'digit') call?.dispatchEvent(new DigitEvent(detail));
        else if (what === 'transfer') call?.dispatchEvent(new TransferEvent(detail as TransferEvent['progress']));
        else call?.dispatchEvent(new RefusedEvent(detail as RefusedEvent['what'], status));
      },
      connect: (configuration, id, offers) => tended((offers && this.#maker?.take(configuration)) || this[connect](configuration, offers), () => this.#calls.get(id)?.[describe]),
      microphone: async (call, anew) => {
        if (anew) return microphone(this.#audio);
        const opening = this.#opening;
        if (!opening || (opening.call ?? call) !== call) return this.#microphone();
        this.#opening = null;
        return opening.stream;
      },
      gathered: async (connection, id, trickles) => {
        if (await gathered(connection, trickles)) return;
        const described = connection.localDescription?.sdp ?? '';
        void import('./media/trickle.ts').then(({ follow }) => follow(connection, described, (fragment) => done(() => this.#core.candidates(id, fragment))), () => undefined);
      },
      candidates: (connection, fragment) => void import('./media/trickle.ts').then(({ take }) => take(connection, fragment), () => undefined),
      direct,
      granted,
      voice,
      beside: (news) => this[told]?.(news),
    };
  }

  #callChanged(view: CallView, what: CallChange): void {
    let call = this.#calls.get(view.id);
    if (what === 'added' || !call) {
      call = new Call(view, () => this.#core);
      this.#calls.set(view.id, call);
      this.#making?.push(call);
      if (view.direction === 'in' && this.#role === 'leading') this.#tell(new CallEvent('incoming', call));
      this.#tell(new Event('calls'));
      if (what === 'added') return;
    }
    if (what === 'ended') this.#calls.delete(view.id);
    call[change](view, what);
    if (what !== 'ended') return;
    this.#letGo(view.id);
    this.#rest();
    this.#tell(new Event('calls'));
  }

  override addEventListener<K extends keyof PhoneEventMap>(
    type: K, listener: Listener<PhoneEventMap[K]>, options?: boolean | AddEventListenerOptions,
  ): void {
    // The same turn may add more listeners.
    if (this.#held) setTimeout(() => this.#release());
    super.addEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }

  override removeEventListener<K extends keyof PhoneEventMap>(
    type: K, listener: Listener<PhoneEventMap[K]>, options?: boolean | EventListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventListenerOrEventListenerObject | null, options);
  }
}
