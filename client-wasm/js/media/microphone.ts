/** A microphone that is open before its call is made: its light is on, and nothing of it is sent or kept. */
import { microphone } from '../describe.ts';
import { soundDevices } from './devices.ts';
import { inTime } from './in-time.ts';

/** It is let go when nobody has called for so long. */
const KEPT_MS = 20_000;

/** Firefox tells a page that has not the focus of no devices until it has it: no call waits for that. */
const LOOK_MS = 300;

/** By their names, too: the system's own choice keeps its id when it becomes another one. Null where it is not told. */
const inputs = (): Promise<string | null> =>
  inTime(soundDevices().then((devices) => JSON.stringify(devices.inputs), () => null), LOOK_MS, null);

export class OpenMicrophone {
  readonly #wanted: string;
  /** Null where it cannot be had. */
  readonly stream: Promise<MediaStream | null>;
  /** From then on it is noticed when it is gone, or no longer the one that is meant. */
  readonly watched: Promise<void>;
  readonly #over = new AbortController();
  /** What there was to choose from when it was opened. */
  #there: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(wanted: MediaTrackConstraints) {
    this.#wanted = JSON.stringify(wanted);
    this.stream = this.#open(wanted).catch(() => null);
    this.watched = this.#watch();
    this.keep();
  }

  /** It is let go already. */
  get over(): boolean { return this.#over.signal.aborted; }

  async #open(audio: MediaTrackConstraints): Promise<MediaStream> {
    const stream = await microphone(audio);
    for (const track of stream.getTracks()) {
      track.enabled = false;
      // Pulled out, or forbidden.
      track.addEventListener('ended', () => this.letGo(), { signal: this.#over.signal });
    }
    return stream;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#over;
    const over = (): void => this.letGo();
    // A page that is not looked at has no light on.
    document.addEventListener('visibilitychange', over, { signal });
    addEventListener('pagehide', over, { signal });
    navigator.mediaDevices.addEventListener('devicechange', () => void this.#stands().then((stands) => { if (!stands) over(); }), { signal });
    // A browser may name none before the first one is open.
    if (await this.stream) this.#there = await inputs();
  }

  /** Another one that is plugged in may be the one that is meant now. A browser may notice that one is gone only when it is asked. */
  async #stands(): Promise<boolean> {
    const there = this.#there;
    const now = there && await inputs();
    return !now || now === there;
  }

  /** The call is still about to be made. */
  keep(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.letGo(), KEPT_MS);
  }

  /** For a call that wants this of it; null where it cannot be had, and another one has to be opened. */
  async take(wanted: MediaTrackConstraints): Promise<MediaStream | null> {
    const stream = this.#wanted === JSON.stringify(wanted) ? await this.stream : null;
    const fits = stream !== null && (await this.#stands()) && !this.over
      // One that is muted (by the system, for another program) gives silence; a new one is given, or refused.
      && stream.getTracks().every(({ readyState, muted }) => readyState === 'live' && !muted);
    this.letGo(fits);
    return fits ? stream : null;
  }

  /** Its light goes out, unless a call has it from now on. */
  letGo(taken = false): void {
    clearTimeout(this.#timer);
    if (this.over) return;
    this.#over.abort();
    if (!taken) void this.stream.then((stream) => stream?.getTracks().forEach((track) => track.stop()));
  }
}
