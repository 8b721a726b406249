import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { test } from 'node:test';
import { initialState } from '../src/store/state.ts';
import { Store } from '../src/store/store.ts';

// The client's place is taken: what the port makes of it is looked at here.
const client = 'data:text/javascript,export class Problem extends Error {} export const Phone = {}, Session = {};';
registerHooks({ resolve: (name, context, next) => (name === 'wakeline' ? { url: client, shortCircuit: true } : next(name, context)) });
Object.defineProperty(globalThis, 'BroadcastChannel', { value: class { postMessage(): void {} } });
const { PhonePort } = await import('../src/ports/phone.ts');

type Adopted = Parameters<InstanceType<typeof PhonePort>['adopt']>[0];
class Told extends Event {
  constructor(type: string, more: object = {}) {
    super(type);
    Object.assign(this, more);
  }
}

/** A page on which somebody is signed in, and what the edge is asked for. */
async function page({ wake = null as string | null } = {}) {
  const asked: string[] = [];
  const answers: Record<string, () => Promise<unknown>> = {};
  const session = new Proxy({}, {
    get: (_, name) => (name === 'account' ? { number: '1001', displayName: '', addressOfRecord: 'sip:1001@example.org' } : name === 'then' ? undefined : (...of: unknown[]) => {
      asked.push([name, ...of].join(' '));
      return answers[String(name)]?.() ?? Promise.resolve({ missed: [], devices: [] });
    }),
  });
  const made: PromiseWithResolvers<unknown>[] = [];
  const call = (): Promise<unknown> => (made.push(Promise.withResolvers()), made.at(-1)!.promise);
  const phone = Object.assign(new EventTarget(), { call, calls: [] as EventTarget[], role: 'leading', registration: { state: 'registered' } });
  const store = new Store(initialState('en'));
  const port = new PhonePort(store, 'https://edge.example');
  await port.adopt(Promise.resolve({ session, phone }) as unknown as Adopted, { wake, answer: false });
  const registration = (state: string): void => {
    phone.registration = { state };
    phone.dispatchEvent(new Told('registration'));
  };
  /** A call that is talked in; what it is asked for is refused by throwing this. */
  const talks = (thrown: Error | null = null, more: object = {}): EventTarget & { id: string } => {
    const ask = (): void => {
      if (thrown) throw thrown;
    };
    const call = Object.assign(new EventTarget(), {
      id: `c${phone.calls.length + 1}`, wake: null, direction: 'in', remote: { number: '1002', displayName: '' }, state: 'active', stage: null, end: null, answeredAt: 1, held: false,
      dtmf: ask, transfer: ask, hold: ask, ...more,
    });
    phone.calls.push(call);
    phone.dispatchEvent(new Told('calls'));
    return call;
  };
  return { store, port, asked, answers, made, registration, talks };
}
const settled = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

test('digits and a transfer that only the leading tab can do are not shown as done', async () => {
  const { store, port, talks } = await page();
  const { id } = talks(new Error('Another tab leads'));
  const other = talks().id;
  port.digit(id, '5');
  assert.deepEqual(store.state.digits[id], { sent: '', refused: true });
  port.transfer(id, '1003');
  assert.equal(store.state.transfer, 'refused');
  store.dispatch({ type: 'transfer', state: null });
  port.connect(id, other);
  assert.equal(store.state.transfer, 'refused');
  port.digit(other, '5');
  port.transfer(other, '1003');
  assert.deepEqual([store.state.digits[other], store.state.transfer], [{ sent: '5', refused: false }, 'trying']);
});

test('while a camera starts no second call is asked for, and the keypad can say so; afterwards one is', async () => {
  const { store, port, made } = await page();
  const first = port.call('1002', true);
  assert.equal(store.state.dialling, 'video');
  await port.call('1002', true);
  await port.call('1003');
  assert.equal(made.length, 1);
  made[0]!.reject(new Error('no camera, no microphone'));
  await first;
  assert.deepEqual([store.state.dialling, store.state.dialFailed], [null, true]);
  void port.call('1003');
  await settled();
  assert.deepEqual([made.length, store.state.dialling], [2, 'sound']);
});

test('who called while the line was away is asked for when it is back, and not when it only stays', async () => {
  const { store, asked, answers, registration } = await page();
  answers.waiting = async () => ({ missed: [{ id: 'm1', caller: { number: '1002', display_name: '' }, at: 1, outcome: 'expired', seen: false }] });
  const times = (): number => asked.filter((what) => what === 'waiting').length;
  registration('registered');
  assert.equal(times(), 0, 'the first time it is done when the page is idle');
  registration('reconnecting');
  registration('registered');
  registration('registered');
  await settled();
  assert.deepEqual([times(), store.state.missed.map(({ id }) => id)], [1, ['m1']]);
});

test('what was changed and could not be saved is told as that, a list that could not be had as that', async () => {
  const { store, port, answers } = await page();
  const away = (): Promise<never> => Promise.reject(new Error('away'));
  Object.assign(answers, { setVisibility: away, revoke: away, devices: away });
  const told: unknown[] = [];
  for (const change of [() => port.setVisible(false), () => port.revoke('d2'), () => port.refreshDevices()]) {
    await change();
    told.push(store.state.devices.failed);
  }
  assert.deepEqual(told, ['change', 'change', 'list']);
  answers.devices = async () => [];
  await port.refreshDevices();
  assert.equal(store.state.devices.failed, null);
});

test('a hold that the other side refuses, or that cannot be asked for, is told, until it is asked for once more', async () => {
  const { store, port, talks } = await page();
  const call = talks();
  port.hold(call.id, true);
  assert.equal(store.state.refused, null);
  call.dispatchEvent(new Told('refused', { what: 'hold' }));
  assert.deepEqual(store.state.refused, { call: call.id, what: 'hold' });
  port.hold(call.id, true);
  assert.equal(store.state.refused, null);
  const gone = talks(new Error('gone'), { held: true });
  port.hold(gone.id, false);
  assert.deepEqual(store.state.refused, { call: gone.id, what: 'resume' });
});
