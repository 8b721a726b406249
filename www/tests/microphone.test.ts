import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { microphone } from '../../client-wasm/js/describe.ts';

class Track { readyState = 'live'; stop(): void { this.readyState = 'ended'; } }
const streamOf = (track: Track): MediaStream => ({ getTracks: () => [track] }) as unknown as MediaStream;

/** What the browser knows of the permission, kept by the client from its first look on. */
const permission = Object.assign(new EventTarget(), { state: 'granted' });
const permit = (state: string): void => {
  permission.state = state;
  permission.dispatchEvent(new Event('change'));
};
let asked: PromiseWithResolvers<MediaStream>;
Object.defineProperty(globalThis, 'navigator', {
  value: { permissions: { query: async () => permission }, mediaDevices: { getUserMedia: () => asked.promise } },
});

/** What is under way has come as far as it comes by itself. */
const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

/** Asks for it; answers what has become of it after so many ms more: its stream, the name of its refusal, or nothing yet. */
function asks(): (ms: number) => Promise<unknown> {
  let become: unknown = 'nothing';
  microphone({}).then((stream) => { become = stream; }, (error: Error) => { become = error.name; });
  return async (ms) => {
    await settled();
    mock.timers.tick(ms);
    await settled();
    return become;
  };
}

beforeEach(() => {
  asked = Promise.withResolvers();
  mock.timers.enable({ apis: ['setTimeout'] });
});
afterEach(() => {
  mock.timers.reset();
  permit('granted');
});

test('a microphone that is allowed and never starts is refused; should it start after all, its light goes out', async () => {
  const after = asks();
  assert.equal(await after(14_999), 'nothing');
  assert.equal(await after(1), 'NotReadableError');
  const track = new Track();
  asked.resolve(streamOf(track));
  await settled();
  assert.equal(track.readyState, 'ended');
});

test('a person who is asked may take any time; once it is allowed it has to start', async () => {
  permit('prompt');
  const after = asks();
  assert.equal(await after(3_600_000), 'nothing');
  permit('granted');
  assert.equal(await after(14_999), 'nothing');
  assert.equal(await after(1), 'NotReadableError');
});

test('one that starts is the caller’s and stays on, and a refusal is the browser’s own', async () => {
  const track = new Track();
  const after = asks();
  asked.resolve(streamOf(track));
  assert.equal(await after(60_000), await asked.promise);
  assert.equal(track.readyState, 'live');
  asked = Promise.withResolvers();
  asked.reject(new DOMException('No', 'NotAllowedError'));
  assert.equal(await asks()(0), 'NotAllowedError');
});
