/**
 * Records a call in the page: both sides in one file that nobody else gets. The other side is told (RFC 7866): `call.recordingTold` says
 * whether it shows that to its user; where it does not, whoever records has to say so. Laws ask for it.
 */
import { record } from '../index.ts';
import type { Call } from '../index.ts';

/** The first of these that the browser can write. */
const TYPES = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];

export const canRecord = (): boolean => 'MediaRecorder' in globalThis && TYPES.some((type) => MediaRecorder.isTypeSupported(type));

/** A recording in progress. Ends with its call. */
export class Recording {
  readonly call: Call;
  /** When it began, ms since the epoch. */
  readonly since = Date.now();
  /** The file, once it has ended. */
  readonly file: Promise<Blob>;
  readonly #context = new AudioContext();
  readonly #mix = this.#context.createMediaStreamDestination();
  readonly #recorder: MediaRecorder;
  readonly #sources = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>();
  readonly #follow = (): void => this.#connect();
  readonly #ended = (): void => void this.stop();

  constructor(call: Call) {
    this.call = call;
    const type = TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    this.#recorder = new MediaRecorder(this.#mix.stream, type ? { mimeType: type } : {});
    const parts: Blob[] = [];
    this.#recorder.ondataavailable = ({ data }) => { if (data.size) parts.push(data); };
    this.file = new Promise((resolve) => {
      this.#recorder.onstop = () => resolve(new Blob(parts, { type: this.#recorder.mimeType }));
    });
    this.#connect();
    this.#recorder.start(1000);
    void this.#context.resume();
    // Another microphone, or a connection that was made anew.
    call.addEventListener('media', this.#follow);
    call.addEventListener('ended', this.#ended);
    call[record](true);
  }

  /** Ends it; the file follows. */
  stop(): Promise<Blob> {
    this.call.removeEventListener('media', this.#follow);
    this.call.removeEventListener('ended', this.#ended);
    if (this.#recorder.state !== 'inactive') {
      this.#recorder.stop();
      if (this.call.state !== 'ended') this.call[record](false);
    }
    void this.file.then(() => this.#context.close().catch(() => undefined));
    return this.file;
  }

  #connect(): void {
    const { connection } = this.call;
    const tracks = [
      ...(connection?.getSenders() ?? []).map(({ track }) => track),
      ...(connection?.getReceivers() ?? []).map(({ track }) => track),
    ].filter((track): track is MediaStreamTrack => track?.kind === 'audio' && track.readyState === 'live');
    for (const [track, source] of this.#sources) {
      if (tracks.includes(track)) continue;
      source.disconnect();
      this.#sources.delete(track);
    }
    for (const track of tracks) {
      if (this.#sources.has(track)) continue;
      const source = this.#context.createMediaStreamSource(new MediaStream([track]));
      source.connect(this.#mix);
      this.#sources.set(track, source);
    }
  }
}
