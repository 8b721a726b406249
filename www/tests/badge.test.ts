import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Badge } from '../src/ports/badge.ts';
import { initialState, type State } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

const missed = (id: string): State['missed'][number] => ({ id, caller: { number: '1002', displayName: 'Bob' }, at: 1, outcome: 'expired', callerOnline: null, seen: false });

/** A page on which somebody is signed in; what its badge has shown. */
function stage() {
  const store = new Store(initialState('en'));
  const shown: number[] = [];
  let watched = true;
  const badge = new Badge(store, (count) => shown.push(count), () => watched);
  store.dispatch({ type: 'signed-in', account: { number: '1001', displayName: '', addressOfRecord: 'sip:1001@example.org' } });
  const told = (...ids: string[]): void => store.dispatch({ type: 'missed', missed: ids.map(missed) });
  const look = (on: boolean): void => {
    watched = on;
    badge.watch();
  };
  const show = (page: State['page']): void => store.dispatch({ type: 'page', page });
  return { store, shown, told, look, show };
}

test('missed calls are counted, none while somebody looks at the list, and the badge of before stays until they are known', () => {
  const { store, shown, told, show } = stage();
  show('devices');
  assert.deepEqual(shown, []);
  told('a', 'b');
  assert.deepEqual(shown, [2]);
  show('missed');
  assert.deepEqual(shown, [2, 0], 'although they are marked as new for as long as they are looked at');
  store.dispatch({ type: 'missed', missed: [missed('c')] });
  assert.deepEqual(shown, [2, 0]);
  show('keypad');
  assert.deepEqual(shown, [2, 0]);
});

test('a list in the background is not looked at: what was read stays so, what comes is counted until somebody is back', () => {
  const { store, shown, told, look, show } = stage();
  told('a');
  show('missed');
  look(false);
  assert.deepEqual(shown, [1, 0]);
  store.dispatch({ type: 'missed', missed: [missed('a'), missed('b')] });
  assert.deepEqual(shown, [1, 0, 1]);
  look(true);
  assert.deepEqual(shown, [1, 0, 1, 0]);
});

test('that there are none is shown, too: they may have been read elsewhere', () => {
  const { shown, told } = stage();
  told();
  assert.deepEqual(shown, [0]);
});
