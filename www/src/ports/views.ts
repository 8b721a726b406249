/** From the client's objects to the store's plain data. */
import type { Blocked, Call, Device, Missed, Registration as ClientRegistration, Wake } from 'wakeline';
import type { BlockedView, CallView, DeviceView, MissedView, Registration, WakeView } from '../store/state.ts';

export const callView = (call: Call): CallView => ({
  id: call.id,
  wake: call.wake,
  direction: call.direction,
  remote: { number: call.remote.number, displayName: call.remote.displayName },
  phase: call.state,
  stage: call.stage,
  muted: call.muted,
  held: call.held,
  remoteHeld: call.remoteHeld,
  video: call.remoteVideo,
  recorded: call.recorded,
  recordingTold: call.recordingTold,
  silent: call.silent,
  lost: call.lost,
  broken: call.broken,
  answeredAt: call.answeredAt,
  end: call.end && { ...call.end, retryAfter: call.end.retryAfter ?? null },
  endedAt: null,
});

export const registrationView = (registration: ClientRegistration): Registration => ({
  state: registration.state,
  reason: registration.reason ?? '',
  retryAt: registration.retryAt ?? null,
});

export const missedView = (missed: Missed): MissedView => ({
  id: missed.id,
  caller: { number: missed.caller.number, displayName: missed.caller.display_name },
  at: missed.at,
  outcome: missed.outcome,
  callerOnline: missed.caller_online ?? null,
  seen: missed.seen,
});

export const blockedView = (blocked: Blocked): BlockedView => ({
  caller: { number: blocked.number, displayName: blocked.display_name },
  at: blocked.at,
});

export const deviceView = (device: Device, here: string): DeviceView => ({
  id: device.id,
  label: device.label,
  here: device.id === here,
  wakes: Boolean(device.push),
  online: device.registered,
  seenAt: device.seen_at || null,
});

/** What the edge says about a wake, as far as the screen shows it. */
export const wakeView = (wake: Wake): Partial<WakeView> & { id: string } => ({
  id: wake.id,
  caller: wake.caller.number ? { number: wake.caller.number, displayName: wake.caller.display_name } : null,
  at: wake.created_at,
  ...(wake.why ? { why: wake.why } : {}),
});

export const isFinal = (state: string): boolean =>
  ['answered', 'declined', 'busy', 'unanswered', 'expired', 'cancelled', 'unbound', 'unreachable', 'failed'].includes(state);
