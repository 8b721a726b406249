//! What is said to a device: an invitation, or the notice that replaces it.

use serde::{Deserialize, Serialize};

/// What a notice says. All but [`Kind::Invitation`] replace an earlier invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Somebody calls: come online.
    Invitation,
    /// Nobody answered in time.
    Missed,
    /// Another device of the line answered.
    Elsewhere,
    /// The caller gave up.
    Cancelled,
    /// Another device of the line declined.
    Declined,
}

impl Kind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 5] = [
        Self::Invitation,
        Self::Missed,
        Self::Elsewhere,
        Self::Cancelled,
        Self::Declined,
    ];

    /// Whether this notice takes the place of an invitation, and is therefore silent.
    #[must_use]
    pub fn is_replacement(self) -> bool {
        self != Self::Invitation
    }
}

/// The language a device wants to be told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese, simplified.
    Zh,
}

impl Lang {
    /// The nearest language to a BCP 47 tag; English where there is none.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("zh") {
            Self::Zh
        } else {
            Self::En
        }
    }

    /// The BCP 47 tag.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }
}

/// Who calls. The display name is the caller's own claim: data, never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The number that can be called back.
    pub number: String,
    /// A name for people; may be empty.
    pub display_name: String,
}

/// One thing to tell one device about one wake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Invitation or replacement.
    pub kind: Kind,
    /// The wake this is about.
    pub wake: String,
    /// The number that is called: the device's own line.
    pub number: String,
    /// Who calls.
    pub caller: Caller,
    /// When the wake began (ms).
    pub issued_at: u64,
    /// When the invitation is void (ms). A service worker that gets it later says "missed call".
    pub expires_at: u64,
    /// What lets this device, and no other, report on this wake.
    pub capability: String,
    /// 1 for the first push of this wake to this device, counted up by each repetition.
    pub attempt: u32,
    /// The device's language.
    pub lang: Lang,
    /// Where the page lives, such as `https://phone.example`; a tap leads there.
    pub origin: String,
}

impl Notice {
    /// Where a tap leads: the page of the origin, told of the wake.
    pub(crate) fn url(&self) -> String {
        format!("{}/?wake={}", self.origin.trim_end_matches('/'), self.wake)
    }

    /// Seconds a push service may keep this notice (RFC 8030 §5.2); `None` for an invitation
    /// that is over, which must not be sent.
    ///
    /// A replacement has a life of its own, longer than the invitation's, or a device that was
    /// away never hears of it.
    #[must_use]
    pub fn ttl(&self, now: u64) -> Option<u32> {
        match self.kind {
            Kind::Invitation => {
                let left = self.expires_at.saturating_sub(now).div_ceil(1000);
                (left > 0).then(|| u32::try_from(left).unwrap_or(u32::MAX).min(MISSED_S))
            }
            Kind::Missed | Kind::Cancelled => Some(MISSED_S),
            Kind::Elsewhere | Kind::Declined => Some(ELSEWHERE_S),
        }
    }
}

/// A missed call is worth knowing for a day.
const MISSED_S: u32 = 24 * 60 * 60;
/// That another device took the call only matters while this one may still chime.
const ELSEWHERE_S: u32 = 60;
