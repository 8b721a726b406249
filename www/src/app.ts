/**
 * `<wakeline-app>`: shows the screen that the state is, and nothing else. What a person needs while a caller waits
 * (ringing, connecting, in call) is part of the first chunk; the other screens load when they are first shown.
 */
import { LitElement, html, nothing, type TemplateResult } from 'lit';
import { now } from './clock.ts';
import { languages, type Messages } from './i18n/index.ts';
import { afterPaint, besidePaint } from './paint.ts';
import { icon, type IconName } from './screens/icons.ts';
import { endedBeside } from './screens/reason.ts';
import './screens/active.ts';
import './screens/connecting.ts';
import './screens/ringing.ts';
import { callBehind, callBeside, callInFront, screenOf, setupIncomplete, stageOf, unseen, type Screen } from './store/screen.ts';
import { nameOf, type Page, type State } from './store/state.ts';

const lazy: Partial<Record<Screen, () => Promise<unknown>>> = {
  'sign-in': () => import('./screens/sign-in.ts'),
  'signed-out': () => import('./screens/sign-in.ts'),
  'set-up': () => import('./screens/set-up.ts'),
  keypad: () => import('./screens/keypad.ts'),
  reconnecting: () => import('./screens/keypad.ts'),
  calling: () => import('./screens/calling.ts'),
  ended: () => import('./screens/ended.ts'),
  'too-late': () => import('./screens/too-late.ts'),
  missed: () => import('./screens/missed.ts'),
  devices: () => import('./screens/devices.ts'),
  sound: () => import('./screens/sound.ts'),
  following: () => import('./screens/following.ts'),
};

/** What may follow at once and must not wait for a network that may have gone by then. */
const follows: Partial<Record<Screen, Screen[]>> = {
  connecting: ['too-late', 'ended'],
  ringing: ['ended', 'too-late'],
  keypad: ['calling', 'ended'],
};

/** A keypad without its connection is the same keypad: whoever types a number goes on. */
const placeOf = (screen: Screen): Screen => (screen === 'reconnecting' ? 'keypad' : screen);

const sections: [Page, IconName, 'keypad' | 'missed' | 'devices'][] = [['keypad', 'keypad', 'keypad'], ['missed', 'missed', 'missed'], ['devices', 'devices', 'devices']];
const withNav: readonly Screen[] = ['keypad', 'reconnecting', 'missed', 'devices', 'sound'];
const withHeader: readonly Screen[] = [...withNav, 'set-up', 'following', 'starting'];

export class WakelineApp extends LitElement {
  static override properties = { state: { attribute: false } };
  declare state: State;
  /** The clock that times are shown by. */
  now: () => number = now;
  /** The clock of times that the edge tells; this device's own may be wrong by a day. */
  readonly edgeNow = (): number => this.now() + this.state.clock;
  #shown: Screen | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override willUpdate(): void {
    const screen = screenOf(this.state);
    const call = callInFront(this.state);
    void lazy[screen]?.();
    const set = (name: string, value: string | null | undefined): void => (value ? this.setAttribute(name, value) : this.removeAttribute(name));
    set('data-state', screen);
    set('data-registration', this.state.registration.state);
    set('data-call', call?.id);
    set('data-stage', screen === 'calling' && call ? stageOf(call) : null);
    set('data-why', screen === 'too-late' ? this.state.wake?.why : screen === 'connecting' ? this.state.wake?.hindered : null);
    set('data-outcome', screen === 'ended' ? call?.end?.outcome : screen === 'too-late' ? this.state.wake?.outcome : null);
  }

  protected override updated(): void {
    const t = languages[this.state.language];
    const screen = screenOf(this.state);
    document.documentElement.lang = t.tag;
    document.title = this.#title(screen, t);
    if (screen === this.#shown) return;
    const first = this.#shown === null || this.#shown === 'starting';
    const stays = this.#shown !== null && placeOf(screen) === placeOf(this.#shown);
    this.#shown = screen;
    for (const next of follows[screen] ?? []) besidePaint(() => void lazy[next]?.());
    // The first script may have drawn the answering screen before.
    if (screen === 'ringing' && !performance.getEntriesByName('wakeline:painted').length) afterPaint(() => performance.mark('wakeline:painted'));
    if (!first && !stays) void this.#focusHeading(screen);
  }

  protected override render(): TemplateResult {
    const { state } = this;
    const t = languages[state.language];
    const screen = screenOf(state);
    return html`
      ${withHeader.includes(screen) ? this.#header(t) : nothing}
      <main id="main">${this.#screen(screen, t)}</main>
      ${withNav.includes(screen) && state.account ? this.#nav(t) : nothing}
      <div class="sr" role="status" aria-live="polite">${this.#announce(screen, t)}</div>
      <div class="sr" role="alert">${screen === 'ringing' ? this.#title(screen, t) : nothing}</div>
    `;
  }

  #screen(screen: Screen, t: Messages): TemplateResult | typeof nothing {
    const { state } = this;
    const call = callInFront(state);
    switch (screen) {
      case 'starting':
        return html`<section class="page narrow center"><div class="mark breathing" aria-hidden="true"></div><p class="lead">${t.starting}</p></section>`;
      case 'sign-in': case 'signed-out':
        return html`<wl-sign-in .t=${t} .why=${state.signedOut} .busy=${state.signIn.busy} .problem=${state.signIn.problem} .tapped=${state.wake !== null} .language=${state.language}></wl-sign-in>`;
      case 'set-up':
        return html`<wl-set-up .t=${t} .setup=${state.setup}></wl-set-up>`;
      case 'keypad': case 'reconnecting':
        return html`<wl-keypad .t=${t} .number=${state.dial} .peer=${state.peer} .failed=${state.dialFailed} .dialling=${state.dialling} .setupOpen=${setupIncomplete(state)} .now=${this.now}
          .registration=${state.session === 'unreachable' ? { ...state.registration, state: 'reconnecting' } : state.registration}></wl-keypad>`;
      case 'calling':
        return html`<wl-calling .t=${t} .call=${call} .second=${callBehind(state)} .connected=${state.registration.state === 'registered'}></wl-calling>`;
      case 'connecting':
        return html`<wl-connecting .t=${t} .wake=${state.wake} .unreachable=${state.session === 'unreachable'}></wl-connecting>`;
      case 'ringing':
        return html`<wl-ringing .t=${t} .call=${call} .second=${callBehind(state)} .microphone=${state.setup.microphone} .ring=${state.sound.ring} .large=${state.answerAsked === call?.wake && call?.wake !== null}></wl-ringing>`;
      case 'answering': case 'active':
        return html`<wl-active .t=${t} .call=${call} .second=${callBehind(state)} .remote=${state.sound.remote} .microphone=${state.setup.microphone}
          .connected=${state.registration.state === 'registered'} .leads=${state.role === 'leading'} .beside=${callBeside(state)} .ended=${state.endedBeside} .refused=${state.refused} .transfer=${state.transfer} .digits=${state.digits} .media=${state.media} .video=${state.video} .now=${this.now}></wl-active>`;
      case 'ended':
        return html`<wl-ended .t=${t} .call=${call} .own=${state.account?.number ?? ''}></wl-ended>`;
      case 'too-late':
        return html`<wl-too-late .t=${t} .wake=${state.wake} .now=${this.edgeNow}></wl-too-late>`;
      case 'missed':
        return html`<wl-missed .t=${t} .missed=${state.missed} .list=${state.missedList} .reach=${state.reach} .now=${this.edgeNow}></wl-missed>`;
      case 'devices':
        return html`<wl-devices .t=${t} .account=${state.account} .devices=${state.devices} .reach=${state.reach} .language=${state.language} .visible=${state.visible} .now=${this.edgeNow}></wl-devices>`;
      case 'sound':
        return html`<wl-sound .t=${t} .media=${state.media} .language=${state.language}></wl-sound>`;
      case 'following':
        return html`<wl-following .t=${t}></wl-following>`;
    }
  }

  #header(t: Messages): TemplateResult {
    const { account, registration, session } = this.state;
    const state = session === 'unreachable' ? 'reconnecting' : registration.state;
    const quiet = state === 'registered' && this.state.reach.quietSince !== null;
    return html`
      <header>
        <span class="brand"><span class="mark small" aria-hidden="true"></span>${t.title}</span>
        ${account
          ? html`<span class="line ${state} ${quiet ? 'quiet' : ''}"><span class="dot" aria-hidden="true"></span><span><b dir="ltr">${account.number}</b> ${quiet ? t.reach.quietOn : state === 'refused' ? t.registration.closed : t.registration[state]}</span></span>`
          : nothing}
      </header>
    `;
  }

  #nav(t: Messages): TemplateResult {
    const count = unseen(this.state);
    return html`
      <nav aria-label=${t.nav.label}>
        ${sections.map(([page, name, label]) => html`
          <button type="button" data-testid="nav-${page}" aria-current=${this.state.page === page ? 'page' : 'false'}
            @click=${() => this.dispatchEvent(new CustomEvent('show-request', { detail: { page } }))}>
            ${icon(name)}<span>${t.nav[label]}</span>
            ${page === 'missed' && count && this.state.page !== 'missed' ? html`<span class="badge">${count}</span>` : nothing}
          </button>`)}
      </nav>
    `;
  }

  #title(screen: Screen, t: Messages): string {
    const call = callInFront(this.state);
    if (!call || !['ringing', 'calling', 'answering', 'active'].includes(screen)) return t.title;
    return `${screen === 'ringing' ? `${t.ringing.incoming}: ` : ''}${nameOf(call.remote)} – ${t.title}`;
  }

  /** What has changed, said to those who do not see it. */
  #announce(screen: Screen, t: Messages): string {
    const call = callInFront(this.state);
    if (screen === 'calling' && call) return t.calling.status(nameOf(call.remote))[stageOf(call)];
    if ((screen === 'active' || screen === 'answering') && this.state.endedBeside) return endedBeside(this.state.endedBeside, t);
    if (screen === 'connecting' && this.state.wake?.hindered) return t.connecting.hindered[this.state.wake.hindered];
    if (screen === 'connecting' && this.state.wake) return t.connecting.title(this.state.wake.caller ? nameOf(this.state.wake.caller) : '');
    if (screen === 'missed' && this.state.missedList.failed) return this.state.missedList.busy ? t.missed.loading : t.missed.failed;
    if (screen === 'reconnecting') return t.registration.reconnecting;
    return '';
  }

  /** Keyboard and screen reader users land at the top of the screen that has just come. */
  async #focusHeading(screen: Screen): Promise<void> {
    await lazy[screen]?.();
    const element = this.querySelector<LitElement>('main > *');
    await element?.updateComplete;
    element?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }
}
customElements.define('wakeline-app', WakelineApp);
