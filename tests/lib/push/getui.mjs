// A stand-in for Getui's REST API v2: no real one can be had here, for it wants an account and phones. It enforces what the
// documentation says, rule by rule, and shows what a phone in touch with Getui would show.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { EventLog } from '../events.mjs';
import { readBody } from './request.mjs';

const TOKEN = 'https://docs.getui.com/getui/server/rest_v2/token';
const PUSH = 'https://docs.getui.com/getui/server/rest_v2/push';
const CODE = 'https://docs.getui.com/getui/server/rest_v2/code';
const ARGS = 'https://docs.getui.com/getui/server/rest_v2/common_args/';
const MORE = 'https://docs.getui.com/getui/server/rest_v2/advanced/';
const SDK = 'https://github.com/GetuiLaboratory/getui-pushapi-java-client-v2 (GTNotification, ThirdNotification)';

const chars = (text) => (typeof text === 'string' ? [...text].length : Infinity);
const isNotifyId = (id) => Number.isInteger(id) && id >= 0 && id <= 2147483647;
const CLICKS = ['intent', 'url', 'payload', 'payload_custom', 'startapp', 'none'];
const invalid = (param) => [400, 20001, `${param} is invalid`];

/** What a sign-in must be: the documentation's page and words, and what is answered where they do not hold. */
export const SIGN_IN_RULES = [
  [TOKEN, '请求方式: POST', ({ method }) => method !== 'POST' && [405, 405, 'method']],
  [TOKEN, 'content-type:application/json;charset=utf-8', ({ headers }) => headers['content-type'] !== 'application/json;charset=utf-8' && [200, 1, 'not json']],
  [TOKEN, '创建应用时生成的appkey', ({ body, app }) => body.appkey !== app.key && invalid('appkey')],
  [TOKEN, '毫秒时间戳(13位),请使用当前毫秒时间戳,误差太大可能出错', ({ body }) => !(/^\d{13}$/.test(body.timestamp) && Math.abs(Date.now() - body.timestamp) < 600_000) && invalid('timestamp')],
  [TOKEN, 'sha256(appkey+timestamp+mastersecret)', ({ body, app }) => body.sign !== createHash('sha256').update(app.key + body.timestamp + app.secret).digest('hex') && invalid('sign')],
  [TOKEN, '鉴权接口每分钟最大调用量为100次', ({ signIns }) => signIns > 100 && [401, 10003, 'too many sign-ins']],
];

/** What a push to one CID must be. */
export const PUSH_RULES = [
  [PUSH, '请求方式: POST', ({ method }) => method !== 'POST' && [405, 405, 'method']],
  [CODE, '10001 token错误/失效', ({ headers, tokens }) => !tokens.has(headers.token) && [401, 10001, 'token error']],
  [PUSH, 'content-type:application/json;charset=utf-8', ({ headers }) => headers['content-type'] !== 'application/json;charset=utf-8' && [200, 1, 'not json']],
  [PUSH, '请求唯一标识号,10-32位之间', ({ body }) => !(chars(body.request_id) >= 10 && chars(body.request_id) <= 32) && invalid('request_id')],
  [PUSH, 'cid数组,只能填一个cid', ({ body }) => !(Array.isArray(body.audience?.cid) && body.audience.cid.length === 1) && invalid('audience.cid')],
  [PUSH, '-1 ~ 3 * 24 * 3600 * 1000(3天)之间', ({ body }) => !(Number.isInteger(body.settings?.ttl) && body.settings.ttl >= -1 && body.settings.ttl <= 259_200_000) && invalid('ttl')],
  [CODE, 'notification、transmission、revoke参数只能使用一个', ({ body }) => Object.keys(body.push_message ?? {}).length !== 1 && [400, 20001, 'please choose one of notification and transmission and revoke']],
  [SDK, 'title 长度 ≤ 50, body 长度 ≤ 256', ({ shown }) => shown.some((n) => !(chars(n.title) <= 50 && chars(n.body) <= 256)) && [400, 20001, 'title or body size over limit']],
  [SDK, 'click_type', ({ shown }) => shown.some((n) => !CLICKS.includes(n.click_type)) && invalid('click_type')],
  [SDK, 'payload 长度 ≤ 3072', ({ shown }) => shown.some((n) => n.click_type === 'payload' && !(chars(n.payload) <= 3072)) && [400, 20001, 'payload size over limit']],
  [SDK, 'intent 长度 ≤ 4096', ({ shown }) => shown.some((n) => n.click_type === 'intent' && !(chars(n.intent) <= 4096 && /^intent:.*;end$/.test(n.intent))) && invalid('intent')],
  [MORE, 'notify_id为范围[0,2147483647]内的整数', ({ shown }) => shown.some((n) => n.notify_id !== undefined && !isNotifyId(n.notify_id)) && invalid('notify_id')],
  [MORE, 'apns-collapse-id的字符串长度应小于等于64位', ({ body }) => chars(body.push_channel?.ios?.['apns-collapse-id'] ?? '') > 64 && invalid('apns-collapse-id')],
  [ARGS, 'ios: type notify, aps.alert.title/body', ({ body }) => body.push_channel?.ios && !(body.push_channel.ios.type === 'notify' && body.push_channel.ios.aps?.alert?.title) && invalid('ios')],
  [CODE, 'target user is invalid: cid无效或者错误或者cid不是当前应用的', ({ body, cids }) => !cids.has(body.audience.cid[0]) && [400, 20001, 'target user is invalid']],
];

export class Getui {
  log = new EventLog();
  app = { id: 'AppId0000000000000001', key: 'AppKey000000000000001', secret: 'M'.repeat(22) };
  /** The installations of the app: each is `online`, `offline` or `ignore`d for 90 days of silence. */
  cids = new Map();
  tokens = new Set();
  seen = new Set();
  signedIn = [];
  /** What the next pushes are answered in place of a judgement: `[status, code, msg]`. */
  answers = [];
  /** How long a token lives. */
  tokenMs = 24 * 3600 * 1000;

  static async open() {
    const it = new Getui();
    it.server = createServer((request, response) => it.#take(request, response));
    await new Promise((resolve) => it.server.listen(0, '127.0.0.1', resolve));
    it.api = `http://127.0.0.1:${it.server.address().port}/v2`;
    return it;
  }

  /** `push.getui` of a site. */
  get policy() {
    return { app_id: this.app.id, app_key: this.app.key, api: this.api };
  }

  /** A phone with the app on it: what its screen shows, by notify_id, and everything that it was handed. */
  phone(state = 'online') {
    const cid = randomBytes(16).toString('hex');
    const phone = { cid, state, screen: new Map(), target: { provider: 'getui', cid } };
    this.cids.set(cid, phone);
    return phone;
  }

  /** No token is good any more. */
  expireTokens() {
    this.tokens.clear();
  }

  async #take(request, response) {
    const at = Date.now();
    const answer = (status, code, msg, data) => response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' }).end(JSON.stringify({ code, msg, data }));
    try {
      const body = JSON.parse((await readBody(request, 65_536)).toString());
      const context = { method: request.method, headers: request.headers, body, app: this.app, tokens: this.tokens, cids: this.cids };
      const judge = (rules, more) => {
        for (const [source, words, broken] of rules) {
          const refusal = broken({ ...context, ...more });
          if (refusal) {
            this.log.record('refused', { at, source, words, code: refusal[1], msg: refusal[2] });
            answer(...refusal);
            return false;
          }
        }
        return true;
      };
      if (request.url === `/v2/${this.app.id}/auth`) {
        this.signedIn = [...this.signedIn.filter((then) => then > at - 60_000), at];
        if (!judge(SIGN_IN_RULES, { signIns: this.signedIn.length })) return;
        const token = randomBytes(32).toString('hex');
        this.tokens.add(token);
        this.log.record('sign-in', { at });
        answer(200, 0, 'success', { token, expire_time: String(at + this.tokenMs) });
      } else if (request.url === `/v2/${this.app.id}/push/single/cid`) {
        const shown = [body.push_message?.notification, body.push_channel?.android?.ups?.notification].filter(Boolean);
        const next = this.answers.shift();
        if (next) {
          this.log.record('answered', { at, code: next[1] });
          answer(...next);
        } else if (judge(PUSH_RULES, { shown })) this.#push(at, body, answer);
      } else answer(404, 404, 'url error');
    } catch (error) {
      this.log.record('bad', { at, error });
      answer(200, 1, String(error));
    }
  }

  #push(at, body, answer) {
    const [cid] = body.audience.cid;
    const phone = this.cids.get(cid);
    const said = (status) => answer(200, 0, 'success', { RASS_1: { [cid]: status } });
    // PUSH: "如果request_id重复,会导致消息丢失": lost, and nobody hears of it.
    if (this.seen.has(body.request_id)) {
      this.log.record('lost', { at, cid });
      return said('successed_online');
    }
    this.seen.add(body.request_id);
    if (phone.state === 'ignore') return said('successed_ignore');
    // ARGS, strategy 1: in touch by Getui itself, otherwise by the phone's vendor.
    const { notification, transmission } = body.push_message;
    const data = phone.state === 'online' ? notification?.payload ?? JSON.parse(transmission).payload : body.push_channel.ios.payload;
    const by = phone.state === 'online' ? notification : body.push_channel.android.ups.notification;
    const message = { data: JSON.parse(data), title: by?.title, body: by?.body, ttl: body.settings.ttl, options: body.push_channel.android.ups.options };
    // MORE: "新的消息会覆盖老的消息".
    if (by) phone.screen.set(by.notify_id ?? randomBytes(4).readUInt32BE(), message);
    this.log.record('push', { at, cid, ...message, kind: message.data.wakeline.kind, wake: message.data.wakeline.wake });
    return said(phone.state === 'online' ? 'successed_online' : 'successed_offline');
  }

  /** Waits for a push of this kind to this phone. */
  push(phone, kind, { since = 0, ms } = {}) {
    return this.log.wait((e) => e.name === 'push' && e.cid === phone.cid && e.kind === kind, { since, ms, what: `Getui: "${kind}"` });
  }

  count(name, test = () => true) {
    return this.log.filter((e) => e.name === name && test(e)).length;
  }

  async close() {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
