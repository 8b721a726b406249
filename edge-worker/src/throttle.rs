//! Counting per address in memory: best effort, one isolate's view, no storage. Keeps one stranger from making objects by the
//! thousand; who comes from many places at once is the platform's to stop.

use std::collections::HashMap;

/// The window.
const WINDOW_MS: u64 = 60_000;
/// Addresses remembered.
const MAX_KEYS: usize = 4096;

/// How often each address came in this window.
#[derive(Debug, Default)]
pub struct Throttle {
    seen: HashMap<String, (u64, u32)>,
}

impl Throttle {
    /// Counts a try; the seconds to wait when it is one too many.
    pub fn count(&mut self, who: &str, limit: u32, now: u64) -> Option<u32> {
        if self.seen.len() >= MAX_KEYS && !self.seen.contains_key(who) {
            self.seen.retain(|_, (end, _)| *end > now);
            if self.seen.len() >= MAX_KEYS {
                self.seen.clear();
            }
        }
        let (end, count) = self
            .seen
            .entry(who.to_owned())
            .or_insert((now + WINDOW_MS, 0));
        if *end <= now {
            (*end, *count) = (now + WINDOW_MS, 0);
        }
        *count = count.saturating_add(1);
        (*count > limit).then(|| u32::try_from((*end - now).div_ceil(1000)).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_too_many_waits_for_the_window_to_end() {
        let mut throttle = Throttle::default();
        assert_eq!(throttle.count("a", 2, 0), None);
        assert_eq!(throttle.count("a", 2, 10_000), None);
        assert_eq!(throttle.count("a", 2, 10_500), Some(50));
        assert_eq!(throttle.count("b", 2, 10_500), None);
        assert_eq!(throttle.count("a", 2, 60_000), None);
    }

    #[test]
    fn strangers_do_not_fill_the_memory() {
        let mut throttle = Throttle::default();
        for n in 0..10_000 {
            throttle.count(&n.to_string(), 1, 0);
        }
        assert!(throttle.seen.len() <= MAX_KEYS);
    }
}
