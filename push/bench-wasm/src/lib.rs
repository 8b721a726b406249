//! The push room as the worker uses it, driven from Node by `tests/bench/push.mjs`.
//!
//! Nothing is bypassed: each push goes through payload, allow list, encryption, VAPID and headers.
#![cfg(target_arch = "wasm32")]

use wakeline_push::{
    AllowList, Caller, Kind, Lang, Notice, Request, Subscription, Target, Vapid, VapidKeys,
    WebCrypto, request,
};
use wasm_bindgen::prelude::*;

/// Longer than a VAPID token is kept: a push this much later signs anew.
const STEP_MS: u64 = 24 * 60 * 60 * 1000;

/// A site's sender with some subscribed devices.
#[wasm_bindgen]
pub struct Bench {
    crypto: WebCrypto,
    vapid: Vapid<WebCrypto>,
    allow: AllowList,
    targets: Vec<Target>,
    now: u64,
}

#[wasm_bindgen]
impl Bench {
    /// With the site's VAPID keys (base64url).
    pub async fn open(
        public_key: String,
        private_key: String,
        subject: String,
    ) -> Result<Bench, JsError> {
        let crypto = WebCrypto::default();
        let vapid = Vapid::new(
            &crypto,
            &VapidKeys::parse(&public_key, &private_key)?,
            &subject,
        )
        .await?;
        Ok(Self {
            crypto,
            vapid,
            allow: AllowList::default(),
            targets: Vec::new(),
            now: STEP_MS,
        })
    }

    /// One more device to push to.
    pub fn device(&mut self, endpoint: &str, p256dh: &str, auth: &str) -> Result<(), JsError> {
        self.targets.push(Target::WebPush(Subscription::parse(
            endpoint,
            p256dh,
            auth,
            &self.allow,
        )?));
        Ok(())
    }

    /// Builds `count` requests one after the other, with a cached VAPID token or signing each;
    /// returns the octets of all bodies and header values, so that no work can be left out.
    pub async fn run(&mut self, count: usize, signing: bool) -> Result<f64, JsError> {
        let mut total = 0;
        for at in 0..count {
            if signing {
                self.now += STEP_MS;
            }
            let made = self.push(at).await?;
            total += made.body.len()
                + made
                    .headers
                    .iter()
                    .map(|(_, value)| value.len())
                    .sum::<usize>();
        }
        Ok(total as f64)
    }

    /// One request's body, to be read back by an independent implementation.
    pub async fn body(&self, at: usize) -> Result<Vec<u8>, JsError> {
        Ok(self.push(at).await?.body)
    }

    /// One request's `Authorization` header.
    pub async fn authorization(&self, at: usize) -> Result<String, JsError> {
        let made = self.push(at).await?;
        Ok(made
            .headers
            .into_iter()
            .find_map(|(name, value)| (name == "authorization").then_some(value))
            .unwrap_or_default())
    }
}

impl Bench {
    async fn push(&self, at: usize) -> Result<Request, JsError> {
        let target = &self.targets[at % self.targets.len()];
        Ok(request(
            &self.crypto,
            &self.vapid,
            &self.allow,
            self.now,
            target,
            &notice(self.now),
        )
        .await?)
    }
}

fn notice(now: u64) -> Notice {
    Notice {
        kind: Kind::Invitation,
        wake: "pZ5zF0nEoCL3y1aB9QmXdw".to_owned(),
        number: "1002".to_owned(),
        caller: Caller {
            number: "1001".to_owned(),
            display_name: "Alice Smith".to_owned(),
        },
        issued_at: now,
        expires_at: now + 60_000,
        capability: "c".repeat(120),
        attempt: 1,
        lang: Lang::En,
        origin: "https://phone.example".to_owned(),
    }
}
