/** An outgoing call with its staged progress: waking … shown … opened … ringing. Where nobody had to be woken, none is shown. */
import { html, nothing, type TemplateResult } from 'lit';
import { stageOf } from '../store/screen.ts';
import { nameOf, type CallView } from '../store/state.ts';
import { icon } from './icons.ts';
import { heading, who } from './parts.ts';
import { Screen, props } from './screen.ts';
import { second } from './second.ts';

const stages = ['pushed', 'shown', 'opened', 'ringing'] as const;

export class CallingScreen extends Screen {
  static override properties = props('call', 'second', 'connected');
  declare call: CallView;
  declare second: CallView | null;
  /** The signalling connection is up. */
  declare connected: boolean;

  protected override render(): TemplateResult {
    const { t, call } = this;
    const stage = stageOf(call);
    const name = nameOf(call.remote);
    return html`
      <section class="call-screen">
        <div class="call-top">
          ${heading(t.calling.to(name), 'sr')}
          <p class="eyebrow" data-testid="call-stage">${t.calling.status(name)[stage]}</p>
          ${who(call.remote, true)}
          ${call.stage || call.phase === 'waking' ? this.#steps(stage) : nothing}
          ${this.connected ? nothing : html`<p class="hint warn" role="status" data-testid="caller-lost">${t.calling.lost}</p>`}
          ${second(this.second, t, 'hang-up', {
            decline: (id) => this.ask('decline', { call: id }),
            take: (id) => this.ask('swap', { from: call.id, to: id }),
          })}
        </div>
        <div class="call-actions">
          <div class="act">
            <button type="button" class="round decline" data-testid="hang-up" aria-label=${t.calling.hangUp} @click=${() => this.ask('hang-up', { call: call.id })}>${icon('down')}</button>
            <span aria-hidden="true">${t.calling.hangUp}</span>
          </div>
        </div>
      </section>
    `;
  }

  #steps(stage: ReturnType<typeof stageOf>): TemplateResult {
    const { t } = this;
    const at = stage === 'calling' ? -1 : stage === 'answered' ? stages.length : stages.indexOf(stage);
    return html`
      <ol class="steps" aria-label=${t.calling.progress}>
        ${stages.map((one, index) => html`
          <li class=${index < at ? 'done' : index === at ? 'now' : ''} aria-current=${index === at ? 'step' : 'false'}>${t.calling.stages[one]}</li>`)}
      </ol>
    `;
  }
}
customElements.define('wl-calling', CallingScreen);
