//! Typed getters of [`Headers`]; decoded when asked for.

use alloc::{string::String, vec::Vec};
use core::str::FromStr;

use super::scan::{number, split_list};
use super::{
    AsName, CSeq, Challenge, Contact, Contacts, Credentials, HeaderName, Headers, NameAddr,
    ParseError, Reason, Via,
};

impl Headers {
    /// From.
    pub fn from(&self) -> Result<NameAddr, ParseError> {
        self.mandatory(HeaderName::From)
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, ParseError> {
        self.mandatory(HeaderName::To)
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, ParseError> {
        self.get(HeaderName::CallId)
            .ok_or(ParseError::Missing(HeaderName::CallId))
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, ParseError> {
        self.mandatory(HeaderName::CSeq)
    }

    /// The topmost Via.
    pub fn top_via(&self) -> Result<Via, ParseError> {
        let text = self
            .get(HeaderName::Via)
            .ok_or(ParseError::Missing(HeaderName::Via))?;
        let first = split_list(text).next().unwrap_or(Err(ParseError::Value));
        first
            .and_then(Via::from_str)
            .map_err(|e| e.within(HeaderName::Via))
    }

    /// Every Via, the topmost first.
    pub fn vias(&self) -> Result<Vec<Via>, ParseError> {
        self.list(HeaderName::Via)
    }

    /// The contacts, or the star.
    pub fn contacts(&self) -> Result<Contacts, ParseError> {
        if self.get(HeaderName::Contact) == Some("*") {
            let alone = self.get_all(HeaderName::Contact).len() == 1;
            return if alone {
                Ok(Contacts::Star)
            } else {
                Err(ParseError::Malformed(HeaderName::Contact))
            };
        }
        self.list(HeaderName::Contact).map(Contacts::List)
    }

    /// The first contact: the remote target of a dialog.
    pub fn contact(&self) -> Result<Option<Contact>, ParseError> {
        Ok(match self.contacts()? {
            Contacts::Star => None,
            Contacts::List(list) => list.into_iter().next(),
        })
    }

    /// Every Route, the topmost first.
    pub fn routes(&self) -> Result<Vec<NameAddr>, ParseError> {
        self.list(HeaderName::Route)
    }

    /// Every Record-Route, the topmost first.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, ParseError> {
        self.list(HeaderName::RecordRoute)
    }

    /// Every Path, the topmost first (RFC 3327).
    pub fn paths(&self) -> Result<Vec<NameAddr>, ParseError> {
        self.list(HeaderName::Path)
    }

    /// Max-Forwards.
    pub fn max_forwards(&self) -> Result<Option<u8>, ParseError> {
        self.number(HeaderName::MaxForwards)
    }

    /// Seconds of Expires; more than 32 bits count as their maximum.
    pub fn expires(&self) -> Result<Option<u32>, ParseError> {
        Ok(self
            .number::<u64>(HeaderName::Expires)?
            .map(|s| u32::try_from(s).unwrap_or(u32::MAX)))
    }

    /// Seconds of Min-Expires.
    pub fn min_expires(&self) -> Result<Option<u32>, ParseError> {
        self.number(HeaderName::MinExpires)
    }

    /// Seconds of Retry-After; its comment and parameters are not looked at.
    pub fn retry_after(&self) -> Result<Option<u32>, ParseError> {
        let Some(text) = self.get(HeaderName::RetryAfter) else {
            return Ok(None);
        };
        let end = text
            .bytes()
            .position(|b| !b.is_ascii_digit())
            .unwrap_or(text.len());
        number(&text[..end])
            .map(Some)
            .map_err(|e| e.within(HeaderName::RetryAfter))
    }

    /// The first Reason.
    pub fn reason(&self) -> Result<Option<Reason>, ParseError> {
        Ok(self.reasons()?.into_iter().next())
    }

    /// Every Reason, one a protocol (RFC 3326).
    pub fn reasons(&self) -> Result<Vec<Reason>, ParseError> {
        self.list(HeaderName::Reason)
    }

    /// The challenges of WWW-Authenticate or Proxy-Authenticate, in the order of the server's preference.
    pub fn challenges(&self, name: HeaderName) -> Result<Vec<Challenge>, ParseError> {
        self.each(name)
    }

    /// The credentials of Authorization or Proxy-Authorization.
    pub fn credentials(&self, name: HeaderName) -> Result<Vec<Credentials>, ParseError> {
        self.each(name)
    }

    /// The media type of the body in lower case, without parameters.
    pub fn content_type(&self) -> Option<String> {
        let text = self.get(HeaderName::ContentType)?;
        Some(
            text.split(';')
                .next()
                .unwrap_or(text)
                .trim()
                .to_ascii_lowercase(),
        )
    }

    /// The values of a comma-separated header, each decoded.
    pub fn list<T: FromStr<Err = ParseError>>(
        &self,
        name: HeaderName,
    ) -> Result<Vec<T>, ParseError> {
        let mut out = Vec::new();
        for field in self.iter().filter(|f| f.known() == Some(name)) {
            let text = field.text().ok_or(ParseError::Malformed(name))?;
            for item in split_list(text) {
                out.push(item.and_then(T::from_str).map_err(|e| e.within(name))?);
            }
        }
        Ok(out)
    }

    /// The first field of a name, decoded.
    pub fn one<T: FromStr<Err = ParseError>>(
        &self,
        name: impl AsName,
    ) -> Result<Option<T>, ParseError> {
        let known = match name.as_name() {
            super::NameRef::Known(known) => Some(known),
            super::NameRef::Other(_) => None,
        };
        self.get(name)
            .map(T::from_str)
            .transpose()
            .map_err(|e| known.map_or(e, |name| e.within(name)))
    }

    fn mandatory<T: FromStr<Err = ParseError>>(&self, name: HeaderName) -> Result<T, ParseError> {
        self.one(name)?.ok_or(ParseError::Missing(name))
    }

    fn number<T: FromStr>(&self, name: HeaderName) -> Result<Option<T>, ParseError> {
        self.get(name)
            .map(number)
            .transpose()
            .map_err(|e| e.within(name))
    }

    fn each<T: FromStr<Err = ParseError>>(&self, name: HeaderName) -> Result<Vec<T>, ParseError> {
        let fields = self.iter().filter(|f| f.known() == Some(name));
        fields
            .map(|f| {
                f.text()
                    .ok_or(ParseError::Value)
                    .and_then(T::from_str)
                    .map_err(|e| e.within(name))
            })
            .collect()
    }
}

/// The usual reason phrase of a status code (RFC 3261 §21 and later ones).
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        199 => "Early Dialog Terminated",
        200 => "OK",
        202 => "Accepted",
        204 => "No Notification",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        428 => "Use Identity Header",
        429 => "Too Many Requests",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        439 => "First Hop Lacks Outbound Support",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        101..200 => "Progress",
        201..300 => "Success",
        _ => "Failed",
    }
}
