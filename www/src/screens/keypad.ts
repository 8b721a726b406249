/** The keypad: type or tap a number, call it. Also says when the line is not reachable. */
import { html, nothing, type TemplateResult } from 'lit';
import { when } from '../i18n/index.ts';
import { FRESH } from '../ports/lookup.ts';
import type { Peer, Registration, State } from '../store/state.ts';
import { icon } from './icons.ts';
import { banner, dialled, heading } from './parts.ts';
import { Screen, props } from './screen.ts';

const keys = [['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'], ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', '']];

export class KeypadScreen extends Screen {
  static override properties = props('number', 'peer', 'registration', 'failed', 'dialling', 'setupOpen', 'now');
  declare number: string;
  declare peer: Peer | null;
  declare registration: Registration;
  declare failed: boolean;
  /** A call is being asked for. */
  declare dialling: State['dialling'];
  /** Set-up was put off: a reminder leads back to it. */
  declare setupOpen: boolean;
  declare now: () => number;
  #tick: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener('keydown', this.#typed);
    this.#tick = setInterval(() => (this.registration?.retryAt || this.peer) && this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener('keydown', this.#typed);
    clearInterval(this.#tick);
  }

  protected override render(): TemplateResult {
    const { t } = this;
    const callable = this.registration.state === 'registered' && this.number !== '';
    // Whoever has the focus on one of them keeps it.
    const busy = this.dialling ? 'true' : 'false';
    return html`
      <section class="page keypad">
        ${heading(t.keypad.title, 'sr')}
        ${this.#status()}
        <form @submit=${this.#submit}>
          <div class="dial">
            <input data-testid="dial-input" type="text" inputmode="tel" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="64" dir="ltr"
              aria-label=${t.keypad.number} placeholder=${t.keypad.hint} .value=${this.number} @input=${this.#input} />
            <button type="button" class="bare" aria-label=${t.keypad.erase} ?disabled=${!this.number} @click=${() => this.#set(this.number.slice(0, -1))}>${icon('erase')}</button>
          </div>
          <p class="peer" role="status" data-testid="peer" data-peer=${this.peer ? (this.#isOld(this.peer) ? 'old' : this.peer.state) : 'none'}>${this.dialling === 'video'
            ? html`<span data-testid="camera-starts">${t.keypad.camera}</span>`
            : this.peer ? this.#peer(this.peer) : nothing}</p>
          <div class="keys">
            ${keys.map(([digit = '', letters = '']) => html`
              <button type="button" class="key" data-testid="key-${digit}" aria-label=${digit} @click=${() => this.#set(this.number + digit)}>
                <span>${digit}</span><small aria-hidden="true">${letters}</small>
              </button>`)}
          </div>
          <button class="call wide" data-testid="dial-call" aria-disabled=${busy} ?disabled=${!callable}>${icon('phone')} ${t.keypad.call}</button>
          <button type="button" class="wide" data-testid="dial-video" aria-disabled=${busy} ?disabled=${!callable} @click=${() => this.ask('call', { number: this.number, video: true })}>${icon('camera')} ${t.keypad.video}</button>
        </form>
      </section>
    `;
  }

  #isOld(peer: Peer): boolean {
    const known = peer.state !== 'failed' && peer.state !== 'unknown';
    return known && (peer.old || this.now() - peer.at > FRESH);
  }

  /** What a caller can expect, and of when that is if it is not of now. */
  #peer(peer: Peer): TemplateResult {
    const { t } = this;
    if (this.#isOld(peer)) return html`<span class="presence">${t.keypad.peer.old(t.keypad.peer[peer.state], when(peer.at, this.now(), t))}</span>`;
    return html`<span class="presence ${peer.state === 'online' ? 'on' : ''}">${t.keypad.peer[peer.state]}</span>`;
  }

  #status(): TemplateResult | typeof nothing {
    const { t, registration } = this;
    if (this.failed) return html`<div role="alert">${banner('warn', t.keypad.failed)}</div>`;
    const { state, retryAt } = registration;
    if (state === 'reconnecting' || state === 'offline' || state === 'refused') {
      const text = state === 'offline' ? t.registration.lostOffline : state === 'refused' ? t.registration.refused : t.registration.lost;
      const next = retryAt === null ? nothing : html`<p class="hint">${t.registration.retry(Math.ceil((retryAt - this.now()) / 1000))}</p>`;
      return banner('warn', html`<p>${text}${state === 'refused' && registration.reason ? html` (${registration.reason})` : nothing}</p>${next}`);
    }
    if (!this.setupOpen) return nothing;
    return banner('info', html`
      <div class="row"><span>${t.setup.incomplete}</span>
      <button type="button" data-testid="setup-open" @click=${() => this.ask('show', { page: 'set-up' })}>${t.setup.open}</button></div>`);
  }

  #set(text: string): string {
    const number = dialled(text);
    this.ask('dial', { number });
    return number;
  }

  readonly #input = (event: InputEvent): void => {
    const input = event.currentTarget as HTMLInputElement;
    const number = this.#set(input.value);
    if (input.value !== number) input.value = number;
  };

  /** Digits typed anywhere on the page go to the number. */
  readonly #typed = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
    if (/^[0-9*#+]$/.test(event.key)) this.#set(this.number + event.key);
    else if (event.key === 'Backspace') this.#set(this.number.slice(0, -1));
    else return;
    event.preventDefault();
  };

  readonly #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (this.number) this.ask('call', { number: this.number });
  };
}
customElements.define('wl-keypad', KeypadScreen);
