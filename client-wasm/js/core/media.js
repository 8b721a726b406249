// @ts-check
/**
 * The media of one call: microphone, peer connection, the other side's stream (`media.rs`). DTLS-SRTP, Opus.
 *
 * The microphone is asked for when an offer or answer is wanted, and let go when the call's media is closed, even if
 * the browser grants it only afterwards. Opening it takes its time, in which connection, offer and candidates are made where the person
 * has allowed it for good. No description leaves before it is there: nobody is rung by a page without a voice.
 */

/**
 * What the page does for a call: it has a hand in its connections, and opens its microphone (`PhonePort`).
 * @typedef {object} Port
 * @property {(configuration: RTCConfiguration, call: string, offers: boolean) => RTCPeerConnection} connect
 * @property {(call: string, anew: boolean) => Promise<MediaStream>} microphone
 * @property {() => Promise<boolean>} granted
 * @property {(connection: RTCPeerConnection) => void} voice
 * @property {(connection: RTCPeerConnection, call: string, trickles: boolean | undefined) => Promise<unknown>} gathered
 * @property {(connection: RTCPeerConnection, fragment: string) => void} candidates
 * @property {(connection: RTCPeerConnection, held: boolean) => void} direct
 */

/** @typedef {'stream' | 'silent' | 'connected' | 'faltering' | 'failed'} MediaEvent What `media.rs` says of them. */

/** @typedef {{ had: MediaStream, opening?: undefined } | { had?: undefined, opening: Promise<MediaStream> }} Asked A microphone that was asked for. */

/**
 * One connection with what listens to it.
 * @typedef {object} Peer
 * @property {RTCPeerConnection} connection
 * @property {string} fingerprint The far side's certificate; another one means another far page.
 * @property {Promise<never>} over Rejected when it is closed. What was asked of it is then never settled by the browser (WebRTC §4.4.1.5),
 * and whoever waits for it would wait, with all that is held, as long as the page lives.
 * @property {() => void} close
 */

/** What a question to media that is closed is rejected with. */
const GONE = null;

/** @type {Partial<Record<RTCPeerConnectionState, MediaEvent>>} */
const PATHS = { connected: 'connected', disconnected: 'faltering', failed: 'failed' };

/** Firefox connects nothing by a provisional answer, takes one, and waits for the other. There is nothing to ask it by but its name. */
const connectsEarly = () => !navigator.userAgent.includes('Firefox/');

/**
 * The first line of a description that begins so, or nothing.
 * @param {string} sdp
 * @param {string} name
 */
const line = (sdp, name) => sdp.split(/\r?\n/).find((it) => it.startsWith(name));

/**
 * The certificate of a description: each of its streams names the same.
 * @param {string} sdp
 */
const fingerprint = (sdp) => line(sdp, 'a=fingerprint:') ?? '';

/** @param {string} sdp */
const credentials = (sdp) => line(sdp, 'a=ice-ufrag:');

/** @param {MediaStream} stream */
const stop = (stream) => stream.getAudioTracks().forEach((track) => track.stop());

/** @param {MediaStream} stream */
const ended = (stream) => stream.getAudioTracks().some((track) => track.readyState === 'ended');

export class Media {
  #port;
  #call;
  #iceServers;
  /** No microphone is asked for. */
  #listens;
  #tell;
  /** @type {Peer | null} */
  #peer = null;
  /** One that was given to us, until it is taken away. @type {{ stream: MediaStream, deaf: AbortController } | null} */
  #microphone = null;
  /** It is being opened. */
  #opening = false;
  #muted = false;
  #held = false;
  /** The path was there, and is not. */
  #broken = false;
  /** The next offer is for another path. */
  #restarts = false;
  #closed = false;
  /** The other side's stream. @type {MediaStream | undefined} */
  remote;

  /**
   * Media that has touched neither microphone nor network yet.
   * @param {Port} port
   * @param {string} call
   * @param {RTCIceServer[] | undefined} iceServers of the connections to come
   * @param {boolean} listens
   * @param {(event: MediaEvent) => void} tell
   */
  constructor(port, call, iceServers, listens, tell) {
    this.#port = port;
    this.#call = call;
    this.#iceServers = iceServers;
    this.#listens = listens;
    this.#tell = tell;
  }

  /** The connection itself, while there is one. */
  get peer() {
    return this.#peer?.connection;
  }

  /** What becomes of the microphone's sound. */
  get sound() {
    // Before there is a connection nothing is missed yet.
    return { muted: this.#muted, silent: !!this.#peer && !this.#microphone && !this.#opening, broken: this.#broken };
  }

  /**
   * Our offer, candidates included: those worth waiting for, or (`trickles`) those that are there at once.
   * @param {boolean | undefined} trickles
   */
  async offer(trickles) {
    // A later offer changes the connection that stands, with or without a microphone.
    const { connection, voiced } = this.peer ? { connection: this.peer, voiced: null } : await this.#begin();
    if (this.#restarts) {
      this.#restarts = false;
      // Not every browser has it.
      connection.restartIce?.();
    }
    await this.#asked(connection.setLocalDescription(await this.#asked(connection.createOffer())));
    const described = await this.#gathered(connection, trickles);
    await voiced;
    return described;
  }

  /**
   * Our answer to an offer, candidates included. A re-offer by a page that was reloaded (another certificate) is
   * answered from a fresh connection, for not every browser restarts DTLS on a living one.
   * @param {string} offer
   * @param {boolean | undefined} trickles
   */
  async answer(offer, trickles) {
    // A call that has lost its microphone answers a later offer without.
    const listens = this.#listens || this.sound.silent;
    const asked = listens ? null : await this.#ask();
    const known = this.#knows(offer) && this.peer;
    const connection = known || (await this.#connected(false, asked));
    /** @type {unknown[]} */
    const problems = [];
    const failed = (/** @type {unknown} */ problem) => void problems.push(problem);
    await this.#describe(connection, 'offer', offer).catch(failed);
    const microphone = asked && (await this.#given(asked).catch(failed));
    if (problems.length) {
      if (!known) {
        this.renew();
        this.remote = undefined;
      }
      throw problems[0];
    }
    if (microphone && !known) for (const track of microphone.getAudioTracks()) connection.addTrack(track, microphone);
    // Also where there is no microphone: one that comes later is sent without a new offer.
    if (!known || listens) this.#direct();
    await this.#asked(connection.setLocalDescription(await this.#asked(connection.createAnswer())));
    return this.#gathered(connection, trickles);
  }

  /**
   * Takes the answer to our offer.
   * @param {string} answer
   */
  async accept(answer) {
    const connection = this.#standing();
    try {
      await this.#describe(connection, 'answer', answer);
    } catch (problem) {
      // One that was heard early is the answer already (RFC 3261 §13.2.1).
      if (connection.signalingState !== 'stable' || !this.#knows(answer)) throw problem;
    }
  }

  /**
   * Hears the other side before it has answered. What cannot be heard early is heard when it is answered.
   * @param {string} answer
   */
  hearEarly(answer) {
    const heard = async () => (connectsEarly() ? this.#describe(this.#standing(), 'pranswer', answer) : this.accept(answer));
    heard().catch(() => undefined);
  }

  /**
   * Takes more candidates of the other side.
   * @param {string} fragment
   */
  takeCandidates(fragment) {
    if (this.peer) this.#port.candidates(this.peer, fragment);
  }

  /** Back to what was agreed before a description that the other side refused or called off. What cannot be undone was not done. */
  rollBack() {
    const connection = this.peer;
    const back = async () => {
      if (connection?.signalingState === 'have-local-offer') await connection.setLocalDescription({ type: 'rollback' });
      else if (connection?.signalingState === 'have-remote-offer') await connection.setRemoteDescription({ type: 'rollback' });
    };
    back().catch(() => undefined);
  }

  /** The next offer is for another path of the same connection. */
  restart() {
    this.#restarts = true;
  }

  /**
   * Servers for another path are wanted: ours is lost, or the other side offers another one, which it may have lost unseen by us.
   * @param {string | undefined} offer
   */
  wantsServers(offer) {
    const before = this.peer?.currentRemoteDescription;
    return this.#restarts || this.#broken || (!!before && offer !== undefined && credentials(offer) !== credentials(before.sdp));
  }

  /**
   * The path that is looked for next may go by these servers. Where none could be had, those before may still do.
   * @param {RTCIceServer[] | undefined} iceServers
   */
  reconfigure(iceServers) {
    if (!iceServers) return;
    this.#iceServers = iceServers;
    try {
      // What it was made with must be said again as it was, or nothing is taken (WebRTC §4.4.1.6).
      this.peer?.setConfiguration({ ...this.peer.getConfiguration(), iceServers });
    } catch {
      // Not every browser takes it; that is no reason to end a call.
    }
  }

  /** The next offer is for a connection of its own. */
  renew() {
    this.#peer?.close();
    this.#peer = null;
  }

  /**
   * Sends silence, or the microphone again.
   * @param {boolean} on
   */
  mute(on) {
    this.#muted = on;
    this.#speak();
  }

  /**
   * Neither speaks nor listens, or both again; said in the descriptions that follow (RFC 3264 §8.4).
   * @param {boolean} on
   */
  hold(on) {
    this.#held = on;
    this.#speak();
    this.#direct();
  }

  /**
   * Takes the microphone anew, perhaps another one, and sends it in the place that the call has for it: nothing is
   * negotiated. The one before is heard until then, and stays if no other is given.
   */
  async useMicrophone() {
    this.#listens = false;
    const before = this.#microphone?.stream;
    const microphone = await this.#given(this.#open(true));
    try {
      await this.#send(microphone);
    } finally {
      if (before) stop(before);
    }
  }

  /** Lets the microphone and the connection go. Nothing is told any more. */
  close() {
    this.#closed = true;
    this.renew();
    const microphone = this.#forgotten();
    if (microphone) stop(microphone);
  }

  /** @param {MediaEvent} event */
  #told(event) {
    if (!this.#closed) this.#tell(event);
  }

  #speak() {
    if (this.#microphone) this.#voice(this.#microphone.stream);
  }

  /** @param {MediaStream} microphone */
  #voice(microphone) {
    for (const track of microphone.getAudioTracks()) track.enabled = !this.#muted && !this.#held;
  }

  #direct() {
    if (this.peer) this.#port.direct(this.peer, this.#held);
  }

  /** The microphone that was ours; nobody listens to it any more. */
  #forgotten() {
    const before = this.#microphone;
    this.#microphone = null;
    before?.deaf.abort();
    return before?.stream;
  }

  /**
   * Sends it in the place that the connection has for it.
   * @param {MediaStream} microphone
   */
  async #send(microphone) {
    const connection = this.#standing();
    const [track] = microphone.getAudioTracks();
    if (!track) throw GONE;
    /** @type {{ problem: unknown } | null} */
    let unsent = { problem: GONE };
    for (const sender of connection.getSenders()) {
      // It was put there ahead.
      if (sender.track === track) return;
      // The place of video does not take it.
      if (unsent) unsent = await this.#asked(sender.replaceTrack(track)).then(() => null, (problem) => ({ problem }));
    }
    if (unsent) throw unsent.problem;
  }

  /**
   * The connection of a call that is placed, and the voice that comes into it. Where the person has to be asked for the microphone no
   * candidates are looked for before the answer: browsers hide a machine's addresses until then.
   */
  async #begin() {
    const asked = await this.#ask();
    const connection = await this.#connected(true, asked);
    this.#port.voice(connection);
    this.#direct();
    // By itself: a microphone is let go also when nobody waits for it any more.
    const voiced = this.#given(asked).then((microphone) => this.#send(microphone));
    voiced.catch(() => undefined);
    return { connection, voiced };
  }

  /**
   * A new connection in place of the one before. Where there is none to send a microphone on, that comes first, so that it is let go
   * with the call.
   * @param {boolean} offers
   * @param {Asked | null} asked
   */
  async #connected(offers, asked) {
    try {
      if (this.#closed) throw GONE;
      return this.#connect(offers);
    } catch (problem) {
      if (asked) await this.#given(asked).catch(() => undefined);
      throw problem;
    }
  }

  /** The microphone that there is, or one that is being opened from now on. A person who has to be asked, or has refused, is waited for. */
  async #ask() {
    /** @type {Asked} */
    const asked = this.#microphone ? { had: this.#microphone.stream } : this.#open(false);
    if (asked.had || (await this.#port.granted())) return asked;
    return { had: await this.#given(asked) };
  }

  /**
   * One that the page has opened for this call already, unless it is to be `anew`.
   * @param {boolean} anew
   */
  #open(anew) {
    this.#opening = true;
    const opening = this.#port.microphone(this.#call, anew);
    // From now on somebody hears when it is refused.
    opening.catch(() => undefined);
    return { opening };
  }

  /**
   * @param {Asked} asked
   * @returns {Promise<MediaStream>}
   */
  async #given({ had, opening }) {
    if (had) return had;
    let stream;
    try {
      stream = await opening;
      // Pulled out, or forbidden, before anybody listened: what may be had now is given, or refused with a word.
      if (!this.#closed && ended(stream)) stream = await this.#port.microphone(this.#call, true);
    } finally {
      this.#opening = false;
    }
    if (this.#closed) {
      stop(stream);
      throw GONE;
    }
    this.#voice(stream);
    this.#forgotten();
    const deaf = new AbortController();
    this.#microphone = { stream, deaf };
    for (const track of stream.getAudioTracks()) {
      // Unplugged, or forbidden in the middle of the call. Our own stopping of it says nothing.
      track.addEventListener('ended', () => {
        this.#forgotten();
        this.#told('silent');
      }, deaf);
    }
    return stream;
  }

  /**
   * A new connection, which is offered or answers.
   * @param {boolean} offers
   */
  #connect(offers) {
    const connection = this.#port.connect(this.#iceServers ? { iceServers: this.#iceServers } : {}, this.#call, offers);
    this.#broken = false;
    const deaf = new AbortController();
    connection.addEventListener('track', ({ streams, track }) => {
      const stream = streams[0] ?? new MediaStream([track]);
      // Video that comes apart from the sound does not take its place.
      if (!stream.getAudioTracks().length) return;
      this.remote = stream;
      this.#told('stream');
    }, deaf);
    connection.addEventListener('connectionstatechange', () => {
      const path = PATHS[connection.connectionState];
      if (!path) return;
      this.#broken = path !== 'connected';
      this.#told(path);
    }, deaf);
    /** @type {(gone: null) => void} */
    let tell = () => undefined;
    /** @type {Promise<never>} */
    const over = new Promise((_, reject) => void (tell = reject));
    over.catch(() => undefined);
    this.renew();
    this.#peer = {
      connection,
      fingerprint: '',
      over,
      close() {
        deaf.abort();
        connection.close();
        tell(GONE);
      },
    };
    return connection;
  }

  #standing() {
    const connection = this.peer;
    if (!connection) throw GONE;
    return connection;
  }

  /**
   * The far side of the connection that stands is the one of this description.
   * @param {string} sdp
   */
  #knows(sdp) {
    return this.#peer?.fingerprint === fingerprint(sdp);
  }

  /**
   * What the connection that stands was asked, unless it is closed meanwhile.
   * @template T
   * @param {Promise<T>} answer
   */
  #asked(answer) {
    return Promise.race([answer, this.#peer?.over ?? Promise.reject(GONE)]);
  }

  /**
   * @param {RTCPeerConnection} connection
   * @param {RTCSdpType} type
   * @param {string} sdp
   */
  async #describe(connection, type, sdp) {
    await this.#asked(connection.setRemoteDescription({ type, sdp }));
    if (this.#peer) this.#peer.fingerprint = fingerprint(sdp);
  }

  /**
   * The local description once the candidates are in it that are worth waiting for.
   * @param {RTCPeerConnection} connection
   * @param {boolean | undefined} trickles
   */
  async #gathered(connection, trickles) {
    await this.#asked(this.#port.gathered(connection, this.#call, trickles));
    const described = connection.localDescription;
    if (!described) throw GONE;
    return described.sdp;
  }
}
