// uni-push 2.0 without DCloud's clouds: the shipped cloud function itself runs, behind a URL as "云函数URL化" gives it, over a stand-in of
// the library that it calls, which enforces what the documentation says.
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { EventLog } from '../events.mjs';
import { readBody } from './request.mjs';

const SOURCE = join(dirname(fileURLToPath(import.meta.url)), '../../../deploy/uni-app/uniCloud/cloudfunctions/wakeline-push/index.js');
const API = 'https://doc.dcloud.net.cn/uniCloud/uni-cloud-push/api';
const chars = (text) => (typeof text === 'string' ? [...text].length : Infinity);

/** What `sendMessage` must be given: the documentation's page and words, and what is answered where they do not hold. */
export const MESSAGE_RULES = [
  [API, '全为空表示向所有启动过应用的设备推送', (m) => !m.push_clientid && 'push_clientid: everybody would be pushed to'],
  [API, '通知栏标题,长度小于20', (m) => !(chars(m.title) < 20) && 'title'],
  [API, '通知栏内容,长度小于50', (m) => !(chars(m.content) < 50) && 'content'],
  [API, '推送透传数据,app程序接受的数据,长度小于800', (m) => !(chars(JSON.stringify(m.payload)) < 800) && 'payload'],
  [API, '请求唯一标识号,10-32位之间', (m) => !(chars(m.request_id) >= 10 && chars(m.request_id) <= 32) && 'request_id'],
  [API, 'ttl 单位毫秒,-1 ~ 3 * 24 * 3600 * 1000(3天)之间', (m) => !(m.settings?.ttl >= -1 && m.settings.ttl <= 259_200_000) && 'ttl'],
];

export class Unicloud {
  log = new EventLog();
  cids = new Set();
  seen = new Set();
  appId = '__UNI__WAKELINE';
  /** The key in the function's config.js; set when the edge has made one. */
  key = '';

  static async open() {
    const it = new Unicloud();
    it.server = createServer((request, response) => it.#take(request, response));
    await new Promise((resolve) => it.server.listen(0, '127.0.0.1', resolve));
    it.url = `http://127.0.0.1:${it.server.address().port}/wakeline-push`;
    return it;
  }

  /** `push.unicloud` of a site. */
  get policy() {
    return { url: this.url };
  }

  phone() {
    const cid = randomBytes(16).toString('hex');
    this.cids.add(cid);
    return { cid, target: { provider: 'unicloud', cid } };
  }

  /** The function, as its service space loads it. */
  #function() {
    const own = createRequire(SOURCE);
    const exports = {};
    runInNewContext(readFileSync(SOURCE, 'utf8'), {
      exports,
      Buffer,
      require: (name) => (name === './config.js' ? { APP_ID: this.appId, KEY: this.key } : own(name)),
      uniCloud: { getPushManager: ({ appId }) => ({ sendMessage: async (message) => this.#send(appId, message) }) },
    });
    return exports.main;
  }

  #send(appId, message) {
    for (const [source, words, broken] of MESSAGE_RULES) {
      const why = broken(message);
      if (why) {
        this.log.record('refused', { source, words, why });
        return { errCode: 20001, errMsg: `${why} is invalid` };
      }
    }
    if (appId !== this.appId || !this.cids.has(message.push_clientid)) return { errCode: 20001, errMsg: 'target user is invalid' };
    // "如果`request_id`重复,会导致消息丢失".
    if (!this.seen.has(message.request_id)) this.log.record('push', { cid: message.push_clientid, message, kind: message.payload.wakeline.kind, wake: message.payload.wakeline.wake });
    this.seen.add(message.request_id);
    return { errCode: 0, errMsg: '', data: { RASS_1: { [message.push_clientid]: 'successed_online' } } };
  }

  async #take(request, response) {
    const body = (await readBody(request, 65_536)).toString('base64');
    try {
      // https://doc.dcloud.net.cn/uniCloud/http: "此处可能是base64,需要根据isBase64Encoded判断".
      const { statusCode, headers, body: text } = await this.#function()({ path: '/', httpMethod: request.method, headers: request.headers, isBase64Encoded: true, body });
      this.log.record('asked', { statusCode });
      response.writeHead(statusCode, headers).end(text);
    } catch (error) {
      this.log.record('bad', { error });
      response.writeHead(500).end(String(error));
    }
  }

  push(phone, kind, { since = 0, ms } = {}) {
    return this.log.wait((e) => e.name === 'push' && e.cid === phone.cid && e.kind === kind, { since, ms, what: `uni-push: "${kind}"` });
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
