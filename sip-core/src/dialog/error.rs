//! [`DialogError`].

use crate::wire::ParseError;

/// Why a message makes no dialog, or does not fit into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DialogError {
    /// A tag is missing that a dialog is told apart by.
    #[error("peer sent no tag")]
    NoTag,
    /// A Contact is missing that requests would go to.
    #[error("peer sent no contact")]
    NoContact,
    /// The CSeq is not above the last one.
    #[error("peer sent a request out of order")]
    OutOfOrder,
    /// The dialog is over.
    #[error("peer sent a request in a dialog that is over")]
    Terminated,
    /// A header that is needed is malformed.
    #[error(transparent)]
    Parse(#[from] ParseError),
}

impl DialogError {
    /// The status with which the request is refused (RFC 3261 §12.2.2).
    pub fn status(&self) -> u16 {
        match self {
            Self::OutOfOrder => 500,
            Self::Terminated => 481,
            Self::NoTag | Self::NoContact => 400,
            Self::Parse(error) => error.status(),
        }
    }
}
