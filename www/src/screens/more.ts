/** What else can be done in a call: digits, sending the other side elsewhere, a second call. Plain, and folded away. */
import { html, nothing, type TemplateResult } from 'lit';
import { nameOf, type CallView, type Digits, type State } from '../store/state.ts';
import { dialled, unfolded } from './parts.ts';
import { Screen, props } from './screen.ts';

const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];

export class MoreControls extends Screen {
  static override properties = { ...props('call', 'beside', 'transfer', 'digits', 'media'), number: { state: true } };
  declare call: CallView;
  declare beside: CallView | null;
  declare transfer: State['transfer'];
  declare digits: Digits | null;
  declare media: State['media'];
  declare number: string;

  constructor() {
    super();
    this.number = '';
  }

  protected override render(): TemplateResult {
    const { t, call, beside, digits } = this;
    const to = this.number;
    return html`
      ${beside ? this.#beside(beside) : nothing}
      ${this.transfer ? html`<p class="hint ${this.transfer === 'refused' ? 'warn' : ''}" role="status" data-testid="transfer-state">${t.active.transferState[this.transfer]}</p>` : nothing}
      ${digits?.refused ? html`<p class="hint warn" role="status" data-testid="digits-refused">${t.active.notAllSent}</p>` : nothing}
      <details class="more" name="more" data-testid="keys" @keydown=${(event: KeyboardEvent) => this.#typed(event)}>
        <summary @click=${unfolded}>${t.active.keys}</summary>
        <output aria-label=${t.active.sent} dir="ltr">${digits?.sent}</output>
        <div class="keys">
          ${keys.map((digit) => html`<button type="button" class="key" data-testid="digit-${digit}" aria-label=${digit} @click=${() => this.#digit(digit)}><span>${digit}</span></button>`)}
        </div>
      </details>
      <details class="more" name="more" data-testid="elsewhere">
        <summary @click=${unfolded}>${t.active.elsewhere}</summary>
        <div class="row">
          <input type="text" inputmode="tel" autocomplete="off" maxlength="64" dir="ltr" data-testid="elsewhere-number" aria-label=${t.keypad.number} placeholder=${t.keypad.number}
            .value=${this.number} @input=${(event: Event) => this.#numbered(event.target as HTMLInputElement)} />
          <button type="button" data-testid="transfer" ?disabled=${!to} @click=${() => this.ask('transfer', { call: call.id, to })}>${t.active.transfer}</button>
          ${beside ? nothing : html`<button type="button" data-testid="call-too" ?disabled=${!to} @click=${() => this.ask('call-too', { number: to })}>${t.active.callToo}</button>`}
        </div>
      </details>
      <wl-call-sound .t=${t} .call=${call} .media=${this.media}></wl-call-sound>
    `;
  }

  #beside(beside: CallView): TemplateResult {
    const { t, call } = this;
    return html`
      <div class="banner info" data-testid="beside">
        <p>${t.active.beside(nameOf(beside.remote))}</p>
        <div class="row">
          <button type="button" data-testid="switch" @click=${() => this.ask('hold', { call: beside.id, on: false })}>${t.active.switch}</button>
          <button type="button" data-testid="connect" @click=${() => this.ask('connect', { call: beside.id, other: call.id })}>${t.active.connect}</button>
        </div>
      </div>
    `;
  }

  #numbered(input: HTMLInputElement): void {
    this.number = dialled(input.value);
    if (input.value !== this.number) input.value = this.number;
  }

  /** Digits may be typed as well. */
  #typed(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || !keys.includes(event.key)) return;
    if ((event.currentTarget as HTMLDetailsElement).open) this.#digit(event.key);
  }

  #digit(digit: string): void {
    this.ask('digit', { call: this.call.id, digit });
  }
}
customElements.define('wl-more', MoreControls);
