/** A call comes in: who it is, Answer, Decline. In the first chunk: it must be painted at once. */
import { html, nothing, type TemplateResult } from 'lit';
import type { CallView, Permission } from '../store/state.ts';
import { icon } from './icons.ts';
import { heading, who } from './parts.ts';
import { Screen, props } from './screen.ts';
import { second } from './second.ts';

export class RingingScreen extends Screen {
  static override properties = props('call', 'second', 'microphone', 'ring', 'large');
  declare call: CallView;
  declare second: CallView | null;
  declare microphone: Permission;
  declare ring: 'silent' | 'playing' | 'blocked';
  /** The user has said "Answer" already, and the browser did not let us: one large button. */
  declare large: boolean;

  protected override render(): TemplateResult {
    const { t, call } = this;
    const answer = (): void => this.ask('answer', { call: call.id });
    return html`
      <section class="call-screen ringing ${this.large ? 'large' : ''}">
        <div class="call-top">
          ${heading(t.ringing.incoming, 'eyebrow')}
          ${who(call.remote, true)}
          ${this.#hint()}
          ${second(this.second, t, 'ring-on', {
            decline: (id) => this.ask('decline', { call: id }),
            take: (id) => this.ask('answer', { call: id }),
          })}
        </div>
        <div class="call-actions">
          <div class="act">
            <button type="button" class="round decline" data-testid="decline" aria-label=${t.ringing.decline} @click=${() => this.ask('decline', { call: call.id })}>${icon('down')}</button>
            <span aria-hidden="true">${t.ringing.decline}</span>
          </div>
          <div class="act">
            <button type="button" class="round answer" data-testid="answer" aria-label=${t.ringing.answer} @click=${answer}>${icon('phone')}</button>
            <span aria-hidden="true">${t.ringing.answer}</span>
          </div>
          ${call.video
            ? html`<div class="act">
                <button type="button" class="round answer" data-testid="answer-video" aria-label=${t.ringing.video} @click=${() => this.ask('answer', { call: call.id, video: true })}>${icon('camera')}</button>
                <span aria-hidden="true">${t.ringing.video}</span>
              </div>`
            : nothing}
        </div>
      </section>
    `;
  }

  #hint(): TemplateResult | typeof nothing {
    const { t } = this;
    if (this.microphone === 'blocked' || this.microphone === 'missing') {
      return html`
        <p class="hint warn" role="alert" data-testid="no-microphone">${t.ringing[this.microphone]}</p>
        <button type="button" data-testid="listen" @click=${() => this.ask('listen', { call: this.call.id })}>${t.ringing.listen}</button>`;
    }
    const ask = this.microphone === 'prompt' ? html`<p class="hint">${t.ringing.willAsk}</p>` : nothing;
    const hear = this.ring === 'blocked'
      ? html`<button type="button" class="quiet" data-testid="hear-ring" @click=${() => this.ask('hear', {})}>${icon('sound')} ${t.ringing.hear}</button>`
      : nothing;
    return html`${hear}${ask}`;
  }
}
customElements.define('wl-ringing', RingingScreen);
