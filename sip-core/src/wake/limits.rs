//! The times and rules of a wake; a site may set them.

use crate::time::Duration;
use serde::{Deserialize, Serialize};

/// How far a decline reaches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeclineScope {
    /// A decline on any device ends the wake.
    #[default]
    Line,
    /// A decline silences that device only.
    Device,
}

/// The times and rules of a wake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// From the call's begin until a device must be ready.
    pub ready: Duration,
    /// A tap this shortly before the end of `ready` gets `tap_grace` more.
    pub tap_last: Duration,
    /// What such a tap gets.
    pub tap_grace: Duration,
    /// How long pages ring, from the first 180 (or from the INVITE while no page alerts).
    pub ring: Duration,
    /// How often a waiting device is pushed again; zero means once only.
    pub repush: Duration,
    /// How long an open flow may stay silent: the probe, and a branch without any response.
    pub silent: Duration,
    /// Wait before a push is tried again when the push service names no time.
    pub push_retry: Duration,
    /// How long the driver may take over one push before it is sent again.
    pub push_lost: Duration,
    /// How long a caller whose socket broke may take to come back while the call is parked.
    pub caller_grace: Duration,
    /// How long a device that cannot be pushed, and whose flow broke or was silent while another may take the call, may take
    /// to come back.
    pub device_grace: Duration,
    /// How far a decline reaches.
    pub decline: DeclineScope,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(60),
            tap_last: Duration::from_secs(1),
            tap_grace: Duration::from_secs(15),
            ring: Duration::from_secs(60),
            repush: Duration::from_secs(15),
            silent: Duration::from_millis(1500),
            push_retry: Duration::from_secs(2),
            push_lost: Duration::from_secs(15),
            // As long as a page repeats its INVITE on a new flow.
            caller_grace: Duration::from_secs(10),
            device_grace: Duration::from_secs(10),
            decline: DeclineScope::Line,
        }
    }
}
