/** How the connections of a phone's calls are made: codecs as the user wants them, the offer and its candidates made ahead. */
import { granted, voice } from '../describe.ts';
import { connect, servers } from '../index.ts';
import type { Phone } from '../index.ts';
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

class Maker {
  wanted: CodecSettings = {};
  #ahead: { connection: RTCPeerConnection; until: number; timer: ReturnType<typeof setTimeout> } | null = null;
  #preparing = false;

  static of(phone: Phone): Maker {
    const known = makers.get(phone);
    if (known) return known;
    const maker = new Maker();
    makers.set(phone, maker);
    phone[connect] = (configuration) => maker.#take() ?? maker.#make(configuration);
    return maker;
  }

  #make(configuration: RTCConfiguration): ShapedConnection {
    return new ShapedConnection({ ...configuration, iceCandidatePoolSize: 1 }, () => this.wanted);
  }

  #take(): RTCPeerConnection | null {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (!ahead) return null;
    clearTimeout(ahead.timer);
    if (ahead.until > performance.now()) return ahead.connection;
    ahead.connection.close();
    return null;
  }

  async prepare(phone: Phone): Promise<void> {
    if (this.#ahead || this.#preparing || phone.role !== 'leading') return;
    this.#preparing = true;
    try {
      const connection = this.#make({ iceServers: await phone[servers]() });
      // Before the person has allowed the microphone, browsers hide this machine's addresses: a description would keep them hidden.
      if (await granted()) await connection.offerAhead();
      const timer = setTimeout(() => this.drop(), FRESH_MS);
      this.#ahead = { connection, until: performance.now() + FRESH_MS, timer };
    } finally {
      this.#preparing = false;
    }
  }

  drop(): void {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (!ahead) return;
    clearTimeout(ahead.timer);
    ahead.connection.close();
  }
}

const makers = new WeakMap<Phone, Maker>();

/** The codecs of the calls to come. */
export function chooseCodecs(phone: Phone, wanted: CodecSettings): void {
  Maker.of(phone).wanted = wanted;
}

/** Makes the offer and gathers candidates for a call that is about to be made, while the number is typed. Kept for a minute. */
export const prepare = (phone: Phone): Promise<void> => Maker.of(phone).prepare(phone);

/** The call is not made after all. */
export const drop = (phone: Phone): void => makers.get(phone)?.drop();
