/** Pieces that the sound's page and its panel in a call share. */
import { html, nothing, type TemplateResult } from 'lit';
import type { SoundWords } from '../i18n/sound.ts';
import type { MediaState, SoundSettings } from '../store/media.ts';

type Change = (change: Partial<SoundSettings>) => void;
type Flag = 'echoCancellation' | 'noiseSuppression' | 'autoGainControl' | 'fec' | 'dtx';

const chosen = (event: Event): string => (event.target as HTMLSelectElement).value;

export function devices(media: MediaState, words: SoundWords, change: Change): TemplateResult {
  const { settings } = media;
  const select = (kind: 'input' | 'output', list: MediaState['inputs']): TemplateResult => html`
    <label><span>${words[kind]}</span>
      <select data-testid="sound-${kind}" @change=${(event: Event) => change({ [kind]: chosen(event) })}>
        <option value="" ?selected=${settings[kind] === ''}>${words.system}</option>
        ${list.filter(({ id }) => id !== 'default').map(({ id, label }, nth) => html`<option value=${id} ?selected=${settings[kind] === id}>${label || words[`${kind}Number`](nth + 1)}</option>`)}
      </select>
    </label>`;
  return html`
    ${select('input', media.inputs)}
    ${media.refused ? html`<p class="hint warn" role="alert" data-testid="sound-refused">${words.refused}</p>` : nothing}
    ${media.choosesOutput ? select('output', media.outputs) : nothing}
    ${media.inputs.length ? nothing : html`<p class="hint">${words.noNames}</p>`}
  `;
}

export const flag = (name: Flag, settings: SoundSettings, words: SoundWords, change: Change): TemplateResult => html`
  <label class="check"><input type="checkbox" data-testid="sound-${name}" .checked=${settings[name]}
    @change=${(event: Event) => change({ [name]: (event.target as HTMLInputElement).checked })} /><span>${words[name]}</span></label>`;

export const processing = (settings: SoundSettings, words: SoundWords, change: Change): TemplateResult => html`
  <fieldset><legend>${words.processing}</legend>
    ${(['echoCancellation', 'noiseSuppression', 'autoGainControl'] as const).map((name) => flag(name, settings, words, change))}
  </fieldset>`;
