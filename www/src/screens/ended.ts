/** How a call ended, in words, and what can be done about it. */
import { html, nothing, type TemplateResult } from 'lit';
import { duration, sentences, type Messages } from '../i18n/index.ts';
import { nameOf, type CallView } from '../store/state.ts';
import { heading, who } from './parts.ts';
import { icon } from './icons.ts';
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

export function endTitle(call: CallView, t: Messages): string {
  if (call.answeredAt !== null) return t.ended.title;
  const missed = call.direction === 'in' && ['cancelled', 'unanswered', 'expired'].includes(call.end?.outcome ?? '');
  if (missed) return t.ended.missed;
  return call.direction === 'out' && call.end?.outcome !== 'cancelled' ? t.ended.notConnected : t.ended.title;
}

export function endReason(call: CallView, t: Messages, own = ''): string {
  const { end } = call;
  if (!end) return '';
  const microphone = end.outcome === 'failed' && end.by === 'local' ? t.ended.microphone[end.reason] : undefined;
  if (microphone) return microphone;
  if (call.direction === 'out' && call.remote.number === own && (end.outcome === 'unbound' || end.outcome === 'unreachable')) return t.ended.yourself;
  const sentence = end.by === 'local' && (end.outcome === 'hungup' || end.outcome === 'declined' || end.outcome === 'lost')
    ? t.ended.byYou[end.outcome]
    : t.ended[call.direction](nameOf(call.remote))[end.outcome];
  const lasted = call.answeredAt !== null && call.endedAt !== null ? t.ended.lasted(duration(call.endedAt - call.answeredAt)) : '';
  const wait = end.retryAfter === null ? '' : t.ended.waitFor(end.retryAfter);
  return sentences(t, sentence, wait, lasted);
}
