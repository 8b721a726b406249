//! [`CSeq`]: the order of requests (RFC 3261 §20.16).

use alloc::string::{String, ToString};

use super::scan::{all_token, is_lws, number, trim};
use super::text::{Text, as_text};
use super::{Method, ParseError};

/// A sequence number and a method.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// A CSeq.
    pub const fn new(number: u32, method: Method) -> Self {
        Self { number, method }
    }

    /// Number and method as slices.
    pub(super) fn split(text: &str) -> Result<(u32, &str), ParseError> {
        let text = trim(text);
        let gap = text.bytes().position(is_lws).ok_or(ParseError::Value)?;
        let value: u32 = number(&text[..gap])?;
        if value >= 1 << 31 {
            return Err(ParseError::Value);
        }
        let method = trim(&text[gap..]);
        if !all_token(method.as_bytes()) {
            return Err(ParseError::Value);
        }
        Ok((value, method))
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        let (number, method) = Self::split(text)?;
        Ok(Self {
            number,
            method: Method::parse_text(method)?,
        })
    }
}

impl Text for CSeq {
    fn write(&self, out: &mut String) {
        out.push_str(&self.number.to_string());
        out.push(' ');
        out.push_str(self.method.as_str());
    }
}

as_text!(CSeq);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_below_two_to_the_thirty_first() {
        assert_eq!(
            "0009 \t INVITE".parse::<CSeq>(),
            Ok(CSeq::new(9, Method::Invite))
        );
        for text in [
            "2147483648 INVITE",
            "36893488147419103232 REGISTER",
            "1",
            "INVITE 1",
            "-1 ACK",
            "1 A B",
            "1 REG<STER",
        ] {
            assert!(text.parse::<CSeq>().is_err(), "{text}");
        }
    }
}
