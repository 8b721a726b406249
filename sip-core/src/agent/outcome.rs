//! From status, wake state and Reason to what the user is told.

use super::event::{By, End, Outcome};
use super::post::wake_of;
use crate::wake::DO_NOT_DISTURB;
use crate::wire::{HeaderName, Headers, Response};
use alloc::string::String;

/// The end of an outgoing call by a final response.
pub fn of_response(response: &Response) -> End {
    let (_, wake_state) = wake_of(&response.headers);
    let outcome = match (response.status, wake_state.as_deref()) {
        // The same for a line that is not there and one that may not be called.
        (404 | 604, _) => Outcome::Unknown,
        (_, Some("declined")) => Outcome::Declined,
        (_, Some("busy")) => Outcome::Busy,
        (_, Some("unanswered")) => Outcome::Unanswered,
        (_, Some("expired")) => match response.headers.get("Wakeline-Why") {
            Some("refused") => Outcome::Refused,
            Some("unregistered") => Outcome::Unregistered,
            Some("unready") => Outcome::Unready,
            Some("unrung") => Outcome::Unrung,
            _ => Outcome::Expired,
        },
        (_, Some("cancelled")) => Outcome::Cancelled,
        (_, Some("unbound")) => Outcome::Unbound,
        (_, Some("unreachable")) => Outcome::Unreachable,
        (480, Some("failed")) if is_quiet(&response.headers) => Outcome::Quiet,
        (429 | 503, None) => Outcome::Limited(retry_after(&response.headers)),
        (603 | 607, _) => Outcome::Declined,
        (486 | 600, _) => Outcome::Busy,
        (487, _) => Outcome::Cancelled,
        (408 | 480 | 410, _) => Outcome::Unreachable,
        _ => Outcome::Failed,
    };
    let (_, text) = reason(&response.headers);
    End {
        outcome,
        status: response.status,
        reason: text.unwrap_or_else(|| response.reason.clone()),
        by: By::Remote,
    }
}

/// The end of an incoming call by CANCEL.
pub fn of_cancel(headers: &Headers) -> End {
    let (cause, text) = reason(headers);
    let outcome = match cause {
        Some(200) => Outcome::Elsewhere,
        Some(603) => Outcome::Declined,
        Some(408 | 480) => Outcome::Unanswered,
        _ => Outcome::Cancelled,
    };
    End {
        outcome,
        status: cause.unwrap_or(487),
        reason: text.unwrap_or_default(),
        by: By::Remote,
    }
}

/// The end of an answered call by BYE.
pub fn of_bye(headers: &Headers) -> End {
    let (cause, text) = reason(headers);
    let outcome = match cause {
        // Two devices answered, and the edge picked the other one.
        Some(200) => Outcome::Elsewhere,
        // The edge has lost the other side.
        Some(408) => Outcome::Lost,
        // It was over before our answer arrived.
        Some(480) => Outcome::Unanswered,
        Some(487) => Outcome::Cancelled,
        Some(603) => Outcome::Declined,
        Some(400..) => Outcome::Failed,
        _ => Outcome::HungUp,
    };
    End {
        outcome,
        status: cause.unwrap_or(200),
        reason: text.unwrap_or_default(),
        by: By::Remote,
    }
}

/// Did the edge say that the line wants no calls now?
fn is_quiet(headers: &Headers) -> bool {
    let (_, text) = reason(headers);
    text.is_some_and(|text| text.ends_with(DO_NOT_DISTURB))
}

/// Seconds until another try may succeed; 0 when nobody knows.
fn retry_after(headers: &Headers) -> u32 {
    let value = headers.get(HeaderName::RetryAfter).unwrap_or_default();
    let digits: String = value
        .trim()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().unwrap_or(0)
}

fn reason(headers: &Headers) -> (Option<u16>, Option<String>) {
    let reasons = headers.reasons().unwrap_or_default();
    let sip = reasons
        .into_iter()
        .find(|r| r.protocol.eq_ignore_ascii_case("SIP"));
    (
        sip.as_ref().and_then(|r| r.cause()),
        sip.and_then(|r| r.text()),
    )
}
