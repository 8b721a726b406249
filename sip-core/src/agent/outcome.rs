//! From status, wake state and Reason to what the user is told.

use super::event::{By, End, Outcome};
use super::post::wake_of;
use crate::wire::{Headers, Response};

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
            _ => Outcome::Expired,
        },
        (_, Some("cancelled")) => Outcome::Cancelled,
        (_, Some("unbound")) => Outcome::Unbound,
        (_, Some("unreachable")) => Outcome::Unreachable,
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
