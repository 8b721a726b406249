/** How a call ended, in words, and what can be done about it. */
import { html, nothing, type TemplateResult } from 'lit';
import type { CallView } from '../store/state.ts';
import { heading, who } from './parts.ts';
import { icon } from './icons.ts';
import { endReason, endTitle } from './reason.ts';
import { Screen, props } from './screen.ts';

export class EndedScreen extends Screen {
  static override properties = props('call', 'own');
  declare call: CallView;
  /** The user's own number. */
  declare own: string;

  protected override render(): TemplateResult {
    const { t, call } = this;
    return html`
      <section class="call-screen">
        <div class="call-top">
          ${heading(endTitle(call, t), 'eyebrow')}
          ${who(call.remote)}
          <p class="reason" data-testid="ended-reason">${endReason(call, t, this.own)}</p>
          ${call.end?.outcome === 'failed' && call.end.reason && !t.ended.microphone[call.end.reason] ? html`<p class="hint">${t.ended.detail} <q lang="en">${call.end.reason}</q></p>` : nothing}
        </div>
        <div class="stack">
          <button type="button" class="primary wide" data-testid="ended-again" @click=${() => this.ask('call', { number: call.remote.number })}>
            ${icon('phone')} ${call.direction === 'in' && call.answeredAt === null ? t.ended.back : t.ended.again}</button>
          <button type="button" class="wide" data-testid="ended-close" @click=${() => this.ask('dismiss', {})}>${t.ended.close}</button>
        </div>
      </section>
    `;
  }
}
customElements.define('wl-ended', EndedScreen);
