import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pick, target } from '../src/sw/click.ts';
import { kindNow, notice } from '../src/sw/notice.ts';
import { parsePayload } from '../src/sw/payload.ts';

const ORIGIN = 'https://edge.example';
const push = (own: object = {}, notification: object = {}): unknown => ({
  web_push: 8030,
  notification: { title: 'Alice is calling', body: 'Tap to answer', navigate: `${ORIGIN}/?wake=w1`, tag: 'topic', lang: 'en', silent: false, ...notification },
  mutable: true,
  wakeline: {
    kind: 'invitation', wake: 'w1', caller: { number: '1001', display_name: 'Alice' }, issued_at: 1000, expires_at: 61_000,
    capability: 'cap', attempt: 1, number: '1002', ...own,
  },
});
const at = (now: number, state: string | null = null, buttons = true) => ({ now, state, buttons });
const parse = (json: unknown) => parsePayload(json, ORIGIN);

test('an invitation rings, names the caller and offers both buttons', () => {
  const { title, options, rings } = notice(parse(push()), at(2000, 'pushed'));
  assert.equal(rings, true);
  assert.equal(title, 'Alice (1001) is calling');
  const shown = options as Record<string, unknown>;
  assert.deepEqual([shown.tag, shown.requireInteraction, shown.renotify], ['topic', true, true]);
  assert.deepEqual((shown.actions as { action: string }[]).map(({ action }) => action), ['answer', 'decline']);
});

test('a platform without buttons is given none', () => {
  assert.equal('actions' in notice(parse(push()), at(2000, null, false)).options, false);
});

test('an invitation whose wake has ended says how, silently', () => {
  for (const [state, kind, words] of [
    ['cancelled', 'cancelled', 'Missed call from Alice (1001)'], ['expired', 'missed', 'Missed call from Alice (1001)'],
    ['answered', 'elsewhere', 'Call from Alice (1001)'], ['declined', 'declined', 'Call from Alice (1001)'],
  ] as const) {
    const shown = notice(parse(push()), at(2000, state));
    assert.deepEqual([shown.options.data.kind, shown.title, shown.rings, shown.options.silent], [kind, words, false, true]);
  }
});

test('without the network an invitation lives until it expires, then it was missed', () => {
  assert.equal(kindNow(parse(push()), at(60_999)), 'invitation');
  assert.equal(kindNow(parse(push()), at(61_000)), 'missed');
});

test('the edge’s word counts more than a wrong clock', () => {
  assert.equal(kindNow(parse(push()), at(9e12, 'shown')), 'invitation');
});

test('a replacement stays what it is', () => {
  const shown = notice(parse(push({ kind: 'elsewhere' })), at(2000));
  assert.deepEqual([shown.rings, shown.options.silent, shown.options.tag], [false, true, 'topic']);
});

test('words follow the payload’s language', () => {
  assert.equal(notice(parse(push({}, { lang: 'zh-CN' })), at(2000)).title, 'Alice (1001) 来电');
});

test('a payload of a kind not known is shown as it is', () => {
  const shown = notice(parse(push({ kind: 'bare' }, { title: 'Bare', body: 'page', navigate: `${ORIGIN}/bare` })), at(2000));
  assert.deepEqual([shown.title, shown.options.body, shown.rings, shown.options.data.navigate], ['Bare', 'page', false, `${ORIGIN}/bare`]);
});

test('whatever arrives becomes a notification', () => {
  for (const json of [null, 'x', 7, [], {}, { notification: null, wakeline: 3 }, { notification: { navigate: 5, title: {} } }]) {
    const shown = notice(parse(json), at(0));
    assert.equal(shown.title, 'Wakeline');
    assert.equal(shown.options.data.navigate, `${ORIGIN}/`);
  }
});

test('a tap never leads to another origin, and a wake id is never markup or path', () => {
  assert.equal(parse(push({}, { navigate: 'https://evil.example/?wake=w1' })).navigate, `${ORIGIN}/`);
  assert.equal(parse(push({}, { navigate: 'javascript:alert(1)' })).navigate, `${ORIGIN}/`);
  assert.equal(parse(push({ wake: '../x' })).wake, 'w1');
  assert.equal(parse(push({ wake: 'w'.repeat(108) })).wake, 'w'.repeat(108), 'a wake that names its line');
});

test('the declarative notification alone still names its wake', () => {
  const { wakeline: _, ...declarative } = push() as Record<string, unknown>;
  assert.equal(parse(declarative).wake, 'w1');
});

test('Answer leads to the page that answers, a plain tap to the page that rings', () => {
  const data = notice(parse(push()), at(2000)).options.data;
  assert.equal(target(data, false, ORIGIN).href, `${ORIGIN}/?wake=w1`);
  assert.equal(target(data, true, ORIGIN).href, `${ORIGIN}/?wake=w1&answer=1`);
  assert.deepEqual(target({ ...data, navigate: `${ORIGIN}/bare?wake=w1` }, true, ORIGIN), { href: `${ORIGIN}/bare?wake=w1`, ours: false });
  assert.equal(target(null, false, ORIGIN).href, `${ORIGIN}/`);
});

test('of several pages the one that leads is chosen, then the focused one, and never one that is not the app', () => {
  const page = (id: string, path: string, focused: boolean, visibilityState: string) => ({ id, url: `${ORIGIN}${path}`, focused, visibilityState }) as WindowClient;
  const [hidden, visible, focused, other] = [page('h', '/', false, 'hidden'), page('v', '/', false, 'visible'), page('f', '/?x', true, 'visible'), page('o', '/bare', true, 'visible')];
  assert.equal(pick([hidden, visible, focused], 'h'), hidden);
  assert.equal(pick([hidden, visible, focused], null), focused);
  assert.equal(pick([hidden, visible], 'elsewhere'), visible);
  assert.equal(pick([other, hidden], 'o'), hidden);
  assert.equal(pick([other], 'o'), null);
});
