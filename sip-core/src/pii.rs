//! [`Pii`]: identities and secrets that must not reach a log.

use core::fmt;
use core::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};

/// Personal or secret data. It can be used, compared and stored, but `Debug` and `Display` hide it.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pii<T>(pub T);

impl<T> Pii<T> {
    /// The data itself; the name says at the place of use that an identity leaves its wrapper.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// Takes the data out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl<T> From<T> for Pii<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Pii<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Pii<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_debug_nor_display_shows_the_data() {
        let secret = Pii("alice".to_owned());
        assert!(!format!("{secret:?} {secret} {secret:#?}").contains("alice"));
        assert_eq!(secret.expose(), "alice");
    }
}
