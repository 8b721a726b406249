//! Getui (个推) REST API v2, which uni-push 1.0 and uni-app x stand on: sign in for a day, then one push to one CID.
//!
//! | what | by |
//! |---|---|
//! | the app is in touch with Getui | Getui's own connection: a notification, or the data alone for an app that shows it by itself |
//! | it is not | the phone's vendor (Huawei, Xiaomi, OPPO, vivo, Honor, …; APNs on iOS), where the app has been set up for it |
//!
//! A replacement takes the invitation's place by the same `notify_id` (Getui's own notifications; Huawei, Xiaomi, OPPO, vivo, Honor)
//! and the same `apns-collapse-id` (iOS). Meizu and FCM are not in the documentation's list, nor is data that the app shows by
//! itself: there the app, or the page at its next load, has to take the old notification away.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt;

use super::words::{data, notify_id, request_id, tap, words};
use super::{
    Cid, Provider, Reply, Said, Token, delivery, hex, json as json_request, service, ttl_ms,
};
use crate::allow::{AllowList, EndpointError};
use crate::answer::{Answer, Fault};
use crate::notice::Notice;
use crate::request::{Request, RequestError};
use crate::topic::Topic;

/// Code 10003 and 10005 are about "each minute".
const MINUTE_MS: u64 = 60 * 1000;

/// What an app that is in touch with Getui gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GetuiMessage {
    /// A notification that Getui's SDK shows.
    #[default]
    Notification,
    /// The data alone (透传): the app shows what it likes.
    Transmission,
}

/// An app's account at Getui.
#[derive(Clone)]
pub struct Getui {
    base: String,
    app_key: String,
    master_secret: String,
    message: GetuiMessage,
    android_package: Option<String>,
    options: Map<String, Value>,
}

impl fmt::Debug for Getui {
    /// The secret stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Getui")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Getui {
    /// Where the API stands.
    pub const API: &'static str = "https://restapi.getui.com/v2";

    /// The hosts that the API may stand at: an operator chooses among them (an app belongs to one data centre).
    ///
    /// # Panics
    /// Never: the pattern is one.
    #[must_use]
    pub fn hosts() -> AllowList {
        AllowList::new(["*.getui.com"]).expect("a host pattern")
    }

    /// The account of `app_id`.
    ///
    /// # Errors
    /// When `api` may not be called.
    pub fn new(
        api: &str,
        allow: &AllowList,
        app_id: &str,
        app_key: String,
        master_secret: String,
    ) -> Result<Self, EndpointError> {
        Ok(Self {
            base: service(&format!("{}/{app_id}", api.trim_end_matches('/')), allow)?,
            app_key,
            master_secret,
            message: GetuiMessage::default(),
            android_package: None,
            options: Map::new(),
        })
    }

    /// With another message for an app that is in touch.
    #[must_use]
    pub fn with_message(mut self, message: GetuiMessage) -> Self {
        self.message = message;
        self
    }

    /// With the Android package of a uni-app app: a tap on a phone vendor's notification then hands the data to the app, by the
    /// intent that uni-push documents. Without it a tap opens the app, and the page asks what is waiting.
    #[must_use]
    pub fn with_android_package(mut self, package: Option<String>) -> Self {
        self.android_package = package;
        self
    }

    /// With what the phone vendors want to be told (`push_channel.android.ups.options`): channel ids, categories.
    #[must_use]
    pub fn with_options(mut self, options: Map<String, Value>) -> Self {
        self.options = options;
        self
    }

    fn intent(&self, package: &str, notice: &Notice) -> String {
        format!(
            "intent:#Intent;action=android.intent.action.oppopush;launchFlags=0x14000000;component={package}/io.dcloud.PandoraEntry;\
             S.UP-OL-SU=true;S.title={};S.content={};S.payload={};end",
            escaped(words(notice).title),
            escaped(&notice.caller.number),
            escaped(&tap(notice)),
        )
    }

    fn online(&self, notice: &Notice) -> Result<Value, RequestError> {
        let words = words(notice);
        let data = data(notice)?;
        Ok(match self.message {
            GetuiMessage::Transmission => json!({
                "transmission": json!({ "title": words.title, "content": words.line, "payload": data }).to_string(),
            }),
            GetuiMessage::Notification => {
                // An Android channel's loudness is what it was made with: a replacement has one of its own, which is silent.
                let (channel, name, level) = if notice.kind.is_replacement() {
                    ("wakeline-missed", "Wakeline", 2)
                } else {
                    ("wakeline-calls", "Wakeline calls", 4)
                };
                json!({ "notification": {
                    "title": words.title,
                    "body": words.line,
                    "click_type": "payload",
                    "payload": data,
                    "notify_id": notify_id(&notice.wake),
                    "channel_id": channel,
                    "channel_name": name,
                    "channel_level": level,
                }})
            }
        })
    }

    fn offline(&self, notice: &Notice) -> Result<Value, RequestError> {
        let words = words(notice);
        let mut android = json!({
            "title": words.title,
            "body": words.line,
            "notify_id": notify_id(&notice.wake),
        });
        match &self.android_package {
            Some(package) => {
                android["click_type"] = "intent".into();
                android["intent"] = self.intent(package, notice).into();
            }
            None => android["click_type"] = "startapp".into(),
        }
        let mut ups = json!({ "notification": android });
        if !self.options.is_empty() {
            ups["options"] = self.options.clone().into();
        }
        let mut aps = json!({ "alert": { "title": words.title, "body": words.line }, "content-available": 0 });
        if !notice.kind.is_replacement() {
            aps["sound"] = "default".into();
        }
        Ok(json!({
            "android": { "ups": ups },
            "ios": {
                "type": "notify",
                "payload": data(notice)?,
                "aps": aps,
                "apns-collapse-id": Topic::of(&notice.wake).as_str(),
            },
        }))
    }
}

impl Provider for Getui {
    fn name(&self) -> &'static str {
        "getui"
    }

    fn sign_in(&self, now: u64) -> Option<Request> {
        let timestamp = now.to_string();
        let sign = Sha256::new()
            .chain_update(&self.app_key)
            .chain_update(&timestamp)
            .chain_update(&self.master_secret)
            .finalize();
        let body = json!({ "sign": hex(&sign), "timestamp": timestamp, "appkey": self.app_key });
        Some(json_request(
            format!("{}/auth", self.base),
            Vec::new(),
            &body,
        ))
    }

    fn signed_in(&self, reply: &Reply<'_>, now: u64) -> Result<Token, Answer> {
        let said = Reading::of(reply);
        if said.code != Some(0) {
            return Err(match said.answer(reply, now) {
                Said::Answer(answer) => answer,
                // A sign-in holds no token that could be refused: it is the account that is.
                Said::SignIn => Answer::Refused(Fault::Vendor(TOKEN_REFUSED)),
            });
        }
        let end = |value: &Value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        };
        let value = said.data["token"].as_str().filter(|t| is_token(t));
        match (value, end(&said.data["expire_time"])) {
            (Some(value), Some(expires_at)) => Ok(Token {
                value: value.to_owned(),
                expires_at,
            }),
            _ => Err(Answer::Refused(Fault::Unexpected(reply.status))),
        }
    }

    fn request(
        &self,
        token: Option<&Token>,
        cid: &Cid,
        notice: &Notice,
        now: u64,
    ) -> Result<Request, RequestError> {
        let body = json!({
            "request_id": request_id(cid, notice, now),
            // 1: by Getui while the app is in touch, by the phone's vendor otherwise. iOS: "建议填写2或4".
            "settings": { "ttl": ttl_ms(notice, now)?, "strategy": { "default": 1, "ios": 4 } },
            "audience": { "cid": [cid] },
            "push_message": self.online(notice)?,
            "push_channel": self.offline(notice)?,
        });
        let token = token.map_or("", Token::expose).to_owned();
        Ok(json_request(
            format!("{}/push/single/cid", self.base),
            vec![("token", token)],
            &body,
        ))
    }

    fn answer(&self, reply: &Reply<'_>, cid: &Cid, now: u64) -> Said {
        let said = Reading::of(reply);
        if said.code == Some(0) {
            let unread = Answer::Refused(Fault::Unexpected(reply.status));
            return Said::Answer(delivery(&said.data, cid).unwrap_or(unread));
        }
        said.answer(reply, now)
    }
}

/// Token wrong or out of date.
const TOKEN_REFUSED: i64 = 10001;

/// Getui's common answer: `{code, msg, data}`.
struct Reading {
    code: Option<i64>,
    msg: String,
    data: Value,
}

impl Reading {
    fn of(reply: &Reply<'_>) -> Self {
        let mut body: Value = serde_json::from_slice(reply.body).unwrap_or_default();
        Self {
            code: body["code"].as_i64(),
            msg: body["msg"].as_str().unwrap_or_default().to_owned(),
            data: body.get_mut("data").map(Value::take).unwrap_or_default(),
        }
    }

    /// What a code other than 0 means.
    fn answer(&self, reply: &Reply<'_>, now: u64) -> Said {
        let plain = Answer::of(reply.status, reply.retry_after, now);
        let after = match plain {
            Answer::SlowDown { after } | Answer::Retry { after } => after,
            _ => None,
        };
        Said::Answer(match self.code {
            Some(TOKEN_REFUSED) => return Said::SignIn,
            // "服务正在启动": starting.
            Some(2) => Answer::Retry { after },
            Some(10003 | 10005) => Answer::SlowDown {
                after: after.or(Some(MINUTE_MS)),
            },
            // No such CID, or one of another app.
            Some(20001) if self.msg.contains("target user is invalid") => Answer::Gone,
            Some(code) => Answer::Refused(Fault::Vendor(code)),
            // Not Getui's words: a proxy's, or none. A 404 is a wrong address, never a device that is gone.
            None => match plain {
                Answer::Retry { .. } | Answer::SlowDown { .. } => plain,
                _ => Answer::Refused(Fault::Unexpected(reply.status)),
            },
        })
    }
}

/// What may stand in a header.
fn is_token(text: &str) -> bool {
    (1..=512).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// As `Intent.parseUri` reads a string extra.
fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
