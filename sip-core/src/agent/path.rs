//! The path of a call's media, when it is lost: a connection that stands is given new candidates (ICE restart, RFC 8445 §9) by an
//! offer inside of the dialog, again until the path is back or the patience is over.
//!
//! Both sides see the loss in the same moment. The one that made the Call-ID offers first, so that the two offers do not cross: an offer
//! that has to be taken back costs a second, and a browser its voice.

use super::call::{Call, Phase};
use super::post::Post;
use crate::time::{Duration, Time};

/// A path that falters may come back by itself.
const GRACE: Duration = Duration::from_secs(2);
/// The other side is given this time to mend it.
const YIELDS: Duration = Duration::from_secs(2);
/// Between two restarts.
const AGAIN: Duration = Duration::from_secs(8);
/// Nobody stays longer in a call in which nothing is heard.
const PATIENCE: Duration = Duration::from_secs(40);

/// What the driver sees of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// Packets flow, for the first time or again.
    Open,
    /// Nothing has come for a while.
    Faltering,
    /// It is lost.
    Lost,
}

/// A path that does not carry.
#[derive(Clone, Copy, Debug)]
pub struct Broken {
    /// The next restart.
    restart_at: Time,
    /// The call ends then.
    until: Time,
}

impl Broken {
    fn deadline(&self) -> Time {
        self.restart_at.min(self.until)
    }
}

impl Call {
    /// The driver has looked at the path.
    pub fn path(&mut self, post: &mut Post, path: Path) {
        let stands = matches!(
            self.phase,
            Phase::Applying | Phase::Accepted(_) | Phase::Talking
        );
        let turn = if self.is_ours() {
            Duration::ZERO
        } else {
            YIELDS
        };
        let wait = match path {
            Path::Open => {
                self.broken = None;
                self.modify.without_restart();
                return;
            }
            // There is no call yet that could be mended.
            Path::Lost if !stands => return self.media_lost(post),
            Path::Faltering if !stands => return,
            Path::Lost => turn,
            Path::Faltering => GRACE + turn,
        };
        let broken = self.broken.get_or_insert(Broken {
            restart_at: post.now + wait,
            until: post.now + PATIENCE,
        });
        if path == Path::Lost && !self.modify.restarts() {
            broken.restart_at = broken.restart_at.min(post.now + turn);
        }
        self.path_timeout(post);
    }

    /// The other side has made an offer, which may be for another path already.
    pub fn path_offered(&mut self, now: Time) {
        if let Some(broken) = &mut self.broken {
            broken.restart_at = broken.restart_at.max(now + YIELDS);
        }
    }

    /// When [`Call::path_timeout`] is to be called.
    pub fn path_deadline(&self) -> Option<Time> {
        self.broken.map(|broken| broken.deadline())
    }

    /// Time has passed.
    pub fn path_timeout(&mut self, post: &mut Post) {
        let Some(broken) = &mut self.broken else {
            return;
        };
        if broken.until <= post.now {
            return self.media_lost(post);
        }
        if broken.restart_at <= post.now {
            broken.restart_at = post.now + AGAIN;
            self.restart(post);
        }
    }
}
