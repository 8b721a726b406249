// Credentials that end: for a TURN server that shares a secret, from Cloudflare (a stand-in that keeps to its documented call), and
// for the call server that a site's pages register with.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { Edge } from '../lib/edge.mjs';

const SECRET = 'a secret that coturn shares';
const STUN = { urls: ['stun:stun.example.com:3478'] };
const hmac = (secret, text) => createHmac('sha1', secret).update(text).digest('base64');

async function withEdge(options, body) {
  const edge = await Edge.open({ assets: null, ...options });
  try {
    const token = await edge.token('8401');
    return await body(edge, (path) => edge.api('GET', path, { token }));
  } finally {
    await edge.close();
  }
}

test('coturn: user and password that its REST scheme accepts, short-lived, without a number', () =>
  withEdge({ sites: [{ ice_servers: [STUN], turn: { provider: 'coturn', urls: ['turn:turn.example.com:3478?transport=udp'], ttl_s: 600 } }], secrets: { turn_secret: SECRET } }, async (edge, get) => {
    const { status, body } = await get('/v1/ice');
    assert.equal(status, 200);
    const [stun, turn] = body.ice_servers;
    assert.deepEqual(stun, STUN);
    const [, end, name] = /^(\d+):([\w-]{12})$/.exec(turn.username);
    assert.ok(Math.abs(end * 1000 - Date.now() - 600_000) < 5_000);
    assert.equal(body.expires_at, end * 1000);
    assert.equal(turn.credential, hmac(SECRET, turn.username));
    assert.ok(!name.includes('8401'));
    assert.equal(body.warning, undefined);
    const other = await edge.api('GET', '/v1/ice', { token: await edge.token('8402') });
    assert.notEqual(other.body.ice_servers[1].username.split(':')[1], name, 'another user, another name');
    assert.ok(!edge.lines.join('\n').includes(SECRET));
  }));

test('Cloudflare: asked for each page, by its key; when it fails STUN is left and a line says so', async () => {
  const asked = [];
  const answers = [
    [201, { iceServers: [{ urls: ['stun:stun.cloudflare.com:3478', 'stun:stun.cloudflare.com:53'] }, { urls: ['turn:turn.cloudflare.com:3478?transport=udp', 'turn:turn.cloudflare.com:53?transport=udp'], username: 'u', credential: 'c' }] }],
    [403, { errors: [] }],
    [200, { nothing: true }],
  ];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => {
      asked.push({ method: request.method, url: request.url, authorization: request.headers.authorization, body: JSON.parse(body) });
      const answer = answers.shift();
      if (!answer) return request.socket.destroy();
      response.writeHead(answer[0], { 'content-type': 'application/json' }).end(JSON.stringify(answer[1]));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const sites = [{ ice_servers: [STUN], turn: { provider: 'cloudflare', key_id: 'k3y', ttl_s: 7200 } }];
    await withEdge({ sites, secrets: { turn_secret: SECRET }, outbound: `127.0.0.1:${server.address().port}` }, async (edge, get) => {
      const { body } = await get('/v1/ice');
      assert.deepEqual(asked[0], { method: 'POST', url: '/v1/turn/keys/k3y/credentials/generate-ice-servers', authorization: `Bearer ${SECRET}`, body: { ttl: 7200 } });
      assert.deepEqual(body.ice_servers, [STUN, { urls: ['stun:stun.cloudflare.com:3478'] }, { urls: ['turn:turn.cloudflare.com:3478?transport=udp'], username: 'u', credential: 'c' }]);
      assert.ok(Math.abs(body.expires_at - Date.now() - 7_200_000) < 10_000);
      for (let nth = 0; nth < 3; nth++) {
        const failed = await get('/v1/ice');
        assert.deepEqual([failed.status, failed.body.ice_servers, failed.body.expires_at], [200, [STUN], undefined]);
      }
      const said = edge.lines.filter((line) => line.includes('event=turn_failed'));
      assert.equal(said.length, 3, said.join('\n'));
      assert.ok(said[0].includes('403') && !edge.lines.join('\n').includes(SECRET));
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('the page learns where to register, and with what, when that is a call server', async () => {
  const servers = ['wss://pbx.example.com:8443/ws'];
  await withEdge({ sites: [{ sip: { servers, domain: 'pbx.example.com', scheme: 'ephemeral', ttl_s: 900 } }], secrets: { sip_secret: SECRET } }, async (edge, get) => {
    const { sip } = (await get('/v1/account')).body;
    assert.deepEqual([sip.servers, sip.domain], [servers, 'pbx.example.com']);
    const [end, number] = sip.username.split(':');
    assert.equal(number, '8401');
    assert.equal(sip.expires_at, end * 1000);
    assert.ok(Math.abs(sip.expires_at - Date.now() - 900_000) < 5_000);
    assert.equal(sip.password, hmac(SECRET, sip.username));
    assert.ok(!edge.lines.join('\n').includes(sip.password));
  });
  await withEdge({ sites: [{ sip: { servers, scheme: 'derived' } }], secrets: { sip_secret: SECRET } }, async (_, get) => {
    const { sip } = (await get('/v1/account')).body;
    assert.deepEqual(sip, { servers, domain: 'wakeline.test', username: '8401', password: hmac(SECRET, '8401'), expires_at: null });
  });
  await withEdge({}, async (_, get) => assert.equal((await get('/v1/account')).body.sip, undefined));
});
