/** Watches how good a call sounds, and how loud. */
import type { Call } from '../index.ts';
import { Judge, type Judgement, type Sample, type Warning } from './mos.ts';
import { levelsOf, sampleOf, type Counters, type Levels } from './stats.ts';

/** Carries a second of a call. */
export class QualityEvent extends Event {
  readonly sample: Sample;
  readonly judgement: Judgement;

  constructor(sample: Sample, judgement: Judgement) {
    super('quality');
    this.sample = sample;
    this.judgement = judgement;
  }
}

/** A warning that came (`warning`) or went (`cleared`). */
export class WarningEvent extends Event {
  readonly warning: Warning;

  constructor(type: 'warning' | 'cleared', warning: Warning) {
    super(type);
    this.warning = warning;
  }
}

/**
 * The quality of a call in progress, each second: fires `quality`, `warning` and `cleared` until the call ends or it is stopped. A
 * held call, and one in a tab that follows, is not judged.
 */
export class CallQuality extends EventTarget {
  readonly call: Call;
  /** The last second. */
  last: Judgement | null = null;
  readonly #judge = new Judge();
  #counters: Counters | null = null;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #ended = (): void => this.stop();

  constructor(call: Call) {
    super();
    this.call = call;
    this.#timer = setInterval(() => void this.#look(), 1000);
    call.addEventListener('ended', this.#ended);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.call.removeEventListener('ended', this.#ended);
  }

  async #look(): Promise<void> {
    const { call } = this;
    const report = call.state === 'active' && !call.held && !call.remoteHeld ? await call.connection?.getStats().catch(() => null) : null;
    if (!report) {
      this.#counters = null;
      for (const warning of this.#judge.forget()) this.dispatchEvent(new WarningEvent('cleared', warning));
      return;
    }
    const first = this.#counters === null;
    const { sample, counters } = sampleOf(report, this.#counters);
    this.#counters = counters;
    if (first) return;
    const judgement = this.#judge.add(sample);
    this.last = judgement;
    for (const warning of judgement.raised) this.dispatchEvent(new WarningEvent('warning', warning));
    for (const warning of judgement.cleared) this.dispatchEvent(new WarningEvent('cleared', warning));
    this.dispatchEvent(new QualityEvent(sample, judgement));
  }
}

/** Listens to a microphone itself: Firefox does not say how loud it is. */
class Meter {
  readonly #context = new AudioContext();
  readonly #analyser = new AnalyserNode(this.#context, { fftSize: 8192 });
  readonly #wave = new Float32Array(this.#analyser.fftSize);
  #track: MediaStreamTrack | null = null;
  #source: MediaStreamAudioSourceNode | null = null;

  level(track: MediaStreamTrack | null): number {
    if (track !== this.#track) {
      this.#source?.disconnect();
      this.#track = track;
      this.#source = track && this.#context.createMediaStreamSource(new MediaStream([track]));
      this.#source?.connect(this.#analyser);
      void this.#context.resume().catch(() => undefined);
    }
    this.#analyser.getFloatTimeDomainData(this.#wave);
    return this.#wave.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
  }

  close(): void {
    void this.#context.close().catch(() => undefined);
  }
}

/** Tells how loud both sides of a call are, five times a second, until the answer is called or the call ends. */
export function watchLevels(call: Call, tell: (levels: Levels) => void): () => void {
  let meter: Meter | null = null;
  let over = false;
  const own = (): number => {
    const track = call.connection?.getSenders().find((it) => it.track?.kind === 'audio')?.track ?? null;
    return (meter ??= new Meter()).level(track);
  };
  const timer = setInterval(() => {
    void call.connection?.getStats().then((report) => { if (!over) tell(levelsOf(report, own)); }, () => undefined);
  }, 200);
  const stop = (): void => {
    over = true;
    clearInterval(timer);
    call.removeEventListener('ended', stop);
    meter?.close();
    meter = null;
  };
  call.addEventListener('ended', stop);
  return stop;
}
