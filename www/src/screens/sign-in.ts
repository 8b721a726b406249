/** Signing in, for the first time or after having been signed out. */
import { html, nothing, type TemplateResult } from 'lit';
import type { Language, State } from '../store/state.ts';
import { languageChoice } from './language.ts';
import { banner, heading } from './parts.ts';
import { Screen, props } from './screen.ts';

export class SignInScreen extends Screen {
  static override properties = props('why', 'busy', 'problem', 'tapped', 'language');
  declare why: State['signedOut'];
  declare busy: boolean;
  declare problem: State['signIn']['problem'];
  /** Somebody is calling and waits for this sign-in. */
  declare tapped: boolean;
  declare language: Language;

  protected override render(): TemplateResult {
    const { t } = this;
    if (this.why !== 'never') return this.#signedOut(t.signedOut[this.why]);
    return html`
      <section class="page narrow">
        <div class="mark" aria-hidden="true"></div>
        ${heading(t.signIn.title)}
        <p class="lead">${t.signIn.lead}</p>
        ${this.tapped ? banner('info', t.signIn.tapped) : nothing}
        <form @submit=${this.#submit}>
          <label>
            <span>${t.signIn.number}</span>
            <input name="username" data-testid="sign-in-number" type="text" inputmode="tel" autocomplete="username" autocapitalize="none" spellcheck="false" required maxlength="64" />
          </label>
          <label>
            <span>${t.signIn.password}</span>
            <input name="password" data-testid="sign-in-password" type="password" autocomplete="current-password" required />
          </label>
          <p class="error" role="alert" data-testid="sign-in-problem">${this.problem ? t.signIn.problems[this.problem] : nothing}</p>
          <button class="primary wide" data-testid="sign-in-submit" ?disabled=${this.busy}>${this.busy ? t.signIn.busy : t.signIn.submit}</button>
        </form>
        ${languageChoice(this.language, t.devices.language, (language) => this.ask('language', { language }))}
      </section>
    `;
  }

  #signedOut(message: { title: string; text: string }): TemplateResult {
    return html`
      <section class="page narrow">
        <div class="mark" aria-hidden="true"></div>
        ${heading(message.title)}
        <p class="lead">${message.text}</p>
        <button type="button" class="primary wide" data-testid="sign-in-again" @click=${() => this.ask('sign-in-again', {})}>${this.t.signedOut.again}</button>
      </section>
    `;
  }

  readonly #submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const data = new FormData(event.currentTarget as HTMLFormElement);
    this.ask('sign-in', { number: String(data.get('username') ?? ''), password: String(data.get('password') ?? '') });
  };
}
customElements.define('wl-sign-in', SignInScreen);
