/**
 * The video of a call: camera, screen, and what the other side shows. Loaded with the first call that wants any.
 *
 * What is sent is changed on the connection, and the core is asked to offer that (re-INVITE) when it can be. Sound is never touched: a
 * camera that is refused, and video that the other side does not take, leave the call as it was.
 */
import { describe, offer } from '../index.ts';
import type { Call } from '../index.ts';

/** Where the video that this side sends comes from. */
export type Source = 'camera' | 'screen';

interface Own { source: Source; stream: MediaStream; track: MediaStreamTrack }

/** Two people's video, not a film: what a phone's line carries. */
const CAMERA: MediaTrackConstraints = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 24 } };

async function camera(wanted: MediaTrackConstraints): Promise<Own> {
  return own('camera', await navigator.mediaDevices.getUserMedia({ video: { ...CAMERA, ...wanted } }));
}

function own(source: Source, stream: MediaStream): Own {
  const [track] = stream.getVideoTracks();
  if (!track) throw new DOMException('no video was given', 'NotFoundError');
  return { source, stream, track };
}

/** Refused, or taken away. */
const stopped = (it: RTCRtpTransceiver): boolean => it.direction === 'stopped' || it.currentDirection === 'stopped';
const open = (it: RTCRtpTransceiver): boolean => it.receiver.track.kind === 'video' && !stopped(it);

const videos = new WeakMap<Call, CallVideo>();

/** The video of one call. Fires `change` when any of its members has changed, and `refused` when the other side takes no video. */
export class CallVideo extends EventTarget {
  readonly call: Call;
  /** What this side sends, for a view of oneself; null while the call is held. */
  local: MediaStream | null = null;
  /** What the other side shows; null while it shows nothing, or holds the call. */
  remote: MediaStream | null = null;
  /** What this side sends, or offers to. */
  source: Source | null = null;
  /** Why there is no camera or screen: a `DOMException`, as the browser threw it. */
  problem: unknown = null;
  /** The other side has not taken what was shown last. */
  refused = false;
  #own: Own | null = null;
  /** The call is held by either side: the camera is closed, and its light off, until it goes on. */
  #rests = false;
  /** The camera goes on when the screen is not shared any more. */
  #back: MediaTrackConstraints | null = null;
  #constraints: MediaTrackConstraints = {};
  #connection: RTCPeerConnection | null = null;
  /** What this side sends goes by it. */
  #carrier: RTCRtpTransceiver | null = null;
  /** The last offer was ours. */
  #asked = false;
  /** The other side's is asked for from the beginning. */
  #wants = false;
  #over = false;

  private constructor(call: Call) {
    super();
    this.call = call;
    call[describe] = (connection, answers) => this.#describe(connection, answers);
    call.addEventListener('ended', () => this.#ended());
    call.addEventListener('state', () => this.#rest());
    call.addEventListener('refused', ({ what }) => {
      if (what === 'media') this.#refused();
    });
    if (call.connection) this.#tend(call.connection);
    this.#look();
  }

  /** @internal */
  static of(call: Call): CallVideo {
    const known = videos.get(call);
    if (known) return known;
    const video = new CallVideo(call);
    videos.set(call, video);
    return video;
  }

  /** Shows the camera, in place of the screen or of the camera that is shown. Throws what the browser throws when there is none. */
  async show(wanted: MediaTrackConstraints = {}): Promise<void> {
    this.#constraints = wanted;
    this.#back = null;
    await this.#take(camera(wanted));
  }

  /** Shows a screen, a window or a tab, as the user chooses in the browser's own dialog; when that ends, the camera again if it was shown. */
  async shareScreen(): Promise<void> {
    const back = this.source === 'camera' ? this.#constraints : this.#back;
    await this.#take(navigator.mediaDevices.getDisplayMedia({ video: true }).then((stream) => own('screen', stream)));
    this.#back = back;
  }

  /** Ends the sharing of the screen. */
  async stopSharing(): Promise<void> {
    if (this.source !== 'screen') return;
    const back = this.#back;
    this.#back = null;
    // A camera that is gone meanwhile: nothing is shown.
    if (back) await this.show(back).catch(() => this.stop());
    else this.stop();
  }

  /** Sends no video any more; what the other side shows goes on. */
  stop(): void {
    if (!this.#own) return;
    this.#release();
    const it = this.#transceiver();
    if (it) {
      void it.sender.replaceTrack(null);
      if (this.remote) it.direction = 'recvonly';
      else it.stop();
      if (!this.#over) this.call[offer]();
    }
    this.#tell();
  }

  /** @internal */
  async begin(ahead: Promise<Own>): Promise<void> {
    this.#wants = true;
    await this.#take(ahead);
  }

  async #take(asked: Promise<Own>): Promise<void> {
    this.problem = null;
    this.refused = false;
    let taken: Own;
    try {
      taken = await asked;
    } catch (error) {
      this.problem = error;
      this.#tell();
      throw error;
    }
    if (this.#over) return stopAll(taken);
    const before = this.#own;
    this.#use(taken);
    const it = this.#transceiver();
    const sends = before !== null && it !== null;
    if (it) await this.#carry(it, taken);
    if (before) stopAll(before);
    // Before there is a connection nothing is to be said: the description that is made will have it.
    if (this.#connection && !sends) {
      if (it) it.direction = this.call.held ? 'inactive' : 'sendrecv';
      this.call[offer]();
    }
    this.#tell();
    this.#rest();
  }

  #use(taken: Own): void {
    this.#rests = false;
    this.#own = taken;
    this.source = taken.source;
    this.local = taken.stream;
    // The browser's own button, or a camera that was pulled out.
    taken.track.addEventListener('ended', () => {
      if (this.#own === taken) void (taken.source === 'screen' ? this.stopSharing() : this.stop());
    });
  }

  /**
   * Nobody is seen while a call is held, so that nothing has to film. A screen stays open: the browser would ask again which one. What was agreed
   * on stays as it is, too: the track that has ended holds the place of the one to come.
   */
  #rest(): void {
    const own = this.#own;
    if (own?.source !== 'camera' || this.#over || this.#rests === this.#held) return;
    if (!this.#held) return void this.#wake(own);
    this.#rests = true;
    this.local = null;
    stopAll(own);
    this.#tell();
  }

  get #held(): boolean {
    return this.call.held || this.call.remoteHeld;
  }

  async #wake(own: Own): Promise<void> {
    let taken: Own;
    try {
      taken = await camera(this.#constraints);
    } catch (error) {
      if (this.#own !== own) return;
      this.problem = error;
      return this.stop();
    }
    // Held again, or something else is shown by now.
    if (this.#own !== own || this.#held) return stopAll(taken);
    this.#use(taken);
    const it = this.#transceiver();
    if (it) await this.#carry(it, taken);
    this.#tell();
  }

  /** An answer or an offer is about to be made. */
  async #describe(connection: RTCPeerConnection, answers: boolean): Promise<void> {
    this.#tend(connection);
    const own = this.#own;
    const all = connection.getTransceivers().filter(open);
    this.#asked = !answers;
    if (!answers) {
      const direction = this.call.held ? 'inactive' : 'sendrecv';
      if (own && !all.length) this.#carrier = connection.addTransceiver(own.track, { direction, streams: [own.stream] });
      else if (this.#wants && !all.length && !connection.remoteDescription) connection.addTransceiver('video', { direction: 'recvonly' });
      return;
    }
    // One picture each; what we were about to offer goes with what is offered.
    const [first] = all.filter(({ mid }) => mid !== null);
    for (const it of all) if (it !== first) it.stop();
    if (!first || !own || first.sender.track === own.track) return;
    await this.#carry(first, own);
    if (!this.call.held) first.direction = 'sendrecv';
  }

  async #carry(it: RTCRtpTransceiver, { track, stream }: Own): Promise<void> {
    this.#carrier = it;
    await it.sender.replaceTrack(track);
    it.sender.setStreams?.(stream);
  }

  #tend(connection: RTCPeerConnection): void {
    if (this.#connection === connection) return;
    this.#connection = connection;
    connection.addEventListener('signalingstatechange', () => {
      if (connection.signalingState === 'stable') this.#look();
    });
  }

  #transceiver(): RTCRtpTransceiver | null {
    return this.#connection?.getTransceivers().find(open) ?? null;
  }

  /** Something was agreed on. */
  #look(): void {
    const connection = this.#connection;
    if (!connection || connection.signalingState !== 'stable') return;
    const it = this.#transceiver();
    const track = it && /recv/.test(it.currentDirection ?? '') ? it.receiver.track : null;
    if (track !== (this.remote?.getVideoTracks()[0] ?? null)) {
      this.remote = track && new MediaStream([track]);
      this.#tell();
    }
    // The other side has answered without it, or has taken it away for both. Chromium refuses by "inactive", which a hold says as well.
    const carrier = this.#carrier;
    const asked = this.#asked && carrier !== null && carrier.direction !== 'inactive' && !this.call.remoteHeld;
    if (carrier && (stopped(carrier) || (asked && carrier.currentDirection === 'inactive'))) this.#refused();
  }

  #refused(): void {
    const it = this.#carrier;
    if (!this.#own || !it || /send/.test(it.currentDirection ?? '')) return; // what was shown before is shown on
    this.#release();
    this.refused = true;
    if (!stopped(it)) it.stop();
    this.dispatchEvent(new Event('refused'));
    this.#tell();
  }

  #release(): void {
    if (this.#own) stopAll(this.#own);
    this.#own = this.#carrier = this.local = this.source = null;
  }

  #ended(): void {
    this.#over = true;
    this.#release();
    this.remote = null;
    this.#tell();
  }

  #tell(): void {
    this.dispatchEvent(new Event('change'));
  }
}

/** A camera that is asked for before its call is made. @internal */
export class Camera {
  readonly #own: Promise<Own>;

  private constructor(own: Promise<Own>) {
    this.#own = own;
  }

  /** Settles when the user has decided. */
  static async ahead(wanted: MediaTrackConstraints): Promise<Camera> {
    const asked = camera(wanted);
    await asked.catch(() => undefined);
    return new Camera(asked);
  }

  take(call: Call): void {
    CallVideo.of(call).begin(this.#own).catch(() => undefined);
  }

  /** Nobody is called. */
  drop(): void {
    this.#own.then(stopAll, () => undefined);
  }
}

function stopAll({ stream }: Own): void {
  for (const track of stream.getTracks()) track.stop();
}
