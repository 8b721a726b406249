//! Call servers: who they are to this edge.

use super::json;
use crate::access::Caller;
use crate::call::Call;
use crate::error::{Answer, unauthorized};
use wakeline_edge_api::CallServer;

/// `GET /v1/call-server`: whom the credential names and what it may do; an operator's first request.
pub fn show(call: &Call) -> Answer {
    let Caller::CallServer(server) = &call.caller else {
        return Err(unauthorized());
    };
    json(
        200,
        &CallServer {
            id: server.id.clone(),
            site: call.site.id.clone(),
            domain: call.site.domain.clone(),
            may: server.may.iter().map(|r| r.as_str().into()).collect(),
            now: call.now,
        },
    )
}
