//! Names of things on the edge: parsed once, capped, safe inside keys, URIs and object names.

use alloc::{borrow::ToOwned, string::String};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use core::fmt;
use serde::{Deserialize, Serialize};

/// A name that the edge does not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} is not a valid name")]
pub struct InvalidName {
    /// Which kind of name was refused.
    pub what: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts a well-formed name.
            pub fn parse(text: &str) -> Result<Self, InvalidName> {
                let allowed: fn(u8) -> bool = $allowed;
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(InvalidName { what: $what });
                }
                Ok(Self(text.to_owned()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

fn number_octet(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"+*#._-".contains(&b)
}

fn token_octet(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-_".contains(&b)
}

name!(
    /// A site: a SIP domain with its keys and policies.
    SiteId, "site", 32, |b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'
);
name!(
    /// The number of a line, the user part of its address-of-record.
    Number, "number", 64, number_octet
);
name!(
    /// The user's stable identifier on a site.
    Uid, "uid", 64, number_octet
);
name!(
    /// One connection (RFC 5626 flow): minted by the edge when the socket opens.
    FlowToken, "flow token", 64, token_octet
);
name!(
    /// One wake, and the call it serves: minted by the edge, never a peer's Call-ID.
    WakeId, "wake id", 128, token_octet
);
name!(
    /// One device: the lower-case UUID of its `+sip.instance`, or for a foreign user agent
    /// without one a name derived from its contact.
    DeviceId, "device", 128, |b| b.is_ascii_alphanumeric() || b"-_.:@".contains(&b)
);

/// Characters of a wake id that are random; what follows them, if anything does, names the line.
const WAKE_RANDOM: usize = 22;

impl WakeId {
    /// The id of a wake that a call server asked for. It knows nothing but the id when it asks again, so the id says
    /// which line leads the wake: no directory is in the way.
    pub fn of_line(random: &str, number: &Number) -> Result<Self, InvalidName> {
        let line = URL_SAFE_NO_PAD.encode(number.as_str());
        Self::parse(&format!("{random:.WAKE_RANDOM$}{line}"))
    }

    /// As it may stand in a log: without the line that it may name.
    pub fn for_logs(&self) -> &str {
        of_wake_for_logs(self.as_str())
    }

    /// The line, where the id names one.
    pub fn line(&self) -> Option<Number> {
        let line = URL_SAFE_NO_PAD.decode(self.0.get(WAKE_RANDOM..)?).ok()?;
        Number::parse(core::str::from_utf8(&line).ok()?).ok()
    }
}

/// [`WakeId::for_logs`] of an id as text.
pub fn of_wake_for_logs(id: &str) -> &str {
    id.get(..WAKE_RANDOM).unwrap_or_default()
}

impl DeviceId {
    /// Reads `<urn:uuid:…>` (with or without its brackets and quotes) of a `+sip.instance`.
    pub fn from_instance(instance: &str) -> Result<Self, InvalidName> {
        let bare = instance
            .trim()
            .trim_matches('"')
            .trim_start_matches('<')
            .trim_end_matches('>');
        let lower = bare.to_ascii_lowercase();
        Self::parse(lower.strip_prefix("urn:uuid:").unwrap_or(&lower))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_capped_and_safe_in_keys() {
        assert!(Number::parse("+49*#1.2_3-x").is_ok());
        for bad in ["", "a/b", "a b", "é", "a\r\nb", &"1".repeat(65)] {
            assert!(Number::parse(bad).is_err(), "{bad:?}");
        }
        assert!(serde_json::from_str::<Number>("\"a/b\"").is_err());
    }

    #[test]
    fn the_wake_of_a_call_server_names_its_line() {
        let number = Number::parse(&"+".repeat(64)).unwrap();
        let wake = WakeId::of_line("AAAAAAAAAAAAAAAAAAAA_-", &number).unwrap();
        assert_eq!(wake.line(), Some(number));
        assert_eq!(wake.for_logs(), "AAAAAAAAAAAAAAAAAAAA_-");
        for other in [
            "AAAAAAAAAAAAAAAAAAAA_-",
            "short",
            "AAAAAAAAAAAAAAAAAAAA_-!",
            "AAAAAAAAAAAAAAAAAAAA_-_",
        ] {
            assert_eq!(
                WakeId::parse(other).ok().and_then(|wake| wake.line()),
                None,
                "{other}"
            );
        }
    }

    #[test]
    fn an_instance_names_its_device() {
        let device =
            DeviceId::from_instance("\"<urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6>\"").unwrap();
        assert_eq!(device.as_str(), "f81d4fae-7dec-11d0-a765-00a0c91e6bf6");
    }
}
