//! [`Method`]: what a request asks for.

use alloc::{boxed::Box, string::String};

use super::ParseError;
use super::scan::all_token;
use super::text::{Text, as_text};

macro_rules! methods {
    ($($variant:ident $text:literal;)*) => {
        /// A request method. Methods are case-sensitive (RFC 3261 §7.1); unknown ones are kept.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $text, "`")] $variant,)*
            /// A method that is not known here; a token.
            Other(Box<str>),
        }

        impl Method {
            /// The method as it is written.
            pub fn as_str(&self) -> &str {
                match self { $(Self::$variant => $text,)* Self::Other(text) => text }
            }

            pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ if all_token(text.as_bytes()) => Ok(Self::Other(text.into())),
                    _ => Err(ParseError::Value),
                }
            }
        }
    };
}

methods! {
    Invite "INVITE";
    Ack "ACK";
    Bye "BYE";
    Cancel "CANCEL";
    Register "REGISTER";
    Options "OPTIONS";
    Info "INFO";
    Update "UPDATE";
    Prack "PRACK";
    Subscribe "SUBSCRIBE";
    Notify "NOTIFY";
    Publish "PUBLISH";
    Message "MESSAGE";
    Refer "REFER";
}

impl Text for Method {
    fn write(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

as_text!(Method);
