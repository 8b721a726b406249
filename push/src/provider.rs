//! The ways a device can be reached.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::allow::{AllowList, EndpointError};
use crate::subscription::Subscription;
use crate::vendor::Cid;

/// Where a device's pushes go: one variant for each push provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// A browser's Web Push subscription (RFC 8030).
    WebPush(Subscription),
    /// A Web Push endpoint without keys, as `pn-prid` names it (RFC 8599): it takes an empty push only.
    Bare(Bare),
    /// An app's client id at Getui.
    Getui(App),
    /// An app's client id at uni-push 2.0, which a cloud function reaches.
    Unicloud(App),
}

impl Target {
    /// The client id of an app; none for a browser.
    #[must_use]
    pub fn cid(&self) -> Option<&Cid> {
        match self {
            Self::WebPush(_) | Self::Bare(_) => None,
            Self::Getui(app) | Self::Unicloud(app) => Some(&app.cid),
        }
    }

    /// One word for what it is, as the API says it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::WebPush(_) | Self::Bare(_) => "webpush",
            Self::Getui(_) => "getui",
            Self::Unicloud(_) => "unicloud",
        }
    }
}

/// An app's installation, as its vendor knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its client id.
    pub cid: Cid,
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
