//! The HTTP request that carries a notice: RFC 8030 §5.

use thiserror::Error;

use crate::allow::{AllowList, EndpointError};
use crate::crypto::{Crypto, CryptoError};
use crate::encrypt::encrypt;
use crate::notice::Notice;
use crate::payload::{PayloadError, payload};
use crate::provider::Target;
use crate::topic::Topic;
use crate::vapid::Vapid;

/// A request to send as it stands. Never follow a redirect with it: the allow list has not seen
/// where it leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Always `POST` for Web Push.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// Names in lower case, each once.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why there is nothing to send.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// The invitation is over.
    #[error("the invitation has expired")]
    Expired,
    /// The device is an app: its vendor's [`Provider`](crate::Provider) writes the request.
    #[error("the device is reached by its vendor's service, not by Web Push")]
    Vendor,
    /// The endpoint may not, or no longer, be called.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The notice cannot be said.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The subscription's key is no key, or the platform failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl RequestError {
    /// Whether no push to this subscription can ever work: forget it. An endpoint that the list
    /// does not allow stays: the list may have been set wrongly, and can be set right.
    #[must_use]
    pub fn drops_subscription(&self) -> bool {
        matches!(self, Self::Crypto(CryptoError::PeerKey))
    }
}

/// The request that tells one device a notice by Web Push.
///
/// # Errors
/// When there is nothing to send, or it may not be sent.
pub async fn request<C: Crypto>(
    crypto: &C,
    vapid: &Vapid<C>,
    allow: &AllowList,
    now: u64,
    target: &Target,
    notice: &Notice,
) -> Result<Request, RequestError> {
    let ttl = notice.ttl(now).ok_or(RequestError::Expired)?;
    let url = match target {
        Target::WebPush(subscription) => allow.check(subscription.endpoint())?,
        Target::Bare(bare) => allow.check(bare.endpoint())?,
        Target::Getui(_) | Target::Unicloud(_) => return Err(RequestError::Vendor),
    };
    let mut headers = vec![(
        "authorization",
        vapid.authorization(crypto, now, &url).await?,
    )];
    let body = match target {
        Target::WebPush(subscription) => {
            headers.push(("content-encoding", "aes128gcm".to_owned()));
            headers.push(("content-type", "application/octet-stream".to_owned()));
            encrypt(crypto, subscription, &payload(notice)?).await?
        }
        // Nothing that is not encrypted is said (RFC 8291 §1): whoever is rung asks what is waiting.
        _ => Vec::new(),
    };
    headers.extend([
        ("ttl", ttl.to_string()),
        ("topic", Topic::of(&notice.wake).as_str().to_owned()),
        ("urgency", "high".to_owned()),
    ]);
    Ok(Request {
        method: "POST",
        url: url.into(),
        headers,
        body,
    })
}
