import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lookup } from '../src/ports/lookup.ts';
import { initialState, type PeerState } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

/** A clock of the test's own, and answers that come when the test says. */
function stage() {
  const store = new Store(initialState('en'));
  const due: { at: number; work: () => void; off: boolean }[] = [];
  const asked: { number: string; answer: (state: PeerState) => void; fail: () => void }[] = [];
  let now = 0;
  const look = (number: string): Promise<never> => new Promise<never>((resolve, reject) => {
    asked.push({ number, answer: resolve as (state: PeerState) => void, fail: () => reject(new Error('away')) });
  });
  const lookup = new Lookup(store, look, {
    now: () => now,
    later: (work, ms) => {
      const entry = { at: now + ms, work, off: false };
      due.push(entry);
      return () => { entry.off = true; };
    },
  });
  const pass = async (ms: number): Promise<void> => {
    now += ms;
    for (const entry of due.splice(0)) {
      if (entry.off) continue;
      if (entry.at <= now) entry.work();
      else due.push(entry);
    }
    await Promise.resolve();
  };
  const dial = (number: string): void => {
    store.dispatch({ type: 'dial', number });
    lookup.watch(number);
  };
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { store, lookup, asked, pass, dial, settle };
}

test('a number is looked up once, a moment after its last digit', async () => {
  const { store, asked, pass, dial, settle } = stage();
  for (const number of ['1', '10', '100', '1002']) {
    dial(number);
    await pass(100);
  }
  assert.equal(asked.length, 0);
  await pass(400);
  assert.deepEqual(asked.map(({ number }) => number), ['1002']);
  asked[0]!.answer('online');
  await settle();
  assert.deepEqual(store.state.peer, { number: '1002', state: 'online', at: 800, old: false });
});

test('an answer about a number that is no longer there is nothing', async () => {
  const { store, asked, pass, dial, settle } = stage();
  dial('1002');
  await pass(400);
  dial('1003');
  asked[0]!.answer('online');
  await settle();
  assert.equal(store.state.peer, null);
});

test('another digit takes the state away at once', async () => {
  const { store, asked, pass, dial, settle } = stage();
  dial('1002');
  await pass(400);
  asked[0]!.answer('online');
  await settle();
  dial('10021');
  assert.equal(store.state.peer, null);
});

test('while the number stands there it is looked up again; what cannot be renewed is old, not new', async () => {
  const { store, asked, pass, dial, settle } = stage();
  dial('1002');
  await pass(400);
  asked[0]!.answer('online');
  await settle();
  await pass(15_000);
  asked[1]!.fail();
  await settle();
  assert.deepEqual(store.state.peer, { number: '1002', state: 'online', at: 400, old: true });
  await pass(15_000);
  asked[2]!.answer('asleep');
  await settle();
  assert.deepEqual(store.state.peer, { number: '1002', state: 'asleep', at: 30_400, old: false });
});

test('one that was never known is said to be not available', async () => {
  const { store, asked, pass, dial, settle } = stage();
  dial('1002');
  await pass(400);
  asked[0]!.fail();
  await settle();
  assert.equal(store.state.peer?.state, 'failed');
});

test('an empty keypad looks nothing up, and the return of the page renews at once', async () => {
  const { asked, pass, dial, lookup } = stage();
  dial('1002');
  await pass(400);
  lookup.renew();
  assert.equal(asked.length, 2);
  dial('');
  await pass(60_000);
  lookup.renew();
  assert.equal(asked.length, 2);
});
