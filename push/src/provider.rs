//! The ways a device can be reached.

use serde::{Deserialize, Serialize};

use crate::subscription::Subscription;

/// Where a device's pushes go: one variant for each push provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Target {
    /// A browser's Web Push subscription (RFC 8030).
    WebPush(Subscription),
}
