//! Push services of vendors, beside Web Push: a device is known to them by a client id (CID) that its app was given.
//!
//! What differs from Web Push: the vendor reads what is said (there is no end-to-end encryption), so that no capability travels
//! this way and the page that opens proves itself by its own session; and the edge has an account there, to which some
//! vendors want a sign-in first. A [`Provider`] is pure: a driver sends its requests and hands back what came.

mod cid;
mod getui;
mod unicloud;
mod words;

use serde::{Deserialize, Serialize};
use std::fmt;

use crate::allow::{AllowList, EndpointError};
use crate::answer::Answer;
use crate::notice::Notice;
use crate::request::{Request, RequestError};

pub use cid::{Cid, CidError};
pub use getui::{Getui, GetuiMessage};
pub use unicloud::{SIGNATURE, Unicloud};

/// A token that is nearer to its end than this is renewed before it is used.
const RENEW_BEFORE_MS: u64 = 10 * 60 * 1000;
/// Vendors' own limit of a message's life: three days.
const MAX_TTL_MS: u64 = 3 * 24 * 60 * 60 * 1000;

/// A vendor's push service, and our account there.
pub trait Provider {
    /// One word, for counting.
    fn name(&self) -> &'static str;

    /// The request that asks for a token; none where no sign-in is wanted.
    fn sign_in(&self, now: u64) -> Option<Request> {
        let _ = now;
        None
    }

    /// The token that a sign-in's answer holds.
    ///
    /// # Errors
    /// What it says instead.
    fn signed_in(&self, reply: &Reply<'_>, now: u64) -> Result<Token, Answer> {
        Err(Answer::of(reply.status, reply.retry_after, now))
    }

    /// The request that tells one device a notice.
    ///
    /// # Errors
    /// When there is nothing to send.
    fn request(
        &self,
        token: Option<&Token>,
        cid: &Cid,
        notice: &Notice,
        now: u64,
    ) -> Result<Request, RequestError>;

    /// What came back means.
    fn answer(&self, reply: &Reply<'_>, cid: &Cid, now: u64) -> Said;
}

/// What came back from a vendor.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Retry-After`, if there was one.
    pub retry_after: Option<&'a str>,
    /// The body, as far as it was read.
    pub body: &'a [u8],
}

/// What a vendor said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// About this push.
    Answer(Answer),
    /// The token is no longer good: sign in anew and push again.
    SignIn,
}

/// What a sign-in gave.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    value: String,
    expires_at: u64,
}

impl Token {
    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.value
    }

    /// Whether it will do for a while yet; one that will not is renewed before it is refused.
    #[must_use]
    pub fn is_good(&self, now: u64) -> bool {
        now.saturating_add(RENEW_BEFORE_MS) < self.expires_at
    }
}

impl fmt::Debug for Token {
    /// The value stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A service's address as an operator wrote it: `https`, a name on the list, no port, no credentials; with no slash at its end.
fn service(url: &str, allow: &AllowList) -> Result<String, EndpointError> {
    let url = allow.check(url)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::NotAUrl);
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Milliseconds a vendor may keep this notice; none for an invitation that is over.
fn ttl_ms(notice: &Notice, now: u64) -> Result<u64, RequestError> {
    let seconds = notice.ttl(now).ok_or(RequestError::Expired)?;
    Ok((u64::from(seconds) * 1000).min(MAX_TTL_MS))
}

/// As it is written in a JSON body's request.
fn json(url: String, headers: Vec<(&'static str, String)>, body: &impl Serialize) -> Request {
    let mut all = vec![("content-type", "application/json;charset=utf-8".to_owned())];
    all.extend(headers);
    Request {
        method: "POST",
        url,
        headers: all,
        body: serde_json::to_vec(body).expect("strings and integers always serialise"),
    }
}

fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    octets
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// The status that a vendor gives one CID in `data`, which is `{task: {cid: status}}`.
fn delivery(data: &serde_json::Value, cid: &Cid) -> Option<Answer> {
    let status = data
        .as_object()?
        .values()
        .find_map(|task| task.get(cid.as_str()))?
        .as_str()?;
    match status {
        "successed_online" | "successed_offline" => Some(Answer::Accepted),
        "successed_ignore" => Some(Answer::Inactive),
        _ => None,
    }
}
