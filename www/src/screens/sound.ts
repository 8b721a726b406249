/** Sound: devices, what is done to the voice, coding, and the check of everything that a call needs. */
import { html, nothing, type TemplateResult } from 'lit';
import { soundWords, type SoundWords } from '../i18n/sound.ts';
import type { MediaState } from '../store/media.ts';
import type { Language } from '../store/state.ts';
import { banner, heading } from './parts.ts';
import { Screen, props } from './screen.ts';
import { devices, flag, processing } from './sound-parts.ts';

type Step = MediaState['check']['steps'][number];

export class SoundScreen extends Screen {
  static override properties = props('media', 'language');
  declare media: MediaState | null;
  declare language: Language;

  protected override render(): TemplateResult {
    const { media } = this;
    const words = soundWords(this.language);
    if (!media) return html`<section class="page">${heading(words.title)}<p class="hint" role="status">${this.t.starting}</p></section>`;
    const { settings } = media;
    const change = (one: Partial<typeof settings>): void => this.ask('sound', one);
    return html`
      <section class="page">
        ${heading(words.title)}
        <p class="hint">${words.lead}</p>
        ${devices(media, words, change)}
        ${processing(settings, words, change)}
        <label><span>${words.codec}</span>
          <select data-testid="sound-codec" @change=${(event: Event) => change({ codec: (event.target as HTMLSelectElement).value as typeof settings.codec })}>
            ${(['auto', 'opus', 'g711'] as const).map((codec) => html`<option value=${codec} ?selected=${settings.codec === codec}>${words.codecs[codec]}</option>`)}
          </select>
        </label>
        ${settings.codec === 'g711' ? nothing : html`${flag('fec', settings, words, change)}${flag('dtx', settings, words, change)}`}
        <p class="hint">${words.nextCall}</p>
        <div class="settings">${this.#check(media.check, words)}</div>
      </section>
    `;
  }

  #check({ running, steps, passed }: MediaState['check'], words: SoundWords): TemplateResult {
    return html`
      <button type="button" class="wide" data-testid="check" aria-disabled=${running ? 'true' : 'false'} @click=${() => { if (!running) this.ask('check', {}); }}>${words.check}</button>
      <p class="hint" role="status">${running ? words.checking : words.checkHint}</p>
      ${passed === null ? nothing : html`<div role="status" data-testid="check-result" data-passed=${passed}>${banner(passed ? 'good' : 'warn', passed ? words.passed : words.failed)}</div>`}
      <ul class="list" aria-busy=${running ? 'true' : 'false'}>${steps.map((step) => this.#step(step, words))}</ul>
    `;
  }

  #step({ name, result, why, ms, label, mos }: Step, words: SoundWords): TemplateResult {
    const reason = why && (words.why[why] ?? words.whyOther(why));
    return html`
      <li data-testid="check-${name}" data-result=${result}>
        <div class="grow">
          <p class="title">${words.steps[name]} <span class="tag ${result === 'passed' ? 'good' : result === 'failed' ? 'bad' : ''}">${words.results[result]}</span></p>
          ${reason ? html`<p class="hint ${result === 'failed' ? 'warn' : ''}">${reason}</p>` : nothing}
          ${label ? html`<p class="hint" dir="auto">${label}</p>` : nothing}
          ${mos === undefined ? nothing : html`<p class="hint">MOS ${mos.toFixed(1)}</p>`}
        </div>
        <span class="hint" dir="ltr">${ms} ms</span>
      </li>`;
  }
}
customElements.define('wl-sound', SoundScreen);
