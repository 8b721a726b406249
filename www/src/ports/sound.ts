/**
 * What the user hears: the far side, a ringtone, the tone of a phone that rings elsewhere. The tones are synthesised.
 * A page that a notification opened has had no gesture, so each may be refused; that is reported, never hidden.
 */
import type { Store } from '../store/store.ts';

export type Tone = 'ring' | 'ringback' | 'waiting';

/** Notes of one round: [frequency in Hz, start and length in seconds]. */
const score: Record<Tone, { every: number; gain: number; notes: [number, number, number][] }> = {
  ring: {
    every: 3, gain: 0.22,
    notes: [[659.3, 0, 0.5], [880, 0.14, 0.5], [987.8, 0.28, 0.7], [659.3, 0.9, 0.5], [880, 1.04, 0.5], [987.8, 1.18, 0.9]],
  },
  ringback: { every: 4, gain: 0.05, notes: [[425, 0, 1]] },
  waiting: { every: 5, gain: 0.06, notes: [[425, 0, 0.2], [425, 0.4, 0.2]] },
};

export class Sound {
  readonly #store: Store;
  readonly #audio: HTMLAudioElement;
  #context: AudioContext | null = null;
  #tone: Tone | null = null;
  #round: ReturnType<typeof setInterval> | null = null;
  #voices: OscillatorNode[] = [];

  /** `audio` is the element of the document that plays the far side. */
  constructor(store: Store, audio: HTMLAudioElement) {
    this.#store = store;
    this.#audio = audio;
  }

  /** Plays a tone until another is asked for; null is silence. */
  tone(tone: Tone | null): void {
    if (tone === this.#tone) return;
    this.#silence();
    this.#tone = tone;
    if (!tone) {
      // A context that is not needed holds the audio device.
      void this.#context?.suspend().catch(() => undefined);
      return this.#report('silent');
    }
    this.#context ??= new AudioContext();
    const context = this.#context;
    context.onstatechange = () => this.#start();
    // One that is about to be suspended still says that it runs.
    void context.resume().catch(() => undefined);
    this.#start();
    if (tone === 'ring') vibrate(true);
  }

  /** The far side's voice, or null. */
  play(stream: MediaStream | null): void {
    if (this.#audio.srcObject === stream) return;
    this.#audio.srcObject = stream;
    if (!stream) return this.#store.dispatch({ type: 'sound', sound: { remote: 'silent' } });
    void this.#playRemote();
  }

  /** The user has tapped: whatever was refused may play now. Must be called in the gesture. */
  unlock(): void {
    if (this.#tone) void this.#context?.resume().catch(() => undefined);
    if (this.#audio.srcObject && this.#store.state.sound.remote === 'blocked') void this.#playRemote();
  }

  async #playRemote(): Promise<void> {
    try {
      await this.#audio.play();
      this.#store.dispatch({ type: 'sound', sound: { remote: 'playing' } });
    } catch (error) {
      // AbortError: another stream took its place meanwhile.
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#store.dispatch({ type: 'sound', sound: { remote: 'blocked' } });
    }
  }

  #start(): void {
    const running = this.#context?.state === 'running';
    if (!this.#tone) return;
    this.#report(running ? 'playing' : 'blocked');
    if (!running || this.#round) return;
    const { every } = score[this.#tone];
    this.#playRound();
    this.#round = setInterval(() => this.#playRound(), every * 1000);
    if (this.#tone === 'ring') vibrate(true);
  }

  #playRound(): void {
    const context = this.#context;
    if (!context || !this.#tone) return;
    const { gain, notes } = score[this.#tone];
    this.#voices = notes.map(([frequency, start, length]) => {
      const voice = new OscillatorNode(context, { frequency, type: 'sine' });
      const envelope = new GainNode(context, { gain: 0 });
      const at = context.currentTime + start;
      envelope.gain.setValueAtTime(0, at);
      envelope.gain.linearRampToValueAtTime(gain, at + 0.02);
      envelope.gain.exponentialRampToValueAtTime(0.0001, at + length);
      voice.connect(envelope).connect(context.destination);
      voice.start(at);
      voice.stop(at + length);
      return voice;
    });
  }

  #silence(): void {
    if (this.#round) clearInterval(this.#round);
    this.#round = null;
    for (const voice of this.#voices) voice.disconnect();
    this.#voices = [];
    vibrate(false);
    if (this.#context) this.#context.onstatechange = null;
  }

  #report(ring: 'silent' | 'playing' | 'blocked'): void {
    if (this.#store.state.sound.ring !== ring) this.#store.dispatch({ type: 'sound', sound: { ring } });
  }
}

function vibrate(on: boolean): void {
  // Without a gesture in this page's life the browser refuses, and would only log it.
  if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(on ? [600, 400, 600, 1400, 600, 400, 600] : 0);
}
