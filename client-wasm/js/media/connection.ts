/** How the connections of a phone's calls are made: codecs as the user wants them, the offer, its candidates and a microphone had ahead. */
import { granted, voice } from '../describe.ts';
import { connect, maker, servers } from '../index.ts';
import type { Maker, Phone } from '../index.ts';
import { OpenMicrophone } from './microphone.ts';
import { shape, type CodecSettings } from './sdp.ts';

/** Candidates gathered ahead are good for so long: addresses and bindings change. */
const FRESH_MS = 60_000;

/** A connection whose descriptions say what the user wants, to both sides. */
class ShapedConnection extends RTCPeerConnection {
  readonly #wanted: () => CodecSettings;
  /** Described already; nobody was told. */
  #ahead: RTCSessionDescriptionInit | null = null;

  constructor(configuration: RTCConfiguration, wanted: () => CodecSettings) {
    super(configuration);
    this.#wanted = wanted;
  }

  override get localDescription(): RTCSessionDescription | null {
    const own = super.localDescription;
    return own && new RTCSessionDescription({ type: own.type, sdp: shape(own.sdp, this.#wanted()) });
  }

  /** Makes the offer of a call of sound, which is its first one unless that call wants more. */
  async offerAhead(): Promise<void> {
    voice(this);
    const offer = await this.createOffer();
    await this.setLocalDescription(offer);
    this.#ahead = offer;
  }

  override createOffer(options?: RTCOfferOptions): Promise<RTCSessionDescriptionInit>;
  override createOffer(): Promise<void>;
  override createOffer(options?: unknown): Promise<RTCSessionDescriptionInit | void> {
    const ahead = this.#ahead;
    if (ahead && this.getTransceivers().length === 1) return Promise.resolve(ahead);
    return super.createOffer(options as RTCOfferOptions);
  }

  override setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void>;
  override setLocalDescription(): Promise<void>;
  override async setLocalDescription(description?: RTCLocalSessionDescriptionInit): Promise<void> {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (!ahead || ahead !== description) await super.setLocalDescription(description);
  }

  override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    const { type, sdp } = description;
    return super.setRemoteDescription(sdp ? { type, sdp: shape(sdp, this.#wanted()) } : description);
  }
}

const said = (iceServers: RTCIceServer[] | undefined): string => JSON.stringify(iceServers ?? []);

interface Ahead { connection: RTCPeerConnection; servers: string; until: number; timer: ReturnType<typeof setTimeout> }

class Workshop implements Maker {
  wanted: CodecSettings = {};
  readonly #phone: Phone;
  #ahead: Ahead | null = null;
  #microphone: OpenMicrophone | null = null;
  /** What is being prepared, as long as it is wanted. */
  #preparing: object | null = null;
  #opening: object | null = null;

  private constructor(phone: Phone) {
    this.#phone = phone;
  }

  static of(phone: Phone): Workshop {
    const known = workshops.get(phone);
    if (known) return known;
    const workshop = new Workshop(phone);
    workshops.set(phone, workshop);
    phone[maker] = workshop;
    return workshop;
  }

  make(configuration: RTCConfiguration): ShapedConnection {
    return new ShapedConnection(configuration, () => this.wanted);
  }

  /** The servers of the call may be others by now: credentials end. */
  take({ iceServers }: RTCConfiguration): RTCPeerConnection | null {
    const ahead = this.#ahead;
    this.#ahead = this.#preparing = null;
    if (!ahead) return null;
    clearTimeout(ahead.timer);
    if (ahead.until > performance.now() && ahead.servers === said(iceServers)) return ahead.connection;
    ahead.connection.close();
    return null;
  }

  microphone(): Promise<MediaStream | null> | null {
    const microphone = this.#microphone;
    this.#microphone = this.#opening = null;
    return microphone?.take(this.#phone.audio) ?? null;
  }

  async prepare(microphone: boolean): Promise<void> {
    if (this.#phone.role !== 'leading') return;
    await Promise.all([microphone && this.#open(), this.#offer()]);
    const [track] = (await this.#microphone?.stream)?.getTracks() ?? [];
    const [voice] = this.#ahead?.connection.getSenders() ?? [];
    // One that is let go before the call gives way to the one that the call opens.
    if (track && voice?.track !== track) await voice?.replaceTrack(track);
    await this.#microphone?.watched;
  }

  async #open(): Promise<void> {
    const own = (this.#opening ??= {});
    if (!(await granted()) || this.#opening !== own || document.hidden) return;
    if (this.#microphone?.over === false) this.#microphone.keep();
    else this.#microphone = new OpenMicrophone(this.#phone.audio);
  }

  async #offer(): Promise<void> {
    if (this.#ahead || this.#preparing) return;
    const own = (this.#preparing = {});
    let connection: ShapedConnection | null = null;
    try {
      const iceServers = await this.#phone[servers]();
      const allowed = await granted();
      if (this.#preparing !== own) return;
      connection = this.#phone[connect]({ iceServers, iceCandidatePoolSize: 1 }, true) as ShapedConnection;
      // Before the person has allowed the microphone, browsers hide this machine's addresses: a description would keep them hidden.
      if (allowed) await connection.offerAhead();
      if (this.#preparing !== own) return;
      const timer = setTimeout(() => this.#forget(), FRESH_MS);
      this.#ahead = { connection, servers: said(iceServers), until: performance.now() + FRESH_MS, timer };
      connection = null;
    } finally {
      connection?.close();
      if (this.#preparing === own) this.#preparing = null;
    }
  }

  #forget(): void {
    this.take({})?.close();
  }

  drop(): void {
    this.#microphone?.letGo();
    this.#microphone = this.#opening = null;
    this.#forget();
  }
}

const workshops = new WeakMap<Phone, Workshop>();

/** The codecs of the calls to come. */
export function chooseCodecs(phone: Phone, wanted: CodecSettings): void {
  Workshop.of(phone).wanted = wanted;
}

/**
 * Makes the offer and gathers candidates for a call that is about to be made, while the number is typed. Kept for a minute. With `microphone`, and
 * only where the person has allowed it for good, the microphone is opened, too, and its light goes on: nothing of it is sent or kept. It is
 * let go 20 s after the last time that this was called, when the page is hidden or the phone closed, and by `drop`.
 */
export const prepare = (phone: Phone, { microphone = false }: { microphone?: boolean } = {}): Promise<void> => Workshop.of(phone).prepare(microphone);

/** The call is not made after all. */
export const drop = (phone: Phone): void => workshops.get(phone)?.drop();
