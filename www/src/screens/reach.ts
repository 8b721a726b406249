/** Who reaches the user: do-not-disturb, and the callers who are blocked. Part of the devices screen. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Messages } from '../i18n/index.ts';
import { nameOf, type State } from '../store/state.ts';
import { banner } from './parts.ts';

interface Asked {
  quiet: (on: boolean) => void;
  unblock: (number: string) => void;
}

export const reachSettings = ({ blocked, quietSince, failed }: State['reach'], t: Messages, ask: Asked): TemplateResult => html`
  ${failed ? banner('warn', t.reach.failed) : nothing}
  <div class="setting">
    <div class="grow">
      <p class="title" id="quiet-title">${t.reach.quiet}</p>
      <p class="hint" id="quiet-hint">${quietSince === null ? t.reach.quietHint : t.reach.quietOn}</p>
    </div>
    <button type="button" role="switch" data-testid="quiet" aria-checked=${quietSince === null ? 'false' : 'true'}
      aria-labelledby="quiet-title" aria-describedby="quiet-hint" @click=${() => ask.quiet(quietSince === null)}>${quietSince === null ? t.reach.turnOn : t.reach.turnOff}</button>
  </div>
  ${blocked.length
    ? html`
      <h2 class="hint">${t.reach.blockedTitle}</h2>
      <ul class="list">${blocked.map(({ caller }) => html`
        <li data-testid="blocked">
          <div class="grow">
            <p class="title" dir="auto">${nameOf(caller)}</p>
            ${caller.displayName.trim() ? html`<p class="hint" dir="ltr">${caller.number}</p>` : nothing}
          </div>
          <button type="button" data-testid="unblock" aria-label=${t.reach.unblockName(nameOf(caller))} @click=${() => ask.unblock(caller.number)}>${t.reach.unblock}</button>
        </li>`)}</ul>
      <p class="hint">${t.reach.blockedHint}</p>`
    : nothing}
`;
