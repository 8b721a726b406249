/** How the descriptions of a connection are made: who has a hand in them, which way streams go, which candidates are waited for. */

/** Has a hand in each description that a connection makes, an answer or an offer. @internal */
export type Describe = (connection: RTCPeerConnection, answers: boolean) => void | Promise<void>;

/** Nobody looks after the video of this call: what is offered is refused. */
const refuse: Describe = (connection, answers) => {
  if (answers) for (const it of connection.getTransceivers()) if (it.receiver.track.kind === 'video') it.stop();
};

/** Sound goes both ways, or out only while the call is held (RFC 3264 §8.4); video as far as there is some, and not then. */
export function direct(connection: RTCPeerConnection, held: boolean): void {
  for (const it of connection.getTransceivers()) {
    if (it.direction === 'stopped') continue;
    if (it.receiver.track.kind === 'audio') it.direction = held ? 'sendonly' : 'sendrecv';
    else it.direction = held ? 'inactive' : it.sender.track ? 'sendrecv' : 'recvonly';
  }
}

/** What we speak: Opus, telephone events and, for phones behind a plain server, G.711, in the browser's own order (Opus first). */
const SPOKEN = /^audio\/(opus|telephone-event|pcm[ua])$/i;

/** The place of our voice in an offer; browsers without the choice of codecs offer what they have. */
export function voice(connection: RTCPeerConnection): void {
  // In a connection that was made ahead it is there.
  if (connection.getTransceivers().length) return;
  const place = connection.addTransceiver('audio', { streams: [new MediaStream()] });
  const spoken = RTCRtpReceiver.getCapabilities?.('audio')?.codecs.filter(({ mimeType }) => SPOKEN.test(mimeType));
  if (spoken?.length) place.setCodecPreferences?.(spoken);
}

let permission: Promise<PermissionStatus | null> | undefined;
const permitted = (): Promise<PermissionStatus | null> =>
  (permission ??= (async () => navigator.permissions.query({ name: 'microphone' as PermissionName }))().catch(() => null));

/** Whether the microphone may be had without asking the person; no, where the browser does not tell. */
export const granted = async (): Promise<boolean> => (await permitted())?.state === 'granted';

/** A microphone that is allowed takes no longer than this to start, ms; a sound system that hangs gives none, and tells nobody. */
const STARTING_MS = 15_000;

/** The microphone, as long as a person may take to allow it; one that is allowed and does not start is refused by the name that browsers have for it. */
export async function microphone(audio: MediaTrackConstraints): Promise<MediaStream> {
  const given = navigator.mediaDevices.getUserMedia({ audio });
  const over = new AbortController();
  const { signal } = over;
  const late = permitted().then((status) => new Promise<null>((resolve) => {
    const look = (): void => {
      if (signal.aborted || status?.state !== 'granted') return;
      const timer = setTimeout(resolve, STARTING_MS, null);
      signal.addEventListener('abort', () => clearTimeout(timer));
    };
    look();
    // Whoever tells of no change refuses nobody a microphone by that.
    status?.addEventListener?.('change', look, { signal });
  }));
  try {
    const stream = await Promise.race([given, late]);
    if (stream) return stream;
  } finally {
    over.abort();
  }
  // Should it start after all, its light goes out.
  given.then((stream) => stream.getTracks().forEach((track) => track.stop()), () => undefined);
  throw new DOMException('The microphone does not start', 'NotReadableError');
}

/**
 * How long a digit sounds, ms, and how long it is quiet before the next one. rtpengine 10.5 holds what is said of a digit back by as much as the
 * first one after a hold came late, 80 ms on a busy machine, but not the sound behind it: of 100 ms a strict phone takes nothing then. A
 * server may drop a digit that comes 45 ms after another one.
 */
const DIGIT_MS = 200;
const BETWEEN_MS = 120;
/** With the packets that say its end three times, and before the next one. */
const SAID_MS = 260;

/** Connections that say a digit, until it is said. */
const sounding = new WeakMap<RTCPeerConnection, Promise<void>>();

/** The digits of a sender: those that it has not begun to say, what is told when it will not, and whether that was told. */
interface Digits { left: string; cut: boolean; tell: () => void }
const handed = new WeakMap<RTCDTMFSender, Digits>();

/**
 * Digits that are still to come when the other side puts the call on hold are not said. The browser loses one, keeps the others, and would
 * say them in front of the next that is typed, whoever hears that then; it lets them be taken away when it can speak again.
 */
function watched(connection: RTCPeerConnection, dtmf: RTCDTMFSender): Digits {
  const digits: Digits = { left: '', cut: false, tell: () => undefined };
  connection.addEventListener('signalingstatechange', () => {
    if (!dtmf.canInsertDTMF) {
      // The one that is lost is in the buffer no more, and was never said to sound.
      if (!digits.left || digits.cut) return;
      digits.cut = true;
      digits.tell();
    } else if (digits.cut) {
      dtmf.insertDTMF('');
      Object.assign(digits, { left: '', cut: false });
    }
  });
  dtmf.ontonechange = ({ tone }) => {
    digits.left = dtmf.toneBuffer;
    if (!tone) return;
    const said = new Promise<void>((resolve) => { setTimeout(resolve, SAID_MS); });
    sounding.set(connection, said);
    void said.then(() => { if (sounding.get(connection) === said) sounding.delete(connection); });
  };
  handed.set(dtmf, digits);
  return digits;
}

/**
 * Sends digits with the sound (RFC 4733), behind those that are still to come; false where the other side takes none there. `cut`: not all
 * of them were said.
 */
export function dial(connection: RTCPeerConnection | null, digits: string, cut: () => void): boolean {
  const dtmf = connection?.getSenders().map((it) => it.dtmf).find((it) => it?.canInsertDTMF);
  if (!connection || !dtmf) return false;
  const before = handed.get(dtmf) ?? watched(connection, dtmf);
  // It may speak again before that is told: what was cut is in its buffer until then.
  dtmf.insertDTMF((before.cut ? '' : dtmf.toneBuffer) + digits, DIGIT_MS, BETWEEN_MS);
  Object.assign(before, { left: dtmf.toneBuffer, cut: false, tell: cut });
  return true;
}

/** Candidates that take longer than this are not waited for, ms. */
const GATHERING_MS = 500;
/** Once there is one of the best kind, those beside it take no longer, ms: what servers tell, and the machine's own addresses. */
const BESIDE_MS = 30;
const BESIDE_OWN_MS = 2;

/**
 * Waits for candidates of the best kind that the servers promise; any are enough where the other side takes more later (`trickles`), by what
 * it says in SIP and in its description (RFC 8840 §5.1). Until a browser calls it complete it waits on, in Chromium for 100 ms at least,
 * for TCP that phones do not speak. Says whether what comes later is of use to nobody.
 */
export function gathered(connection: RTCPeerConnection, trickles: boolean | undefined): Promise<boolean> {
  const urls = (connection.getConfiguration().iceServers ?? []).flatMap((server) => server.urls);
  const best = urls.some((url) => url.startsWith('turn')) ? ' typ relay' : urls.length ? ' typ srflx' : ' typ host';
  const theirs = connection.remoteDescription?.sdp;
  const takes = trickles !== false && (theirs === undefined || /^a=ice-options:.*\btrickle\b/m.test(theirs));
  const enough = trickles && takes ? '\na=candidate:' : best;
  const described = (): string => connection.localDescription?.sdp ?? '';
  return new Promise((resolve) => {
    const events = ['icecandidate', 'icegatheringstatechange'];
    const timers = [setTimeout(done, GATHERING_MS)];
    function done(): void {
      timers.forEach(clearTimeout);
      for (const event of events) connection.removeEventListener(event, look);
      resolve(!takes || described().includes(best));
    }
    function look(): void {
      const sdp = described();
      // A restart is told after the description: the state may still be that of the round before.
      if (connection.iceGatheringState === 'complete' && sdp.includes('\na=candidate:')) done();
      else if (timers.length < 2 && sdp.includes(enough)) timers.push(setTimeout(done, urls.length ? BESIDE_MS : BESIDE_OWN_MS));
    }
    for (const event of events) connection.addEventListener(event, look);
    look();
  });
}

/** What a description says of its sound without the names of the streams, or with this one. */
const named = (sdp: string, ssrc: number | undefined): string =>
  sdp.replace(/^m=audio[^]*?(?=^m=|(?![^]))/m, (audio) => audio.replace(/^a=ssrc:.*\r\n/gm, '') + (ssrc ? `a=ssrc:${ssrc} cname:-\r\n` : ''));

/** What a description says of its streams, one by one. */
const streams = (sdp: string): string[] => sdp.split(/^(?=m=)/m).slice(1);

const REVERSED: Record<string, string> = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' };

const credentials = (description: RTCSessionDescription): string | undefined => /^a=ice-ufrag:.*/m.exec(description.sdp)?.[0];

/**
 * What the other side has said last, as an answer to our offer: all stays as it is by that. Null where the offer wants other streams or
 * directions, or another path while there is one that carries.
 */
function unchanged(connection: RTCPeerConnection): string | null {
  const { pendingLocalDescription: offer, currentLocalDescription: ours, currentRemoteDescription: theirs } = connection;
  if (!offer || !ours || !theirs) return null;
  if (connection.connectionState === 'connected' && credentials(offer) !== credentials(ours)) return null;
  const [wanted, agreed] = [streams(offer.sdp), streams(theirs.sdp)];
  const stands = wanted.every((stream, at) => {
    const mid = /^a=mid:(.*)\r$/m.exec(stream)?.[1];
    const way = /^a=(sendrecv|sendonly|recvonly|inactive)\r$/m.exec(agreed[at] ?? '')?.[1];
    const it = connection.getTransceivers().find((one) => one.mid === mid);
    return it && way && REVERSED[way] === it.currentDirection && ['sendrecv', it.currentDirection].includes(it.direction);
  });
  const role = /^a=setup:active/m.test(ours.sdp) ? 'passive' : 'active';
  return stands ? theirs.sdp.replace(/^a=setup:actpass/gm, `a=setup:${role}`) : null;
}

/**
 * A connection whose descriptions are looked after before they are made. In Chromium an offer that was rolled back takes the sound away from
 * whoever does not merely play it (Web Audio, a recording) until the stream has another name: it is then one that is not named, or was not.
 * Chromium 148 takes our own voice away as well, until its track is put into its place once more; for good where the path was lost and the
 * connection had offered first. An offer that is taken back is therefore answered by what stood before, wherever that answers it.
 */
export function tended(connection: RTCPeerConnection, by: () => Describe | null | undefined): RTCPeerConnection {
  for (const name of ['createOffer', 'createAnswer'] as const) {
    const make = connection[name].bind(connection) as () => Promise<RTCSessionDescriptionInit>;
    Object.assign(connection, {
      [name]: async () => {
        await (by() ?? refuse)(connection, name === 'createAnswer');
        return make();
      },
    });
  }
  const local = connection.setLocalDescription.bind(connection) as (own: RTCLocalSessionDescriptionInit) => Promise<void>;
  const remote = connection.setRemoteDescription.bind(connection) as (theirs: RTCSessionDescriptionInit) => Promise<void>;
  let [turned, heard]: [boolean, number | undefined] = [false, undefined];
  const look = (): void => {
    heard = connection.getReceivers().find(({ track }) => track.kind === 'audio')?.getSynchronizationSources()[0]?.source ?? heard;
  };
  let rolled = false;
  const speak = async (): Promise<void> => {
    if (!rolled || connection.signalingState !== 'stable') return;
    rolled = false;
    for (const sender of connection.getSenders()) {
      const { track } = sender;
      if (track?.kind !== 'audio') continue;
      await sender.replaceTrack(null);
      // Another microphone may have taken its place meanwhile.
      if (!sender.track) await sender.replaceTrack(track);
    }
  };
  /** A connection that is closed meanwhile needs no voice. */
  const spoken = (): Promise<void> => speak().catch(() => undefined);
  return Object.assign(connection, {
    setLocalDescription(own: RTCLocalSessionDescriptionInit) {
      look();
      // An answer may stop our voice (a hold). A digit that it cuts goes on as soon as we speak again, at the time of its beginning: rtpengine
      // then sends each later one so much too late.
      const digit = own.type === 'answer' && sounding.get(connection);
      if (own.type !== 'rollback') return (digit ? digit.then(() => local(own)) : local(own)).then(spoken);
      const back = (): Promise<void> => {
        [turned, rolled] = [!turned, true];
        return local(own);
      };
      const sdp = unchanged(connection);
      return sdp ? remote({ type: 'answer', sdp }).catch(back) : back();
    },
    setRemoteDescription({ type, sdp = '' }: RTCSessionDescriptionInit) {
      look();
      return remote({ type, sdp: turned ? named(sdp, /^a=ssrc:/m.test(sdp) ? undefined : heard) : sdp }).then(spoken);
    },
  });
}
