/** A second caller beside the call that has the screen: decline it, or take it, and hang up or hold the first one. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Messages } from '../i18n/index.ts';
import { nameOf, type CallView } from '../store/state.ts';

/** What becomes of the call in front when the second one is taken. */
export type Swap = 'hang-up' | 'ring-on';

interface Keys {
  decline: (call: string) => void;
  take: (call: string) => void;
  /** Only beside a call that can be held. */
  hold?: ((call: string) => void) | undefined;
}

export const second = (call: CallView | null, t: Messages, swap: Swap, on: Keys): TemplateResult | typeof nothing =>
  call === null
    ? nothing
    : html`
      <div class="banner info second" role="alert" data-testid="second">
        <p>${t.ringing.second(nameOf(call.remote))}</p>
        <div class="row">
          <button type="button" data-testid="second-decline" aria-label=${t.ringing.declineName(nameOf(call.remote))} @click=${() => on.decline(call.id)}>${t.ringing.decline}</button>
          ${on.hold ? html`<button type="button" class="primary" data-testid="second-hold" @click=${() => on.hold?.(call.id)}>${t.ringing.holdAndAnswer}</button>` : nothing}
          <button type="button" class=${on.hold ? '' : 'primary'} data-testid="second-answer" @click=${() => on.take(call.id)}>${swap === 'hang-up' ? t.ringing.swap : t.ringing.answerThis}</button>
        </div>
      </div>
    `;
