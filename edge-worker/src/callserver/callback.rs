//! Telling a call server of a state, in place of its asking: a POST with the view, signed, to an address that it gave.
//!
//! The signature is good for five minutes by the receiver's clock, and its `id` (wake and version) names one telling: a receiver
//! that drops what is older, and versions that it has had, cannot be made to act by a recording.

use super::identity::CallServer;
use crate::call;
use crate::objects::driver::Identity;
use crate::outgoing;
use crate::routes::server_wakes;
use std::time::Duration;
use wakeline_edge_api::callback_message;
use wakeline_sip::edge::CallbackJob;

/// The line sends it again after 15 s, and must have heard of this try by then.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The header of the signature. While secrets rotate it holds one `sig` for each.
const SIGNATURE: &str = "Wakeline-Signature";

/// Sends it; whether the call server took it (2xx).
pub async fn send(identity: &Identity, job: &CallbackJob) -> bool {
    let site = &identity.site;
    let server = site.call_servers.iter().find(|s| s.id == job.server);
    // What was good when it was asked may be none of the site's by now.
    let Some(server) = server.filter(|s| s.callbacks.check_callback(&job.url).is_ok()) else {
        worker::console_warn!(
            "event=callback_unnamed site={} server={} wake={}",
            site.id,
            job.server,
            job.wake.id.for_logs()
        );
        return false;
    };
    match post(server, job).await {
        Ok(200..=299) => true,
        Ok(status) => {
            worker::console_warn!(
                "event=callback_refused site={} server={} wake={} status={status}",
                site.id,
                job.server,
                job.wake.id.for_logs()
            );
            false
        }
        Err(error) => {
            worker::console_warn!(
                "event=callback_unanswered site={} server={} wake={} reason=\"{error}\"",
                site.id,
                job.server,
                job.wake.id.for_logs()
            );
            false
        }
    }
}

fn signature(server: &CallServer, at: u64, id: &str, body: &str) -> String {
    let message = callback_message(at, id, body);
    let signatures = server.macs(message.as_bytes());
    let signatures: String = signatures.map(|sig| format!(",sig={sig}")).collect();
    format!("at={at},id={id}{signatures}")
}

async fn post(server: &CallServer, job: &CallbackJob) -> worker::Result<u16> {
    let body = serde_json::to_string(&server_wakes::view(job.wake.clone()))?;
    let id = format!("{}.{}", job.wake.id, job.wake.version);
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        (SIGNATURE, signature(server, call::now(), &id, &body)),
    ];
    let came = outgoing::post(&job.url, &headers, body.as_bytes(), 0, TIMEOUT).await?;
    Ok(came.status)
}
