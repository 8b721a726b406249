import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reduce, type Action } from '../src/store/reduce.ts';
import { callBehind, callInFront, screenOf, setupWanted, stageOf, unseen } from '../src/store/screen.ts';
import { initialState, type CallView, type State } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

const account = { number: '1001', displayName: 'Alice', addressOfRecord: 'sip:1001@example.org' };
const call = (change: Partial<CallView> = {}): CallView => ({
  id: 'c1', wake: null, direction: 'out', remote: { number: '1002', displayName: '' }, phase: 'calling', stage: null,
  muted: false, silent: false, held: false, remoteHeld: false, lost: false, answeredAt: null, end: null, endedAt: null, ...change,
});
const end: CallView['end'] = { outcome: 'hungup', status: 200, reason: '', by: 'remote', retryAfter: null };
const run = (...actions: Action[]): State => actions.reduce(reduce, initialState('en'));
const signedIn: Action[] = [
  { type: 'signed-in', account },
  { type: 'registration', registration: { state: 'registered', reason: '', retryAt: null } },
];
const calls = (...list: CallView[]): Action => ({ type: 'calls', calls: list, now: 5000 });

test('a page without a session shows sign-in, one that was signed out says so', () => {
  assert.equal(screenOf(initialState('en')), 'starting');
  assert.equal(screenOf(run({ type: 'signed-out', because: 'never' })), 'sign-in');
  assert.equal(screenOf(run(...signedIn, { type: 'signed-out', because: 'revoked' })), 'signed-out');
});

test('signing out forgets calls, missed calls and devices', () => {
  const state = run(...signedIn, calls(call()), { type: 'missed', missed: [missed('m1')] }, { type: 'signed-out', because: 'asked' });
  assert.deepEqual([state.calls, state.missed, state.account], [[], [], null]);
});

test('a lost registration takes the keypad to reconnecting, and back', () => {
  const lost: Action = { type: 'registration', registration: { state: 'reconnecting', reason: '', retryAt: 1 } };
  assert.equal(screenOf(run(...signedIn)), 'keypad');
  assert.equal(screenOf(run(...signedIn, lost)), 'reconnecting');
  assert.equal(screenOf(run(...signedIn, lost, signedIn[1]!)), 'keypad');
});

test('a lost registration does not hide a call', () => {
  const state = run(...signedIn, calls(call({ phase: 'active', answeredAt: 1 })), { type: 'registration', registration: { state: 'reconnecting', reason: '', retryAt: null } });
  assert.equal(screenOf(state), 'active');
});

test('an outgoing call goes through its stages', () => {
  const at = (change: Partial<CallView>): string => stageOf(call(change));
  assert.deepEqual(
    [at({}), at({ phase: 'waking' }), at({ phase: 'waking', stage: 'shown' }), at({ phase: 'waking', stage: 'opened' }), at({ phase: 'ringing', stage: 'opened' })],
    ['calling', 'pushed', 'shown', 'opened', 'ringing'],
  );
});

test('a tapped wake shows connecting before anything else is known, then gives way to its call', () => {
  const tapped = run({ type: 'wake', wake: { id: 'w1', answer: false } });
  assert.equal(screenOf(tapped), 'connecting');
  const rings = [...signedIn, calls(call({ wake: 'w1', direction: 'in', phase: 'incoming' }))].reduce(reduce, tapped);
  assert.equal(screenOf(rings), 'ringing');
  assert.equal(rings.wake, null);
  const late = reduce(rings, { type: 'wake', wake: { id: 'w1', progress: 'ready' } });
  assert.equal(late.wake, null, 'a late report does not bring the connecting screen back');
});

test('a connecting screen that was closed stays closed, whatever the phone tells of the wake; a new tap opens it, and its call rings', () => {
  const closed = run(...signedIn, { type: 'wake', wake: { id: 'w1', answer: false } }, { type: 'wake', wake: { id: 'w1', progress: 'registering' } }, { type: 'dismiss' });
  const told = ([{ progress: 'registering' }, { hindered: 'refused' }, { progress: 'over', outcome: 'expired' }] as const)
    .map((change): Action => ({ type: 'wake', wake: { id: 'w1', ...change } })).reduce(reduce, closed);
  assert.equal(screenOf(told), 'keypad');
  assert.equal(screenOf(reduce(told, { type: 'wake', wake: { id: 'w2', progress: 'ready' } })), 'connecting', 'another one');
  const again = reduce(told, { type: 'wake', wake: { id: 'w1', answer: false } });
  assert.equal(screenOf(again), 'connecting');
  assert.equal(screenOf(reduce(again, { type: 'wake', wake: { id: 'w1', progress: 'over' } })), 'too-late', 'from then on it is told of again');
  assert.equal(screenOf(reduce(told, calls(call({ wake: 'w1', direction: 'in', phase: 'incoming' })))), 'ringing');
});

test('a tapped wake needs somebody who is signed in', () => {
  const asked = run({ type: 'wake', wake: { id: 'w1', answer: false } }, { type: 'signed-out', because: 'never' });
  assert.deepEqual([screenOf(asked), asked.wake?.id], ['sign-in', 'w1'], 'who is asked to sign in is told that somebody calls');
  assert.equal(screenOf(reduce(asked, signedIn[0]!)), 'connecting');
  assert.equal(reduce(asked, { type: 'signed-out', because: 'revoked' }).wake, null);
});

test('tapped too late: the missed call says who it was and whether they are online', () => {
  const state = run(...signedIn,
    { type: 'wake', wake: { id: 'w1', progress: 'over', outcome: 'expired' } },
    { type: 'missed', missed: [missed('w1')] });
  assert.equal(screenOf(state), 'too-late');
  assert.deepEqual(state.wake?.caller, { number: '1002', displayName: 'Bob' });
  assert.equal(state.wake?.callerOnline, true);
  assert.equal(screenOf(reduce(state, { type: 'dismiss' })), 'keypad');
});

test('an ended call stays until it is dismissed, and stays dismissed while the phone remembers it', () => {
  const ended = calls(call({ phase: 'ended', end }));
  const state = run(...signedIn, calls(call()), ended);
  assert.equal(screenOf(state), 'ended');
  assert.equal(state.calls[0]?.endedAt, 5000);
  assert.equal(screenOf(run(...signedIn, calls(call()), ended, calls())), 'ended', 'also when the phone forgets it');
  assert.equal(screenOf(run(...signedIn, calls(call()), ended, { type: 'dismiss' }, ended)), 'keypad');
});

test('a call that failed at once is still explained', () => {
  assert.equal(screenOf(run(...signedIn, calls(call({ phase: 'ended', end })))), 'ended');
});

test('a living call takes the screen from one that ended', () => {
  const state = run(...signedIn, calls(call({ phase: 'ended', end })), calls(call({ phase: 'ended', end }), call({ id: 'c2', direction: 'in', phase: 'incoming' })));
  assert.equal(screenOf(state), 'ringing');
  assert.equal(callInFront(state)?.id, 'c2');
});

test('how a call ended beside another one is told, until it is read or the next one comes, and not what was done here', () => {
  const talk = call({ phase: 'active', answeredAt: 1 });
  const busy = call({ id: 'c2', phase: 'ended', end: { ...end!, outcome: 'busy', status: 486 } });
  const over = run(...signedIn, calls(talk), calls(talk, call({ id: 'c2' })), calls(talk, busy), calls(talk, busy), calls(talk));
  assert.deepEqual([screenOf(over), over.endedBeside?.id, over.endedBeside?.end?.outcome, over.endedBeside?.endedAt], ['active', 'c2', 'busy', 5000]);
  const read = reduce(over, { type: 'beside-read' });
  assert.equal(read.endedBeside, null);
  assert.equal(reduce(read, calls(talk, busy)).endedBeside, null, 'also while the phone remembers it');
  const next = reduce(over, calls(talk, busy, call({ id: 'c3' })));
  assert.equal(next.endedBeside, null);
  assert.equal(reduce(next, calls(talk, { ...busy, id: 'c3' })).endedBeside?.id, 'c3');
  assert.equal(reduce(over, calls({ ...talk, phase: 'ended', end })).endedBeside, null, 'the end of the last one has the screen');
  const here = call({ id: 'c2', phase: 'ended', end: { ...end!, by: 'local' } });
  assert.equal(run(calls(talk, call({ id: 'c2', phase: 'active' })), calls(talk, here)).endedBeside, null);
});

test('that a call could not be held or resumed is told until it is so, or the call is over', () => {
  const held = (on: boolean): Action => calls(call({ phase: 'active', held: on }), call({ id: 'c2', phase: 'active', held: true }));
  const refused = run(held(false), { type: 'refused', refused: { call: 'c1', what: 'hold' } }, held(false));
  assert.deepEqual(refused.refused, { call: 'c1', what: 'hold' });
  assert.equal(reduce(refused, held(true)).refused, null);
  assert.equal(reduce(refused, calls(call({ phase: 'ended', end }))).refused, null);
  const still = run(held(true), { type: 'refused', refused: { call: 'c1', what: 'resume' } }, held(true));
  assert.deepEqual([still.refused?.what, reduce(still, held(false)).refused], ['resume', null]);
});

test('a second caller does not take the screen from the call that is spoken in', () => {
  const state = run(...signedIn, calls(call({ phase: 'active' }), call({ id: 'c2', direction: 'in', phase: 'incoming' })));
  assert.equal(callInFront(state)?.id, 'c1');
  assert.equal(callBehind(state)?.id, 'c2');
});

test('digits that were refused are shown no more, until the next one is typed, each call by itself', () => {
  const typed = (id: string, digit: string): Action => ({ type: 'digit', call: id, digit });
  const one = call({ phase: 'active' });
  const refused = run(calls(one, call({ id: 'c2' })), typed('c1', '1'), typed('c1', '2'), typed('c2', '7'), { type: 'digits-refused', call: 'c1' });
  assert.deepEqual(refused.digits, { c1: { sent: '', refused: true }, c2: { sent: '7', refused: false } });
  assert.deepEqual(reduce(refused, typed('c1', '3')).digits.c1, { sent: '3', refused: false });
  assert.deepEqual(Object.keys(reduce(refused, calls({ ...one, phase: 'ended', end }, call({ id: 'c2' }))).digits), ['c2'], 'gone with its call');
});

test('a following tab says where the phone is', () => {
  assert.equal(screenOf(run(...signedIn, { type: 'role', role: 'following' })), 'following');
});

test('set-up is offered while something is not granted, and not after "not now"', () => {
  const wanted = (setup: Partial<State['setup']>): boolean => setupWanted(run({ type: 'setup', setup }));
  assert.equal(wanted({ microphone: 'prompt', notifications: 'granted' }), true);
  assert.equal(wanted({ microphone: 'blocked', notifications: 'granted' }), true);
  assert.equal(wanted({ microphone: 'granted', notifications: 'granted' }), false);
  assert.equal(wanted({ microphone: 'prompt', notifications: 'prompt', later: true }), false);
});

test('missed calls that were seen stay on the list, also when it is asked for once more while it is looked at', () => {
  const looking = run(...signedIn, { type: 'missed', missed: [missed('a', 1)] }, { type: 'page', page: 'missed' }, { type: 'missed', missed: [] });
  assert.deepEqual(looking.missed.map(({ id, seen }) => [id, seen]), [['a', false]], 'what is new stays so as long as it is looked at');
  const left = [{ type: 'missed-seen' }, { type: 'page', page: 'keypad' }, { type: 'missed', missed: [missed('b', 2)] }] as const;
  const later = left.reduce<State>(reduce, looking);
  assert.deepEqual(later.missed.map(({ id, seen }) => [id, seen]), [['b', false], ['a', true]]);
  assert.equal(unseen(later), 1);
  const elsewhere = run({ type: 'missed', missed: [missed('a', 1)] }, { type: 'missed', missed: [] });
  assert.equal(unseen(elsewhere), 0, 'seen in another tab, or at another device');
});

test('the list of missed calls is the edge’s: what it no longer keeps is gone, what is new stays so while it is looked at', () => {
  const seen = (id: string, at: number) => ({ ...missed(id, at), seen: true });
  const shown = (state: State) => state.missed.map((one) => [one.id, one.seen]);
  const loaded = run(...signedIn, { type: 'missed', missed: [missed('b', 2)] }, { type: 'page', page: 'missed' }, { type: 'missed-list', missed: [seen('a', 1), missed('b', 2)] });
  assert.deepEqual(shown(loaded), [['b', false], ['a', true]]);
  // The edge has been told meanwhile, and forgets the oldest.
  const again = reduce(loaded, { type: 'missed-list', missed: [missed('c', 3), seen('b', 2)] });
  assert.deepEqual(shown(again), [['c', false], ['b', false]]);
  const left = [{ type: 'missed-seen' }, { type: 'page', page: 'keypad' }] as const;
  const late = reduce(left.reduce<State>(reduce, again), { type: 'missed-list', missed: [missed('d', 4), missed('c', 3), seen('b', 2)] });
  assert.deepEqual(shown(late), [['d', false], ['c', true], ['b', true]], 'what was seen here is seen, though the edge was not told yet');
});

test('an edge that cannot be asked takes nothing from the list, and is no empty list', () => {
  const known = run(...signedIn, { type: 'missed', missed: [missed('a')] }, { type: 'missed-busy' }, { type: 'missed-failed' });
  assert.deepEqual([known.missed.length, known.missedList], [1, { busy: false, failed: true, known: false }]);
  const trying = reduce(known, { type: 'missed-busy' });
  assert.deepEqual(trying.missedList, { busy: true, failed: true, known: false }, 'the sentence does not flicker');
  const none = reduce(trying, { type: 'missed-list', missed: [] });
  assert.deepEqual([none.missed, none.missedList], [[], { busy: false, failed: false, known: true }]);
  assert.equal(reduce(none, { type: 'signed-out', because: 'asked' }).missedList.known, false);
});

test('missed calls come newest first and are counted until seen', () => {
  const state = run({ type: 'missed', missed: [missed('a', 1), missed('b', 2)] });
  assert.deepEqual(state.missed.map(({ id }) => id), ['b', 'a']);
  assert.equal(unseen(state), 2);
  assert.equal(unseen(reduce(state, { type: 'missed-seen' })), 0);
});

test('the store tells listeners the state before and after', () => {
  const store = new Store(initialState('en'));
  const seen: [string, string][] = [];
  const stop = store.subscribe((state, before) => seen.push([before.dial, state.dial]));
  store.dispatch({ type: 'dial', number: '1' });
  stop();
  store.dispatch({ type: 'dial', number: '12' });
  assert.deepEqual(seen, [['', '1']]);
});

function missed(id: string, at = 1): State['missed'][number] {
  return { id, caller: { number: '1002', displayName: 'Bob' }, at, outcome: 'expired', callerOnline: true, seen: false };
}
