/** A tapped invitation on its way to becoming a call: shown at once, before the edge has said anything. */
import { html, nothing, type TemplateResult } from 'lit';
import { nameOf, type WakeView } from '../store/state.ts';
import { heading, who } from './parts.ts';
import { icon } from './icons.ts';
import { Screen, props } from './screen.ts';

const steps = ['opening', 'registering', 'ready'] as const;

export class ConnectingScreen extends Screen {
  static override properties = props('wake', 'unreachable');
  declare wake: WakeView;
  /** The edge could not even be asked who is signed in here. */
  declare unreachable: boolean;

  protected override render(): TemplateResult {
    const { t, wake } = this;
    const hindered = this.unreachable ? 'unreachable' : wake.hindered;
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
          ${hindered ? html`<p class="hint warn" role="alert" data-testid="hindered">${t.connecting.hindered[hindered]}</p>` : nothing}
        </div>
        <div class="stack">
          ${hindered === 'refused'
            ? html`<button type="button" class="primary wide" data-testid="wake-again" @click=${() => this.ask('wake-again', { wake: wake.id })}>${t.connecting.again}</button>`
            : nothing}
          <button type="button" class="wide" data-testid="ended-close" @click=${() => this.ask('dismiss', {})}>${t.ended.close}</button>
        </div>
      </section>
    `;
  }
}
customElements.define('wl-connecting', ConnectingScreen);
