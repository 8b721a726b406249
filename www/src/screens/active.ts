/** In a call: mute, hang up, time. Also while the media of an answered call is still connecting. */
import { html, nothing, type TemplateResult } from 'lit';
import { duration } from '../i18n/index.ts';
import { nameOf, type CallView, type Permission, type State } from '../store/state.ts';
import { icon } from './icons.ts';
import { heading, who } from './parts.ts';
import './more.ts';
import { Screen, props } from './screen.ts';
import { second } from './second.ts';
import { endedBeside } from './reason.ts';

export class ActiveScreen extends Screen {
  static override properties = props('call', 'second', 'beside', 'ended', 'refused', 'transfer', 'digits', 'media', 'video', 'remote', 'microphone', 'connected', 'leads', 'now');
  declare call: CallView;
  declare second: CallView | null;
  /** Another call, which is held. */
  declare beside: CallView | null;
  /** The one that has ended beside it. */
  declare ended: CallView | null;
  declare refused: State['refused'];
  declare transfer: State['transfer'];
  declare digits: State['digits'];
  declare media: State['media'];
  declare video: State['video'];
  declare remote: State['sound']['remote'];
  declare microphone: Permission;
  /** The signalling connection is up. */
  declare connected: boolean;
  /** The call's sound is in this tab. Another one can mute, hold and hang up. */
  declare leads: boolean;
  declare now: () => number;

  protected override render(): TemplateResult {
    const { t, call } = this;
    const active = call.phase === 'active';
    return html`
      <section class="call-screen">
        <div class="call-top">
          ${heading(active ? t.active.duration : t.ringing.answering, active ? 'sr' : 'eyebrow')}
          ${active ? html`<wl-timer class="eyebrow" data-testid="timer" .since=${call.answeredAt} .now=${this.now}></wl-timer>` : nothing}
          ${who(call.remote)}
          ${this.#hint()}
          ${this.refused && [call.id, this.beside?.id].includes(this.refused.call) ? html`<p class="hint warn" role="alert" data-testid="hold-refused">${t.active.refused[this.refused.what]}</p>` : nothing}
          ${this.#ended()}
          ${this.remote === 'blocked'
            ? html`<button type="button" class="primary hear" data-testid="tap-to-hear" @click=${() => this.ask('hear', {})}>${icon('sound')} ${t.active.hear}</button>
                <p class="hint">${t.active.hearWhy}</p>`
            : nothing}
          ${second(this.second, t, 'hang-up', {
            decline: (id) => this.ask('decline', { call: id }),
            take: (id) => this.ask('swap', { from: call.id, to: id }),
            // The phone holds a call by itself when another one is taken.
            hold: active ? (id) => this.ask('answer', { call: id }) : undefined,
          })}
          ${active && !this.leads ? html`<p class="hint" data-testid="other-tab">${t.active.otherTab}</p>` : nothing}
          ${active && this.leads ? html`<wl-call-video .t=${t} .call=${call} .video=${this.video}></wl-call-video><wl-more .t=${t} .call=${call} .beside=${this.beside} .transfer=${this.transfer} .digits=${this.digits[call.id] ?? null} .media=${this.media}></wl-more>` : nothing}
        </div>
        <div class="call-actions">
          <div class="act">
            <button type="button" class="round plain" data-testid="mute" aria-pressed=${call.muted ? 'true' : 'false'} aria-label=${t.active.mute}
              ?disabled=${!active || call.silent} @click=${() => this.ask('mute', { call: call.id, on: !call.muted })}>${icon(call.muted ? 'micOff' : 'mic')}</button>
            <span aria-hidden="true">${call.muted ? t.active.unmute : t.active.mute}</span>
          </div>
          <div class="act">
            <button type="button" class="round plain" data-testid="hold" aria-pressed=${call.held ? 'true' : 'false'} aria-label=${t.active.hold}
              ?disabled=${!active} @click=${() => this.ask('hold', { call: call.id, on: !call.held })}>${icon('hold')}</button>
            <span aria-hidden="true">${call.held ? t.active.resume : t.active.hold}</span>
          </div>
          <div class="act">
            <button type="button" class="round decline" data-testid="hang-up" aria-label=${t.active.hangUp} @click=${() => this.ask('hang-up', { call: call.id })}>${icon('down')}</button>
            <span aria-hidden="true">${t.active.hangUp}</span>
          </div>
        </div>
      </section>
    `;
  }

  /** The app's live region says it. */
  #ended(): TemplateResult | typeof nothing {
    const { t, ended } = this;
    if (!ended) return nothing;
    return html`
      <div class="banner info second" data-testid="ended-beside">
        <p>${endedBeside(ended, t)}</p>
        <div class="row"><button type="button" data-testid="ended-beside-close" @click=${() => this.ask('beside-read', {})}>${t.ended.close}</button></div>
      </div>`;
  }

  #hint(): TemplateResult | typeof nothing {
    const { t, call } = this;
    if (call.phase !== 'active') return html`<p class="hint">${this.microphone === 'prompt' ? t.active.prompt : t.active.connecting}</p>`;
    if (!this.connected) return html`<p class="hint warn" role="status">${t.active.lost}</p>`;
    if (call.held) return html`<p class="hint warn" role="status" data-testid="held">${t.active.held}</p>`;
    if (call.remoteHeld) return html`<p class="hint warn" role="status" data-testid="remote-held">${t.active.remoteHeld}</p>`;
    if (call.silent) {
      const why = this.microphone === 'blocked' || this.microphone === 'missing' ? t.active.without[this.microphone] : t.active.without.lost;
      return html`
        <p class="hint warn" role="alert" data-testid="no-microphone">${t.active.silent(nameOf(call.remote))} ${why}</p>
        ${this.leads ? html`<button type="button" data-testid="use-microphone" @click=${() => this.ask('microphone', { call: call.id })}>${icon('mic')} ${t.active.useMicrophone}</button>` : nothing}`;
    }
    if (call.lost) return html`<p class="hint warn" role="status" data-testid="remote-lost">${t.active.remoteLost(nameOf(call.remote))}</p>`;
    if (call.broken) return html`<p class="hint warn" role="status" data-testid="broken">${t.active.broken}</p>`;
    return call.muted ? html`<p class="hint warn">${t.active.muted}</p>` : nothing;
  }
}
customElements.define('wl-active', ActiveScreen);

/** Counts the time of a call, once a second, without telling assistive technology each time. */
export class Timer extends Screen {
  static override properties = props('since', 'now');
  declare since: number | null;
  declare now: () => number;
  #interval: ReturnType<typeof setInterval> | undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#interval = setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#interval);
  }

  protected override render(): TemplateResult {
    return html`<span role="timer" aria-live="off">${duration(this.since === null ? 0 : this.now() - this.since)}</span>`;
  }
}
customElements.define('wl-timer', Timer);
