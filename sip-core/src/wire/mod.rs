//! Bytes to messages and back (RFC 3261 §7, §20, §25; RFC 7118 framing). Imports no other room.
//!
//! Two layers:
//! - [`View`] is what one pass over the bytes yields: start line, header slices and body, borrowed from the input. Its
//!   typed headers ([`UriRef`], [`NameAddrRef`], [`ViaRef`] …) are decoded when asked for and borrow as well.
//! - [`Message`] is owned and editable, checked for the mandatory headers, and serialisable.
//!
//! What the parser does not know it keeps: unknown headers, methods, reasons and bodies come out byte for byte.

mod builder;
mod challenge;
mod cseq;
mod error;
mod headers;
mod limits;
mod message;
mod method;
mod name;
mod name_addr;
mod params;
mod reason;
#[cfg(any(test, feature = "rsip"))]
mod rsip_types;
mod scan;
mod text;
mod typed;
mod uri;
mod via;
mod view;

pub use challenge::{Challenge, Credentials};
pub use cseq::CSeq;
pub use error::ParseError;
pub use headers::{Field, Headers};
pub use limits::Limits;
pub use message::{Message, Request, Response};
pub use method::Method;
pub use name::{AsName, HeaderName, NameRef};
pub use name_addr::{Contact, Contacts, NameAddr, NameAddrRef};
pub use params::{Params, ParamsRef, quote, unquote};
pub use reason::Reason;
#[cfg(any(test, feature = "rsip"))]
pub use rsip_types::RsipError;
pub use scan::split_list;
pub use text::Text;
pub use typed::phrase;
pub(crate) use uri::unescape;
pub use uri::{Scheme, Uri, UriRef};
pub use via::{Via, ViaRef};
pub use view::{FieldRef, StartLine, View};
