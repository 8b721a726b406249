//! What a site decides about its edge.

use crate::id::SiteId;
use crate::time::Duration;
use crate::wake;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// One site's settings, as the two objects need them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteConfig {
    /// The site.
    pub id: SiteId,
    /// Its SIP domain; also the realm of digest credentials.
    pub domain: String,
    /// Limits of the wake and its rules.
    pub wake: wake::Limits,
    /// Caps and times of the edge itself.
    pub edge: EdgeLimits,
}

/// Caps and times of the edge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EdgeLimits {
    /// A socket that registered nothing by then is closed.
    pub unregistered: Duration,
    /// Shortest registration that is granted (423 below, RFC 3261 §10.3).
    pub min_expires_s: u32,
    /// Longest registration that is granted, and the default.
    pub max_expires_s: u32,
    /// Largest frame read from a socket.
    pub max_frame: usize,
    /// Frames a socket may send per second, on average.
    pub frames_per_s: u32,
    /// Frames a socket may send at once.
    pub frames_burst: u32,
    /// Lines on one socket.
    pub max_lines_per_flow: usize,
    /// Transactions open on one socket, in each direction.
    pub max_transactions: usize,
    /// Messages of one socket that wait to be delivered to lines; more close it.
    pub max_undelivered: usize,
    /// Conversations of one socket with lines (lines and calls of the last minutes); more calls are refused.
    pub max_streams: usize,
    /// Devices bound to one line.
    pub max_devices: usize,
    /// Registered contacts of one line.
    pub max_bindings: usize,
    /// Calls of one line that are not answered yet.
    pub max_parked: usize,
    /// Calls of one line that have not ended.
    pub max_calls: usize,
    /// Calls of one caller to one line that are not answered yet.
    pub max_parked_per_caller: usize,
    /// Calls of one caller to one line in a minute.
    pub calls_per_minute: u32,
    /// Calls to one line in a minute, whoever calls.
    pub line_calls_per_minute: u32,
    /// A page in a call shows who else calls; otherwise it is busy.
    pub call_waiting: bool,
    /// Callers whom one line has blocked.
    pub max_blocked: usize,
    /// Calls of one line in all, the ended ones that are still remembered included.
    pub max_remembered: usize,
    /// Missed calls kept.
    pub max_missed: usize,
    /// How soon a page whose call waits is asked for a sign of life, if it has never answered such a question.
    pub asked_first: Duration,
    /// How often it is asked from then on, if nothing else is heard of it.
    pub asked_every: Duration,
    /// How long it may take to answer.
    pub asked_for: Duration,
    /// How long the other side hears nothing of a lost party in a call.
    pub lost_told: Duration,
    /// How long a lost party has to come back before the edge ends the call.
    pub lost_ends: Duration,
    /// How long an ended call is remembered for late messages and questions.
    pub remembered: Duration,
    /// How long records are kept, missed calls among them; `None`: as long as there is room.
    pub retention: Option<Duration>,
}

impl Default for EdgeLimits {
    fn default() -> Self {
        Self {
            unregistered: Duration::from_secs(10),
            min_expires_s: 30,
            max_expires_s: 600,
            max_frame: 64 * 1024,
            frames_per_s: 50,
            frames_burst: 200,
            max_lines_per_flow: 32,
            max_transactions: 128,
            max_undelivered: 256,
            max_streams: 1024,
            max_devices: 16,
            max_bindings: 32,
            max_parked: 8,
            max_calls: 32,
            max_parked_per_caller: 2,
            calls_per_minute: 30,
            line_calls_per_minute: 120,
            call_waiting: true,
            max_blocked: 500,
            max_remembered: 256,
            max_missed: 100,
            asked_first: Duration::from_secs(1),
            asked_every: Duration::from_secs(10),
            asked_for: Duration::from_secs(10),
            lost_told: Duration::from_secs(15),
            lost_ends: Duration::from_secs(30),
            remembered: Duration::from_secs(300),
            retention: None,
        }
    }
}

impl SiteConfig {
    /// A site with default limits.
    pub fn new(id: SiteId, domain: impl Into<String>) -> Self {
        Self {
            id,
            domain: domain.into(),
            wake: wake::Limits::default(),
            edge: EdgeLimits::default(),
        }
    }
}
