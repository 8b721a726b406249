import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { dial, tended } from '../../client-wasm/js/describe.ts';

/** A browser's sender of digits: it says what is next when the test says so. */
class Sender {
  canInsertDTMF = true;
  toneBuffer = '';
  ontonechange: ((event: { tone: string }) => void) | null = null;
  insertDTMF(digits: string): void { this.toneBuffer = digits; }
  next(): void {
    const tone = this.toneBuffer.slice(0, 1);
    this.toneBuffer = this.toneBuffer.slice(1);
    this.ontonechange?.({ tone });
  }
}

const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
const after = async (ms: number): Promise<void> => {
  mock.timers.tick(ms);
  await settled();
};

let dtmf: Sender, connection: RTCPeerConnection, set: string[], cuts: number;
const cut = (): void => { cuts += 1; };
const speaks = (on: boolean): void => { dtmf.canInsertDTMF = on; };
const told = (): void => { connection.dispatchEvent(new Event('signalingstatechange')); };
const holds = (on: boolean): void => {
  speaks(!on);
  told();
};
beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  [dtmf, set, cuts] = [new Sender(), [], 0];
  const bare = Object.assign(new EventTarget(), {
    signalingState: 'stable', getSenders: () => [{ dtmf }], getReceivers: () => [], createOffer() {}, createAnswer() {}, setRemoteDescription: async () => {},
    setLocalDescription: async ({ type }: RTCLocalSessionDescriptionInit) => void set.push(type!),
  });
  connection = tended(bare as unknown as RTCPeerConnection, () => null);
});
afterEach(() => mock.timers.reset());

test('an answer waits until the digit that sounds is said, and for none that is still to come', async () => {
  assert.ok(dial(connection, '34', cut));
  dtmf.next();
  const answered = connection.setLocalDescription({ type: 'answer' });
  await after(199);
  assert.deepEqual(set, []);
  await after(61);
  assert.deepEqual(set, ['answer']);
  await answered;
  assert.equal(dtmf.toneBuffer, '4');
});

test('an offer changes nothing by itself, and is not kept waiting; nor is an answer between two digits', async () => {
  assert.ok(dial(connection, '34', cut));
  dtmf.next();
  await connection.setLocalDescription({ type: 'offer' });
  await after(260);
  await connection.setLocalDescription({ type: 'answer' });
  assert.deepEqual(set, ['offer', 'answer']);
});

test('digits that are dialled come behind those that wait; where the other side takes none with the sound they are left alone', () => {
  dial(connection, '12', cut);
  dial(connection, '3', cut);
  assert.equal(dtmf.toneBuffer, '123');
  dtmf.canInsertDTMF = false;
  assert.equal(dial(connection, '4', cut), false);
  assert.equal(dial(null, '4', cut), false);
});

test('digits that are still to come when the other side holds are told once, and not said later', () => {
  dial(connection, '123', cut);
  dtmf.next();
  holds(true);
  told();
  assert.equal(cuts, 1);
  holds(false);
  assert.equal(dtmf.toneBuffer, '');
  dial(connection, '4', cut);
  assert.equal(dtmf.toneBuffer, '4');
  assert.equal(cuts, 1);
});

test('a second hold tells of its own digits, and of none where all were said', () => {
  dial(connection, '12', cut);
  holds(true);
  holds(false);
  holds(true);
  assert.equal(cuts, 1, 'nothing was typed between');
  holds(false);
  dial(connection, '34', cut);
  holds(true);
  assert.equal(cuts, 2);
  holds(false);
  dial(connection, '5', cut);
  dtmf.next();
  holds(true);
  assert.equal(cuts, 2, 'it was said');
});

test('a digit that is typed when the browser speaks again, and has not told so, is said, and alone', () => {
  dial(connection, '12', cut);
  holds(true);
  speaks(true);
  dial(connection, '3', cut);
  assert.equal(dtmf.toneBuffer, '3');
  told();
  assert.equal(dtmf.toneBuffer, '3');
});

test('the last digit is missed when the browser takes it and can no longer say it', () => {
  dial(connection, '12', cut);
  dtmf.next();
  speaks(false);
  dtmf.toneBuffer = '';
  told();
  assert.equal(cuts, 1);
});
