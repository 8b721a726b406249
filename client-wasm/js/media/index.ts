/**
 * What a call needs beyond being made: devices, codecs, quality, levels, recordings, and a check of everything before. Loaded by
 * whoever wants it (`wakeline/media`), when it is wanted.
 */
export * from './devices.ts';
export { chooseCodecs, drop, prepare } from './connection.ts';
export { CallQuality, QualityEvent, WarningEvent, watchLevels } from './quality.ts';
export { Judge, grade, mos } from './mos.ts';
export type { Grade, Judgement, Sample, Warning } from './mos.ts';
export type { Levels } from './stats.ts';
export type { Codec, CodecSettings } from './sdp.ts';
export * from './record.ts';
export type { CallVideo, Source } from './video.ts';
export * from './preflight.ts';
