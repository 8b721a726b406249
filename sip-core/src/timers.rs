//! The named timers of SIP and a tiny table that holds them.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::time::{Duration, Time};

/// Round-trip estimate (RFC 3261 §17.1.1.1).
pub const T1: Duration = Duration(500);
/// Longest interval between retransmissions of non-INVITE requests and INVITE responses.
pub const T2: Duration = Duration(4000);
/// Longest time that a message stays in the network.
pub const T4: Duration = Duration(5000);
/// 64·T1: how long a transaction waits before it gives up.
pub const GIVE_UP: Duration = Duration(64 * T1.0);
/// Timer D on an unreliable transport.
pub const ABSORB_RESPONSES: Duration = Duration(32_000);
/// How long a user agent may take before its transaction answers 100 for it (RFC 3261 §17.2.1).
pub const TRYING_AFTER: Duration = Duration(200);
/// Timer C of a proxy: more than three minutes (RFC 3261 §16.6 step 11).
pub const TIMER_C: Duration = Duration(181_000);

/// Every timer of a transaction, by its letter in RFC 3261 table 4 and RFC 6026 §8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// INVITE request retransmission, unreliable transports.
    A,
    /// INVITE transaction timeout.
    B,
    /// Wait for retransmitted final responses to an INVITE.
    D,
    /// Non-INVITE request retransmission, unreliable transports.
    E,
    /// Non-INVITE transaction timeout.
    F,
    /// INVITE final response retransmission.
    G,
    /// Wait for the ACK.
    H,
    /// Wait for retransmitted ACKs.
    I,
    /// Wait for retransmitted non-INVITE requests.
    J,
    /// Wait for retransmitted responses to a non-INVITE request.
    K,
    /// Wait for retransmitted INVITEs after a 2xx (RFC 6026).
    L,
    /// Wait for retransmitted 2xx, and for those of other branches (RFC 6026).
    M,
    /// Not in the table: answer 100 when the user has not answered yet.
    Trying,
}

/// The timers that are set, each at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table(Vec<(Timer, Time)>);

impl Table {
    /// Sets a timer, replacing its former time.
    pub fn set(&mut self, timer: Timer, at: Time) {
        self.stop(timer);
        self.0.push((timer, at));
    }

    /// Stops a timer.
    pub fn stop(&mut self, timer: Timer) {
        self.0.retain(|(t, _)| *t != timer);
    }

    /// Stops all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The earliest time at which one is due.
    pub fn deadline(&self) -> Option<Time> {
        self.0.iter().map(|(_, at)| *at).min()
    }

    /// Takes the earliest timer that is due at `now`.
    pub fn take_due(&mut self, now: Time) -> Option<Timer> {
        let (i, _) = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, (_, at))| *at <= now)
            .min_by_key(|(_, e)| (e.1, e.0))?;
        Some(self.0.swap_remove(i).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_timers_come_out_in_order_of_time() {
        let mut table = Table::default();
        table.set(Timer::B, Time(20));
        table.set(Timer::A, Time(10));
        table.set(Timer::A, Time(12));
        assert_eq!(table.deadline(), Some(Time(12)));
        assert_eq!(table.take_due(Time(11)), None);
        assert_eq!(table.take_due(Time(30)), Some(Timer::A));
        assert_eq!(table.take_due(Time(30)), Some(Timer::B));
        assert_eq!(table.deadline(), None);
    }
}
