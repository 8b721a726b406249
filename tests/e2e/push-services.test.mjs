// The local push services refuse what real ones refuse: only then does a push that passes say
// something. No browser here, a client of Mozilla's protocol by hand.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import webpush from 'web-push';
import WebSocket from 'ws';
import { MozillaPush } from '../lib/push/mozilla.mjs';

const vapid = webpush.generateVAPIDKeys();
// The key pair of RFC 8291 appendix A's receiver: any point of the curve would do.
const keys = { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4', auth: 'BTBZMqHH6r4Tts7J_aSIgg' };
let service;
let subscription;

async function client(uaid) {
  const socket = new WebSocket(service.clientUrl, 'push-notification');
  await once(socket, 'open');
  const messages = [];
  socket.on('message', (data) => messages.push(JSON.parse(data)));
  const ask = async (message, type = message.messageType) => {
    socket.send(JSON.stringify(message));
    while (!messages.some((one) => one.messageType === type)) await once(socket, 'message');
    return messages.find((one) => one.messageType === type);
  };
  const { uaid: id } = await ask({ messageType: 'hello', uaid, use_webpush: true });
  return { socket, messages, ask, id };
}

async function post(overrides = {}, { headers = {}, body } = {}) {
  const details = webpush.generateRequestDetails(subscription, 'hello', {
    TTL: 30, contentEncoding: 'aes128gcm', vapidDetails: { subject: 'mailto:a@example.org', ...vapid }, ...overrides,
  });
  const response = await fetch(details.endpoint, { method: 'POST', headers: { ...details.headers, ...headers, 'Content-Length': String((body ?? details.body).length) }, body: body ?? details.body });
  await response.arrayBuffer();
  return response.status;
}

before(async () => {
  service = await MozillaPush.open();
  const { socket, ask } = await client();
  const { pushEndpoint } = await ask({ messageType: 'register', channelID: crypto.randomUUID(), key: vapid.publicKey });
  subscription = { endpoint: pushEndpoint, keys };
  socket.terminate();
});
after(() => service.close());

test('a right request is taken', async () => assert.equal(await post(), 201));
test('another VAPID key is refused', async () => assert.equal(await post({ vapidDetails: { subject: 'mailto:a@example.org', ...webpush.generateVAPIDKeys() } }), 403));
test('no VAPID is refused', async () => assert.equal(await post({}, { headers: { Authorization: '' } }), 401));
test('a missing or wrong TTL is refused', async () => assert.equal(await post({}, { headers: { TTL: 'soon' } }), 400));
test('another content encoding is refused', async () => assert.equal(await post({}, { headers: { 'Content-Encoding': 'aesgcm' } }), 400));
test('a topic that is too long is refused', async () => assert.equal(await post({}, { headers: { Topic: 'a'.repeat(33) } }), 400));
test('a body over 4096 octets is refused', async () => assert.equal(await post({}, { body: Buffer.alloc(4097) }), 413));

test('a stored push of the same topic is replaced, one past its TTL is dropped', async () => {
  const first = await client();
  const { pushEndpoint } = await first.ask({ messageType: 'register', channelID: crypto.randomUUID(), key: vapid.publicKey });
  subscription = { endpoint: pushEndpoint, keys };
  first.socket.terminate();
  await once(first.socket, 'close');
  for (const headers of [{ Topic: 'one' }, { Topic: 'one' }, { Topic: 'two', TTL: '0' }]) assert.equal(await post({}, { headers }), 201);
  const again = await client(first.id);
  while (again.messages.filter((one) => one.messageType === 'notification').length < 1) await once(again.socket, 'message');
  // A ping's answer comes after all that was stored.
  again.socket.send('{}');
  await once(again.socket, 'message');
  assert.equal(again.messages.filter((one) => one.messageType === 'notification').length, 1);
  again.socket.terminate();
});
