'use strict';
// The cloud function that the edge posts to (SITES push.unicloud.url): it proves who asks, and hands the message to uni-push 2.0.
//
// In the uniCloud console: upload it, give it a URL ("云函数URL化"), and set its environment in `config.js` beside this file.
const { createHmac, timingSafeEqual } = require('crypto');
const { APP_ID, KEY } = require('./config.js');

/** A request is taken for this long after it was signed: clocks differ, nets are slow. */
const FRESH_MS = 5 * 60 * 1000;
/** Phone vendors' own fields by which a newer notification takes an older one's place; others have none that uni-push documents. */
const REPLACED_BY = {
  HW: '/message/android/notification/notify_id',
  XM: '/extra.notify_id',
};

/** A reply with a status of its own; Alibaba's clouds want the first member. */
function reply(statusCode, body) {
  return {
    mpserverlessComposedResponse: true,
    isBase64Encoded: false,
    statusCode,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
}

/** `at=…,id=…,sig=…` as an object. */
function fields(text) {
  return Object.fromEntries(String(text || '').split(',').map((field) => {
    const at = field.indexOf('=');
    return [field.slice(0, at).trim(), field.slice(at + 1).trim()];
  }));
}

/** Whether the edge has signed these octets, lately. */
function isSigned(header, body, now) {
  if (KEY.length < 32) throw new Error('config.js: KEY has less than 32 characters');
  const { at, id, sig } = fields(header);
  if (!/^\d{13}$/.test(at || '') || !/^[0-9a-f]{10,32}$/.test(id || '') || !/^[0-9a-f]{64}$/.test(sig || '')) return false;
  if (Math.abs(now - Number(at)) > FRESH_MS) return false;
  const wanted = createHmac('sha256', KEY).update(`${at}.${id}.`).update(body).digest();
  return timingSafeEqual(wanted, Buffer.from(sig, 'hex'));
}

/** What `sendMessage` is asked; nothing that the edge did not mean passes. */
function message({ push_clientid, title, content, payload, request_id, settings, notify_id }) {
  const options = Object.fromEntries(Object.entries(REPLACED_BY).map(([vendor, option]) => [vendor, { [option]: notify_id }]));
  return {
    push_clientid,
    title,
    content,
    payload,
    request_id,
    settings: { ttl: settings.ttl },
    // A notification also while the app is in touch.
    force_notification: true,
    options,
  };
}

exports.main = async (event) => {
  if (event.httpMethod !== 'POST') return reply(405, { errCode: 405, errMsg: 'POST only' });
  const body = Buffer.from(event.body || '', event.isBase64Encoded ? 'base64' : 'utf8');
  const headers = Object.fromEntries(Object.entries(event.headers || {}).map(([name, value]) => [name.toLowerCase(), value]));
  if (!isSigned(headers['wakeline-signature'], body, Date.now())) return reply(401, { errCode: 401, errMsg: 'not signed by the edge' });
  let asked;
  try {
    asked = JSON.parse(body.toString('utf8'));
  } catch (error) {
    return reply(400, { errCode: 400, errMsg: 'not JSON' });
  }
  // Without a target uni-push would push to every installation of the app.
  if (typeof asked.push_clientid !== 'string' || !/^[\w-]{8,128}$/.test(asked.push_clientid)) {
    return reply(400, { errCode: 400, errMsg: 'push_clientid' });
  }
  const answer = await uniCloud.getPushManager({ appId: APP_ID }).sendMessage(message(asked)).catch((error) => ({
    errCode: error.errCode === undefined ? -1 : error.errCode,
    errMsg: String(error.errMsg || error.message),
  }));
  return reply(200, answer);
};
