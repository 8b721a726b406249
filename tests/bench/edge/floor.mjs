// What workerd itself takes for the shape of a REGISTER: a frame at one object, a call of a second one, an answer; each turn stores one
// row and sets an alarm, as long as objects may be forgotten between any two. No SIP, no wasm: the ceiling of what our edge can carry.
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SipSocket } from './socket.mjs';

/** Rows and alarms of each turn: the flow's two and the line's one. */
export const SHAPES = { nothing_stored: { row: false, alarm: false }, rows: { row: true, alarm: false }, rows_and_alarms: { row: true, alarm: true } };

const SCRIPT = `
import { DurableObject } from 'cloudflare:workers';
const SHAPES = ${JSON.stringify(SHAPES)};
const LATER = 600_000;
let serial = 0;
class Stored extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec('CREATE TABLE IF NOT EXISTS rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (tbl, key)) WITHOUT ROWID');
  }
  turn({ row, alarm }, text) {
    serial += 1;
    if (row) this.ctx.storage.sql.exec('INSERT OR REPLACE INTO rows (tbl, key, value) VALUES (?, ?, ?)', 't', 'k', text + serial);
    if (alarm) this.ctx.storage.setAlarm(Date.now() + LATER + serial);
  }
  alarm() {}
}
export class Flow extends Stored {
  fetch(request) {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [new URL(request.url).pathname.slice(1)]);
    return new Response(null, { status: 101, webSocket: client, headers: { 'Sec-WebSocket-Protocol': 'sip' } });
  }
  async webSocketMessage(socket, text) {
    const [shape] = this.ctx.getTags(socket);
    this.turn(SHAPES[shape], text);
    this.line ??= this.env.LINE.getByName(crypto.randomUUID());
    const answer = await this.line.deliver(shape, text);
    this.turn(SHAPES[shape], text);
    socket.send(answer);
  }
}
export class Line extends Stored {
  deliver(shape, text) { this.turn(SHAPES[shape], text); return text; }
}
export default { fetch: (request, env) => env.FLOW.getByName(crypto.randomUUID()).fetch(request) };
`;

/** Opens such a worker, with storage in `folder`; `sockets(shape, count)` answers sockets of which `exchange()` is one round. */
export async function openFloor(folder) {
  const dir = mkdtempSync(join(folder, 'wakeline-floor-'));
  const classes = { FLOW: { className: 'Flow', useSQLite: true }, LINE: { className: 'Line', useSQLite: true } };
  const runtime = new Miniflare(convertV4MiniflareOptions({
    host: '127.0.0.1', port: 0, cf: false, telemetry: { enabled: false }, resourcePersistencePath: dir, isolatedResourcePersistencePath: dir,
    workers: [{ name: 'floor', modules: true, script: SCRIPT, compatibilityDate: '2026-09-01', durableObjects: classes }],
  }));
  const { port } = await runtime.ready;
  // As long as a REGISTER with its digest.
  const lines = ['REGISTER sip:floor.invalid SIP/2.0', ...Array.from({ length: 9 }, (_, i) => `X-${i}: ${'y'.repeat(60)}`)];
  return {
    sockets: (shape, count) => Promise.all(Array.from({ length: count }, async () => {
      const socket = await SipSocket.open(`ws://127.0.0.1:${port}/${shape}`, { number: '1' });
      socket.exchange = () => new Promise((resolve) => { socket.asked = resolve; socket.send(lines); });
      return socket;
    })),
    close: async () => { await runtime.dispose(); rmSync(dir, { recursive: true, force: true, maxRetries: 3 }); },
  };
}
