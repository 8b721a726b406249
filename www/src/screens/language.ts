/** The choice of the language, on every screen that offers it. */
import { html, type TemplateResult } from 'lit';
import { languages } from '../i18n/index.ts';
import type { Language } from '../store/state.ts';

/** Each language in its own name. */
export const languageChoice = (current: Language, label: string, choose: (language: Language) => void): TemplateResult => html`
  <div class="languages" role="group" aria-label=${label} data-testid="language">
    ${(Object.keys(languages) as Language[]).map((language) => html`
      <button type="button" class="chip" lang=${languages[language].tag} data-language=${language} aria-pressed=${language === current ? 'true' : 'false'}
        @click=${() => choose(language)}>${languages[language].name}</button>`)}
  </div>
`;
