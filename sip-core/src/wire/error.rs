//! [`ParseError`]: what is wrong with a message, and the status that says so.

use super::HeaderName;
use alloc::{borrow::ToOwned, string::String};

/// Why bytes are no acceptable message. Small and copyable; names the header where one is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing but line ends.
    #[error("peer sent an empty message")]
    Empty,
    /// More octets than [`super::Limits::message`].
    #[error("peer sent a message that is too large")]
    TooLarge,
    /// More header fields than [`super::Limits::headers`].
    #[error("peer sent too many header fields")]
    TooManyHeaders,
    /// A line longer than [`super::Limits::line`].
    #[error("peer sent a line that is too long")]
    LineTooLong,
    /// More values than [`super::Limits::list`].
    #[error("peer sent too many values of {0}")]
    TooManyValues(HeaderName),
    /// More parameters than one value may have.
    #[error("peer sent too many parameters")]
    TooManyParams,
    /// Comments nested deeper than [`super::Limits::nesting`].
    #[error("peer nested comments too deeply")]
    TooDeep,
    /// Neither a request line nor a status line.
    #[error("peer sent a malformed start line")]
    StartLine,
    /// Another version than SIP/2.0.
    #[error("peer speaks another version of sip")]
    Version,
    /// A status code outside of 100 to 699.
    #[error("peer sent an impossible status code")]
    StatusCode,
    /// A CR or LF that is not part of a CRLF.
    #[error("peer ended a line without crlf")]
    LineEnd,
    /// A header line without a colon or with an impossible name.
    #[error("peer sent a malformed header line")]
    HeaderLine,
    /// The input ends before the empty line.
    #[error("peer's message ends inside of its headers")]
    Truncated,
    /// Content-Length is larger than what arrived.
    #[error("peer's body is shorter than its content-length")]
    BodyTooShort,
    /// A mandatory header is absent.
    #[error("peer sent no {0}")]
    Missing(HeaderName),
    /// A header that may occur once occurs more often.
    #[error("peer sent more than one {0}")]
    Duplicate(HeaderName),
    /// A header whose value is not what its grammar says.
    #[error("peer sent a malformed {0}")]
    Malformed(HeaderName),
    /// The method of CSeq is not that of the request.
    #[error("peer's cseq names another method")]
    CSeqMethod,
    /// The Request-URI, or a URI parsed by itself, is malformed.
    #[error("peer sent a malformed uri")]
    Uri,
    /// A value parsed by itself, outside of any header, is malformed.
    #[error("malformed value")]
    Value,
}

impl ParseError {
    /// The status code with which a request is refused.
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge | Self::TooManyHeaders | Self::LineTooLong | Self::TooManyValues(_) => {
                513
            }
            Self::Version => 505,
            _ => 400,
        }
    }

    /// The reason phrase for that status: it names the header at fault (RFC 3261 §21.4.1).
    pub fn reason(&self) -> String {
        match self {
            Self::Missing(name) => ["Missing ", name.as_str()].concat(),
            Self::Duplicate(name) => ["Duplicate ", name.as_str()].concat(),
            Self::Malformed(name) => ["Malformed ", name.as_str()].concat(),
            Self::CSeqMethod => "CSeq Method Mismatch".to_owned(),
            Self::Uri => "Malformed URI".to_owned(),
            Self::StartLine => "Malformed Request-Line".to_owned(),
            Self::BodyTooShort => "Body Shorter Than Content-Length".to_owned(),
            Self::Version => "Version Not Supported".to_owned(),
            _ if self.status() == 513 => "Message Too Large".to_owned(),
            _ => "Bad Request".to_owned(),
        }
    }

    /// The same fault, told of the header in whose value it was found.
    pub(super) fn within(self, name: HeaderName) -> Self {
        match self {
            Self::Uri | Self::Value => Self::Malformed(name),
            other => other,
        }
    }
}
