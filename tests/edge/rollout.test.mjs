// A new version is rolled out: some objects are of the version before still, and hear from new ones.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Edge } from '../lib/edge.mjs';
import { Device } from './device.mjs';

let edge;
const closing = [];

before(async () => {
  edge = await Edge.open({ assets: null, before: join(import.meta.dirname, 'of-before.mjs') });
});
after(async () => {
  await Promise.all(closing.map((it) => it.close()));
  await edge?.close();
});

async function online(number) {
  const it = new Device(edge, number, { token: await edge.token(number) });
  closing.push(it);
  return it.online();
}

test('a line that takes envelopes as requests only is registered at, called and hung up on', async () => {
  const [ada, grace] = [await online('7101'), await online('7102')];
  const call = ada.call('7102');
  const incoming = await grace.incoming();
  incoming.ring();
  await call.hears(180);
  const [, answer] = await Promise.all([incoming.answer(), call.final()]);
  assert.equal(answer.status, 200);
  const bye = call.dialog.request('BYE');
  grace.respond(await incoming.sees('BYE'), 200, 'OK');
  assert.equal((await bye).status, 200);
});
