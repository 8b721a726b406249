/** Microphones and speakers: what there is, which one is used, also in the middle of a call. */
import type { Phone } from '../index.ts';

/** A microphone or a speaker. Without permission for the microphone a browser gives neither ids nor names. */
export interface SoundDevice { id: string; label: string }
export interface SoundDevices { inputs: SoundDevice[]; outputs: SoundDevice[] }

/** What the browser does to the microphone's sound; what is left out is its own choice. */
export interface Processing { echoCancellation?: boolean; noiseSuppression?: boolean; autoGainControl?: boolean }

export async function soundDevices(): Promise<SoundDevices> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  const of = (kind: MediaDeviceKind): SoundDevice[] =>
    all.filter((one) => one.kind === kind && one.deviceId !== '').map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { inputs: of('audioinput'), outputs: of('audiooutput') };
}

/** Tells whenever something is plugged in or out, until the answer is called. */
export function watchDevices(changed: (devices: SoundDevices) => void): () => void {
  const look = (): void => void soundDevices().then(changed, () => undefined);
  navigator.mediaDevices?.addEventListener('devicechange', look);
  return () => navigator.mediaDevices?.removeEventListener('devicechange', look);
}

/** The browser lets a page choose the speaker. */
export const choosesOutput = (): boolean => 'setSinkId' in HTMLMediaElement.prototype;

/** Plays an element's sound at this speaker; '' is the system's. */
export async function useOutput(element: HTMLMediaElement, id: string): Promise<void> {
  const sink = element as HTMLMediaElement & { setSinkId?: (id: string) => Promise<void> };
  await sink.setSinkId?.(id);
}

/** The microphone and its processing for calls to come only. One that is not there (any more) gives way to the system's. */
export async function chooseInput(phone: Phone, id: string, processing: Processing = {}): Promise<void> {
  const there = id !== '' && (await soundDevices()).inputs.some((one) => one.id === id);
  // "ideal" would be a wish that Chromium does not always grant.
  phone.audio = { ...(there ? { deviceId: { exact: id } } : {}), ...processing };
}

/**
 * The microphone and its processing for calls to come, and at once for those in progress; '' is the system's. Throws a `Problem` when
 * none is given; the calls keep what they had.
 */
export async function useInput(phone: Phone, id: string, processing: Processing = {}): Promise<void> {
  await chooseInput(phone, id, processing);
  const talking = phone.role === 'leading' ? phone.calls.filter((call) => call.state === 'active' && call.connection && !call.silent) : [];
  for (const call of talking) await call.useMicrophone();
}
