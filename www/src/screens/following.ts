/** Another tab of this browser leads. */
import { html, type TemplateResult } from 'lit';
import { icon } from './icons.ts';
import { heading } from './parts.ts';
import { Screen, props } from './screen.ts';

export class FollowingScreen extends Screen {
  static override properties = props();

  protected override render(): TemplateResult {
    const { t } = this;
    return html`
      <section class="page narrow center">
        <div class="avatar" aria-hidden="true"><span>${icon('tabs')}</span></div>
        ${heading(t.following.title)}
        <p class="lead">${t.following.text}</p>
        <button type="button" class="primary wide" data-testid="take-over" @click=${() => this.ask('take-over', {})}>${t.following.takeOver}</button>
      </section>
    `;
  }
}
customElements.define('wl-following', FollowingScreen);
