/** A second caller beside the call that has the screen: decline it, or take it. Holding the first one would be a third key here. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Messages } from '../i18n/index.ts';
import { nameOf, type CallView } from '../store/state.ts';

/** What becomes of the call in front when the second one is taken. */
export type Swap = 'hang-up' | 'ring-on';

export const second = (call: CallView | null, t: Messages, swap: Swap, on: { decline: (call: string) => void; take: (call: string) => void }): TemplateResult | typeof nothing =>
  call === null
    ? nothing
    : html`
      <div class="banner info second" role="alert" data-testid="second">
        <p>${t.ringing.second(nameOf(call.remote))}</p>
        <div class="row">
          <button type="button" data-testid="second-decline" aria-label=${t.ringing.declineName(nameOf(call.remote))} @click=${() => on.decline(call.id)}>${t.ringing.decline}</button>
          <button type="button" class="primary" data-testid="second-answer" @click=${() => on.take(call.id)}>${swap === 'hang-up' ? t.ringing.swap : t.ringing.answerThis}</button>
        </div>
      </div>
    `;
