// What a recording holds: the loudest frequency of a stretch of it, and how loud that is.
import { readFileSync, statSync } from 'node:fs';

/** Samples (mono, -1 … 1) of a 16-bit PCM WAV that may still be written to: its lengths are not believed. */
export function samples(file, from = 0) {
  const bytes = readFileSync(file);
  const rate = bytes.readUInt32LE(24);
  const channels = bytes.readUInt16LE(22);
  const start = bytes.indexOf('data') + 8;
  const count = Math.max(0, Math.floor((bytes.length - start) / 2 / channels) - from);
  const wave = new Float64Array(count);
  for (let i = 0; i < count; i += 1) wave[i] = bytes.readInt16LE(start + 2 * channels * (from + i)) / 32_768;
  return { rate, wave };
}

/** How many samples the recording has by now. */
export function length(file) {
  return Math.max(0, Math.floor((statSync(file).size - 44) / 2));
}

/** Power of one frequency (Goertzel). */
function power(wave, rate, hz) {
  const c = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let [a, b] = [0, 0];
  for (const sample of wave) [a, b] = [sample + c * a - b, a];
  return a * a + b * b - c * a * b;
}

const rms = (wave) => Math.sqrt(wave.reduce((sum, sample) => sum + sample * sample, 0) / (wave.length || 1));

/** The loudest frequency (to 1 Hz) of the loudest quarter of a second, and its level. */
export function loudest({ rate, wave }) {
  const step = Math.floor(rate / 4);
  let best = wave.subarray(0, step);
  for (let at = 0; at + step <= wave.length; at += Math.floor(step / 4)) {
    const part = wave.subarray(at, at + step);
    if (rms(part) > rms(best)) best = part;
  }
  const top = (from, to, by) => {
    let found = { hz: 0, power: 0 };
    for (let hz = from; hz <= to; hz += by) {
      const here = power(best, rate, hz);
      if (here > found.power) found = { hz, power: here };
    }
    return found.hz;
  };
  const coarse = top(60, 3800, 4);
  return { hz: top(Math.max(40, coarse - 8), coarse + 8, 1), rms: rms(best) };
}
