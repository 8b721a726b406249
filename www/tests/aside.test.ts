import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Aside, type Notices } from '../src/ports/aside.ts';
import { initialState, type CallView } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

const call = (change: Partial<CallView> = {}): CallView => ({ id: 'c1', wake: 'w1', direction: 'in', remote: { number: '1002', displayName: 'Ada' }, phase: 'incoming', end: null, answeredAt: null, ...change } as CallView);
const TAG = 'YMVZD3Lu8pL5VFr8KL9jypHSAWoKKI-Q';

/** A page and what is on the screen beside it, by tag. */
function stage({ watched = false, pushed = [] as string[] } = {}) {
  const store = new Store(initialState('en'));
  const screen = new Map<string, { title: string; data: object }>();
  const log: string[] = [];
  const notices: Notices = {
    shows: async (wake) => pushed.includes(wake),
    show: async (title, { tag, data }) => {
      log.push(`show ${tag}`);
      screen.set(tag, { title, data });
    },
    close: async (tag) => {
      log.push(`close ${tag}`);
      screen.delete(tag);
    },
  };
  const aside = new Aside(store, notices, () => watched);
  const calls = (...list: CallView[]): Promise<void> => (store.dispatch({ type: 'calls', calls: list, now: 1 }), done());
  const look = (on: boolean): Promise<void> => ((watched = on), aside.watch(), done());
  return { store, aside, screen, log, calls, look };
}
// In the turn in which it is asked for, not whenever another thread has time.
Object.defineProperty(crypto.subtle, 'digest', { value: async (_: string, data: Uint8Array) => createHash('sha256').update(data).digest() });
const done = async (): Promise<void> => { for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => { setImmediate(resolve); }); };
/** What it takes to show one has been loaded. */
await import('../src/sw/notice.ts');

test('a call in a page that nobody looks at is shown, once, leads to its page, and goes when it rings no more', async () => {
  const { screen, log, calls } = stage();
  await calls(call());
  const [[tag, shown]] = [...screen] as [[string, { title: string; data: object }]];
  assert.equal(shown.title, 'Ada (1002) is calling');
  assert.deepEqual(shown.data, { kind: 'invitation', wake: 'w1', capability: null, navigate: '/', caller: { number: '1002', displayName: 'Ada' } });
  await calls(call({ muted: true }));
  assert.deepEqual(log, [`show ${tag}`]);
  await calls(call({ phase: 'connecting' }));
  assert.deepEqual(log, [`show ${tag}`, `close ${tag}`]);
});

test('it has the tag that a push of the same wake has: one takes the other’s place', async () => {
  const { screen, calls } = stage();
  await calls(call());
  assert.deepEqual([...screen.keys()], [TAG]);
});

test('one that is answered at once is taken off again, however long it took to show it', async () => {
  const { store, screen } = stage();
  store.dispatch({ type: 'calls', calls: [call()], now: 1 });
  store.dispatch({ type: 'calls', calls: [call({ phase: 'connecting' })], now: 1 });
  await done();
  assert.equal(screen.size, 0);
});

test('nothing is shown of a call that somebody looks at, or was looking at, nor by a tab that follows, nor of a tapped one', async () => {
  const looked = stage({ watched: true });
  await looked.calls(call());
  await looked.look(false);
  const follows = stage();
  follows.store.dispatch({ type: 'role', role: 'following' });
  await follows.calls(call());
  const tapped = stage();
  tapped.aside.tapped('w1');
  await tapped.calls(call());
  assert.deepEqual([looked.log, follows.log, tapped.log], [[], [], []]);
  await tapped.calls(call(), call({ id: 'c2', wake: 'w2' }));
  assert.equal(tapped.screen.size, 1, 'another one is');
});

test('it goes when somebody looks at the page; what a push has shown stays until then', async () => {
  const { log, calls, look } = stage({ pushed: ['w1'] });
  await calls(call());
  assert.deepEqual(log, []);
  await look(true);
  assert.deepEqual(log, [`close ${TAG}`]);
});

test('a call without a wake is shown as well', async () => {
  const { screen, calls } = stage();
  await calls(call({ wake: null }));
  assert.deepEqual([...screen.keys()], ['call-c1']);
});
