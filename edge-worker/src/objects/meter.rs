//! The meter object: counts the calls of one caller, or of a whole site, in the last minute, wherever they go.
//!
//! Named `meter:{site}:caller:{number}` and `meter:{site}:all`. A line's driver asks before a new call reaches its machine;
//! one that finds a limit reached is answered 429 or 503 with `Retry-After`. The counts live in memory only: an object
//! that is asked stays there, and one that was forgotten lets a minute's calls through once more. Nobody is refused for
//! want of a meter: when it cannot be asked, the call goes on.

#![allow(
    missing_docs,
    reason = "the durable_object macro generates glue without documentation"
)]

use super::driver::asked;
use crate::call;
use crate::config::Site;
use futures_util::future::join;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::VecDeque;
use wakeline_sip::edge::{Envelope, FlowToLine, Limited, Number};
use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

/// The window.
const MINUTE_MS: u64 = 60_000;

/// What is asked of a meter.
#[derive(Debug, Serialize, Deserialize)]
struct Count {
    limit: u32,
}

/// What it answers.
#[derive(Debug, Serialize, Deserialize)]
struct Counted {
    /// Seconds until another call is let through; none when this one is.
    wait_s: Option<u32>,
}

/// The calls that were let through in the last minute.
#[derive(Debug, Default)]
struct Window(VecDeque<u64>);

impl Window {
    /// Counts a call, unless there were `limit` of them.
    fn count(&mut self, limit: u32, now: u64) -> Option<u32> {
        while self.0.front().is_some_and(|at| at + MINUTE_MS <= now) {
            self.0.pop_front();
        }
        if self.0.len() < limit as usize {
            self.0.push_back(now);
            return None;
        }
        let first = self.0.front().map_or(now, |at| at + MINUTE_MS);
        Some(u32::try_from(first.saturating_sub(now).div_ceil(1000)).unwrap_or(60))
    }
}

/// The Durable Object.
#[durable_object]
pub struct MeterObject {
    window: RefCell<Window>,
}

impl DurableObject for MeterObject {
    fn new(_state: State, _env: Env) -> Self {
        Self {
            window: RefCell::default(),
        }
    }

    async fn fetch(&self, mut req: Request) -> Result<Response> {
        let Count { limit } = serde_json::from_str(&req.text().await?)?;
        let wait_s = self.window.borrow_mut().count(limit, call::now());
        Response::from_json(&Counted { wait_s })
    }
}

/// The envelope as the line may see it: a new call that is one too many has become a refusal.
pub async fn metered(
    env: &Env,
    site: &Site,
    mut envelope: Envelope<FlowToLine>,
) -> Envelope<FlowToLine> {
    let FlowToLine::Invite { caller, .. } = &envelope.msg else {
        return envelope;
    };
    if let Some(limited) = limit_of(env, site, &caller.number).await {
        envelope.msg = FlowToLine::Limited(limited);
    }
    envelope
}

/// Whether this message asks for a meter.
pub const fn is_metered(envelope: &Envelope<FlowToLine>) -> bool {
    matches!(envelope.msg, FlowToLine::Invite { .. })
}

/// Counts a call of this caller; the limit when it is one too many.
pub async fn limit_of(env: &Env, site: &Site, caller: &Number) -> Option<Limited> {
    let name = |of: &str| format!("meter:{}:{of}", site.id);
    let own = name(&format!("caller:{caller}"));
    let all = name("all");
    let (own, all) = join(
        counted(env, &own, site.limits.caller_calls_per_minute),
        counted(env, &all, site.limits.site_calls_per_minute),
    )
    .await;
    let limited = |status, phrase: &str, retry_after_s| Limited {
        status,
        phrase: phrase.to_owned(),
        retry_after_s,
    };
    match (own, all) {
        (Some(wait), _) => Some(limited(429, "Too Many Calls In A Minute", wait)),
        (None, Some(wait)) => Some(limited(503, "Too Many Calls At This Site", wait)),
        (None, None) => None,
    }
}

/// Counts a call; the seconds to wait when it is one too many. A limit of 0 is none.
async fn counted(env: &Env, meter: &str, limit: u32) -> Option<u32> {
    if limit == 0 {
        return None;
    }
    match asked::<_, Counted>(env, meter, &Count { limit }).await {
        Ok(counted) => counted.wait_s,
        Err(error) => {
            worker::console_warn!("event=failure of=meter error={error}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_until_the_first_is_a_minute_old() {
        let mut window = Window::default();
        assert_eq!(window.count(2, 0), None);
        assert_eq!(window.count(2, 10_000), None);
        assert_eq!(window.count(2, 20_500), Some(40));
        assert_eq!(window.count(2, 59_999), Some(1));
        // Whoever was refused was not counted.
        assert_eq!(window.count(2, 60_000), None);
        assert_eq!(window.count(2, 60_001), Some(10));
    }

    #[test]
    fn a_window_holds_no_more_than_its_limit() {
        let mut window = Window::default();
        for now in 0..100_000 {
            window.count(5, now);
        }
        assert!(window.0.len() <= 5);
    }
}
