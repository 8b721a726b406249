//! What must never reach a log, an error or a comparison that takes longer the more of it is right.

use serde::Deserialize;
use subtle::ConstantTimeEq;

/// Keeps its value out of `Debug` and has no `Display`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, where it is used.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What `SITES` names, with the secret that `SITE_SECRETS` holds for it: both, or neither. Else what to say: `unkept` where there is no
/// secret, `unnamed` where there is nothing that it could be for.
pub fn paired<V, S>(
    named: Option<V>,
    secret: Option<S>,
    unkept: &'static str,
    unnamed: &'static str,
) -> Result<Option<(V, S)>, &'static str> {
    match (named, secret) {
        (None, None) => Ok(None),
        (Some(named), Some(secret)) => Ok(Some((named, secret))),
        (Some(_), None) => Err(unkept),
        (None, Some(_)) => Err(unnamed),
    }
}

/// Compares digests of both sides in constant time: neither length nor prefix shows in the time it takes.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    Sha256::digest(a).ct_eq(&Sha256::digest(b)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }

    #[test]
    fn same_is_equality() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"abc", b"abcd"));
    }
}
