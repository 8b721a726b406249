import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Sound } from '../src/ports/sound.ts';
import { initialState } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

/** Does what it is told in order and later, as the specification has it: `state` says what was done, not what was asked. */
class Context {
  static last: Context;
  state = 'suspended';
  onstatechange: (() => void) | null = null;
  currentTime = 0;
  destination = {};
  #done = Promise.resolve();
  constructor() { Context.last = this; }
  resume = (): Promise<void> => this.#to('running');
  suspend = (): Promise<void> => this.#to('suspended');
  #to(state: string): Promise<void> {
    this.#done = this.#done.then(settled).then(() => {
      if (this.state === state) return;
      this.state = state;
      this.onstatechange?.();
    });
    return this.#done;
  }
}
let sounding = 0;
class Node {
  gain = { setValueAtTime() {}, linearRampToValueAtTime() {}, exponentialRampToValueAtTime() {} };
  connect = (to: unknown): unknown => to;
  start = (): void => { sounding += 1; };
  stop(): void {}
  disconnect(): void {}
}
Object.assign(globalThis, { AudioContext: Context, OscillatorNode: Node, GainNode: Node });
const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const done = async (): Promise<void> => { for (let turn = 0; turn < 8; turn++) await settled(); };

beforeEach(() => {
  sounding = 0;
  mock.timers.enable({ apis: ['setInterval'] });
});
afterEach(() => mock.timers.reset());

test('a tone in another one’s place is heard, one after silence too, and silence lets go of the device', async () => {
  const store = new Store(initialState('en'));
  const sound = new Sound(store, {} as HTMLAudioElement);
  sound.tone('waiting');
  await done();
  assert.deepEqual([Context.last.state, store.state.sound.ring], ['running', 'playing']);
  sound.tone('ring');
  sounding = 0;
  await done();
  mock.timers.tick(3000);
  assert.deepEqual([Context.last.state, store.state.sound.ring, sounding > 0], ['running', 'playing', true]);
  sound.tone(null);
  await done();
  assert.deepEqual([Context.last.state, store.state.sound.ring], ['suspended', 'silent']);
  // Silence for a moment only: it is on its way to be suspended.
  sound.tone('ring');
  await done();
  sound.tone(null);
  sound.tone('ring');
  await done();
  assert.deepEqual([Context.last.state, store.state.sound.ring], ['running', 'playing']);
});
