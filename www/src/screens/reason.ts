/** How a call ended, in words: on a screen of its own, or beside the call that goes on. */
import { duration, sentences, type Messages } from '../i18n/index.ts';
import { nameOf, type CallView } from '../store/state.ts';

export function endTitle(call: CallView, t: Messages): string {
  if (call.answeredAt !== null) return t.ended.title;
  const missed = call.direction === 'in' && ['cancelled', 'unanswered', 'expired'].includes(call.end?.outcome ?? '');
  if (missed) return t.ended.missed;
  return call.direction === 'out' && call.end?.outcome !== 'cancelled' ? t.ended.notConnected : t.ended.title;
}

export function endReason(call: CallView, t: Messages, own = ''): string {
  const { end } = call;
  if (!end) return '';
  const microphone = end.outcome === 'failed' && end.by === 'local' ? t.ended.microphone[end.reason] : undefined;
  if (microphone) return microphone;
  if (call.direction === 'out' && call.remote.number === own && (end.outcome === 'unbound' || end.outcome === 'unreachable')) return t.ended.yourself;
  const sentence = end.by === 'local' && (end.outcome === 'hungup' || end.outcome === 'declined' || end.outcome === 'lost')
    ? t.ended.byYou[end.outcome]
    : t.ended[call.direction](nameOf(call.remote))[end.outcome];
  const lasted = call.answeredAt !== null && call.endedAt !== null ? t.ended.lasted(duration(call.endedAt - call.answeredAt)) : '';
  const wait = end.retryAfter === null ? '' : t.ended.waitFor(end.retryAfter);
  return sentences(t, sentence, wait, lasted);
}

export const endedBeside = (call: CallView, t: Messages): string => sentences(t, t.active.endedBeside(nameOf(call.remote)), endReason(call, t));
