//! Devices: what wakes a line, and the credential that outlives its session.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Where a device can be pushed to: a browser by its subscription, an app by the client id that its vendor's SDK gave it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum PushTarget {
    /// A browser's push subscription.
    WebPush(WebPushTarget),
    /// An app that a vendor's service reaches.
    App(AppTarget),
}

/// A browser's push subscription (RFC 8030), its keys base64url as `PushSubscription.toJSON()` gives them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebPushTarget {
    /// Always `webpush`.
    pub kind: WebPushKind,
    /// The subscription's URL at the push service.
    pub endpoint: String,
    /// The browser's public key, an uncompressed P-256 point.
    pub p256dh: String,
    /// The authentication secret, 16 octets.
    pub auth: String,
}

/// The word that says it is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum WebPushKind {
    /// Web Push.
    #[default]
    WebPush,
}

/// An app's client id (CID), which its shell hands to the page in its web-view.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AppTarget {
    /// Whose client id it is.
    pub provider: AppProvider,
    /// As the SDK gave it: 8 to 128 letters, digits, `-` and `_`.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 8, max_length = 128, pattern = "^[0-9A-Za-z_-]+$")
    )]
    pub cid: String,
}

/// Vendors' push services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum AppProvider {
    /// Getui, which uni-push 1.0 and uni-app x stand on.
    Getui,
    /// uni-push 2.0, by a cloud function.
    Unicloud,
}

/// The public half of a device credential, as WebCrypto exports it (`jwk`); other members are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicePublicKey {
    /// `EC`.
    pub kty: String,
    /// `P-256`.
    pub crv: String,
    /// base64url.
    pub x: String,
    /// base64url.
    pub y: String,
}

/// `PUT /v1/devices/{device}`. Idempotent: a page sends it on every load; what is left out stays as it was.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BindDevice {
    /// Where to push to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushTarget>,
    /// The device credential's public key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<DevicePublicKey>,
    /// What the user calls the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 128))]
    pub label: Option<String>,
    /// The language of its notifications, a BCP 47 tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_length = 35))]
    pub lang: Option<String>,
}

/// One place where a line can be woken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    /// Lower-case UUID, the same as its `+sip.instance`.
    pub id: String,
    /// What the user calls it; empty when unnamed.
    pub label: String,
    /// The language of its notifications; empty when unknown.
    pub lang: String,
    /// `webpush`, `getui` or `unicloud`; left out when it cannot be pushed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<String>,
    /// It holds a device credential.
    pub has_credential: bool,
    /// It has a SIP binding now.
    pub registered: bool,
    /// When it was first bound.
    pub created_at: u64,
    /// When it last bound or registered.
    pub seen_at: u64,
}

/// `GET /v1/devices`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceList {
    /// All that are not revoked.
    pub devices: Vec<Device>,
}

/// `GET /v1/vapid`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VapidKey {
    /// base64url of the uncompressed P-256 point: the `applicationServerKey` (RFC 8292).
    pub public_key: String,
}

/// What a device signs to renew its line's token. `origin` is the edge's, e.g. `https://edge.example`.
pub fn renew_message(origin: &str, number: &str, device: &str, at: u64) -> String {
    ["wakeline-renew", origin, number, device, &at.to_string()].join("\n")
}

/// What a device signs to replace its push subscription
/// (`Authorization: WakelineDevice number=…,at=…,sig=…` of `PUT /v1/devices/{device}/push`).
pub fn push_message(origin: &str, number: &str, device: &str, at: u64) -> String {
    format!("wakeline-push\n{origin}\n{number}\n{device}\n{at}")
}
