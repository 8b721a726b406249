//! What strangers send is answered without a memory of it: a line that was never provisioned keeps no rows at all, and
//! whoever guesses passwords or invents calls leaves none behind.
//!
//! Such a message takes no part in the inbox. Its sender's `base` keeps the order all the same: only the first message
//! that is not known to have arrived is answered, later ones are not taken until it has. The answer is a row only until
//! it is delivered.

use super::Line;
use super::branch::plain;
use crate::edge::messages::{FlowToLine, LineToFlow, Proof, RegisterOutcome};
use crate::edge::outbox::{Envelope, NotTaken};
use crate::time::{Duration, Time};
use serde::{Deserialize, Serialize};

/// Wrong digests of one line within [`TRIES_WINDOW`]; then none is compared until it has passed.
const MAX_TRIES: u32 = 10;
const TRIES_WINDOW: Duration = Duration::from_secs(300);

/// Digests that were wrong.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tries {
    since: Time,
    wrong: u32,
}

impl Line {
    /// Answers what needs no memory. `None`: the message takes the ordered way.
    pub(super) fn stranger(
        &mut self,
        now: Time,
        envelope: &Envelope<FlowToLine>,
    ) -> Option<Result<(), NotTaken>> {
        if self.inbox.remembers(envelope) {
            return None;
        }
        let provisioned = !self.account.is_empty();
        let unknown_call = || self.call_of(&envelope.call).is_none();
        let is_stranger = match &envelope.msg {
            FlowToLine::Register { proof, .. } => matches!(proof, Proof::Digest { .. }),
            FlowToLine::Invite { .. } | FlowToLine::Limited(_) | FlowToLine::Gone => !provisioned,
            FlowToLine::Cancel { .. }
            | FlowToLine::Alive { .. }
            | FlowToLine::Response { .. }
            | FlowToLine::InDialog { .. }
            | FlowToLine::CancelInDialog { .. } => !provisioned || unknown_call(),
        };
        if !is_stranger {
            return None;
        }
        if envelope.seq != envelope.base {
            return (!provisioned).then_some(Err(NotTaken));
        }
        let answer = match &envelope.msg {
            FlowToLine::Register {
                tx,
                proof: Proof::Digest { authorization },
                ..
            } => {
                let outcome = self
                    .check_digest(now, &envelope.from, authorization)
                    .err()?;
                let tx = tx.clone();
                if envelope.asks {
                    self.answer(now, tx, outcome);
                    return Some(Ok(()));
                }
                let at = None;
                Some(LineToFlow::Registered { tx, outcome, at })
            }
            FlowToLine::Invite { .. } | FlowToLine::Limited(_) => {
                let answer = plain(404, "Not Found", &self.entropy.tag());
                Some(LineToFlow::Answer { tx: None, answer })
            }
            FlowToLine::InDialog { tx: Some(tx), .. } => {
                let answer = plain(481, "Call/Transaction Does Not Exist", &self.entropy.tag());
                let tx = Some(tx.clone());
                Some(LineToFlow::Answer { tx, answer })
            }
            _ => None,
        };
        if let Some(answer) = answer {
            self.outbox.answer_once(now, envelope, answer);
        }
        Some(Ok(()))
    }

    /// Compares a digest with the line's secret, unless too many were wrong. A flow that is registered here already is
    /// always compared: guesses from elsewhere do not keep its user out.
    #[allow(clippy::result_large_err, reason = "the error is the answer itself")]
    pub(super) fn check_digest(
        &mut self,
        now: Time,
        flow: &str,
        authorization: &str,
    ) -> Result<(), RegisterOutcome> {
        let secret = self
            .account()
            .ok()
            .and_then(|account| account.secret.clone());
        let Some(secret) = secret else {
            return Err(RegisterOutcome::BadCredentials);
        };
        let tries = self.tries.get("digest");
        let (since, wrong) = tries
            .filter(|tries| now < tries.since + TRIES_WINDOW)
            .map_or((now, 0), |tries| (tries.since, tries.wrong));
        let registered = self.bindings.values().any(|binding| binding.flow == flow);
        if wrong >= MAX_TRIES && !registered {
            let wait = (since + TRIES_WINDOW).since(now).as_secs() + 1;
            return Err(RegisterOutcome::TooManyTries {
                retry_after_s: u32::try_from(wait).unwrap_or(u32::MAX),
            });
        }
        if super::account::digest_matches(&secret, authorization) {
            return Ok(());
        }
        let wrong = wrong.saturating_add(1);
        self.tries.insert("digest", Tries { since, wrong });
        Err(RegisterOutcome::BadCredentials)
    }
}
