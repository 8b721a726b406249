//! Pushes that are under way: invitations are led by their wake, replacements are tried until they are accepted.

use super::call::Call;
use super::{Line, LineOutput};
use crate::edge::command::{PushJob, PushKind, PushOutcome};
use crate::id::{DeviceId, WakeId};
use crate::time::{Duration, Time};
use crate::wake::{Event, Quiet};
use alloc::{borrow::ToOwned, boxed::Box, string::String};
use serde::{Deserialize, Serialize};

/// How often a replacement is tried.
const MAX_TRIES: u32 = 6;

/// A push whose outcome is not known yet.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Job {
    push: PushJob,
    /// Replacements only: when it is sent again, whether or not it was answered.
    pub(super) next_try: Option<Time>,
}

impl Line {
    pub(super) fn push_invitation(
        &mut self,
        now: Time,
        call: &Call,
        device: &DeviceId,
        attempt: u32,
    ) {
        let left = call.wake.expires_at().since(now).as_secs();
        let ttl_s = u32::try_from(left).unwrap_or(u32::MAX).max(1);
        if let Some(push) = self.push_job(call, device, PushKind::Invitation, attempt, ttl_s) {
            self.jobs.insert(
                &push.job.clone(),
                Job {
                    push: push.clone(),
                    next_try: None,
                },
            );
            self.effects.push(LineOutput::Push(Box::new(push)));
        }
    }

    pub(super) fn push_replacement(
        &mut self,
        now: Time,
        call: &Call,
        device: &DeviceId,
        quiet: Quiet,
    ) {
        let (kind, ttl_s) = match quiet {
            Quiet::Elsewhere => (PushKind::Elsewhere, 60),
            Quiet::Declined => (PushKind::Declined, 60),
            Quiet::Cancelled => (PushKind::Cancelled, 86_400),
            Quiet::Missed | Quiet::Silent => (PushKind::Missed, 86_400),
        };
        if let Some(push) = self.push_job(call, device, kind, 1, ttl_s) {
            let next_try = Some(now + self.config.wake.push_lost);
            self.jobs.insert(
                &push.job.clone(),
                Job {
                    push: push.clone(),
                    next_try,
                },
            );
            self.effects.push(LineOutput::Push(Box::new(push)));
        }
    }

    fn push_job(
        &mut self,
        call: &Call,
        device: &DeviceId,
        kind: PushKind,
        attempt: u32,
        ttl_s: u32,
    ) -> Option<PushJob> {
        let bound = self.devices.get(device.as_str())?;
        let (target, lang) = (bound.push.clone()?, bound.lang.clone());
        Some(PushJob {
            job: format!("{}.{}", call.id, self.entropy.text(8)),
            kind,
            wake: call.id.clone(),
            number: self.number.clone(),
            device: device.clone(),
            target,
            lang,
            caller: call.caller.clone(),
            issued_at: call.created_at,
            expires_at: call.wake.expires_at(),
            attempt,
            ttl_s,
            badge: self.unseen(),
        })
    }

    pub(super) fn push_result(
        &mut self,
        now: Time,
        name: &str,
        outcome: PushOutcome,
        provider: Option<String>,
    ) {
        let Some(mut job) = self.jobs.remove(name) else {
            return;
        };
        let device = job.push.device.clone();
        if let Some(call) = self.calls.get_mut(job.push.wake.as_str()) {
            let provider = provider.unwrap_or_else(|| "other".to_owned());
            call.note_push(now, &device, provider, outcome.as_str());
        }
        if outcome == PushOutcome::Gone {
            self.forget_target(&device, &job.push.target);
        }
        if job.push.kind == PushKind::Invitation {
            let wake = job.push.wake.as_str().to_owned();
            self.wake_event(now, &wake, Event::Push(device, outcome));
            return;
        }
        if let PushOutcome::Later { retry_after_s, .. } = outcome
            && job.push.attempt < MAX_TRIES
        {
            let backoff = self.config.wake.push_retry * (1 << job.push.attempt.min(6));
            let wait = retry_after_s
                .map_or(backoff, |s| Duration::from_secs(u64::from(s)))
                .max(self.config.wake.push_retry);
            if wait.as_secs() < u64::from(job.push.ttl_s) {
                job.next_try = Some(now + wait);
                self.jobs.insert(name, job);
            }
        }
    }

    /// The subscription is gone; unless the device has a newer one by now.
    fn forget_target(&mut self, device: &DeviceId, target: &str) {
        let same = self
            .devices
            .get(device.as_str())
            .is_some_and(|d| d.push.as_deref() == Some(target));
        if same && let Some(device) = self.devices.get_mut(device.as_str()) {
            device.gone = device.push.take();
        }
    }

    pub(super) fn jobs_timeout(&mut self, now: Time) {
        for name in self
            .jobs
            .keys_where(|job| job.next_try.is_some_and(|at| at <= now))
        {
            let Some(mut job) = self.jobs.remove(&name) else {
                continue;
            };
            job.push.attempt += 1;
            if job.push.attempt > MAX_TRIES {
                continue;
            }
            job.next_try = Some(now + self.config.wake.push_lost);
            self.effects
                .push(LineOutput::Push(Box::new(job.push.clone())));
            self.jobs.insert(&name, job);
        }
    }

    /// The call is forgotten: so are invitations that nobody ever answered for.
    pub(super) fn forget_invitations(&mut self, wake: &WakeId) {
        for name in self
            .jobs
            .keys_where(|job| job.push.wake == *wake && job.push.kind == PushKind::Invitation)
        {
            self.jobs.remove(&name);
        }
    }
}
