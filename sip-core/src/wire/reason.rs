//! [`Reason`]: why a request or response was sent (RFC 3326).

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};

use super::ParseError;
use super::params::{Params, ParamsRef, quote};
use super::scan::{all_token, number, trim};
use super::text::{Text, as_text};

/// A Reason value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850` …
    pub protocol: String,
    /// The parameters; `cause` and `text` have accessors.
    pub params: Params,
}

impl Reason {
    /// A reason of SIP: a status code and words for people.
    pub fn sip(cause: u16, text: &str) -> Self {
        Self::new("SIP", cause, text)
    }

    /// A reason of a protocol.
    pub fn new(protocol: &str, cause: u16, text: &str) -> Self {
        let mut params = Params::new().with("cause", cause.to_string());
        if !text.is_empty() {
            params.set("text", quote(text));
        }
        Self {
            protocol: protocol.to_owned(),
            params,
        }
    }

    /// The cause.
    pub fn cause(&self) -> Option<u16> {
        self.params.get("cause").and_then(|v| number(v).ok())
    }

    /// The words, quotes and escapes resolved.
    pub fn text(&self) -> Option<String> {
        self.params.text("text").map(alloc::borrow::Cow::into_owned)
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        let text = trim(text);
        let end = memchr::memchr(b';', text.as_bytes()).unwrap_or(text.len());
        let protocol = trim(&text[..end]);
        if !all_token(protocol.as_bytes()) {
            return Err(ParseError::Value);
        }
        Ok(Self {
            protocol: protocol.to_owned(),
            params: Params::try_from(ParamsRef(&text[end..]))?,
        })
    }
}

impl Text for Reason {
    fn write(&self, out: &mut String) {
        out.push_str(&self.protocol);
        self.params.write(out);
    }
}

as_text!(Reason);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cause_and_text_go_there_and_back() {
        let reason = Reason::sip(200, "Call completed elsewhere");
        assert_eq!(
            reason.to_string(),
            r#"SIP;cause=200;text="Call completed elsewhere""#
        );
        let back: Reason = r#"SIP ;cause=200 ;text="Call completed elsewhere""#
            .parse()
            .unwrap();
        assert_eq!(
            (back.cause(), back.text().as_deref()),
            (Some(200), Some("Call completed elsewhere"))
        );
        assert_eq!(back, reason);
    }
}
