/** Reads a connection's statistics (W3C WebRTC Statistics). */
import type { Sample } from './mos.ts';

/** Counters that only grow, as they were last read. */
export interface Counters { received: number; lost: number }

/** How loud both sides are now, 0 to 1. */
export interface Levels { input: number; output: number }

interface Stat {
  type: string; kind?: string; id: string; packetsReceived?: number; packetsLost?: number; jitter?: number; roundTripTime?: number;
  currentRoundTripTime?: number; selectedCandidatePairId?: string; nominated?: boolean; state?: string; audioLevel?: number;
}

const of = (report: RTCStatsReport): Stat[] => [...(report as unknown as Map<string, Stat>).values()];

/** The second since `before`, and the counters for the next one. */
export function sampleOf(report: RTCStatsReport, before: Counters | null): { sample: Sample; counters: Counters } {
  const stats = of(report);
  const inbound = stats.find((one) => one.type === 'inbound-rtp' && one.kind === 'audio');
  const remote = stats.find((one) => one.type === 'remote-inbound-rtp' && one.kind === 'audio');
  const chosen = stats.find((one) => one.type === 'transport')?.selectedCandidatePairId;
  const pair = stats.find((one) => one.type === 'candidate-pair' && (chosen ? one.id === chosen : one.nominated && one.state === 'succeeded'));
  const counters = { received: inbound?.packetsReceived ?? 0, lost: Math.max(0, inbound?.packetsLost ?? 0) };
  // A connection that was replaced counts from zero again.
  const known = before && before.received <= counters.received ? before : { received: 0, lost: 0 };
  const packets = counters.received - known.received;
  const lost = Math.max(0, counters.lost - known.lost);
  const rtt = remote?.roundTripTime ?? pair?.currentRoundTripTime;
  return {
    counters,
    sample: {
      packets,
      rtt: rtt === undefined ? null : rtt * 1000,
      jitter: (inbound?.jitter ?? 0) * 1000,
      loss: packets + lost > 0 ? lost / (packets + lost) : 0,
    },
  };
}

/** `own` is how loud this side is where the browser does not say so. */
export function levelsOf(report: RTCStatsReport, own: () => number = () => 0): Levels {
  const level = (type: string): number | undefined => of(report).find((one) => one.type === type && one.kind === 'audio')?.audioLevel;
  return { input: level('media-source') ?? own(), output: level('inbound-rtp') ?? 0 };
}
