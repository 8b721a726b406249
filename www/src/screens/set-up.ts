/** Microphone and notifications, asked for together by one gesture; and what to do where the browser said no. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Permission, Setup } from '../store/state.ts';
import { icon } from './icons.ts';
import { banner, heading } from './parts.ts';
import { Screen, props } from './screen.ts';

const bad: readonly Permission[] = ['blocked', 'missing', 'unsupported'];

export class SetUpScreen extends Screen {
  static override properties = props('setup');
  declare setup: Setup;

  protected override render(): TemplateResult {
    const { t, setup } = this;
    const complete = setup.microphone === 'granted' && setup.notifications === 'granted';
    const askable = setup.microphone === 'prompt' || setup.notifications === 'prompt' || setup.microphone === 'missing';
    return html`
      <section class="page narrow">
        ${heading(t.setup.title)}
        <p class="lead">${t.setup.lead}</p>
        <ul class="list">
          ${this.#row('microphone')} ${this.#row('notifications')}
        </ul>
        <div role="status">
          ${setup.asking ? banner('info', t.setup.asking) : nothing}
          ${complete && setup.subscribed ? banner('good', t.setup.ready) : nothing}
          ${setup.notifications === 'granted' && setup.subscribed === false ? banner('warn', t.setup.unsubscribed) : nothing}
        </div>
        <div class="stack">
          ${askable
            ? html`<button type="button" class="primary wide" data-testid="setup-allow" ?disabled=${setup.asking} @click=${() => this.ask('set-up', {})}>
                ${setup.microphone === 'missing' ? t.setup.retry : setup.microphone === setup.notifications ? t.setup.allow : t.setup.allowOne}</button>`
            : nothing}
          <button type="button" class="wide ${askable ? '' : 'primary'}" data-testid="setup-skip" @click=${() => this.ask('set-up-later', {})}>${complete ? t.setup.done : askable ? t.setup.later : t.setup.without}</button>
        </div>
      </section>
    `;
  }

  #row(what: 'microphone' | 'notifications'): TemplateResult {
    const { t } = this;
    const state = this.setup[what];
    const kind = state === 'granted' ? 'good' : bad.includes(state) ? 'bad' : '';
    const help = (t.setup.help[what] as Partial<Record<Permission, string>>)[state];
    return html`
      <li class="permission" data-testid="permission-${what}" data-permission=${state}>
        ${icon(what === 'microphone' ? 'mic' : 'bell')}
        <div class="grow">
          <p class="title">${t.setup[what]}<span class="tag ${kind}">${t.setup.states[state]}</span></p>
          <p class="hint">${help ?? t.setup.why[what]}</p>
        </div>
      </li>
    `;
  }
}
customElements.define('wl-set-up', SetUpScreen);
