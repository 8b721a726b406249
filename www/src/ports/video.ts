/** The video port: camera, screen and the other side's picture of the call that is talked in. Comes with the media port. */
import type { CallVideo } from '../../../client-wasm/js/media/video.ts';
import { views } from '../screens/call-video.ts';
import type { Store } from '../store/store.ts';
import type { VideoState } from '../store/video.ts';
import type { PhonePort } from './phone.ts';

export class VideoPort {
  readonly #store: Store;
  readonly #phone: PhonePort;
  #watched: string | null = null;
  #video: CallVideo | null = null;
  #busy = false;

  constructor(store: Store, phone: PhonePort) {
    this.#store = store;
    this.#phone = phone;
  }

  /** The call that is talked in, or none: what its other side shows is taken from now on. */
  async watch(id: string | null): Promise<void> {
    if (this.#watched === id) return;
    this.#watched = id;
    this.#video?.removeEventListener('change', this.#changed);
    const call = id ? this.#phone.callOf(id) : null;
    this.#video = null;
    this.#busy = false;
    this.#changed();
    const video = call?.connection ? await call.video().catch(() => null) : null;
    if (!video || this.#watched !== id) return;
    this.#video = video;
    video.addEventListener('change', this.#changed);
    this.#changed();
  }

  /** Camera, screen, or neither. */
  async show(id: string, what: VideoState['source']): Promise<void> {
    const video = this.#video;
    if (video?.call.id !== id || this.#busy) return;
    this.#busy = what !== null;
    this.#changed();
    // The browser's word for what it did not give stays in `problem`.
    const done = what === 'camera' ? video.show() : what === 'screen' ? video.shareScreen() : video.source === 'screen' ? video.stopSharing() : video.stop();
    await Promise.resolve(done).catch(() => undefined);
    this.#busy = false;
    this.#changed();
  }

  readonly #changed = (): void => {
    const video = this.#video;
    fill(views.remote, video?.remote ?? null);
    fill(views.own, video?.local ?? null);
    this.#store.dispatch({
      type: 'video',
      video: video && {
        call: video.call.id, source: video.source, remote: video.remote !== null, busy: this.#busy, shares: 'getDisplayMedia' in (navigator.mediaDevices ?? {}),
        problem: video.refused ? 'refused' : problemOf(video.problem),
      },
    });
  };
}

function fill(view: HTMLVideoElement, stream: MediaStream | null): void {
  if (view.srcObject !== stream) view.srcObject = stream;
}

function problemOf(error: unknown): VideoState['problem'] {
  if (!error) return null;
  const { name } = error as DOMException;
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing';
  return name === 'NotReadableError' || name === 'AbortError' ? 'taken' : 'blocked';
}
