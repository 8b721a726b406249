/** The phone port: turns the client's events into actions, and the screens' requests into calls on the client. */
import { Phone, Problem, Session, type Call } from 'wakeline';
import { now } from '../clock.ts';
import type { Store } from '../store/store.ts';
import type { MissedView, Person, SignInProblem, State } from '../store/state.ts';
import { blockedView, callView, deviceView, isFinal, missedView, registrationView, wakeView } from './views.ts';

/** The edge does not take this device's word any more. */
const isRefusal = (error: unknown): boolean => error instanceof Problem && (error.status === 401 || error.status === 403);

type Opened = { session: Session; phone: Phone };

export class PhonePort {
  readonly #store: Store;
  readonly #edge: string;
  /** Calls whose end has not been reported yet; the phone itself forgets a call when it ends. */
  readonly #calls = new Map<string, Call>();
  /** Signing out in one tab is told to the others. */
  readonly #tabs = new BroadcastChannel('wakeline:signed-out');
  #session: Session | null = null;
  #phone: Phone | null = null;
  /** The wake whose call is to be answered as it comes, because the notification said so. */
  #answerOnArrival: string | null = null;

  /** Told when a call arrives that its notification already answered; says whether the microphone is ours. */
  mayAnswer: () => Promise<boolean> = async () => false;
  /** Told when this device is registered for the first time after opening. */
  onRegistered: (session: Session) => void = () => undefined;

  constructor(store: Store, edge: string) {
    this.#store = store;
    this.#edge = edge;
    this.#tabs.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (this.#session && (data === 'asked' || data === 'revoked')) this.#forget(data);
    };
  }

  get phone(): Phone | null {
    return this.#phone;
  }

  /** A call that is not over, for the module that looks after its sound. */
  callOf(id: string): Call | null {
    return this.#calls.get(id) ?? null;
  }

  get session(): Session | null {
    return this.#session;
  }

  /** Takes over what the boot module has started. */
  async adopt(opening: Promise<Opened | null>, route: { wake: string | null; answer: boolean }): Promise<void> {
    if (route.wake) this.#tapped(route.wake, route.answer);
    for (let wait = 1000; ; wait = Math.min(wait * 2, 30_000)) {
      try {
        const opened = await opening;
        if (!opened) return this.#store.dispatch({ type: 'signed-out', because: 'never' });
        return this.#use(opened);
      } catch (error) {
        if (error instanceof Problem && (error.status === 401 || error.status === 403)) {
          return this.#store.dispatch({ type: 'signed-out', because: 'revoked' });
        }
        this.#store.dispatch({ type: 'unreachable' });
        await onlineOrAfter(wait);
        opening = this.#restore(route.wake);
      }
    }
  }

  async signIn(number: string, password: string): Promise<void> {
    this.#store.dispatch({ type: 'signing-in' });
    try {
      const session = await Session.signIn({ edge: this.#edge, number: number.trim(), password });
      // Somebody may have tapped before they had signed in.
      const wake = this.#store.state.wake?.id;
      this.#use({ session, phone: await Phone.open(wake ? { session, wake } : { session }) });
    } catch (error) {
      this.#store.dispatch({ type: 'sign-in-failed', problem: signInProblem(error) });
    }
  }

  async signOut(because: State['signedOut'] = 'asked'): Promise<void> {
    const session = this.#session;
    this.#forget(because);
    this.#tabs.postMessage(because);
    // Closes the phones of every tab, too.
    await session?.signOut().catch(() => undefined);
  }

  /** Calls a number after `first`; once at a time: a camera takes its time to start, and whoever sees nothing taps again. */
  async call(number: string, video = false, first: () => Promise<void> = async () => undefined): Promise<void> {
    if (this.#store.state.dialling) return;
    this.#store.dispatch({ type: 'dialling', dialling: video ? 'video' : 'sound' });
    try {
      await first();
      await this.#dial(number, video);
    } finally {
      this.#store.dispatch({ type: 'dialling', dialling: null });
    }
  }

  async #dial(number: string, video: boolean): Promise<void> {
    try {
      const call = await this.#phone?.call(number.trim(), { video });
      if (call) this.#watch(call);
      this.#callsChanged();
    } catch {
      this.#store.dispatch({ type: 'dial-failed' });
    }
  }

  /** Takes a call; with `listen` no microphone is asked for. Resolves with the browser's reason when it gave none. */
  async answer(id: string, listen = false, video = false): Promise<string | null> {
    try {
      await this.#call(id)?.answer({ microphone: !listen, video });
      return null;
    } catch (error) {
      return error instanceof Problem ? error.title : '';
    }
  }

  /** Takes the microphone in a call without one. Resolves with the browser's reason when it gave none. */
  async useMicrophone(id: string): Promise<string | null> {
    try {
      await this.#call(id)?.useMicrophone();
      return null;
    } catch (error) {
      return error instanceof Problem ? error.title : '';
    }
  }

  decline(id: string): void {
    this.#call(id)?.reject();
  }

  hangUp(id: string): void {
    this.#call(id)?.hangUp();
  }

  mute(id: string, on: boolean): void {
    this.#call(id)?.mute(on);
    this.#callsChanged();
  }

  hold(id: string, on: boolean): void {
    this.#store.dispatch({ type: 'refused', refused: null });
    try {
      this.#call(id)?.hold(on);
    } catch {
      this.#store.dispatch({ type: 'refused', refused: { call: id, what: on ? 'hold' : 'resume' } });
    }
  }

  digit(id: string, digit: string): void {
    this.#store.dispatch({ type: 'digit', call: id, digit });
    try {
      this.#call(id)?.dtmf(digit);
    } catch {
      // Another tab has the call's sound.
      this.#store.dispatch({ type: 'digits-refused', call: id });
    }
  }

  transfer(id: string, to: string): void {
    this.#transfer(id, to.trim());
  }

  /** Connects the other sides of two calls. */
  connect(id: string, other: string): void {
    const target = this.#call(other);
    if (target) this.#transfer(id, target);
  }

  #transfer(id: string, to: string | Call): void {
    this.#store.dispatch({ type: 'transfer', state: 'trying' });
    try {
      this.#call(id)?.transfer(to);
    } catch {
      this.#store.dispatch({ type: 'transfer', state: 'refused' });
    }
  }

  remoteStream(id: string): MediaStream | null {
    return this.#call(id)?.remoteStream ?? null;
  }

  async takeOver(): Promise<void> {
    await this.#phone?.takeOver();
  }

  /** The notification of this wake was tapped while the page was open. */
  async wake(id: string, answer: boolean): Promise<void> {
    this.#tapped(id, answer);
    const waiting = this.#phone?.calls.find((call) => call.wake === id && call.state === 'incoming');
    if (waiting) return void this.#arrived(waiting);
    const phone = this.#phone;
    if (!phone) return; // still opening: boot or sign-in goes on, and asks what is waiting
    try {
      const wake = await phone.ready(id);
      this.#store.dispatch({ type: 'wake', wake: wakeView(wake) });
    } catch (error) {
      await this.#wakeFailed(id, error);
    }
  }

  async refreshMissed(): Promise<void> {
    const waiting = await this.#session?.waiting().catch(() => null);
    if (!waiting) return;
    if (waiting.now) this.#store.dispatch({ type: 'clock', ahead: waiting.now - now() });
    this.#store.dispatch({ type: 'missed', missed: waiting.missed.map(missedView) });
  }

  /** All that the edge keeps, seen or not. */
  async listMissed(): Promise<MissedView[]> {
    const session = this.#session;
    if (!session) throw new Error('nobody is signed in');
    try {
      return (await session.missed()).map(missedView);
    } catch (error) {
      if (isRefusal(error)) await this.#stillWelcome(session);
      throw error;
    }
  }

  async missedSeen(ids: string[]): Promise<void> {
    await this.#session?.missedSeen(ids).catch(() => undefined);
  }

  /** Who reaches the user, as the edge has it. */
  async refreshReach(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    const [blocked, quietSince] = await Promise.all([session.blocked().catch(() => null), session.doNotDisturb().catch(() => undefined)]);
    this.#store.dispatch({ type: 'reach', reach: { ...(blocked && { blocked: blocked.map(blockedView) }), ...(quietSince !== undefined && { quietSince }) } });
  }

  block({ number, displayName }: Person): Promise<void> {
    return this.#reach(async (session) => ({ blocked: (await session.block(number, displayName)).map(blockedView) }));
  }

  unblock(number: string): Promise<void> {
    return this.#reach(async (session) => ({ blocked: (await session.unblock(number)).map(blockedView) }));
  }

  quiet(on: boolean): Promise<void> {
    return this.#reach(async (session) => ({ quietSince: await session.setDoNotDisturb(on) }));
  }

  /** A change of who reaches the user; shown when the edge has confirmed it. */
  async #reach(change: (session: Session) => Promise<Partial<State['reach']>>): Promise<void> {
    if (!this.#session) return;
    const reach = await change(this.#session).catch(() => ({ failed: true }));
    this.#store.dispatch({ type: 'reach', reach });
  }

  async refreshDevices(): Promise<void> {
    const session = this.#session;
    if (!session) return;
    this.#store.dispatch({ type: 'devices-busy' });
    try {
      const devices = await session.devices();
      this.#store.dispatch({ type: 'devices', list: devices.map((device) => deviceView(device, session.deviceId)) });
    } catch {
      this.#store.dispatch({ type: 'devices-failed', what: 'list' });
    }
  }

  /** What this line may know of another's state. */
  async look(number: string): Promise<'online' | 'asleep' | 'offline' | 'unknown'> {
    if (!this.#session) throw new Error('nobody is signed in');
    try {
      return (await this.#session.presence(number)).state;
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return 'unknown';
      throw error;
    }
  }

  async refreshVisible(): Promise<void> {
    const own = await this.#session?.ownPresence().catch(() => null);
    if (own) this.#store.dispatch({ type: 'visible', visible: own.visibility === 'everyone' });
  }

  /** The edge's word is what is shown. */
  async setVisible(visible: boolean): Promise<void> {
    const own = await this.#session?.setVisibility(visible ? 'everyone' : 'nobody').catch(() => null);
    if (own) this.#store.dispatch({ type: 'visible', visible: own.visibility === 'everyone' });
    else this.#store.dispatch({ type: 'devices-failed', what: 'change' });
  }

  async revoke(device: string): Promise<void> {
    this.#store.dispatch({ type: 'devices-busy' });
    try {
      await this.#session?.revoke(device);
    } catch {
      return this.#store.dispatch({ type: 'devices-failed', what: 'change' });
    }
    await this.refreshDevices();
  }

  async #restore(wake: string | null): Promise<Opened | null> {
    const session = await Session.restore({ edge: this.#edge });
    return session && { session, phone: await Phone.open(wake ? { session, wake } : { session }) };
  }

  #use({ session, phone }: Opened): void {
    this.#session = session;
    this.#phone = phone;
    const { number, displayName, addressOfRecord } = session.account;
    let registered = false;
    let before: string | null = null;
    const registration = (): void => {
      if (this.#phone !== phone) return; // signed out meanwhile
      const now = registrationView(phone.registration);
      this.#store.dispatch({ type: 'registration', registration: now });
      if (now.state === 'registered' && !registered) {
        registered = true;
        this.onRegistered(session);
      } else if (now.state === 'registered' && before !== 'registered') {
        // Nobody has told this page who called while it was away.
        void this.refreshMissed();
      }
      before = now.state;
      if (now.state === 'refused') void this.#stillWelcome(session);
    };
    phone.addEventListener('registration', registration);
    phone.addEventListener('role', () => this.#store.dispatch({ type: 'role', role: phone.role }));
    phone.addEventListener('calls', () => this.#callsChanged());
    phone.addEventListener('incoming', ({ call }) => {
      this.#watch(call);
      this.#callsChanged();
      // It went again before anybody listened.
      if (call.state === 'ended') this.#over(call);
      else void this.#arrived(call);
    });
    phone.addEventListener('waking', ({ wake }) => {
      const { state: progress, outcome = null, why = null, hindered = null } = wake;
      this.#store.dispatch({ type: 'wake', wake: { id: wake.wake, progress, outcome, why, hindered } });
      if (wake.state === 'over') void this.#explain(wake.wake);
    });
    this.#store.dispatch({ type: 'signed-in', account: { number, displayName, addressOfRecord } });
    this.#store.dispatch({ type: 'role', role: phone.role });
    registration();
    this.#callsChanged();
    // A call may have come before anybody listened.
    for (const call of phone.calls) if (call.state === 'incoming') void this.#arrived(call);
  }

  /** Nobody is signed in any more: here, or in every tab because one of them said so. */
  #forget(because: State['signedOut']): void {
    this.#session = null;
    this.#phone = null;
    this.#calls.clear();
    this.#store.dispatch({ type: 'signed-out', because });
  }

  /** A refused registration may mean that this device was revoked elsewhere. */
  async #stillWelcome(session: Session): Promise<void> {
    const refused = await session.waiting().then(() => false, isRefusal);
    if (!refused || this.#session !== session) return;
    await this.signOut('revoked');
  }

  #tapped(wake: string, answer: boolean): void {
    if (answer) this.#answerOnArrival = wake;
    this.#store.dispatch({ type: 'wake', wake: { id: wake, answer } });
  }

  async #arrived(call: Call): Promise<void> {
    if (!call.wake || call.wake !== this.#answerOnArrival) return;
    this.#answerOnArrival = null;
    if (await this.mayAnswer() && call.state === 'incoming') await call.answer().catch(() => undefined);
  }

  async #wakeFailed(id: string, error: unknown): Promise<void> {
    if (!(error instanceof Problem) || ![404, 410].includes(error.status)) return; // the phone goes on trying, or says 'over'
    this.#store.dispatch({ type: 'wake', wake: { id, progress: 'over' } });
    await this.#explain(id);
  }

  /** A wake is over: who was it, how did it end, are they there now? */
  async #explain(id: string): Promise<void> {
    const [wake] = await Promise.all([this.#session?.wake(id).catch(() => null), this.refreshMissed()]);
    if (!wake || this.#store.state.wake?.id !== id) return;
    this.#store.dispatch({ type: 'wake', wake: { ...wakeView(wake), ...(isFinal(wake.state) ? { outcome: wake.state } : {}) } });
  }

  #call(id: string): Call | null {
    return this.#calls.get(id) ?? null;
  }

  #watch(call: Call): void {
    if (this.#calls.has(call.id)) return;
    this.#calls.set(call.id, call);
    call.addEventListener('state', () => this.#callsChanged());
    call.addEventListener('media', () => this.#callsChanged());
    call.addEventListener('transfer', ({ progress }) => this.#store.dispatch({ type: 'transfer', state: progress === 'done' ? null : progress }));
    call.addEventListener('refused', ({ what }) => {
      if (what === 'transfer') this.#store.dispatch({ type: 'transfer', state: 'refused' });
      if (what === 'hold' || what === 'resume') this.#store.dispatch({ type: 'refused', refused: { call: call.id, what } });
      if (what === 'dtmf') this.#store.dispatch({ type: 'digits-refused', call: call.id });
    });
    call.addEventListener('ended', () => {
      this.#callsChanged();
      this.#over(call);
    });
  }

  /** Its end has been reported. */
  #over(call: Call): void {
    this.#calls.delete(call.id);
    // It may have kept another caller out, too.
    if (call.direction === 'in' || call.answeredAt !== null) void this.refreshMissed();
  }

  #callsChanged(): void {
    for (const call of this.#phone?.calls ?? []) if (call.state !== 'ended') this.#watch(call);
    this.#store.dispatch({ type: 'calls', calls: [...this.#calls.values()].map(callView), now: now() });
  }
}

function signInProblem(error: unknown): SignInProblem {
  if (!(error instanceof Problem)) return 'edge';
  if (error.status === 0) return 'network';
  if (error.status === 429) return 'too-many';
  return error.status === 401 || error.status === 403 || error.status === 404 ? 'credentials' : 'edge';
}

/** Until the network is back, and at the latest after `ms`. */
const onlineOrAfter = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    addEventListener('online', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      removeEventListener('online', done);
      resolve();
    }
  });
