//! The edge's types (`wakeline_edge_api`) as plain values, as far as the core itself reads and writes them. What only passes
//! through to the page, or comes from it, stays the browser's own.

use crate::plain::{FromPlain, Plain, ToPlain, plain_object, plain_words, read};
use alloc::string::String;
use wakeline_edge_api::{
    Account, BindDevice, DevicePublicKey, PushTarget, RenewToken, Session, SignIn, SipAccount,
    WakeReport, WakeState, Why,
};
use wasm_bindgen::JsValue;

plain_object!(Account {
    uid: "uid", number: "number", display_name: "display_name", address_of_record: "address_of_record", sip: "sip" known,
});
plain_object!(SipAccount {
    servers: "servers",
    domain: "domain",
    username: "username",
    password: "password",
    expires_at: "expires_at",
});
plain_object!(Session {
    token: "token",
    expires_at: "expires_at",
    account: "account",
});
plain_object!(SignIn {
    number: "number", password: "password", device: "device" known,
});
plain_object!(RenewToken {
    device: "device",
    number: "number",
    nonce_at: "nonce_at",
    signature: "signature",
});
plain_object!(DevicePublicKey {
    kty: "kty",
    crv: "crv",
    x: "x",
    y: "y",
});
plain_object!(WakeReport {
    device: "device" known, hindered: "hindered" known,
});
plain_words!(Why {
    Unopened: "unopened",
    Refused: "refused",
    Unregistered: "unregistered",
    Unready: "unready",
    Unrung: "unrung",
});
plain_words!(WakeState {
    Targeted: "targeted",
    Pushed: "pushed",
    Shown: "shown",
    Opened: "opened",
    Registered: "registered",
    Ready: "ready",
    Invited: "invited",
    Ringing: "ringing",
    Answered: "answered",
    Declined: "declined",
    Busy: "busy",
    Unanswered: "unanswered",
    Expired: "expired",
    Cancelled: "cancelled",
    Unbound: "unbound",
    Unreachable: "unreachable",
    Failed: "failed",
});

impl ToPlain for BindDevice {
    fn to_plain(&self) -> JsValue {
        Plain::default()
            .with_known("push", &self.push)
            .with_known("public_key", &self.public_key)
            .with_known("label", &self.label)
            .with_known("lang", &self.lang)
            .done()
    }
}

/// Only a browser's: a shell binds its app's by itself.
impl ToPlain for PushTarget {
    fn to_plain(&self) -> JsValue {
        match self {
            Self::WebPush(it) => Plain::default()
                .with("kind", &"webpush")
                .with("endpoint", &it.endpoint)
                .with("p256dh", &it.p256dh)
                .with("auth", &it.auth)
                .done(),
            Self::App(_) => JsValue::UNDEFINED,
        }
    }
}

/// What of an open wake the core looks at.
pub struct OpenWake {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub state: WakeState,
}

impl FromPlain for OpenWake {
    fn from_plain(value: &JsValue) -> Option<Self> {
        Some(Self {
            id: read(value, "id")?,
            state: read(value, "state")?,
        })
    }
}
