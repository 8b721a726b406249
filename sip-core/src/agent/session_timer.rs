//! Session timers (RFC 4028): a call whose other end is gone without a word ends by itself.

use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Headers, Request, Response};
use alloc::string::{String, ToString};

/// The shortest interval that is taken (RFC 4028 §5).
pub const LEAST: u32 = 90;

/// The interval of a session that both sides have agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionTimer {
    /// This side sends the refreshes.
    pub ours: bool,
    /// The next refresh; or, where the other side refreshes, the end.
    pub due: Time,
    /// The session is dead by then.
    pub ends: Time,
}

impl SessionTimer {
    fn new(seconds: u32, ours: bool, now: Time) -> Self {
        let seconds = u64::from(seconds.max(LEAST));
        let at = |s: u64| now + Duration::from_secs(s);
        // RFC 4028 §10: whoever waits hangs up a little before the end.
        let ends = at(seconds - (seconds / 3).min(32));
        Self {
            ours,
            due: if ours { at(seconds / 2) } else { ends },
            ends,
        }
    }

    /// We asked, and this is the 2xx (§7.2).
    pub fn of_response(response: &Response, now: Time) -> Option<Self> {
        let (seconds, refresher) = session_expires(&response.headers)?;
        Some(Self::new(seconds, refresher != Some(false), now))
    }

    /// We are asked: what holds from our 2xx on, and its headers (§9).
    pub fn of_request(request: &Request, now: Time) -> Option<Self> {
        let (seconds, uac) = session_expires(&request.headers)?;
        // A side that knows nothing of timers cannot be the one to refresh.
        let theirs =
            uac.unwrap_or(true) && request.headers.has_token(HeaderName::Supported, "timer");
        Some(Self::new(seconds, !theirs, now))
    }

    /// The headers of our 2xx.
    pub fn write(self, request: &Request, mut response: Response) -> Response {
        if let Some((seconds, _)) = session_expires(&request.headers) {
            response
                .headers
                .push(HeaderName::SessionExpires, text(seconds, !self.ours));
            if !self.ours {
                response.headers.push(HeaderName::Require, "timer");
            }
        }
        response
    }
}

/// `Session-Expires` with who refreshes, as seen from this request.
pub fn text(seconds: u32, uac: bool) -> String {
    let mut text = seconds.to_string();
    text.push_str(if uac {
        ";refresher=uac"
    } else {
        ";refresher=uas"
    });
    text
}

/// The interval, and whether the sender of the request is to refresh.
fn session_expires(headers: &Headers) -> Option<(u32, Option<bool>)> {
    let mut parts = headers
        .get(HeaderName::SessionExpires)?
        .split(';')
        .map(str::trim);
    let seconds = parts.next()?.parse().ok()?;
    let refresher = parts.find_map(|p| match p.to_ascii_lowercase().as_str() {
        "refresher=uac" => Some(true),
        "refresher=uas" => Some(false),
        _ => None,
    });
    Some((seconds, refresher))
}

/// Is the interval that this request asks for too short for us?
pub fn is_too_short(request: &Request) -> bool {
    session_expires(&request.headers).is_some_and(|(seconds, _)| seconds < LEAST)
}

/// The interval that a 422 wants at least.
pub fn least(response: &Response) -> Option<u32> {
    let text = response.headers.get(HeaderName::MinSe)?;
    text.split(';').next()?.trim().parse().ok()
}
