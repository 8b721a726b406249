/** The sound of a call in progress: how good it is, which devices it goes by, a recording. Comes once the call is talked in. */
import { html, nothing, type TemplateResult } from 'lit';
import { soundWords, type SoundWords } from '../i18n/sound.ts';
import type { MediaState, SoundSettings } from '../store/media.ts';
import { nameOf, type CallView } from '../store/state.ts';
import { banner, unfolded } from './parts.ts';
import { Screen, props } from './screen.ts';
import { devices, processing } from './sound-parts.ts';

export class CallSound extends Screen {
  static override properties = props('call', 'media');
  declare call: CallView;
  declare media: MediaState | null;

  protected override render(): TemplateResult | typeof nothing {
    const { media, call } = this;
    if (!media) return nothing;
    const words = soundWords(this.t.tag.startsWith('zh') ? 'zh' : 'en');
    const { quality } = media;
    const recording = media.recording?.call === call.id;
    return html`
      <div role="status">${call.recorded ? html`<div data-testid="recorded">${banner('warn', words.recorded(nameOf(call.remote)))}</div>` : nothing}
        ${recording ? html`<div data-testid="recording" data-told=${call.recordingTold}>${banner('warn', call.recordingTold ? words.recordingTold : words.recording)}</div>` : nothing}</div>
      ${quality?.grade && quality.mos !== null
        ? html`<p class="hint quality ${quality.grade}" data-testid="quality" data-grade=${quality.grade}>${words.quality(words.grades[quality.grade], quality.mos.toFixed(1))}</p>`
        : nothing}
      <div role="status">${quality?.warnings.map((warning) => html`<p class="hint warn" data-testid="warning-${warning}">${words.warnings[warning]}</p>`) ?? nothing}</div>
      <details class="more" name="more" data-testid="sound" ?open=${media.open} @toggle=${(event: Event) => this.#toggled(event)}>
        <summary @click=${unfolded}>${words.title}</summary>
        <div class="sound-panel">
          ${media.levels ? this.#levels(media.levels, words) : nothing}
          ${devices(media, words, (change) => this.#change(change))}
          ${processing(media.settings, words, (change) => this.#change(change))}
          ${media.canRecord
            ? html`<p class="hint" id="record-hint">${words.recordHint}</p>
                <button type="button" data-testid="record" aria-pressed=${recording ? 'true' : 'false'} ?disabled=${media.recording !== null && !recording} aria-describedby="record-hint"
                  @click=${() => this.ask('record', { call: call.id, on: !recording })}>${recording ? words.stop : words.record}</button>`
            : nothing}
        </div>
      </details>
    `;
  }

  #levels(levels: { input: number; output: number }, words: SoundWords): TemplateResult[] {
    return (['input', 'output'] as const).map((side) => html`
      <label class="level"><span>${words.levels[side]}</span>
        <meter min="0" max="1" data-testid="level-${side}" .value=${Math.min(1, Math.sqrt(levels[side]))}></meter></label>`);
  }

  #change(change: Partial<SoundSettings>): void {
    this.ask('sound', change);
  }

  #toggled(event: Event): void {
    const { open } = event.target as HTMLDetailsElement;
    if (open !== this.media?.open) this.ask('sound-panel', { open });
  }
}
customElements.define('wl-call-sound', CallSound);
