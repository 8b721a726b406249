//! The name by which a vendor knows an app's installation.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A vendor's client id. A secret, as a subscription's endpoint is: whoever knows it and the app's keys can push.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cid(String);

/// Not a client id.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the cid is not 8 to 128 letters, digits, '-' and '_', as the vendor's SDK hands it out")]
pub struct CidError;

impl Cid {
    /// Takes what an app was handed by its SDK. The vendor says nothing of its shape; what it hands out is of these characters, and
    /// nothing else may stand in a request.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, CidError> {
        let is_cid = (8..=128).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        is_cid.then(|| Self(text.to_owned())).ok_or(CidError)
    }

    /// As it stands in a request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Cid {
    type Error = CidError;
    fn try_from(text: String) -> Result<Self, CidError> {
        Self::parse(&text)
    }
}

impl From<Cid> for String {
    fn from(cid: Cid) -> Self {
        cid.0
    }
}

impl fmt::Debug for Cid {
    /// It stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cid(…)")
    }
}
