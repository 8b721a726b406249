/** Where this line rings, who is signed in, the language, and the way out. */
import { html, nothing, type TemplateResult } from 'lit';
import { when } from '../i18n/index.ts';
import { nameOf, type Account, type DeviceView, type Language, type State } from '../store/state.ts';
import { languageChoice } from './language.ts';
import { heading, banner } from './parts.ts';
import { reachSettings } from './reach.ts';
import { Screen, props } from './screen.ts';

export class DevicesScreen extends Screen {
  static override properties = props('account', 'devices', 'reach', 'language', 'visible', 'now');
  declare account: Account;
  declare devices: State['devices'];
  declare reach: State['reach'];
  declare language: Language;
  declare visible: boolean | null;
  declare now: () => number;

  protected override render(): TemplateResult {
    const { t, account, devices } = this;
    return html`
      <section class="page">
        ${heading(t.devices.title)}
        ${devices.failed ? html`<div role="alert" data-testid="devices-failed">${banner('warn', devices.failed === 'list' ? t.devices.failed : t.reach.failed)}</div>` : nothing}
        <ul class="list" aria-busy=${devices.busy ? 'true' : 'false'}>
          ${devices.busy && !devices.list.length ? this.#loading() : devices.list.map((device) => this.#item(device))}
        </ul>
        <div class="settings">
          ${reachSettings(this.reach, t, {
            quiet: (on) => this.ask('quiet', { on }),
            unblock: (number) => this.ask('unblock', { number }),
          })}
          <div class="setting">
            <p class="title grow">${t.devices.sound}</p>
            <button type="button" data-testid="open-sound" @click=${() => this.ask('show', { page: 'sound' })}>${t.devices.open}</button>
          </div>
          ${languageChoice(this.language, t.devices.language, (language) => this.ask('language', { language }))}
          ${this.visible === null ? nothing : html`
            <div class="setting">
              <div class="grow">
                <p class="title" id="visible-label">${t.devices.visible}</p>
                <p class="hint" id="visible-hint">${t.devices.visibleHint}</p>
              </div>
              <button type="button" role="switch" data-testid="visible" aria-checked=${this.visible} aria-labelledby="visible-label" aria-describedby="visible-hint"
                @click=${() => this.ask('visible', { visible: !this.visible })}>${this.visible ? t.devices.shown : t.devices.hidden}</button>
            </div>`}
          <div class="setting">
            <div class="grow">
              <p class="hint">${t.devices.account}</p>
              <p class="title" dir="auto">${nameOf(account)}</p>
              <p class="hint" dir="ltr">${account.addressOfRecord}</p>
            </div>
            <button type="button" data-testid="sign-out" aria-describedby="sign-out-hint" @click=${() => this.ask('sign-out', {})}>${t.devices.signOut}</button>
          </div>
          <p class="hint" id="sign-out-hint">${t.devices.signOutHint}</p>
        </div>
      </section>
    `;
  }

  /** As high as one device: what stands below does not move from under a finger when the list comes. */
  #loading(): TemplateResult {
    return html`
      <li>
        <div>
          <p class="title" role="status">${this.t.devices.loading}</p>
          <p class="hint">&nbsp;</p>
          <p class="hint">&nbsp;</p>
        </div>
      </li>
    `;
  }

  #item(device: DeviceView): TemplateResult {
    const { t } = this;
    const label = device.label || t.devices.unnamed;
    const seen = device.online ? t.devices.online : device.seenAt === null ? '' : t.devices.seen(when(device.seenAt, this.now(), t));
    return html`
      <li data-testid="device">
        <div class="grow">
          <p class="title" dir="auto">${label}${device.here ? html` <span class="tag">${t.devices.here}</span>` : nothing}</p>
          <p class="hint">${device.wakes ? t.devices.wakes : t.devices.silent}</p>
          <p class="hint">${seen}</p>
        </div>
        ${device.here
          ? nothing
          : html`<button type="button" class="danger" data-testid="revoke" aria-label=${t.devices.revokeLabel(label)} ?disabled=${this.devices.busy}
              @click=${() => this.ask('revoke', { device: device.id })}>${t.devices.revoke}</button>`}
      </li>
    `;
  }
}
customElements.define('wl-devices', DevicesScreen);
