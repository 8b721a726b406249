//! One push to an app, by its vendor's service. Neither its client id nor the token is ever logged.

use super::driver::Identity;
use super::push::{outcome, post};
use super::vendor;
use crate::call;
use crate::outgoing::MAX_BODY;
use wakeline_push::{Answer, Cid, Notice, Provider, Said, Target, Token};
use wakeline_sip::edge::{PushJob, PushOutcome};
use worker::Env;

/// Sends it; what came of it, and by whom.
pub async fn send(
    env: &Env,
    identity: &Identity,
    target: &Target,
    cid: &Cid,
    notice: &Notice,
    job: &PushJob,
) -> (PushOutcome, &'static str) {
    let site = &identity.site;
    let Some(provider) = site.vendors.provider(target) else {
        worker::console_error!(
            "event=push_refused site={} wake={} device={} reason=\"the site has no account at {}\"",
            site.id,
            job.wake.for_logs(),
            job.device,
            target.kind()
        );
        return (PushOutcome::Refused, target.kind());
    };
    let push = Push {
        provider,
        cid,
        notice,
        job,
    };
    let said = match provider.sign_in(call::now()) {
        None => push.once(None).await,
        Some(_) => {
            let name = provider.name();
            match vendor::token(env, &site.id, name, None).await {
                Err(outcome) => return (outcome, name),
                Ok(token) => match push.once(Some(&token)).await {
                    // Once more with a new one; that it is refused too is the vendor's failure.
                    Said::SignIn => match vendor::token(env, &site.id, name, Some(token)).await {
                        Err(outcome) => return (outcome, name),
                        Ok(token) => push.once(Some(&token)).await,
                    },
                    said => said,
                },
            }
        }
    };
    let answer = match said {
        Said::Answer(answer) => answer,
        Said::SignIn => Answer::unreachable(),
    };
    if let Some(fault) = answer.fault() {
        worker::console_error!(
            "event=push_fault site={} wake={} vendor={} reason=\"{fault}\"",
            site.id,
            job.wake.for_logs(),
            provider.name()
        );
    }
    (outcome(answer), provider.name())
}

struct Push<'a> {
    provider: &'a dyn Provider,
    cid: &'a Cid,
    notice: &'a Notice,
    job: &'a PushJob,
}

impl Push<'_> {
    async fn once(&self, token: Option<&Token>) -> Said {
        let now = call::now();
        let request = match self.provider.request(token, self.cid, self.notice, now) {
            Ok(request) => request,
            Err(reason) => {
                worker::console_warn!(
                    "event=push_refused wake={} device={} reason=\"{reason}\"",
                    self.job.wake.for_logs(),
                    self.job.device
                );
                return Said::Answer(Answer::TooLarge);
            }
        };
        match post(request, MAX_BODY).await {
            Ok(came) => self.provider.answer(&came.reply(), self.cid, call::now()),
            Err(error) => {
                worker::console_warn!(
                    "event=push_unanswered wake={} device={} reason=\"{error}\"",
                    self.job.wake.for_logs(),
                    self.job.device
                );
                Said::Answer(Answer::unreachable())
            }
        }
    }
}
