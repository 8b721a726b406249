//! Signed tokens, one per push service, kept while they are young.

use std::collections::HashMap;

/// Push services are few; a site that allows many must not grow without end.
const MAX_AUDIENCES: usize = 64;

/// A cache with time as an argument: `Authorization` values by audience.
#[derive(Debug, Default)]
pub struct Tokens {
    by_audience: HashMap<String, Kept>,
}

#[derive(Debug)]
struct Kept {
    value: String,
    signed_at: u64,
    expires_at: u64,
}

impl Kept {
    /// In the first half of its life, and not from a future that a clock has since left.
    fn is_young(&self, now: u64) -> bool {
        self.signed_at <= now && now < self.signed_at + (self.expires_at - self.signed_at) / 2
    }
}

impl Tokens {
    /// The value for this audience, when it has at least half its life before it.
    #[must_use]
    pub fn current(&self, audience: &str, now: u64) -> Option<&str> {
        self.by_audience
            .get(audience)
            .filter(|kept| kept.is_young(now))
            .map(|kept| kept.value.as_str())
    }

    /// Keeps a value that was signed now.
    pub fn keep(&mut self, audience: String, value: String, now: u64, expires_at: u64) {
        if self.by_audience.len() >= MAX_AUDIENCES && !self.by_audience.contains_key(&audience) {
            let oldest = self
                .by_audience
                .iter()
                .min_by_key(|(_, kept)| kept.signed_at)
                .map(|(audience, _)| audience.clone());
            self.by_audience.remove(&oldest.unwrap_or_default());
        }
        let expires_at = expires_at.max(now);
        self.by_audience.insert(
            audience,
            Kept {
                value,
                signed_at: now,
                expires_at,
            },
        );
    }

    /// Forgets one audience.
    pub fn forget(&mut self, audience: &str) {
        self.by_audience.remove(audience);
    }
}
