//! uni-push 2.0: only a cloud function of the app's own service space may push, so the edge posts to that function's URL, which is
//! shipped in `deploy/uni-app/uniCloud`. The key that both hold signs each request and never travels.
//!
//! Replacing: uni-push 2.0 documents no id by which a notification takes another's place. The function passes `notify_id` in the own
//! fields of Huawei and Xiaomi. Elsewhere (OPPO, vivo, Honor, Meizu, iOS, and wherever the app itself is in touch) "missed call"
//! stands beside the invitation until the app, which is handed both, takes that away.

use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;
use std::fmt;

use super::words::{data, notify_id, request_id, words};
use super::{Cid, Provider, Reply, Said, Token, delivery, hex, json, service, ttl_ms};
use crate::allow::{AllowList, EndpointError};
use crate::answer::{Answer, Fault};
use crate::notice::Notice;
use crate::request::{Request, RequestError};

/// The header that signs a request: `at=<ms>,id=<request id>,sig=<hex of HMAC-SHA256 over "at.id.body">`.
pub const SIGNATURE: &str = "wakeline-signature";

/// An app's cloud function.
#[derive(Clone)]
pub struct Unicloud {
    url: String,
    key: String,
}

impl fmt::Debug for Unicloud {
    /// The key stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unicloud").finish_non_exhaustive()
    }
}

/// What the function hands to `sendMessage`, and the number by which phone vendors replace.
#[derive(Serialize)]
struct Message<'a> {
    push_clientid: &'a Cid,
    title: &'a str,
    content: &'a str,
    payload: Value,
    request_id: &'a str,
    settings: Settings,
    notify_id: u32,
}

#[derive(Serialize)]
struct Settings {
    ttl: u64,
}

impl Unicloud {
    /// The function at `url`.
    ///
    /// # Errors
    /// When it may not be called.
    pub fn new(url: &str, allow: &AllowList, key: String) -> Result<Self, EndpointError> {
        Ok(Self {
            url: service(url, allow)?,
            key,
        })
    }

    fn signature(&self, at: u64, id: &str, body: &[u8]) -> String {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("any length is a key");
        mac.update(format!("{at}.{id}.").as_bytes());
        mac.update(body);
        hex(&mac.finalize().into_bytes())
    }
}

impl Provider for Unicloud {
    fn name(&self) -> &'static str {
        "unicloud"
    }

    fn request(
        &self,
        _token: Option<&Token>,
        cid: &Cid,
        notice: &Notice,
        now: u64,
    ) -> Result<Request, RequestError> {
        let words = words(notice);
        let id = request_id(cid, notice, now);
        let message = Message {
            push_clientid: cid,
            title: words.title,
            content: &words.line,
            payload: serde_json::from_str(&data(notice)?).expect("it was written just now"),
            request_id: &id,
            settings: Settings {
                ttl: ttl_ms(notice, now)?,
            },
            notify_id: notify_id(&notice.wake),
        };
        let mut request = json(self.url.clone(), Vec::new(), &message);
        let signature = self.signature(now, &id, &request.body);
        request
            .headers
            .push((SIGNATURE, format!("at={now},id={id},sig={signature}")));
        Ok(request)
    }

    fn answer(&self, reply: &Reply<'_>, cid: &Cid, now: u64) -> Said {
        let plain = Answer::of(reply.status, reply.retry_after, now);
        Said::Answer(match plain {
            Answer::Accepted => read(reply, cid),
            Answer::Retry { .. } | Answer::SlowDown { .. } => plain,
            // Our signature was not taken, or no function stands there: never a device that is gone.
            _ => Answer::Refused(Fault::Vendor(i64::from(reply.status))),
        })
    }
}

/// `{errCode, errMsg, data}` of `sendMessage`.
fn read(reply: &Reply<'_>, cid: &Cid) -> Answer {
    let body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
    let unread = Answer::Refused(Fault::Unexpected(reply.status));
    // The library's own failures have words for codes.
    let code = match &body["errCode"] {
        Value::String(text) => text.parse().unwrap_or(-1),
        other => match other.as_i64() {
            Some(code) => code,
            None => return unread,
        },
    };
    let says = |words: &str| body["errMsg"].as_str().is_some_and(|m| m.contains(words));
    match code {
        0 => delivery(&body["data"], cid).unwrap_or(unread),
        10003 | 10005 => Answer::SlowDown {
            after: Some(60 * 1000),
        },
        // The library signs in by itself; its next try does.
        2 | 10001 => Answer::Retry { after: None },
        _ if says("target user is invalid") => Answer::Gone,
        code => Answer::Refused(Fault::Vendor(code)),
    }
}
