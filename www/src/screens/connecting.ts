/** A tapped invitation on its way to becoming a call: shown at once, before the edge has said anything. */
import { html, type TemplateResult } from 'lit';
import { nameOf, type WakeView } from '../store/state.ts';
import { heading, who } from './parts.ts';
import { icon } from './icons.ts';
import { Screen, props } from './screen.ts';

const steps = ['opening', 'registering', 'ready'] as const;

export class ConnectingScreen extends Screen {
  static override properties = props('wake');
  declare wake: WakeView;

  protected override render(): TemplateResult {
    const { t, wake } = this;
    const at = steps.indexOf(wake.progress as (typeof steps)[number]);
    return html`
      <section class="call-screen">
        <div class="call-top">
          ${heading(t.connecting.title(wake.caller ? nameOf(wake.caller) : ''), 'eyebrow')}
          ${wake.caller ? who(wake.caller, true) : html`<div class="avatar pulse" aria-hidden="true"><span>${icon('phone')}</span></div>`}
          <ol class="steps">
            ${steps.map((step, index) => html`
              <li class=${index < at ? 'done' : index === at ? 'now' : ''} aria-current=${index === at ? 'step' : 'false'}>${t.connecting.steps[step]}</li>`)}
          </ol>
        </div>
        <div class="stack">
          <button type="button" class="wide" data-testid="ended-close" @click=${() => this.ask('dismiss', {})}>${t.ended.close}</button>
        </div>
      </section>
    `;
  }
}
customElements.define('wl-connecting', ConnectingScreen);
