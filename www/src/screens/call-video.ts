/** The video of a call in progress: the other side, oneself in small, camera and screen. Comes once the call is talked in. */
import { html, nothing, type TemplateResult } from 'lit';
import { videoWords, type VideoWords } from '../i18n/video.ts';
import { nameOf, type CallView } from '../store/state.ts';
import type { VideoState } from '../store/video.ts';
import css from '../styles/video.css?inline';
import { icon } from './icons.ts';
import { Screen, props } from './screen.ts';

const sheet = new CSSStyleSheet();
sheet.replaceSync(css);
document.adoptedStyleSheets.push(sheet);

/** Pictures play on while the screen is drawn anew: whoever looks after the video fills them. */
export const views = { remote: picture(), own: picture() };

function picture(): HTMLVideoElement {
  const video = document.createElement('video');
  // The sound of the call is played elsewhere.
  Object.assign(video, { muted: true, autoplay: true, playsInline: true });
  return video;
}

export class CallVideoScreen extends Screen {
  static override properties = props('call', 'video');
  declare call: CallView;
  declare video: VideoState | null;

  protected override render(): TemplateResult | typeof nothing {
    const { video, call } = this;
    if (!video || video.call !== call.id) return nothing;
    const words = videoWords(this.t.tag.startsWith('zh') ? 'zh' : 'en');
    const { source } = video;
    // Nobody is seen while it is held: the camera is closed.
    const own = call.held || call.remoteHeld ? null : source;
    return html`
      ${video.remote || own ? this.#pictures({ ...video, source: own }, words) : nothing}
      <div class="row video-keys" role="group" aria-label=${words.title}>
        <button type="button" data-testid="camera" aria-label=${words.camera} aria-pressed=${source === 'camera' ? 'true' : 'false'} aria-disabled=${video.busy ? 'true' : 'false'} ?disabled=${call.held}
          @click=${() => this.ask('video', { call: call.id, show: source === 'camera' ? null : 'camera' })}>${icon('camera')} ${source === 'camera' ? words.cameraOff : words.camera}</button>
        ${video.shares
          ? html`<button type="button" data-testid="share" aria-label=${words.share} aria-pressed=${source === 'screen' ? 'true' : 'false'} aria-disabled=${video.busy ? 'true' : 'false'} ?disabled=${call.held}
              @click=${() => this.ask('video', { call: call.id, show: source === 'screen' ? null : 'screen' })}>${icon('devices')} ${source === 'screen' ? words.shareOff : words.share}</button>`
          : nothing}
      </div>
      <div role="status">
        ${video.busy ? html`<p class="hint">${words.asking}</p>` : nothing}
        ${source === 'screen' ? html`<p class="hint warn" data-testid="sharing">${words.sharing}</p>` : nothing}
        ${video.remote ? html`<p class="sr">${words.shows(nameOf(call.remote))}</p>` : nothing}
        ${video.problem ? html`<p class="hint warn" data-testid="video-problem" data-problem=${video.problem}>${words.problems[video.problem]}</p>` : nothing}
      </div>
    `;
  }

  #pictures({ remote, source }: VideoState, words: VideoWords): TemplateResult {
    views.remote.setAttribute('aria-label', words.of(nameOf(this.call.remote)));
    if (source) views.own.setAttribute('aria-label', words.own[source]);
    return html`<div class="pictures ${remote ? '' : 'alone'}" data-testid="pictures">
      ${remote ? html`<div class="remote" data-testid="remote-video">${views.remote}</div>` : nothing}
      ${source ? html`<div class="own ${source}" data-testid="own-video">${views.own}</div>` : nothing}
    </div>`;
  }
}
customElements.define('wl-call-video', CallVideoScreen);
