//! What a push service's answer means (RFC 8030 §5, RFC 8292 §4.2, and what the services do).

use std::time::UNIX_EPOCH;

/// Longest pause a push service can ask for that is taken at its word; a wake is long over.
const MAX_PAUSE_MS: u64 = 24 * 60 * 60 * 1000;

/// What to do after a push was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200, 201, 202, 204: the service has it. Not yet delivered: only the page's "ready" is.
    Accepted,
    /// 404, 410: the subscription is gone for good. Forget it.
    Gone,
    /// 413: the message is too large for this service. The same message will not pass again.
    TooLarge,
    /// 429 (and 406 of the Windows service): do not push to this device again before this long.
    SlowDown {
        /// Milliseconds, when the service said.
        after: Option<u64>,
    },
    /// The vendor does not deliver to this device for now: its app has not been used for 90 days.
    Inactive,
    /// The service refuses us: the same for every device. Alarm the operator.
    Refused(Fault),
    /// 5xx, 408, or no answer: try again while the wake lasts.
    Retry {
        /// Milliseconds, when the service said.
        after: Option<u64>,
    },
}

/// What we do wrong, named for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// 400.
    #[error("the push service cannot read our request (400)")]
    Malformed,
    /// 401.
    #[error("the push service does not accept our VAPID token (401): check key, subject and clock")]
    Unauthorised,
    /// 403.
    #[error("the subscription belongs to another VAPID key (403)")]
    WrongKey,
    /// A vendor's own code, or the status of a function that should have had one.
    #[error(
        "the vendor's push service refuses our request (code {0}): check its settings in SITES and SITE_SECRETS"
    )]
    Vendor(i64),
    /// A status that no push service should answer, a redirect among them.
    #[error("the push service gave an unexpected answer ({0})")]
    Unexpected(u16),
}

impl Answer {
    /// The meaning of a status and of the `Retry-After` header, if there was one.
    #[must_use]
    pub fn of(status: u16, retry_after: Option<&str>, now: u64) -> Self {
        let after = retry_after.and_then(|text| pause(text, now));
        match status {
            200..=202 | 204 => Self::Accepted,
            404 | 410 => Self::Gone,
            413 => Self::TooLarge,
            406 | 429 => Self::SlowDown { after },
            408 | 425 | 500..=599 => Self::Retry { after },
            400 => Self::Refused(Fault::Malformed),
            401 => Self::Refused(Fault::Unauthorised),
            403 => Self::Refused(Fault::WrongKey),
            other => Self::Refused(Fault::Unexpected(other)),
        }
    }

    /// No answer came: connection refused, reset, or too slow.
    #[must_use]
    pub fn unreachable() -> Self {
        Self::Retry { after: None }
    }

    /// Whether the device's subscription must be forgotten.
    #[must_use]
    pub fn drops_subscription(self) -> bool {
        self == Self::Gone
    }

    /// Whether the same push may be tried again during the wake.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Retry { .. } | Self::SlowDown { .. })
    }

    /// What the operator must hear of.
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Refused(fault) => Some(fault),
            _ => None,
        }
    }
}

/// `Retry-After`, RFC 9110 §10.2.3: seconds or an HTTP date; milliseconds from now.
fn pause(text: &str, now: u64) -> Option<u64> {
    let text = text.trim();
    let ms = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000)
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        let date = u64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()?;
        date.saturating_sub(now)
    };
    Some(ms.min(MAX_PAUSE_MS))
}
