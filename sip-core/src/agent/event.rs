//! What the agent tells the page: only what has been confirmed.

use super::proof::Asked;
use crate::pii::Pii;
use crate::time::Time;
use alloc::{boxed::Box, string::String, vec::Vec};

/// One call of this agent; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Something that the page may want to show.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Where the registration stands has changed.
    Registration(Registration),
    /// A REGISTER succeeded, the first or a later one.
    Registered {
        /// The wakes of this line that are not over.
        waiting: Vec<String>,
        /// It is the first one on its socket.
        new_flow: bool,
    },
    /// The edge refused the line's token: a new one, please ([`super::Command::Token`]).
    TokenRefused,
    /// Our own server has asked for proof of a call in a way that was not known.
    Asked(Asked),
    /// Someone calls. Nothing rings at the caller's before [`super::Command::Alert`].
    Incoming(CallId, CallView),
    /// A call has come further.
    Call(CallId, CallView),
    /// The media for [`super::Command::Answer`] could not be had; the call waits on.
    AnswerFailed(CallId),
    /// The other side dialled a digit in the call, by INFO.
    Dtmf(CallId, char),
    /// How a transfer goes.
    Transfer(CallId, Progress),
    /// Something beside calls.
    #[cfg(feature = "beside")]
    Beside(super::beside::BesideEvent),
    /// Something that was wanted of a call was refused; the call goes on as it was.
    Refused {
        /// Which call.
        call: CallId,
        /// What was wanted.
        what: Wish,
        /// With this status; 0 when no answer came or this side could not.
        status: u16,
    },
}

/// What can be wanted of a call that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To put it on hold.
    Hold,
    /// To talk again.
    Resume,
    /// To send digits.
    Dtmf,
    /// To transfer it.
    Transfer,
    /// To send or take something else: [`super::Command::Offer`].
    Media,
}

/// How far a transfer that this side asked for has come. One that fails is [`Event::Refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The other side is at it.
    Trying,
    /// It rings there.
    Ringing,
    /// They talk; this call is over.
    Done,
}

/// Where the registration stands.
///
/// ```text
/// Offline ⇄ Connecting → Registered ⇄ Reconnecting
///               ↓             ↓
///            Refused       Closed
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// The machine has no network.
    Offline,
    /// On the way to the first registration.
    Connecting,
    /// The edge has confirmed it, and the flow has shown life since.
    Registered,
    /// It was registered; the flow is lost or in doubt.
    Reconnecting {
        /// When the next try begins; `None` while one is under way.
        retry_at: Option<Time>,
    },
    /// The edge said no.
    Refused {
        /// With this status; 0 when it never answered anything that makes sense.
        status: u16,
        /// When the next try begins; `None` when only the user can help.
        retry_at: Option<Time>,
    },
    /// Stopped, by the page's wish.
    Closed,
}

/// Who the other side is. Data, never markup.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The user part of its address.
    pub number: Pii<String>,
    /// The name it goes by; empty when none was given.
    pub display_name: Pii<String>,
}

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The other side called.
    In,
    /// We called.
    Out,
}

/// How far a call has come, in the page's words.
///
/// ```text
/// out: New → Calling → Waking → Ringing → Active → Ended
/// in:  Incoming → Connecting → Active → Ended
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallState {
    /// Out: our offer is being made.
    New,
    /// Out: the INVITE is on its way.
    Calling,
    /// Out: the edge wakes the other line.
    Waking,
    /// Out: the other side alerts.
    Ringing,
    /// In: waits for the user.
    Incoming,
    /// Answered, media under way.
    Connecting,
    /// Both sides have agreed.
    Active,
    /// Over.
    Ended,
}

/// How far the furthest device of a line that is being woken has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A push service took the invitation.
    Pushed,
    /// A notification is on a screen.
    Shown,
    /// It was opened.
    Opened,
}

/// Who ended a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// This page.
    Local,
    /// The other side, or the edge.
    Remote,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Someone hung up after it was answered.
    HungUp,
    /// Declined, here or on another device.
    Declined,
    /// The other side was in a call.
    Busy,
    /// It rang, nobody came.
    Unanswered,
    /// Nobody opened the page in time.
    Expired,
    /// It was opened in time, but the edge refused its registration.
    Refused,
    /// It was opened in time, but could not register.
    Unregistered,
    /// It registered in time, but never said that it can take the call.
    Unready,
    /// It could take the call, but never rang.
    Unrung,
    /// The caller gave up.
    Cancelled,
    /// Another device of this line took it.
    Elsewhere,
    /// The line has no device.
    Unbound,
    /// No such line, or not one that may be called.
    Unknown,
    /// No device could be reached.
    Unreachable,
    /// The user of the line wants no calls now.
    Quiet,
    /// Too many calls of late; another one may be tried in so many seconds.
    Limited(u32),
    /// A connection was lost for too long, ours or theirs.
    Lost,
    /// Anything else.
    Failed,
}

/// The end of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The SIP status behind it; 0 when there was none.
    pub status: u16,
    /// The other side's or the edge's words; may be empty.
    pub reason: String,
    /// Who ended it.
    pub by: By,
}

/// What the INVITE of the other side said beside its description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// Whom it was meant for before it was diverted to us (RFC 5806, RFC 7044).
    pub diverted: Option<Party>,
    /// The caller withholds its identity (RFC 3323).
    pub private: bool,
    /// Who transferred it to us (RFC 3892).
    pub referred_by: Option<Party>,
    /// It asks to be answered without a person; not done unless the configuration says so.
    pub wants_answer: bool,
    /// The headers that no one here knows, and Subject.
    pub headers: Vec<(String, String)>,
}

/// A call as the page may show it.
#[derive(Clone, Debug, PartialEq)]
pub struct CallView {
    /// The wake it belongs to, as the edge named it.
    pub wake: Option<String>,
    /// Who called.
    pub direction: Direction,
    /// The other side.
    pub remote: Party,
    /// How far it has come.
    pub state: CallState,
    /// While [`CallState::Waking`]: how far the other side has come.
    pub stage: Option<Stage>,
    /// This side holds it: the other one hears nothing of us.
    pub held: bool,
    /// The other side holds it.
    pub remote_held: bool,
    /// The other side shows video, or will if this call is taken.
    pub video: bool,
    /// The other side records the call.
    pub recorded: bool,
    /// The other side shows to its user that this side records.
    pub recording_told: bool,
    /// Sound comes before the answer.
    pub early: bool,
    /// The call whose place it takes: the other side, or a third one, has transferred it.
    pub replaces: Option<CallId>,
    /// What came with an incoming call.
    pub about: Option<Box<About>>,
    /// When it was answered.
    pub answered_at: Option<Time>,
    /// The edge has lost the other side; it may come back.
    pub lost: bool,
    /// How it ended.
    pub end: Option<End>,
}
