//! [`HeaderName`]: the header names that the core knows, with their compact forms.

use alloc::string::String;
use core::fmt;

macro_rules! names {
    ($($variant:ident $long:literal $($short:literal)?;)*) => {
        /// A header name that is known here. Unknown names are used by their text: `headers.get("X-Mine")`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(#[doc = concat!("`", $long, "`")] $variant,)*
        }

        impl HeaderName {
            /// The canonical spelling.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $long,)* }
            }

            const fn compact(letter: u8) -> Option<Self> {
                let letter = letter.to_ascii_lowercase();
                $($(if letter == $short { return Some(Self::$variant); })?)*
                None
            }

            /// Every known name.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
        }
    };
}

names! {
    Via "Via" b'v';
    From "From" b'f';
    To "To" b't';
    CallId "Call-ID" b'i';
    CSeq "CSeq";
    Contact "Contact" b'm';
    MaxForwards "Max-Forwards";
    ContentLength "Content-Length" b'l';
    ContentType "Content-Type" b'c';
    Allow "Allow";
    Supported "Supported" b'k';
    UserAgent "User-Agent";
    Route "Route";
    RecordRoute "Record-Route";
    Expires "Expires";
    Authorization "Authorization";
    WwwAuthenticate "WWW-Authenticate";
    ProxyAuthorization "Proxy-Authorization";
    ProxyAuthenticate "Proxy-Authenticate";
    Require "Require";
    ProxyRequire "Proxy-Require";
    Unsupported "Unsupported";
    Reason "Reason";
    Path "Path";
    Server "Server";
    RetryAfter "Retry-After";
    MinExpires "Min-Expires";
    Event "Event" b'o';
    AllowEvents "Allow-Events" b'u';
    SubscriptionState "Subscription-State";
    ReferTo "Refer-To" b'r';
    ReferredBy "Referred-By" b'b';
    Replaces "Replaces";
    PAssertedIdentity "P-Asserted-Identity";
    PPreferredIdentity "P-Preferred-Identity";
    Privacy "Privacy";
    RecvInfo "Recv-Info";
    InfoPackage "Info-Package";
    RSeq "RSeq";
    RAck "RAck";
    SessionExpires "Session-Expires" b'x';
    MinSe "Min-SE";
    AcceptContact "Accept-Contact" b'a';
    RejectContact "Reject-Contact" b'j';
    RequestDisposition "Request-Disposition" b'd';
    Identity "Identity" b'y';
    ContentEncoding "Content-Encoding" b'e';
    ContentDisposition "Content-Disposition";
    ContentLanguage "Content-Language";
    Accept "Accept";
    AcceptEncoding "Accept-Encoding";
    AcceptLanguage "Accept-Language";
    Subject "Subject" b's';
    Date "Date";
    Timestamp "Timestamp";
    Warning "Warning";
    Priority "Priority";
    Organization "Organization";
    InReplyTo "In-Reply-To";
    ReplyTo "Reply-To";
    AlertInfo "Alert-Info";
    CallInfo "Call-Info";
    ErrorInfo "Error-Info";
    MimeVersion "MIME-Version";
    AuthenticationInfo "Authentication-Info";
    ServiceRoute "Service-Route";
    FlowTimer "Flow-Timer";
    SipIfMatch "SIP-If-Match";
    SipETag "SIP-ETag";
    Diversion "Diversion";
    HistoryInfo "History-Info";
    UserToUser "User-to-User";
}

/// A perfect hash of the known names: length, first and middle letter. The factors were searched for.
const fn slot(length: usize, first: u8, middle: u8) -> usize {
    (length + (first | 0x20) as usize * 9 + (middle | 0x20) as usize * 220) & 255
}

static SLOTS: [Option<HeaderName>; 256] = {
    let mut slots = [None; 256];
    let mut i = 0;
    while i < HeaderName::ALL.len() {
        let text = HeaderName::ALL[i].as_str().as_bytes();
        let at = slot(text.len(), text[0], text[text.len() / 2]);
        assert!(
            slots[at].is_none(),
            "two names share a slot: search for other factors"
        );
        slots[at] = Some(HeaderName::ALL[i]);
        i += 1;
    }
    slots
};

impl HeaderName {
    /// The known name for a text in any case or compact form.
    pub fn lookup(text: &[u8]) -> Option<Self> {
        match text {
            [letter] => Self::compact(*letter),
            [first, .., _] => {
                let known = SLOTS[slot(text.len(), *first, text[text.len() / 2])]?;
                known
                    .as_str()
                    .as_bytes()
                    .eq_ignore_ascii_case(text)
                    .then_some(known)
            }
            [] => None,
        }
    }

    /// May it be given once only (RFC 3261 §7.3.1: not defined as a comma-separated list)?
    pub const fn is_single(self) -> bool {
        matches!(
            self,
            Self::From
                | Self::To
                | Self::CallId
                | Self::CSeq
                | Self::MaxForwards
                | Self::ContentLength
                | Self::ContentType
                | Self::ContentDisposition
                | Self::Expires
                | Self::MinExpires
                | Self::Event
                | Self::SubscriptionState
                | Self::ReferTo
                | Self::Replaces
                | Self::InfoPackage
                | Self::RSeq
                | Self::RAck
                | Self::SessionExpires
                | Self::MinSe
                | Self::Date
                | Self::Timestamp
                | Self::RetryAfter
        )
    }

    /// Are several values of it given in one field, divided by commas?
    pub const fn is_list(self) -> bool {
        matches!(
            self,
            Self::Via
                | Self::Contact
                | Self::Route
                | Self::RecordRoute
                | Self::Path
                | Self::ServiceRoute
                | Self::Allow
                | Self::Supported
                | Self::RecvInfo
                | Self::Require
                | Self::ProxyRequire
                | Self::Unsupported
                | Self::AllowEvents
                | Self::Accept
                | Self::AcceptEncoding
                | Self::AcceptLanguage
                | Self::AcceptContact
                | Self::RejectContact
                | Self::RequestDisposition
                | Self::ContentEncoding
                | Self::ContentLanguage
                | Self::Reason
                | Self::Warning
                | Self::InReplyTo
                | Self::AlertInfo
                | Self::CallInfo
                | Self::ErrorInfo
                | Self::PAssertedIdentity
                | Self::PPreferredIdentity
                | Self::Diversion
                | Self::HistoryInfo
        )
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name as it is looked for: known, or by its text.
#[derive(Clone, Copy, Debug)]
pub enum NameRef<'a> {
    /// A name of the table.
    Known(HeaderName),
    /// Another name, compared without regard to case.
    Other(&'a str),
}

/// What can name a header: a [`HeaderName`] or a text.
pub trait AsName {
    /// The name to look for.
    fn as_name(&self) -> NameRef<'_>;
}

impl AsName for HeaderName {
    fn as_name(&self) -> NameRef<'_> {
        NameRef::Known(*self)
    }
}

impl AsName for str {
    fn as_name(&self) -> NameRef<'_> {
        HeaderName::lookup(self.as_bytes()).map_or(NameRef::Other(self), NameRef::Known)
    }
}

impl AsName for String {
    fn as_name(&self) -> NameRef<'_> {
        self.as_str().as_name()
    }
}

impl<T: AsName + ?Sized> AsName for &T {
    fn as_name(&self) -> NameRef<'_> {
        (**self).as_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case() {
        for name in HeaderName::ALL {
            assert_eq!(
                HeaderName::lookup(name.as_str().to_ascii_uppercase().as_bytes()),
                Some(*name)
            );
        }
        assert_eq!(HeaderName::lookup(b"V"), Some(HeaderName::Via));
        assert_eq!(HeaderName::lookup(b"x-other"), None);
    }
}
