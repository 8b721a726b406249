import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MissedList } from '../src/ports/missed.ts';
import { initialState, type MissedView, type State } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

const missed = (id: string, seen: boolean): MissedView => ({ id, caller: { number: '1002', displayName: 'Bob' }, at: 1, outcome: 'expired', callerOnline: null, seen });
const registration = (state: State['registration']['state']) => ({ type: 'registration', registration: { state, reason: '', retryAt: null } }) as const;

/** A page on which somebody is signed in, and an edge that answers when the test says. */
function stage({ watched = true } = {}) {
  const store = new Store(initialState('en'));
  const asked: { answer: (list: MissedView[]) => Promise<void>; fail: () => Promise<void> }[] = [];
  const told: string[][] = [];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const list = new MissedList(store, {
    listMissed: () => new Promise((resolve, reject) => {
      asked.push({
        answer: (kept) => (resolve(kept), settle()),
        fail: () => (reject(new Error('away')), settle()),
      });
    }),
    missedSeen: async (ids) => void told.push(ids),
  }, () => watched);
  store.dispatch({ type: 'signed-in', account: { number: '1001', displayName: '', addressOfRecord: 'sip:1001@example.org' } });
  store.dispatch(registration('registered'));
  const show = (page: State['page']): void => store.dispatch({ type: 'page', page });
  const ids = (): string[] => store.state.missed.map(({ id }) => id);
  return { store, list, asked, told, show, ids };
}

test('the edge is asked when the list is opened, and told what was new on it', async () => {
  const { store, asked, told, show, ids } = stage();
  store.dispatch({ type: 'missed', missed: [missed('b', false)] });
  assert.equal(asked.length, 0);
  show('missed');
  assert.equal(asked.length, 1);
  assert.deepEqual([ids(), store.state.missedList.busy], [['b'], true], 'what is known is shown meanwhile');
  await asked[0]!.answer([missed('b', false), missed('a', true)]);
  assert.deepEqual([ids(), store.state.missedList], [['b', 'a'], { busy: false, failed: false, known: true }]);
  assert.deepEqual(told, [['b']]);
  assert.equal(asked.length, 1);
  show('keypad');
  show('missed');
  assert.equal(asked.length, 2);
});

test('what cannot be asked is tried again by hand, or when the line is back', async () => {
  const { store, list, asked, show, ids } = stage();
  store.dispatch({ type: 'missed', missed: [missed('b', false)] });
  show('missed');
  await asked[0]!.fail();
  assert.deepEqual([ids(), store.state.missedList.failed], [['b'], true]);
  const again = list.ask();
  await asked[1]!.fail();
  await again;
  assert.equal(store.state.missedList.failed, true);
  store.dispatch(registration('reconnecting'));
  store.dispatch(registration('registered'));
  await asked[2]!.answer([]);
  assert.deepEqual([ids(), store.state.missedList.failed], [[], false]);
});

test('a call that is told of while the list is looked at is asked for, and an answer from before it is nothing', async () => {
  const { store, asked, show, ids } = stage();
  show('missed');
  store.dispatch({ type: 'missed', missed: [missed('b', false)] });
  assert.equal(asked.length, 2);
  await asked[1]!.answer([missed('b', false), missed('a', true)]);
  await asked[0]!.answer([missed('a', true)]);
  assert.deepEqual(ids(), ['b', 'a']);
  assert.equal(asked.length, 2);
});

test('what nobody looks at is not told as seen; what somebody has seen meanwhile is', async () => {
  const away = stage({ watched: false });
  away.show('missed');
  await away.asked[0]!.answer([missed('a', false)]);
  assert.deepEqual(away.told, []);
  const { store, asked, told, show } = stage();
  store.dispatch({ type: 'missed', missed: [missed('a', false)] });
  show('missed');
  show('keypad');
  await asked[0]!.answer([missed('b', false), missed('a', false)]);
  assert.deepEqual(told, [['a']]);
});

test('what somebody has looked at is told as seen although the list could not be had, and is not new again', async () => {
  const { store, asked, told, show } = stage();
  store.dispatch({ type: 'missed', missed: [missed('a', false)] });
  show('missed');
  await asked[0]!.fail();
  assert.deepEqual(told, [['a']]);
  assert.deepEqual(store.state.missed.map(({ seen }) => seen), [false], 'it is marked for as long as it is looked at');
  show('keypad');
  // The edge was not reached by that either, and tells what it has.
  store.dispatch({ type: 'missed', missed: [missed('b', false), missed('a', false)] });
  assert.deepEqual(store.state.missed.map(({ id, seen }) => [id, seen]), [['b', false], ['a', true]]);
});

test('what was left before the edge did not answer is told as seen', async () => {
  const { store, asked, told, show } = stage();
  store.dispatch({ type: 'missed', missed: [missed('a', false)] });
  show('missed');
  show('keypad');
  await asked[0]!.fail();
  assert.deepEqual(told, [['a']]);
});

test('the page comes back to the list, and asks; elsewhere it does not', () => {
  const { list, asked, show } = stage();
  list.renew();
  assert.equal(asked.length, 0);
  show('missed');
  list.renew();
  assert.equal(asked.length, 2);
});

test('an answer to somebody who has signed out is nobody else’s', async () => {
  const { store, asked, told, show, ids } = stage();
  show('missed');
  store.dispatch({ type: 'signed-out', because: 'asked' });
  await asked[0]!.answer([missed('a', false)]);
  assert.deepEqual([ids(), told, store.state.missedList.busy], [[], [], false]);
});
