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

let dtmf: Sender, connection: RTCPeerConnection, set: string[];
beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  [dtmf, set] = [new Sender(), []];
  const bare = {
    signalingState: 'stable', getSenders: () => [{ dtmf }], getReceivers: () => [], createOffer() {}, createAnswer() {}, setRemoteDescription: async () => {},
    setLocalDescription: async ({ type }: RTCLocalSessionDescriptionInit) => void set.push(type!),
  };
  connection = tended(bare as unknown as RTCPeerConnection, () => null);
});
afterEach(() => mock.timers.reset());

test('an answer waits until the digit that sounds is said, and for none that is still to come', async () => {
  assert.ok(dial(connection, '34'));
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
  assert.ok(dial(connection, '34'));
  dtmf.next();
  await connection.setLocalDescription({ type: 'offer' });
  await after(260);
  await connection.setLocalDescription({ type: 'answer' });
  assert.deepEqual(set, ['offer', 'answer']);
});

test('digits that are dialled come behind those that wait; where the other side takes none with the sound they are left alone', () => {
  dial(connection, '12');
  dial(connection, '3');
  assert.equal(dtmf.toneBuffer, '123');
  dtmf.canInsertDTMF = false;
  assert.equal(dial(connection, '4'), false);
  assert.equal(dial(null, '4'), false);
});
