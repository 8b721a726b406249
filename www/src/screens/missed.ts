/** Missed calls: who, when, online now, one tap to call back. */
import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import { when, type Messages } from '../i18n/index.ts';
import { nameOf, type MissedView, type State } from '../store/state.ts';
import { icon } from './icons.ts';
import { banner, heading, initial } from './parts.ts';
import { Screen, props } from './screen.ts';

export const presence = (online: boolean, t: Messages): TemplateResult =>
  html`<span class="presence ${online ? 'on' : ''}">${online ? t.missed.online : t.missed.offline}</span>`;

export class MissedScreen extends Screen {
  static override properties = props('missed', 'list', 'reach', 'now');
  declare missed: MissedView[];
  declare list: State['missedList'];
  declare reach: State['reach'];
  declare now: () => number;

  protected override render(): TemplateResult {
    const { t, list, missed } = this;
    return html`
      <section class="page">
        ${heading(t.missed.title)}
        ${this.reach.failed ? banner('warn', t.reach.failed) : nothing}
        ${list.failed ? this.#failed() : nothing}
        <ul class="list" aria-busy=${list.busy ? 'true' : 'false'}>
          ${repeat(missed, ({ id }) => id, (one) => this.#item(one))}
          ${list.known || list.failed ? nothing : html`<li class="loading"><p role="status">${t.missed.loading}</p></li>`}
        </ul>
        ${list.known && !missed.length
          ? html`<div class="empty" data-testid="missed-none">${icon('check')}<p>${t.missed.none}</p><p class="hint">${t.missed.noneHint}</p></div>`
          : nothing}
      </section>
    `;
  }

  /** The app's live region says the sentence. */
  #failed(): TemplateResult {
    const { t } = this;
    return banner('warn', html`
      <div class="row" data-testid="missed-failed"><span>${t.missed.failed}</span>
      <button type="button" data-testid="missed-again" @click=${() => this.ask('missed-again', {})}>${this.list.busy ? t.missed.loading : t.missed.again}</button></div>`);
  }

  #item({ caller, at, callerOnline, seen }: MissedView): TemplateResult {
    const { t } = this;
    const blocked = this.reach.blocked.some((one) => one.caller.number === caller.number);
    return html`
      <li data-testid="missed-item" class=${seen ? '' : 'new'}>
        <div class="avatar small" aria-hidden="true"><span>${initial(caller)}</span></div>
        <div class="grow">
          <p class="title" dir="auto">${nameOf(caller)}${seen ? nothing : html` <span class="tag">${t.missed.isNew}</span>`}</p>
          <p class="hint">${caller.displayName.trim() ? html`<span dir="ltr">${caller.number}</span> · ` : nothing}<time datetime=${new Date(at).toISOString()}>${when(at, this.now(), t)}</time></p>
          <p class="beside">
            ${blocked ? html`<span class="tag">${t.reach.blocked}</span>` : callerOnline === null ? nothing : presence(callerOnline, t)}
            <button type="button" class="quiet" data-testid="missed-block" aria-pressed=${blocked ? 'true' : 'false'}
              aria-label=${blocked ? t.reach.unblockName(nameOf(caller)) : t.reach.blockName(nameOf(caller))}
              @click=${() => (blocked ? this.ask('unblock', { number: caller.number }) : this.ask('block', caller))}>${blocked ? t.reach.unblock : t.reach.block}</button>
          </p>
        </div>
        <button type="button" class="round small answer" data-testid="missed-call-back" aria-label=${t.missed.callBack(nameOf(caller))}
          @click=${() => this.ask('call', { number: caller.number })}>${icon('phone')}</button>
      </li>
    `;
  }
}
customElements.define('wl-missed', MissedScreen);
