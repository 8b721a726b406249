//! The ways a device can be reached.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::allow::{AllowList, EndpointError};
use crate::subscription::Subscription;

/// Where a device's pushes go: one variant for each push provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// A browser's Web Push subscription (RFC 8030).
    WebPush(Subscription),
    /// A Web Push endpoint without keys, as `pn-prid` names it (RFC 8599): it takes an empty push only.
    Bare(Bare),
}

/// An endpoint that nothing can be said to, only rung.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bare {
    endpoint: String,
}

impl Bare {
    /// Refuses an endpoint that is not on the list.
    ///
    /// # Errors
    /// Why it may not be called.
    pub fn parse(endpoint: &str, allow: &AllowList) -> Result<Self, EndpointError> {
        allow.check(endpoint)?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
        })
    }

    /// The URL of the push resource. A secret.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }
}

impl fmt::Debug for Bare {
    /// The endpoint stays out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bare").finish_non_exhaustive()
    }
}
