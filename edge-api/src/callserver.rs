//! Call servers.

use serde::{Deserialize, Serialize};

/// `GET /v1/call-server`: who the edge takes the caller for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "tsify", derive(tsify::Tsify))]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CallServer {
    /// Its id.
    pub id: String,
    /// The site it belongs to.
    pub site: String,
    /// The SIP domain of that site.
    pub domain: String,
    /// What it may do; nothing else.
    pub may: Vec<String>,
    /// The edge's clock, to set one's own by.
    pub now: u64,
}

/// What a call server signs with its secret (`Authorization: WakelineServer id=…,at=…,sig=…`): the edge's origin, the method, the
/// path with its query, the time, and the lower-case hex SHA-256 of the body.
pub fn server_message(origin: &str, method: &str, target: &str, at: u64, body: &str) -> String {
    format!("wakeline-server\n{origin}\n{method}\n{target}\n{at}\n{body}")
}
