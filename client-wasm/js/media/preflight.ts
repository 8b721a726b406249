/** Is everything there that a call needs? Each step by itself, and a report that says which one is not. */
import { microphone } from '../describe.ts';
import { servers } from '../index.ts';
import type { Phone } from '../index.ts';
import { inTime } from './in-time.ts';
import { Judge, type Grade } from './mos.ts';
import { sampleOf, type Counters } from './stats.ts';

export type StepName = 'microphone' | 'socket' | 'registration' | 'stun' | 'turn' | 'loopback';

/** How a step went. */
export interface Step {
  name: StepName;
  /** `skipped`: there is nothing to try, as without a TURN server. */
  result: 'passed' | 'failed' | 'skipped';
  /** How long it took, ms. */
  ms: number;
  /**
   * Why it failed or was skipped: `NotAllowedError`, `NotFoundError`, … as the browser names them, `silent` (the microphone gives no
   * sound), `refused`, `timeout`, `none` (no such server), `degraded`, or the state of the registration.
   */
  why: string;
  /** Of the microphone: its name, and the loudest level heard, 0 to 1. */
  label?: string;
  level?: number;
  /** Of the loopback call: what was measured in its last seconds, and whether it went through the TURN server. */
  mos?: number;
  grade?: Grade;
  rtt?: number | null;
  jitter?: number;
  loss?: number;
  relayed?: boolean;
}

export interface Report {
  /** When it began, ms since the epoch. */
  at: number;
  /** No step failed. */
  passed: boolean;
  steps: Step[];
}

export interface PreflightOptions {
  /** Told as each step ends. */
  told?: (step: Step) => void;
  /** How long the loopback call lasts, ms: 1000 at least, for it is judged by the second. Less is a `RangeError`. */
  loopbackMs?: number;
  signal?: AbortSignal;
}

type Outcome = Omit<Step, 'name' | 'ms'>;
const passed = (more: Partial<Outcome> = {}): Outcome => ({ result: 'passed', why: '', ...more });
const failed = (why: string, more: Partial<Outcome> = {}): Outcome => ({ result: 'failed', why, ...more });
const skipped = (why: string): Outcome => ({ result: 'skipped', why });

/** Longer than this nothing is waited for. */
const PATIENCE_MS = 8_000;
/** What a call is judged by. */
const SECOND_MS = 1_000;

/** Tries everything in turn. Nothing of it is heard or rung by anyone. */
export async function preflight(phone: Phone, { told = () => undefined, loopbackMs = 5_000, signal }: PreflightOptions = {}): Promise<Report> {
  if (!(loopbackMs >= SECOND_MS)) throw new RangeError(`loopbackMs is ${loopbackMs}, and ${SECOND_MS} at least`);
  const report: Report = { at: Date.now(), passed: true, steps: [] };
  const step = async (name: StepName, work: () => Promise<Outcome>): Promise<void> => {
    signal?.throwIfAborted();
    const began = performance.now();
    const outcome = await work().catch((error: unknown) => failed(error instanceof Error ? error.name : 'failed'));
    const done: Step = { name, ms: Math.round(performance.now() - began), ...outcome };
    report.steps.push(done);
    if (done.result === 'failed') report.passed = false;
    told(done);
  };

  let stream: MediaStream | null = null;
  const iceServers = await phone[servers]();
  try {
    await step('microphone', async () => {
      stream = await microphone(phone.audio);
      return listen(stream);
    });
    await step('socket', () => socket(phone));
    await step('registration', () => registration(phone));
    await step('stun', () => candidate(iceServers, 'stun', 'srflx'));
    await step('turn', () => candidate(iceServers, 'turn', 'relay'));
    await step('loopback', () => loopback(stream, iceServers, report.steps.some(({ name, result }) => name === 'turn' && result === 'passed'), loopbackMs, signal));
  } finally {
    // The light goes out.
    for (const track of (stream as MediaStream | null)?.getTracks() ?? []) track.stop();
  }
  return report;
}

async function listen(stream: MediaStream): Promise<Outcome> {
  const label = stream.getAudioTracks()[0]?.label ?? '';
  const context = new AudioContext();
  try {
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    await context.resume();
    const wave = new Float32Array(analyser.fftSize);
    let level = 0;
    for (const until = performance.now() + 1500; performance.now() < until;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      analyser.getFloatTimeDomainData(wave);
      level = wave.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), level);
    }
    // Even a quiet room is heard; nothing at all is a microphone that is switched off.
    return level > 0 ? passed({ label, level }) : failed('silent', { label, level });
  } finally {
    await context.close().catch(() => undefined);
  }
}

/** A second socket beside the phone's own; the edge closes what registers nothing. */
async function socket(phone: Phone): Promise<Outcome> {
  let edge = '';
  try {
    edge = phone.session.edge;
  } catch { /* a line at a server of another make */ }
  if (!edge) return skipped('none');
  const opened = new WebSocket(`${edge.replace(/^http/, 'ws')}/sip`, 'sip');
  try {
    return await within(new Promise<Outcome>((resolve) => {
      opened.onopen = () => resolve(passed());
      opened.onerror = () => resolve(failed('refused'));
    }));
  } finally {
    opened.close();
  }
}

async function registration(phone: Phone): Promise<Outcome> {
  const settled = (): boolean => !['connecting', 'reconnecting'].includes(phone.registration.state);
  if (!settled()) {
    await within(new Promise<Outcome>((resolve) => {
      const look = (): void => {
        if (!settled()) return;
        phone.removeEventListener('registration', look);
        resolve(passed());
      };
      phone.addEventListener('registration', look);
    }));
  }
  const { state, reason } = phone.registration;
  return state === 'registered' ? passed() : failed(reason ?? state);
}

/** Whether servers of this kind give a candidate of that type. */
async function candidate(all: RTCIceServer[], kind: 'stun' | 'turn', type: 'srflx' | 'relay'): Promise<Outcome> {
  const iceServers = all.flatMap((server) => {
    const urls = [server.urls].flat().filter((url) => url.startsWith(kind));
    return urls.length ? [{ ...server, urls }] : [];
  });
  if (!iceServers.length) return skipped('none');
  const connection = new RTCPeerConnection({ iceServers, iceTransportPolicy: type === 'relay' ? 'relay' : 'all' });
  let error = '';
  // Addresses of this machine, and how often a server was not reached from one of them (701).
  let [own, unreached] = [0, 0];
  try {
    connection.createDataChannel('preflight');
    const found = new Promise<Outcome>((resolve) => {
      connection.addEventListener('icecandidateerror', ({ errorCode }) => {
        if (errorCode === 401 || errorCode === 403) error = 'refused';
        else unreached += 1;
      });
      connection.addEventListener('icecandidate', ({ candidate: one }) => {
        if (one?.type === 'host' && one.protocol === 'udp') own += 1;
        if (one?.type === type) resolve(passed());
        // A host whose address is the server's view of it needs no translation: STUN has nothing to add.
        else if (one === null) resolve(type === 'srflx' && unreached < own * urlsOf(iceServers).length ? skipped('direct') : failed('timeout'));
      });
    });
    await connection.setLocalDescription();
    const began = performance.now();
    const outcome = await within(found);
    // Firefox tells of no error.
    if (outcome.why === 'direct' && !('onicecandidateerror' in connection) && !(await known(iceServers, performance.now() - began))) return failed('timeout');
    return outcome.result === 'failed' && error ? failed(error) : outcome;
  } finally {
    connection.close();
  }
}

/** Each once: a browser asks none twice. */
const urlsOf = (iceServers: RTCIceServer[]): string[] => [...new Set(iceServers.flatMap(({ urls }) => urls))];

/** Nobody listens there, and no browser forbids it. */
const EMPTY_PORT = 65_535;

/**
 * Whether there is one of these STUN servers, in a browser that does not tell. A name that nobody knows ends as one does that has nothing to add:
 * at once, and with nothing. At a port where nobody answers the one still does, while the other is asked for many seconds (11 in Firefox).
 */
async function known(iceServers: RTCIceServer[], lookup: number): Promise<boolean> {
  const urls = urlsOf(iceServers).map((url) => url.replace(/^(stuns?:(?:\[[^\]]*\]|[^:?]*)).*/, `$1:${EMPTY_PORT}`));
  let connection: RTCPeerConnection | null = null;
  try {
    const asking = (connection = new RTCPeerConnection({ iceServers: [{ urls }] }));
    asking.createDataChannel('preflight');
    const nobody = new Promise<boolean>((resolve) => asking.addEventListener('icecandidate', ({ candidate: one }) => { if (one === null) resolve(false); }));
    await asking.setLocalDescription();
    // The name was looked up a moment ago: it takes no longer now.
    return await inTime(nobody, SECOND_MS + lookup, true);
  } catch {
    // What cannot be asked is not called wrong.
    return true;
  } finally {
    connection?.close();
  }
}

/** A call from this page to itself, through the relay where there is one. */
async function loopback(stream: MediaStream | null, iceServers: RTCIceServer[], relayed: boolean, ms: number, signal?: AbortSignal): Promise<Outcome> {
  if (!stream) return skipped('microphone');
  const policy: RTCIceTransportPolicy = relayed ? 'relay' : 'all';
  const [one, other] = [0, 1].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: policy })) as [RTCPeerConnection, RTCPeerConnection];
  try {
    for (const [from, to] of [[one, other], [other, one]] as const) {
      from.addEventListener('icecandidate', ({ candidate: found }) => { if (found) void to.addIceCandidate(found).catch(() => undefined); });
    }
    for (const track of stream.getAudioTracks()) one.addTrack(track, stream);
    await one.setLocalDescription();
    await other.setRemoteDescription(one.localDescription!);
    await other.setLocalDescription();
    await one.setRemoteDescription(other.localDescription!);
    const connected = await within(new Promise<Outcome>((resolve) => {
      other.addEventListener('connectionstatechange', () => {
        if (other.connectionState === 'connected') resolve(passed());
        if (other.connectionState === 'failed') resolve(failed('refused'));
      });
    }));
    if (connected.result === 'failed') return connected;
    const judge = new Judge();
    let counters: Counters = sampleOf(await other.getStats(), null).counters;
    let last: Partial<Outcome> | null = null;
    for (let lasted = 0; lasted < ms; lasted += SECOND_MS) {
      signal?.throwIfAborted();
      await new Promise((resolve) => setTimeout(resolve, SECOND_MS));
      const { sample, counters: now } = sampleOf(await other.getStats(), counters);
      counters = now;
      const { mos, grade } = judge.add(sample);
      const { rtt, jitter, loss } = sample;
      if (mos !== null && grade !== null) last = { mos, grade, rtt, jitter, loss, relayed };
    }
    if (!last) return failed('silent', { relayed });
    return last.grade === 'degraded' ? failed('degraded', last) : passed(last);
  } finally {
    one.close();
    other.close();
  }
}

const within = (work: Promise<Outcome>): Promise<Outcome> => inTime(work, PATIENCE_MS, failed('timeout'));
