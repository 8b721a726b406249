// A local Web Push service that speaks Mozilla's client protocol: Firefox keeps one WebSocket to it
// (hello, register, unregister, notification, ack), application servers POST to its endpoints.
// Messages wait for a client that is away: RFC 8030 TTL and Topic replacement hold.
import { randomBytes, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { EventLog } from '../events.mjs';
import { answeredByTest, checkPush, checkVapid, readBody, Refusal } from './request.mjs';

export class MozillaPush {
  #clients = new Map(); // uaid → {socket, queue}
  #channels = new Map(); // endpoint token → {uaid, channelID, key}
  /** 'push' {status, topic, ttl, …}, 'delivered', 'registered', 'unregistered', 'acknowledged'. */
  log = new EventLog();
  /** Set to answer every push with this, e.g. {status: 429, headers: {'retry-after': '5'}}. */
  answer = null;
  /** The same for the next pushes, one each; see `answeredByTest`. */
  answers = [];

  static async open() {
    const service = new MozillaPush();
    await service.#listen();
    return service;
  }

  async #listen() {
    this.server = createServer((request, response) => this.#push(request, response));
    this.sockets = new WebSocketServer({
      server: this.server,
      handleProtocols: (offered) => (offered.has('push-notification') ? 'push-notification' : false),
    });
    this.sockets.on('connection', (socket) => this.#client(socket));
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address();
    this.origin = `http://127.0.0.1:${port}`;
    this.clientUrl = `ws://127.0.0.1:${port}/`;
  }

  async #push(request, response) {
    const at = Date.now();
    try {
      const token = /^\/wpush\/v2\/([\w-]+)$/.exec(request.url)?.[1];
      if (request.method !== 'POST' || !token) throw new Refusal(404, 'no such resource');
      const body = await readBody(request);
      if (answeredByTest(this, at, request, response)) return;
      const channel = this.#channels.get(token);
      if (!channel) throw new Refusal(410, 'subscription is gone');
      const { ttl, topic, urgency } = checkPush(request.headers, body);
      if (channel.key) checkVapid(request.headers.authorization, channel.key, this.origin);
      const version = randomBytes(12).toString('base64url');
      const message = { channelID: channel.channelID, version, ttl, topic, expires: at + ttl * 1000, body };
      const client = this.#clients.get(channel.uaid);
      const online = client.socket?.readyState === 1;
      if (topic) client.queue = client.queue.filter((queued) => queued.topic !== topic || queued.channelID !== channel.channelID);
      if (ttl > 0 || online) client.queue.push(message);
      this.log.record('push', { at, status: 201, ttl, topic, urgency, size: body.length, online, version });
      response.writeHead(201, { location: `${this.origin}/m/${version}`, ttl: String(ttl), 'content-length': 0 }).end();
      if (online) this.#deliver(client, message);
    } catch (error) {
      const status = error.status ?? 500;
      this.log.record('push', { at, status, topic: request.headers.topic, error: error.message });
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code: status, error: error.message }));
    }
  }

  #deliver(client, { channelID, version, ttl, body }) {
    const message = { messageType: 'notification', channelID, version, ttl };
    if (body.length) Object.assign(message, { data: body.toString('base64url'), headers: { encoding: 'aes128gcm' } });
    client.socket.send(JSON.stringify(message));
    this.log.record('delivered', { version });
  }

  #client(socket) {
    let uaid;
    const send = (message) => socket.send(JSON.stringify(message));
    const handlers = {
      ping: () => socket.send('{}'),
      hello: (message) => {
        uaid = this.#clients.has(message.uaid) ? message.uaid : randomUUID().replaceAll('-', '');
        const client = this.#clients.get(uaid) ?? { queue: [] };
        this.#clients.set(uaid, client);
        client.socket?.terminate();
        client.socket = socket;
        send({ messageType: 'hello', status: 200, uaid, use_webpush: true, broadcasts: {} });
        this.log.record('hello', { uaid });
        client.queue = client.queue.filter((queued) => queued.expires > Date.now());
        for (const queued of client.queue) this.#deliver(client, queued);
      },
      register: ({ channelID, key }) => {
        const token = randomBytes(24).toString('base64url');
        this.#channels.set(token, { uaid, channelID, key: key?.replace(/=+$/, '') });
        send({ messageType: 'register', status: 200, channelID, pushEndpoint: `${this.origin}/wpush/v2/${token}` });
        this.log.record('registered', { channelID });
      },
      unregister: ({ channelID }) => {
        for (const [token, channel] of this.#channels) {
          if (channel.uaid === uaid && channel.channelID === channelID) this.#channels.delete(token);
        }
        send({ messageType: 'unregister', status: 200, channelID });
        this.log.record('unregistered', { channelID });
      },
      // Codes: 100 delivered, 101 could not be decrypted, 102 not delivered.
      ack: ({ updates }) => {
        const client = this.#clients.get(uaid);
        const versions = new Set(updates.map((update) => update.version));
        client.queue = client.queue.filter((queued) => !versions.has(queued.version));
        for (const { version, code } of updates) this.log.record('acknowledged', { version, code });
      },
      nack: (message) => this.log.record('refused', message),
      broadcast_subscribe: () => {},
    };
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString());
      handlers[message.messageType ?? 'ping']?.(message);
    });
    socket.on('close', () => {
      const client = this.#clients.get(uaid);
      if (client?.socket === socket) client.socket = null;
    });
  }

  /** Forgets every subscription, as a service does with one that is gone: pushes answer 410. */
  forgetSubscriptions() {
    this.#channels.clear();
  }

  /** Forgets every browser: each is a new one when it connects again, and all that it had subscribed is gone. */
  forgetClients() {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    this.#channels.clear();
    for (const { socket } of clients) socket?.terminate();
  }

  /** What pushes still wait for a client that is away. */
  get waiting() {
    return [...this.#clients.values()].flatMap((client) => client.queue);
  }

  async close() {
    for (const socket of this.sockets.clients) socket.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
