//! [`Limits`]: how much of a peer's input is looked at.

/// Caps that are checked before anything is decoded or copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole message.
    pub message: usize,
    /// Header fields.
    pub headers: usize,
    /// Octets of one header field with its continuation lines, or of the start line.
    pub line: usize,
    /// Values of one list header (Via, Route, Contact …) over all its fields.
    pub list: usize,
    /// Depth of what nests: comments inside comments (RFC 3261 §25.1).
    pub nesting: usize,
}

impl Limits {
    /// What a page or an edge accepts from a peer.
    pub const DEFAULT: Self = Self {
        message: 65_536,
        headers: 128,
        line: 8_192,
        list: 64,
        nesting: 8,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Parameters of one URI or header value; more is an attack.
pub(super) const MAX_PARAMS: usize = 64;
