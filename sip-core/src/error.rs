//! The errors of all rooms in one, for callers that do not care which room refused.

use crate::auth::AuthError;
use crate::dialog::DialogError;
use crate::wire::ParseError;

/// Whatever a room of this crate can refuse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes are no acceptable SIP message.
    #[error(transparent)]
    Wire(#[from] ParseError),
    /// The message does not fit its dialog.
    #[error(transparent)]
    Dialog(#[from] DialogError),
    /// The challenge or the credentials cannot be used.
    #[error(transparent)]
    Auth(#[from] AuthError),
}
