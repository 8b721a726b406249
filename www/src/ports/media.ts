/** The media port: what the user has set for the sound, and what is known of it, beside the phone. Loaded when it is wanted. */
import {
  CallQuality, Recording, canRecord, chooseCodecs, chooseInput, choosesOutput, drop, preflight, prepare, soundDevices, useInput, useOutput, watchDevices, watchLevels,
  type Processing,
} from '../../../client-wasm/js/media/index.ts';
import type { Phone } from 'wakeline';
import '../screens/call-sound.ts';
import { VideoPort } from './video.ts';
import { initialMedia, storedSound, type MediaState, type SoundSettings } from '../store/media.ts';
import { SOUND } from '../store/state.ts';
import type { Store } from '../store/store.ts';
import type { PhonePort } from './phone.ts';

export class MediaPort {
  readonly #store: Store;
  readonly #phone: PhonePort;
  readonly #voice: HTMLMediaElement;
  #settings: SoundSettings;
  #quality: CallQuality | null = null;
  #levels: (() => void) | null = null;
  #recording: Recording | null = null;
  /** Comes with the sound: both are of the call that is talked in. */
  readonly video: VideoPort;

  constructor(store: Store, phone: PhonePort, voice: HTMLMediaElement) {
    this.#store = store;
    this.#phone = phone;
    this.#voice = voice;
    this.video = new VideoPort(store, phone);
    this.#settings = storedSound(localStorage.getItem(SOUND));
    store.dispatch({ type: 'media', media: { ...initialMedia(this.#settings), canRecord: canRecord(), choosesOutput: choosesOutput() } });
    const found = (devices: Pick<MediaState, 'inputs' | 'outputs'>): void => this.#tell(devices);
    void soundDevices().then(found, () => undefined);
    // One that is chosen may have come, or gone.
    watchDevices((devices) => {
      found(devices);
      void this.apply();
    });
    void this.#play();
  }

  /** The settings hold for the calls to come. */
  async apply(): Promise<void> {
    const { phone } = this.#phone;
    if (!phone) return;
    await chooseInput(phone, this.#settings.input, processingOf(this.#settings));
    this.#code(phone);
  }

  #code(phone: Phone): void {
    const { codec, fec, dtx } = this.#settings;
    chooseCodecs(phone, { ...(codec === 'auto' ? {} : { codecs: codec === 'opus' ? ['opus'] : ['PCMU', 'PCMA'] }), fec, dtx });
  }

  /** A change by the user, for this call and those to come. */
  async change(change: Partial<SoundSettings>): Promise<void> {
    const before = this.#settings;
    this.#settings = { ...before, ...change };
    const { phone } = this.#phone;
    let refused = false;
    if (phone && ['input', 'echoCancellation', 'noiseSuppression', 'autoGainControl'].some((name) => name in change)) {
      refused = await useInput(phone, this.#settings.input, processingOf(this.#settings)).then(() => false, () => true);
      if (refused) {
        this.#settings = before;
        await this.apply();
      }
    }
    if (phone) this.#code(phone);
    if ('output' in change) await this.#play();
    localStorage.setItem(SOUND, JSON.stringify(this.#settings));
    this.#tell({ settings: this.#settings, refused });
  }

  /** The call that is talked in, or none. */
  watch(id: string | null): void {
    void this.video.watch(id);
    if (this.#quality?.call.id === id) return;
    this.#quality?.stop();
    this.#quality = null;
    this.#levels?.();
    this.#levels = null;
    this.#tell({ quality: null, levels: null });
    const call = id ? this.#phone.callOf(id) : null;
    if (!call?.connection) return;
    // The names of devices are known now.
    void soundDevices().then((devices) => this.#tell(devices), () => undefined);
    this.#quality = new CallQuality(call);
    this.#quality.addEventListener('quality', () => {
      const { mos = null, grade = null, warnings = [] } = this.#quality?.last ?? {};
      this.#tell({ quality: { mos, grade, warnings } });
    });
    if (this.#store.state.media?.open) this.panel(true);
  }

  /** Meters cost something: they run while they are seen. */
  panel(open: boolean): void {
    this.#levels?.();
    this.#levels = null;
    const call = this.#quality?.call;
    if (open && call) this.#levels = watchLevels(call, (levels) => this.#tell({ levels }));
    this.#tell({ open, levels: null });
  }

  async record(id: string, on: boolean): Promise<void> {
    if (!on) return void this.#recording?.stop();
    const call = this.#phone.callOf(id);
    if (!call || this.#recording) return;
    const recording = new Recording(call);
    this.#recording = recording;
    this.#tell({ recording: { call: id, since: recording.since } });
    const file = await recording.file;
    this.#recording = null;
    this.#tell({ recording: null });
    save(file, `${call.remote.number}-${new Date(recording.since).toISOString().slice(0, 16).replace(/[T:]/g, '-')}`);
  }

  async check(): Promise<void> {
    const { phone } = this.#phone;
    if (!phone) return;
    await this.apply();
    const steps: MediaState['check']['steps'] = [];
    this.#tell({ check: { running: true, steps: [], passed: null } });
    const { passed } = await preflight(phone, {
      told: (step) => {
        steps.push(step);
        this.#tell({ check: { running: true, steps: [...steps], passed: null } });
      },
    });
    this.#tell({ check: { running: false, steps, passed } });
    void soundDevices().then((devices) => this.#tell(devices), () => undefined);
  }

  /** A number is being typed: the call finds its candidates gathered. */
  prepare(): void {
    void this.apply();
    const { phone } = this.#phone;
    if (phone) void prepare(phone);
  }

  /** It was erased. */
  drop(): void {
    const { phone } = this.#phone;
    if (phone) drop(phone);
  }

  async #play(): Promise<void> {
    // A speaker that is not there any more gives way to the system's.
    await useOutput(this.#voice, this.#settings.output).catch(() => useOutput(this.#voice, '').catch(() => undefined));
  }

  #tell(media: Partial<MediaState>): void {
    const before = this.#store.state.media;
    if (before) this.#store.dispatch({ type: 'media', media: { ...before, ...media } });
  }
}

const processingOf = ({ echoCancellation, noiseSuppression, autoGainControl }: SoundSettings): Processing => ({ echoCancellation, noiseSuppression, autoGainControl });

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = `wakeline-${name}.${file.type.includes('mp4') ? 'm4a' : file.type.includes('ogg') ? 'ogg' : 'webm'}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
