// Tones: what each side's microphone sends, and what the other side hears, measured in the page.
import { writeFileSync } from 'node:fs';

/**
 * A WAV file (mono, 16 bit) of one frequency in short bursts: a steady tone is noise to a browser's
 * noise suppression and is taken away within seconds, bursts pass like speech.
 */
export function writeTone(file, hz, { rate = 48_000, seconds = 6, on = 0.35, off = 0.15, level = 0.5 } = {}) {
  const samples = Buffer.alloc(seconds * rate * 2);
  const period = (on + off) * rate;
  for (let i = 0; i < seconds * rate; i += 1) {
    const inBurst = (i % period) / rate;
    const edge = Math.min(inBurst, on - inBurst) / 0.01; // 10 ms ramps, so that no click spreads over the band
    const gain = inBurst < on ? Math.min(1, edge) : 0;
    samples.writeInt16LE(Math.round(32_767 * level * gain * Math.sin((2 * Math.PI * hz * i) / rate)), i * 2);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20); // PCM
  head.writeUInt16LE(1, 22); // mono
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples.length, 40);
  writeFileSync(file, Buffer.concat([head, samples]));
  return file;
}

// Runs in the page. Listens to the stream that the page's own audio element plays: a tone is waited for from before there is one.
function listenInPage({ ms, hz, tolerance, enough }) {
  const find = () => [...document.querySelectorAll('audio, video')].find((candidate) => candidate.srcObject?.getAudioTracks().length);
  window.__ear ??= new Map();
  const earOf = (stream) => {
    let ear = window.__ear.get(stream);
    if (!ear) {
      const context = new AudioContext();
      const analyser = context.createAnalyser();
      analyser.fftSize = 8192;
      analyser.smoothingTimeConstant = 0;
      context.createMediaStreamSource(stream).connect(analyser);
      const bin = context.sampleRate / analyser.fftSize;
      ear = { context, analyser, bin, spectrum: new Float32Array(analyser.frequencyBinCount), wave: new Float32Array(analyser.fftSize) };
      window.__ear.set(stream, ear);
    }
    return ear;
  };
  const look = ({ analyser, bin, spectrum, wave }) => {
    analyser.getFloatFrequencyData(spectrum);
    analyser.getFloatTimeDomainData(wave);
    let top = 0;
    for (let i = 1; i < spectrum.length; i += 1) if (spectrum[i] > spectrum[top]) top = i;
    // Parabolic interpolation between the bins beside the peak.
    const [left, mid, right] = [spectrum[top - 1], spectrum[top], spectrum[top + 1]];
    const shift = left - 2 * mid + right ? (0.5 * (left - right)) / (left - 2 * mid + right) : 0;
    const rms = Math.sqrt(wave.reduce((sum, sample) => sum + sample * sample, 0) / wave.length);
    return { hz: (top + shift) * bin, rms };
  };
  let element, ear;
  if (!hz && !find()) return { error: 'no element plays a stream' };
  return new Promise((resolve) => {
    const looks = [];
    const until = performance.now() + ms;
    const timer = setInterval(() => {
      const playing = find();
      if (playing) {
        [element, ear] = [playing, earOf(playing.srcObject)];
        looks.push(look(ear));
      }
      const hits = hz ? looks.filter((one) => one.rms > 0.005 && Math.abs(one.hz - hz) <= hz * tolerance) : [];
      if (performance.now() < until && !(hz && hits.length >= enough)) return;
      clearInterval(timer);
      if (!element) return void resolve({ error: 'no element plays a stream' });
      const loudest = looks.reduce((best, one) => (one.rms > best.rms ? one : best), { hz: 0, rms: 0 });
      const heard = hits.length >= enough ? hits.map((one) => one.hz).sort((a, b) => a - b)[hits.length >> 1] : loudest.hz;
      resolve({ context: ear.context.state, hz: Math.round(heard * 10) / 10, rms: loudest.rms, hits: hits.length, muted: element.muted, paused: element.paused });
    }, 40);
  });
}

/** Listens in `page` until the tone `hz` was heard in `enough` looks, or `ms` have passed. */
export function hear(page, hz, { ms = 20_000, tolerance = 0.02, enough = 5 } = {}) {
  return page.evaluate(listenInPage, { ms, hz, tolerance, enough });
}

/** The loudest level (RMS of full scale) heard within `ms`. */
export async function loudness(page, ms = 800) {
  const { rms, error } = await page.evaluate(listenInPage, { ms, hz: 0, tolerance: 0, enough: 0 });
  if (error) throw new Error(error);
  return rms;
}

/** RMS below this is silence: comfort noise and rounding. */
export const SILENCE = 0.002;
