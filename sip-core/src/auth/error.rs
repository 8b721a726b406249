//! [`AuthError`].

/// Why a challenge or credentials cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// Neither SHA-256 nor MD5.
    #[error("peer asks for an unknown digest algorithm")]
    UnknownAlgorithm,
    /// Only protections are offered that are not spoken here (`auth-int`).
    #[error("peer asks for an unknown quality of protection")]
    UnknownProtection,
    /// Another scheme than the expected one.
    #[error("peer uses another authentication scheme")]
    OtherScheme,
    /// A parameter that must be there is not.
    #[error("peer's authentication lacks a parameter")]
    Incomplete,
    /// A parameter that cannot be understood.
    #[error("peer's authentication is malformed")]
    Malformed,
}
