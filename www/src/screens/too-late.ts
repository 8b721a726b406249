/** The notification was tapped after the call was over: who, when, are they online now, one tap to call back. */
import { html, nothing, type TemplateResult } from 'lit';
import { sentences, when } from '../i18n/index.ts';
import { nameOf, type WakeView } from '../store/state.ts';
import { icon } from './icons.ts';
import { heading, who } from './parts.ts';
import { presence } from './missed.ts';
import { Screen, props } from './screen.ts';

export class TooLateScreen extends Screen {
  static override properties = props('wake', 'now');
  declare wake: WakeView;
  declare now: () => number;

  protected override render(): TemplateResult {
    const { t, wake } = this;
    const { caller } = wake;
    const outcome = (wake.why !== 'unopened' && wake.why) || (wake.outcome ?? '');
    const time = wake.at === null ? '' : when(wake.at, this.now(), t);
    return html`
      <section class="call-screen">
        <div class="call-top">
          ${heading(t.tooLate.handled[outcome] ?? (wake.why && wake.why in t.connecting.hindered ? t.ended.notConnected : t.tooLate.title), 'eyebrow')}
          ${caller ? who(caller) : html`<div class="avatar" aria-hidden="true"><span>${icon('clock')}</span></div>`}
          <p class="reason" data-testid="ended-reason">
            ${sentences(t, caller ? t.tooLate.called(nameOf(caller), time) : t.tooLate.somebody, t.tooLate.why[outcome] ?? '')}
          </p>
          ${caller && wake.callerOnline !== null ? presence(wake.callerOnline, t) : nothing}
        </div>
        <div class="stack">
          ${caller
            ? html`<button type="button" class="primary wide" data-testid="missed-call-back" @click=${() => this.ask('call', { number: caller.number })}>${icon('phone')} ${t.ended.back}</button>`
            : nothing}
          <button type="button" class="wide" data-testid="ended-close" @click=${() => this.ask('dismiss', {})}>${t.ended.close}</button>
        </div>
      </section>
    `;
  }
}
customElements.define('wl-too-late', TooLateScreen);
