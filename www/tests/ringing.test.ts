import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callsFor, ringing } from '../../client-wasm/js/ringing.ts';

const invite = [
  'INVITE sip:x@y.invalid SIP/2.0', 'Via: SIP/2.0/WS edge;branch=z9hG4bKb', 'Via: SIP/2.0/WS a.invalid;branch=z9hG4bKa', 'Max-Forwards: 69', 'Record-Route: <sip:one;lr>', 'Record-Route: <sip:two;lr>',
  'From: "Ada" <sip:1001@a>;tag=f', 'To: <sip:1002@a>', 'Call-ID: c', 'CSeq: 7 INVITE', 'Wakeline-Wake: w1;state=invited', 'Content-Type: application/sdp', 'Content-Length: 5', '', 'v=0\r\n',
];
const text = (lines: string[]): string => lines.join('\r\n');
const ours = 'Contact: <sip:us@x.invalid>\r\nContent-Length: 0\r\n\r\n';

test('only the call that was tapped is told to ring', () => {
  assert.ok(callsFor('w1', text(invite)));
  assert.ok(!callsFor('w', text(invite)));
  assert.ok(!callsFor('w2', text(invite)));
  assert.ok(!callsFor('w1', text(invite.filter((line) => !line.startsWith('Wakeline-Wake')))));
  assert.ok(!callsFor('w1', text([...invite.filter((line) => !line.startsWith('Wakeline-Wake')), 'Wakeline-Wake: w1;state=invited'])), 'a body is no header');
});

test('what RFC 3261 has copied is copied, in its order; the rest is ours', () => {
  assert.equal(ringing(text(invite), 't', ours), text([
    'SIP/2.0 180 Ringing', invite[1]!, invite[2]!, invite[6]!, `${invite[7]};tag=t`, invite[8]!, invite[9]!, invite[4]!, invite[5]!, ours,
  ]));
});

test('what is not as our edge writes it is left to the core', () => {
  const changed: [string, string | null][] = [
    ['Via', null], ['From', null], ['CSeq', null], ['To', 'To: <sip:1002@a>;tag=x'], ['Call-ID', 'i: c'], ['Max-Forwards', 'Require: 100rel'], ['Max-Forwards', 'Subject: a\r\n folded'], ['Max-Forwards', 'Call-ID: again'],
  ];
  for (const [name, instead] of changed) {
    const lines = invite.flatMap((line) => (line.startsWith(`${name}:`) ? (instead === null ? [] : [instead]) : [line]));
    assert.equal(ringing(text(lines), 't', ours), null, instead ?? `without ${name}`);
  }
});
