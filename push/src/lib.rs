//! The push room: what to say, to which device, as an HTTP request.
//!
//! In: a [`Notice`] (an invitation or the replacement of one) and a [`Target`]. Out: a
//! [`Request`] that a driver sends; what came back becomes an [`Answer`]. Nothing here opens a
//! connection or asks the time: `now` is an argument, in milliseconds since the Unix epoch.
//!
//! ```text
//! Notice ──► payload ──► encrypt (RFC 8291) ──► Request ──(driver)──► Answer
//!                          Vapid (RFC 8292) ──┘  Ttl, Topic, Urgency (RFC 8030)
//! ```
//!
//! Beside it stand the services of vendors ([`Provider`]: [`Getui`], [`Unicloud`]), for apps whose web-view has no Web Push:
//!
//! ```text
//! Notice ──► Provider::request ──► Request ──(driver)──► Reply ──► Provider::answer ──► Answer, or: sign in anew
//! ```
//!
//! Curve arithmetic is behind [`Crypto`]: `RustCrypto` natively, `WebCrypto` on wasm32.

mod allow;
mod answer;
pub mod crypto;
mod encrypt;
mod notice;
mod payload;
mod provider;
mod request;
mod subscription;
mod text;
mod topic;
mod vapid;
mod vendor;

pub use allow::{AllowList, EndpointError, PatternError};
pub use answer::{Answer, Fault};
#[cfg(feature = "rustcrypto")]
pub use crypto::RustCrypto;
#[cfg(all(feature = "webcrypto", target_arch = "wasm32"))]
pub use crypto::WebCrypto;
pub use crypto::{Crypto, CryptoError, PublicKey};
#[cfg(feature = "rustcrypto")]
pub use encrypt::decrypt;
pub use encrypt::{MAX_PLAINTEXT, encrypt};
pub use notice::{Caller, Kind, Lang, Notice};
pub use payload::{PayloadError, payload};
pub use provider::{App, Bare, Target};
pub use request::{Request, RequestError, request};
pub use subscription::{Subscription, SubscriptionError};
pub use topic::Topic;
pub use vapid::{Vapid, VapidError, VapidKeys, tokens::Tokens};
pub use vendor::{
    Cid, CidError, Getui, GetuiMessage, Provider, Reply, SIGNATURE, Said, Token, Unicloud,
};
