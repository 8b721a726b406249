/** Puts the page together: the store between the ports and the app. */
import type { Device, Session } from 'wakeline';
import { restored, route } from './boot.ts';
import { WakelineApp } from './app.ts';
import { LANGUAGE, pickLanguage, languages } from './i18n/index.ts';
import { besidePaint } from './paint.ts';
import { Aside } from './ports/aside.ts';
import { Badge } from './ports/badge.ts';
import { askBoth, currentPermissions, microphone, watchPermissions } from './ports/permissions.ts';
import { LastWord } from './ports/last-word.ts';
import { Lookup } from './ports/lookup.ts';
import { MissedList } from './ports/missed.ts';
import { PhonePort } from './ports/phone.ts';
import { deviceLabel } from './ports/platform.ts';
import { bindByShell } from './ports/shell.ts';
import { Sound, type Tone } from './ports/sound.ts';
import * as worker from './ports/worker.ts';
import type { MediaPort } from './ports/media.ts';
import type { RequestName, Requests } from './screens/screen.ts';
import { callBehind, callInFront, screenOf, setupWanted } from './store/screen.ts';
import { SOUND, initialState, type CallView, type State } from './store/state.ts';
import { Store } from './store/store.ts';

/** How long a tapped page waits for its call before it shows that it is connecting. */
const FIRST_SCREEN_MS = 150;
/** How long the first script's answering screen stands without a call behind it. */
const ALONE_MS = 3000;
const LATER = 'wakeline:set-up-later';

const { first, style } = globalThis.wakelineStart;
style();

const store = new Store(initialState(pickLanguage(navigator.languages, localStorage.getItem(LANGUAGE))));
const phone = new PhonePort(store, location.origin);
const lookup = new Lookup(store, (number) => phone.look(number));
const watched = (): boolean => document.visibilityState === 'visible';
const missedList = new MissedList(store, phone, watched);
const badge = new Badge(store, (count) => void (count ? navigator.setAppBadge?.(count) : navigator.clearAppBadge?.())?.catch(() => undefined), watched);
const aside = new Aside(store, worker.notices, watched);
aside.tapped(route.wake);
const voice = new Audio();
voice.autoplay = true;
const sound = new Sound(store, voice);

let media: Promise<MediaPort> | null = null;
/** What looks after the sound, loaded when it is first wanted. */
const withMedia = (): Promise<MediaPort> => (media ??= import('./ports/media.ts').then((module) => new module.MediaPort(store, phone, voice), (error: unknown) => {
  media = null; // the network may be back the next time
  throw error;
}));
/** The same where nobody asked for it: without it a call is only less comfortable. */
const beside = (use: (port: MediaPort) => unknown): void => void withMedia().then(use).catch(() => undefined);
/** What the user has set (nothing is loaded for those who have set nothing) holds for the call that is about to be made or taken; it is never what keeps that from happening. */
const tuned = async (): Promise<void> => {
  if (media || localStorage.getItem(SOUND)) await withMedia().then((port) => port.apply()).catch(() => undefined);
};

const app = new WakelineApp();
app.state = store.state;
document.body.append(voice);
/** Puts the page on the screen, in place of the answering screen that the first script may have drawn. */
function show(): void {
  if (app.isConnected) return;
  document.body.prepend(app);
  const pressed = first?.leave();
  const call = callInFront(store.state);
  if (pressed && call?.phase === 'incoming' && call.wake === route.wake) void handlers[pressed]({ call: call.id });
}
// A tapped page draws the answering screen first if the call is there by then: to draw "connecting" would hold it up.
if (!route.wake) show();
else setTimeout(() => (first?.rings ? setTimeout(show, ALONE_MS) : show()), FIRST_SCREEN_MS);
store.subscribe((state, before) => {
  app.state = state;
  if (callInFront(state) || state.wake?.progress === 'over' || !['starting', 'signed-in'].includes(state.session)) show();
  follow(state, before);
  offerSetup(state);
});

/** What the state means outside the screen: sound, badge, notifications that are no longer true. */
function follow(state: State, before: State): void {
  const call = callInFront(state);
  if (state.calls !== before.calls || state.role !== before.role) {
    // Tabs that follow show the call; the one that leads is heard.
    const tone = toneOf(state);
    // A browser's audio takes its time to start: the answering screen and the word to the caller go first.
    if (tone) besidePaint(() => sound.tone(toneOf(store.state)));
    else sound.tone(null);
    sound.play(call && call.phase !== 'ended' ? phone.remoteStream(call.id) : null);
    const come = state.calls.filter(({ wake }) => !before.calls.some((one) => one.wake === wake));
    // Where nobody looks it is what is seen of the call.
    if (watched()) seen(come);
  }
  if (state.calls !== before.calls) {
    // Not in the way of the first words.
    if (talkedTo(state)) besidePaint(() => beside((port) => port.watch(talkedTo(store.state))));
    else if (media) beside((port) => port.watch(talkedTo(store.state)));
  }
  if (state.dial !== before.dial && screenOf(state) === 'keypad' && state.role === 'leading') {
    if (state.dial) beside((port) => port.prepare());
    else if (media) beside((port) => port.drop());
  }
  const onKeypad = ['keypad', 'reconnecting'].includes(screenOf(state)) && watched();
  lookup.watch(onKeypad ? state.dial : '');
  if (state.registration.state === 'registered' && before.registration.state !== 'registered') lookup.renew();
}

/** Who looks at these calls needs no notification of them. */
function seen(calls: CallView[]): void {
  const wakes = calls.flatMap(({ wake }) => wake ?? []);
  if (wakes.length) void worker.closeNotifications((wake) => wakes.includes(wake));
}

/** The call that is talked in here. */
function talkedTo(state: State): string | null {
  const call = state.role === 'leading' ? callInFront(state) : null;
  return call?.phase === 'active' ? call.id : null;
}

/** What this tab's user hears, if it is this tab that is heard. */
function toneOf(state: State): Tone | null {
  const phase = state.role === 'leading' ? callInFront(state)?.phase : null;
  if (phase === 'incoming') return 'ring';
  // Beside a call it does not ring: the user hears a short tone now and then.
  if (phase && callBehind(state)) return 'waiting';
  return phase === 'ringing' ? 'ringback' : null;
}

let offered = false;
/** Set-up is offered once a load, as soon as it is known that somebody is signed in and what the browser allows. */
function offerSetup(state: State): void {
  if (offered || state.session !== 'signed-in' || state.setup.microphone === 'unknown') return;
  offered = true;
  if (setupWanted(state) && !state.wake && !state.calls.length) store.dispatch({ type: 'page', page: 'set-up' });
}

/** The browser gave no microphone, for this reason: said where it is wanted. */
async function withoutMicrophone(reason: string | null): Promise<void> {
  if (reason === null) return;
  await refreshPermissions();
  // The permission says nothing of a device that is not there, or that another program holds.
  if (reason === 'NotFoundError' || reason === 'NotReadableError') store.dispatch({ type: 'setup', setup: { microphone: 'missing' } });
}

/** A microphone that was plugged in, or allowed again, is taken by the call that lacks one. */
async function regainMicrophone(): Promise<void> {
  const call = callInFront(store.state);
  if (!call?.silent || call.phase !== 'active' || (await microphone()) !== 'granted') return;
  await withoutMicrophone(await phone.useMicrophone(call.id));
}

const refreshPermissions = async (): Promise<void> => store.dispatch({ type: 'setup', setup: await currentPermissions() });

const aboutThisDevice = new LastWord();

/** Tells the edge of this device. Without a subscription at hand the edge keeps the one that it has; the next load binds again. */
const tell = (session: Session, subscription: PushSubscription | null): Promise<Device | null> =>
  aboutThisDevice.say(() => session.bindDevice({ ...(subscription ? { subscription } : {}), label: deviceLabel(), lang: languages[store.state.language].tag })
    .catch(() => null));

/** The device's binding: its push subscription compared with the edge's key, then told to the edge. Never in a call's way. */
async function bind(): Promise<void> {
  const { session } = phone;
  if (!session) return;
  const [registration, key] = await Promise.all([worker.activeWorker(), session.vapidKey().catch(() => null)]);
  let subscription = registration && key ? await worker.presentSubscription(registration, key).catch(() => null) : null;
  const bound = await tell(session, subscription);
  // What the push service has forgotten the browser still believes in; the edge knows better.
  if (bound && !bound.push) subscription = null;
  if (!subscription && registration && key) {
    // A browser may take long to reach its push service; the device is known meanwhile.
    subscription = await worker.subscribe(registration, key).catch(() => null);
    if (subscription) await tell(session, subscription);
  }
  // In an app's web-view, which has no Web Push, the app's own service wakes this device.
  const byShell = await bindByShell(session);
  store.dispatch({ type: 'setup', setup: { subscribed: subscription !== null || byShell } });
}

phone.mayAnswer = async () => {
  await tuned();
  return (await microphone()) === 'granted';
};
phone.onRegistered = () => {
  void whenIdle(async () => {
    await Promise.all([phone.refreshMissed(), phone.refreshReach()]);
    await bind();
  });
};

/** An idle moment. A tapped wake has the line to itself until it rings or is over; everything else waits for that. */
async function whenIdle(work: () => unknown): Promise<void> {
  await new Promise<void>((resolve) => {
    const settled = ({ wake }: State): boolean => !wake || wake.progress === 'over';
    if (settled(store.state)) return resolve();
    const stop = store.subscribe((state) => {
      if (!settled(state)) return;
      stop();
      setTimeout(resolve, 1000); // the answering screen is painted first
    });
  });
  if ('requestIdleCallback' in window) requestIdleCallback(() => void work(), { timeout: 1000 });
  else void work();
}

const handlers: { [K in RequestName]: (detail: Requests[K]) => unknown } = {
  'sign-in': ({ number, password }) => phone.signIn(number, password),
  'sign-in-again': () => store.dispatch({ type: 'signed-out', because: 'never' }),
  'set-up': async () => {
    const asked = askBoth();
    store.dispatch({ type: 'setup', setup: { asking: true } });
    store.dispatch({ type: 'setup', setup: { ...(await asked), asking: false } });
    await bind();
    const { microphone: heard, notifications, subscribed } = store.state.setup;
    // Nothing is left to say; anything that is amiss keeps its screen.
    if (heard === 'granted' && notifications === 'granted' && subscribed) store.dispatch({ type: 'page', page: 'keypad' });
  },
  'set-up-later': () => {
    if (setupWanted(store.state)) localStorage.setItem(LATER, '1');
    store.dispatch({ type: 'setup', setup: { later: true } });
    store.dispatch({ type: 'page', page: 'keypad' });
  },
  dial: ({ number }) => store.dispatch({ type: 'dial', number }),
  call: ({ number, video }) => {
    sound.unlock();
    return phone.call(number, video, async () => {
      await tuned();
      store.dispatch({ type: 'dial', number });
      store.dispatch({ type: 'dismiss' });
    });
  },
  answer: async ({ call, video }) => {
    sound.unlock();
    await tuned();
    await withoutMicrophone(await phone.answer(call, false, video));
  },
  listen: async ({ call }) => {
    sound.unlock();
    await phone.answer(call, true);
  },
  microphone: async ({ call }) => withoutMicrophone(await phone.useMicrophone(call)),
  'wake-again': ({ wake }) => phone.wake(wake, false),
  decline: ({ call }) => phone.decline(call),
  swap: ({ from, to }) => {
    phone.hangUp(from);
    return handlers.answer({ call: to });
  },
  'hang-up': ({ call }) => phone.hangUp(call),
  mute: ({ call, on }) => phone.mute(call, on),
  hold: ({ call, on }) => phone.hold(call, on),
  digit: ({ call, digit }) => phone.digit(call, digit),
  transfer: ({ call, to }) => phone.transfer(call, to),
  connect: ({ call, other }) => phone.connect(call, other),
  'call-too': ({ number }) => phone.call(number),
  dismiss: () => store.dispatch({ type: 'dismiss' }),
  'beside-read': () => store.dispatch({ type: 'beside-read' }),
  show: ({ page }) => {
    store.dispatch({ type: 'page', page });
    if (page === 'sound') return withMedia();
    if (page === 'devices') return Promise.all([phone.refreshDevices(), phone.refreshVisible(), phone.refreshReach()]);
    return undefined;
  },
  'missed-again': () => missedList.ask(),
  block: (caller) => phone.block(caller),
  unblock: ({ number }) => phone.unblock(number),
  quiet: ({ on }) => phone.quiet(on),
  revoke: ({ device }) => phone.revoke(device),
  'sign-out': async () => {
    await Promise.all([phone.signOut(), worker.unsubscribe().catch(() => undefined), worker.closeNotifications(() => true)]);
  },
  visible: ({ visible }) => phone.setVisible(visible),
  'take-over': () => phone.takeOver(),
  sound: async (change) => (await withMedia()).change(change),
  'sound-panel': async ({ open }) => (await withMedia()).panel(open),
  record: async ({ call, on }) => (await withMedia()).record(call, on),
  video: async ({ call, show }) => (await withMedia()).video.show(call, show),
  check: async () => (await withMedia()).check(),
  hear: () => sound.unlock(),
  language: ({ language }) => {
    localStorage.setItem(LANGUAGE, language);
    store.dispatch({ type: 'language', language });
    // At once: a page that is closed now is woken in this language.
    return phone.session && tell(phone.session, null);
  },
};
for (const name of Object.keys(handlers) as RequestName[]) {
  app.addEventListener(`${name}-request`, (event) => void handlers[name]((event as CustomEvent<never>).detail));
}
// "Tap anywhere to hear it ring": any tap will do.
addEventListener('pointerdown', () => sound.unlock());
addEventListener('keydown', () => sound.unlock());

worker.onWakeMessage(({ wake, answer }) => {
  aside.tapped(wake);
  void phone.wake(wake, answer);
});
document.addEventListener('visibilitychange', () => {
  follow(store.state, store.state);
  badge.watch();
  aside.watch();
  if (!watched()) return;
  seen(store.state.calls);
  if (store.state.session !== 'signed-in') return;
  void phone.refreshMissed();
  missedList.renew();
});

store.dispatch({ type: 'setup', setup: { later: localStorage.getItem(LATER) === '1' } });
void refreshPermissions();
watchPermissions(() => void refreshPermissions().then(regainMicrophone));
navigator.mediaDevices?.addEventListener?.('devicechange', () => void refreshPermissions().then(regainMicrophone));
void phone.adopt(restored, route);
// Nobody signed in needs no push, but the page shell works offline from now on.
void whenIdle(() => worker.registerWorker());
