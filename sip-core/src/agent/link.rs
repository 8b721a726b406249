//! The flow below the registration: one socket, opened again when it is lost, asked for life while it is quiet
//! (RFC 5626 §4.4.1, RFC 7118 §6).

use super::config::Patience;
use crate::entropy::Entropy;
use crate::time::Time;

/// The keepalive of a client.
pub const PING: &[u8] = b"\r\n\r\n";
/// The answer to it.
pub const PONG: &[u8] = b"\r\n";

/// What the link wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Open a socket in place of the one before.
    Connect,
    /// The socket is lost; the pause before the next try has begun.
    Lost,
    /// Send a keepalive.
    Ping,
}

/// ```text
/// Down → Opening → Open → Asked → Open
///          ↓ ↑       ↓      ↓
///         Waiting ←──┴──────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No socket is wanted.
    Down,
    /// A socket is opening; it is given up at this time.
    Opening(Time),
    /// The socket is open; asked for life at this time.
    Open(Time),
    /// Asked; dead at this time.
    Asked(Time),
    /// The next try begins at this time, if the machine has a network.
    Waiting(Time),
}

/// One flow.
#[derive(Debug)]
pub struct Link {
    patience: Patience,
    state: State,
    online: bool,
    /// When the flow last showed life.
    heard: Time,
    /// Tries without a registration since the last one that succeeded.
    failures: u32,
    /// Which server is tried.
    server: usize,
    /// The present socket, or the last one, has carried a registration.
    proven: bool,
    /// A call waits for the flow.
    urgent: bool,
}

impl Link {
    /// A link that has not been started.
    pub fn new(patience: Patience) -> Self {
        Self {
            patience,
            state: State::Down,
            online: true,
            heard: Time::ZERO,
            failures: 0,
            server: 0,
            proven: false,
            urgent: false,
        }
    }

    /// While a call waits for the flow, pauses stay short: the edge keeps its place for seconds only.
    pub fn set_urgent(&mut self, urgent: bool) {
        self.urgent = urgent;
    }

    /// The socket is open.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_) | State::Asked(_))
    }

    /// The machine has a network.
    pub fn is_online(&self) -> bool {
        self.online
    }

    /// When the next try begins.
    pub fn retry_at(&self) -> Option<Time> {
        match self.state {
            State::Waiting(at) => Some(at),
            _ => None,
        }
    }

    /// Opens a socket now, whatever is under way.
    pub fn connect(&mut self, now: Time) -> Step {
        self.state = State::Opening(now + self.patience.connect);
        Step::Connect
    }

    /// A socket is wanted soon: a try under way goes on, a pause ends.
    pub fn hurry(&mut self, now: Time) -> Option<Step> {
        match self.state {
            State::Down | State::Waiting(_) => Some(self.connect(now)),
            _ => None,
        }
    }

    /// No socket is wanted any more.
    pub fn down(&mut self) {
        self.state = State::Down;
    }

    /// The socket opened.
    pub fn opened(&mut self, now: Time) -> bool {
        let awaited = matches!(self.state, State::Opening(_));
        if awaited {
            self.heard = now;
            self.state = State::Open(now + self.patience.ping);
        }
        awaited
    }

    /// The registration succeeded: the next loss begins with short pauses again.
    pub fn proved(&mut self) {
        self.failures = 0;
        self.proven = true;
    }

    /// Which server is tried, in their order and round again.
    pub const fn server(&self) -> usize {
        self.server
    }

    /// Another server is tried from now on.
    pub fn set_server(&mut self, server: usize) {
        self.server = server;
        self.proven = false;
    }

    /// The socket is lost. Had it carried a registration? Its server is tried once more then, before another.
    pub fn take_proven(&mut self) -> bool {
        core::mem::take(&mut self.proven)
    }

    /// The socket closed or is given up. Pauses double, each shortened by chance so that an edge that comes back is not
    /// met by everyone at once; after a working flow the first try is nearly immediate.
    pub fn lost(&mut self, now: Time, entropy: &mut Entropy) -> Option<Step> {
        if matches!(self.state, State::Down | State::Waiting(_)) {
            return None;
        }
        self.pause(now, entropy);
        Some(Step::Lost)
    }

    fn pause(&mut self, now: Time, entropy: &mut Entropy) {
        let first = self.patience.retry_first.as_millis();
        let most = if self.urgent {
            self.patience.retry_urgent
        } else {
            self.patience.retry_most
        };
        let full = first
            .saturating_mul(1 << self.failures.min(16))
            .min(most.as_millis());
        self.failures += 1;
        let pause = full / 2 + entropy.below(full / 2 + 1);
        self.state = State::Waiting(now + crate::time::Duration::from_millis(pause));
    }

    /// Something came in: the flow lives.
    pub fn heard(&mut self, now: Time) {
        if self.is_open() {
            self.heard = now;
            self.state = State::Open(now + self.patience.ping);
        }
    }

    /// No sign of life for longer than a keepalive takes: the page slept, and the far side has had time to forget us.
    pub fn is_stale(&self, now: Time) -> bool {
        now.since(self.heard) > self.patience.ping + self.patience.pong
    }

    /// The flow may be dead without our knowing: it is asked now and has little time.
    pub fn doubt(&mut self, now: Time) -> Option<Step> {
        match self.state {
            State::Open(_) => {
                self.state = State::Asked(now + self.patience.pong_in_doubt);
                Some(Step::Ping)
            }
            State::Asked(dead) => {
                self.state = State::Asked(dead.min(now + self.patience.pong_in_doubt));
                Some(Step::Ping)
            }
            State::Waiting(_) if self.online => Some(self.connect(now)),
            _ => None,
        }
    }

    /// The network came or went. A socket is only asked for life: browsers are wrong about this now and then.
    pub fn network(&mut self, now: Time, online: bool) -> Option<Step> {
        self.online = online;
        self.doubt(now)
    }

    /// When to call [`Link::timeout`].
    pub fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Down => None,
            State::Waiting(_) if !self.online => None,
            State::Opening(at) | State::Open(at) | State::Asked(at) | State::Waiting(at) => {
                Some(at)
            }
        }
    }

    /// What the time that has come means.
    pub fn timeout(&mut self, now: Time, entropy: &mut Entropy) -> Option<Step> {
        if self.deadline().is_none_or(|at| now < at) {
            return None;
        }
        match self.state {
            State::Down => None,
            State::Waiting(_) => Some(self.connect(now)),
            State::Opening(_) | State::Asked(_) => self.lost(now, entropy),
            // A timer that comes very late was asleep with its page: the far side has had time to forget us.
            State::Open(at) => {
                let slept = now.since(at) > self.patience.pong;
                let pong = if slept {
                    self.patience.pong_in_doubt
                } else {
                    self.patience.pong
                };
                self.state = State::Asked(now + pong);
                Some(Step::Ping)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When links that were all lost at the same moment for the `nth` time in a row try again.
    fn tries(nth: u32) -> Vec<u64> {
        let lost_at = Time(1_000_000);
        let one = |seed| {
            let mut entropy = Entropy::for_tests(seed);
            let mut link = Link::new(Patience::default());
            for _ in 0..nth {
                link.connect(lost_at);
                link.lost(lost_at, &mut entropy);
            }
            let at = link.retry_at().expect("it tries again");
            at.since(lost_at).as_millis()
        };
        (0..1000).map(one).collect()
    }

    #[test]
    fn an_edge_that_comes_back_is_not_met_by_everyone_at_once() {
        let patience = Patience::default();
        for nth in [1, 4, 12] {
            let full = (patience.retry_first.as_millis() << (nth - 1))
                .min(patience.retry_most.as_millis());
            let tries = tries(nth);
            assert!(tries.iter().all(|ms| (full / 2..=full).contains(ms)));
            // Each tenth of the second half of the pause has about a tenth of them.
            for tenth in 0..10 {
                let from = full / 2 + tenth * full / 20;
                let met = tries
                    .iter()
                    .filter(|ms| (from..from + full / 20).contains(ms));
                let met = met.count();
                assert!((50..=160).contains(&met), "{met} of 1000 from {from} ms on");
            }
        }
    }
}
