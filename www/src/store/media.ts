/** What the page knows of the sound of its calls. Loaded with the module that looks after it; absent until then. */
import type { Grade, SoundDevice, Step, Warning } from '../../../client-wasm/js/media/index.ts';

/** What the user has chosen; kept in this browser. */
export interface SoundSettings {
  /** A microphone and a speaker by the browser's id; '' is the system's. */
  input: string;
  output: string;
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
  codec: 'auto' | 'opus' | 'g711';
  fec: boolean;
  dtx: boolean;
}

export const usualSound: SoundSettings = {
  input: '', output: '', echoCancellation: true, noiseSuppression: true, autoGainControl: true, codec: 'auto', fec: true, dtx: false,
};

export interface MediaState {
  settings: SoundSettings;
  inputs: SoundDevice[];
  outputs: SoundDevice[];
  choosesOutput: boolean;
  /** The last change of the microphone was refused; the one before is used. */
  refused: boolean;
  /** Of the call in front, while it is talked in. */
  quality: { grade: Grade | null; mos: number | null; warnings: Warning[] } | null;
  levels: { input: number; output: number } | null;
  canRecord: boolean;
  /** The call that is recorded, and since when, ms since the epoch. */
  recording: { call: string; since: number } | null;
  /** Shows the panel in a call. */
  open: boolean;
  check: { running: boolean; steps: Step[]; passed: boolean | null };
}

export const initialMedia = (settings: SoundSettings): MediaState => ({
  settings, inputs: [], outputs: [], choosesOutput: false, refused: false, quality: null, levels: null, canRecord: false, recording: null, open: false,
  check: { running: false, steps: [], passed: null },
});

/** What was stored, as far as it still says something. */
export function storedSound(text: string | null): SoundSettings {
  let found: Partial<Record<keyof SoundSettings, unknown>> = {};
  try {
    found = (JSON.parse(text ?? '{}') as typeof found | null) ?? {};
  } catch { /* somebody else's, or an older page's */ }
  const settings: Record<string, unknown> = { ...usualSound };
  for (const [name, usual] of Object.entries(usualSound)) {
    const value = found[name as keyof SoundSettings];
    if (typeof value === typeof usual) settings[name] = value;
  }
  if (!['auto', 'opus', 'g711'].includes(settings.codec as string)) settings.codec = 'auto';
  return settings as unknown as SoundSettings;
}
