//! One push, as a line's machine asks for it: what to say becomes a request, the push service's answer becomes an outcome.

use super::app_push;
use super::driver::Identity;
use crate::call;
use crate::outgoing::{self, Came};
use crate::token::Capability;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;
#[cfg(not(target_arch = "wasm32"))]
use wakeline_push::RustCrypto as Crypto;
#[cfg(target_arch = "wasm32")]
use wakeline_push::WebCrypto as Crypto;
use wakeline_push::{Answer, Caller, Kind, Lang, Notice, RequestError, Target, Vapid, VapidKeys};
use wakeline_sip::edge::{PushJob, PushKind, PushOutcome};
use worker::Env;

/// A push service that says nothing for this long counts as not there.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A capability still answers what became of its wake for as long as a push service may keep the notice.
const CAPABILITY_AFTER_MS: u64 = 24 * 60 * 60 * 1000;

/// A device's push target as its line stores it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredTarget {
    /// Where to push.
    pub target: Target,
    /// The origin of the page that subscribed: where a tap leads.
    pub origin: String,
    /// The VAPID key that the site had when it was bound; none on those bound before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vapid: Option<String>,
}

thread_local! {
    /// Imported keys and signed tokens, by public key, for the life of the isolate.
    static VAPID: RefCell<HashMap<String, Rc<Vapid<Crypto>>>> = RefCell::default();
}

/// Sends it. Where the push service says that the subscription belongs to another key, a former key of the site is tried: a rotation
/// loses nobody whose page has not been opened since.
/// What came of it comes with whose push service it was.
pub async fn send(env: &Env, identity: &Identity, job: &PushJob) -> (PushOutcome, &'static str) {
    let stored = match stored(job) {
        Ok(stored) => stored,
        Err(unsent) => return (refused(job, unsent), provider(None)),
    };
    let notice = notice(identity, job, &stored.origin);
    if let Some(cid) = stored.target.cid() {
        return app_push::send(env, identity, &stored.target, cid, &notice, job).await;
    }
    let keys = match identity.site.vapid_keys_for(stored.vapid.as_deref()) {
        Ok(keys) => keys,
        Err(reason) => return (refused(job, Unsent::refused(reason)), provider(None)),
    };
    let mut whose = provider(None);
    let mut answer = Answer::unreachable();
    for key in &keys {
        let (request, vapid) = match build(identity, &stored.target, &notice, key).await {
            Ok(built) => built,
            Err(unsent) => return (refused(job, unsent), whose),
        };
        let url = request.url.clone();
        whose = provider(Some(&url));
        answer = match post(request, 0).await {
            Ok(came) => Answer::of(came.status, came.retry_after.as_deref(), call::now()),
            Err(error) => {
                worker::console_warn!(
                    "event=push_unanswered wake={} device={} reason=\"{error}\"",
                    job.wake.for_logs(),
                    job.device
                );
                Answer::unreachable()
            }
        };
        let Some(fault) = answer.fault() else { break };
        if let (wakeline_push::Fault::Unauthorised, Ok(url)) = (fault, url.parse()) {
            vapid.forget(&url);
        }
        // Some services say 401 where others say 403.
        if !matches!(
            fault,
            wakeline_push::Fault::WrongKey | wakeline_push::Fault::Unauthorised
        ) {
            break;
        }
    }
    if let Some(fault) = answer.fault() {
        worker::console_error!(
            "event=push_fault site={} wake={} reason=\"{fault}\"",
            identity.site.id,
            job.wake.for_logs()
        );
    }
    (outcome(answer), whose)
}

/// Whose push service it is, for counting: one of five words, never a host that a stranger chose.
fn provider(url: Option<&str>) -> &'static str {
    let host = url
        .and_then(|url| url.split('/').nth(2))
        .unwrap_or_default();
    let of = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    match () {
        () if of("googleapis.com") || of("google.com") => "google",
        () if of("services.mozilla.com") => "mozilla",
        () if of("notify.windows.com") => "microsoft",
        () if of("push.apple.com") => "apple",
        () => "other",
    }
}

fn refused(job: &PushJob, unsent: Unsent) -> PushOutcome {
    worker::console_warn!(
        "event=push_refused wake={} device={} reason=\"{}\"",
        job.wake.for_logs(),
        job.device,
        unsent.reason
    );
    unsent.outcome
}

fn stored(job: &PushJob) -> Result<StoredTarget, Unsent> {
    serde_json::from_str(&job.target)
        .map_err(|_| Unsent::refused("the stored target cannot be read"))
}

/// What the line hears of it.
pub fn outcome(answer: Answer) -> PushOutcome {
    let seconds =
        |after: Option<u64>| after.map(|ms| u32::try_from(ms.div_ceil(1000)).unwrap_or(u32::MAX));
    match answer {
        Answer::Accepted => PushOutcome::Accepted,
        Answer::Gone => PushOutcome::Gone,
        Answer::SlowDown { after } => PushOutcome::Later {
            retry_after_s: seconds(after),
            throttled: true,
        },
        Answer::Retry { after } => PushOutcome::Later {
            retry_after_s: seconds(after),
            throttled: false,
        },
        Answer::TooLarge | Answer::Inactive | Answer::Refused(_) => PushOutcome::Refused,
    }
}

/// Why there is nothing to send.
struct Unsent {
    reason: String,
    outcome: PushOutcome,
}

impl Unsent {
    fn refused(reason: impl ToString) -> Self {
        Self {
            reason: reason.to_string(),
            outcome: PushOutcome::Refused,
        }
    }
}

/// What the device is told.
fn notice(identity: &Identity, job: &PushJob, origin: &str) -> Notice {
    let site = &identity.site;
    let capability = Capability {
        site: site.id.clone(),
        number: job.number.to_string(),
        wake: job.wake.to_string(),
        device: job.device.to_string(),
        expires_at: job.expires_at.as_millis() + CAPABILITY_AFTER_MS,
    };
    Notice {
        kind: match job.kind {
            PushKind::Invitation => Kind::Invitation,
            PushKind::Missed => Kind::Missed,
            PushKind::Cancelled => Kind::Cancelled,
            PushKind::Elsewhere => Kind::Elsewhere,
            PushKind::Declined => Kind::Declined,
        },
        wake: job.wake.to_string(),
        number: job.number.to_string(),
        caller: Caller {
            number: job.caller.number.to_string(),
            display_name: job.caller.display_name.clone(),
        },
        issued_at: job.issued_at.as_millis(),
        expires_at: job.expires_at.as_millis(),
        capability: capability.seal(identity.config.edge_secret()),
        attempt: job.attempt,
        lang: Lang::of(job.lang.as_deref().unwrap_or_default()),
        origin: origin.to_owned(),
    }
}

type Built = (wakeline_push::Request, Rc<Vapid<Crypto>>);

async fn build(
    identity: &Identity,
    target: &Target,
    notice: &Notice,
    keys: &VapidKeys,
) -> Result<Built, Unsent> {
    let site = &identity.site;
    #[allow(
        clippy::default_constructed_unit_structs,
        reason = "a unit struct only natively"
    )]
    let crypto = Crypto::default();
    let allow = site.allow_list().map_err(Unsent::refused)?;
    let vapid = vapid(identity, &crypto, keys).await?;
    let request = wakeline_push::request(&crypto, &vapid, &allow, call::now(), target, notice)
        .await
        .map_err(|e| Unsent {
            reason: e.to_string(),
            outcome: match &e {
                RequestError::Crypto(_) if !e.drops_subscription() => PushOutcome::Later {
                    retry_after_s: None,
                    throttled: false,
                },
                _ if e.drops_subscription() => PushOutcome::Gone,
                _ => PushOutcome::Refused,
            },
        })?;
    Ok((request, vapid))
}

async fn vapid(
    identity: &Identity,
    crypto: &Crypto,
    keys: &VapidKeys,
) -> Result<Rc<Vapid<Crypto>>, Unsent> {
    let site = &identity.site;
    // Two sites may share a key, but not a subject.
    let name = format!("{}:{}", site.id, keys.public_key());
    if let Some(vapid) = VAPID.with_borrow(|v| v.get(&name).cloned()) {
        return Ok(vapid);
    }
    let vapid = Rc::new(
        Vapid::new(crypto, keys, &site.push.subject)
            .await
            .map_err(Unsent::refused)?,
    );
    VAPID.with_borrow_mut(|v| v.insert(name, vapid.clone()));
    Ok(vapid)
}

/// Sends it, and reads about `keep` octets of what comes back.
pub(super) async fn post(request: wakeline_push::Request, keep: usize) -> worker::Result<Came> {
    outgoing::post(&request.url, &request.headers, &request.body, keep, TIMEOUT).await
}
