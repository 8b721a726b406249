//! What goes into the agent and what comes out of it.

use super::event::{CallId, Event};
use super::flow::FlowId;
use super::path::Path;
use crate::auth::Login;
use crate::pii::Pii;
use crate::time::Time;
use alloc::{string::String, vec::Vec};

/// Something that happened outside of the agent.
#[derive(Clone, Debug)]
pub enum Input<'a> {
    /// The socket that [`Output::Connect`] asked for is open.
    Connected(FlowId),
    /// That socket is closed, or could not be opened.
    Disconnected(FlowId),
    /// A frame came in: one message, or a keepalive.
    Frame(FlowId, &'a [u8]),
    /// The time of the last [`Output::Timeout`] has come.
    Timeout,
    /// The network of the machine came or went.
    Online(bool),
    /// The page may have slept: a timer went off much too late, or it was thawed. The flow is checked at once.
    Woken,
    /// The page wants something.
    Command(Command),
    /// The driver has done what [`Output::Media`] asked for.
    Media(CallId, MediaReply),
}

/// What a page can want.
#[derive(Clone, Debug)]
pub enum Command {
    /// Connect and register; again after [`Command::Stop`].
    Start,
    /// Unregister, close, and stay quiet. Calls are hung up.
    Stop,
    /// Another page of this device registers from now on: hang up and close, but leave its registration alone.
    Abandon,
    /// A new token for the line.
    Token(Pii<String>),
    /// A new login for the line, before the one that the agent has ends.
    Login(Login),
    /// Register anew now, whatever the agent believes: a wake wants proof. Ends in [`Event::Registered`] or a
    /// [`Event::Registration`] that says why not.
    Register,
    /// Call a number, or a whole SIP URI. The id is one of [`super::Agent::next_call`].
    Call {
        /// The new call's id.
        call: CallId,
        /// Whom to call.
        to: Pii<String>,
        /// Headers of the page's own; those that steer a call are not its business.
        headers: Vec<(String, String)>,
    },
    /// The same without an offer: the other side makes it, and the ACK has our answer (RFC 3261 §13.2.1).
    CallWithoutOffer {
        /// The new call's id.
        call: CallId,
        /// Whom to call.
        to: Pii<String>,
        /// Headers of the page's own.
        headers: Vec<(String, String)>,
    },
    /// The screen for this incoming call is up: the caller may hear it ring.
    Alert(CallId),
    /// Take an incoming call.
    Answer(CallId),
    /// Decline an incoming call.
    Reject(CallId),
    /// End a call in whatever state it is.
    HangUp(CallId),
    /// Put a call on hold, or talk again. Other calls are put on hold when one is talked to.
    Hold(CallId, bool),
    /// What the driver sends or takes is to change, as its next description says: it is offered when it can be.
    Offer(CallId),
    /// The page records the call, or does so no more: the other side is told (RFC 7866).
    Record(CallId, bool),
    /// Candidates that came after the description that the driver has made, with those before (`application/trickle-ice-sdpfrag`). For
    /// nobody where [`super::Agent::trickles`] says no; kept for the dialog where it does not know.
    Candidates(CallId, Pii<Vec<u8>>),
    /// Send digits by INFO. The sound's own way is the driver's.
    Dtmf(CallId, String),
    /// Send the other side to a number.
    Transfer(CallId, Pii<String>),
    /// Connect the other sides of two calls.
    TransferTo(CallId, CallId),
    /// What the driver sees of the path of a call's media: a lost one is mended, or ends the call.
    Path(CallId, Path),
    /// Something beside calls.
    #[cfg(feature = "beside")]
    Beside(super::beside::BesideCommand),
}

/// What the agent asks of the media of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaRequest {
    /// Make an offer: [`MediaReply::Local`].
    CreateOffer,
    /// Answer this offer, the first one or a later one: [`MediaReply::Local`].
    CreateAnswer {
        /// The other side's description.
        offer: Pii<Vec<u8>>,
    },
    /// Take the answer to our offer: [`MediaReply::Applied`].
    ApplyAnswer {
        /// The other side's description.
        answer: Pii<Vec<u8>>,
    },
    /// Play the early answer of a side that has not answered yet; the final one follows. No reply.
    ApplyEarly {
        /// The other side's description.
        answer: Pii<Vec<u8>>,
    },
    /// Take more candidates of the other side, some of them perhaps again. No reply.
    Candidates {
        /// As it told them (`application/trickle-ice-sdpfrag`).
        fragment: Pii<Vec<u8>>,
    },
    /// Send nothing and play nothing, or both again: holds for the descriptions that follow. No reply.
    Hold(bool),
    /// The last offer of ours was refused: back to what was agreed before. No reply.
    Rollback,
    /// The path is lost: the next offer is for the same connection with new candidates, by servers that are asked for anew. No
    /// reply.
    Restart,
    /// Another side has answered than the one that was heard early: the next offer is for a connection of its own. No
    /// reply.
    Renew,
    /// The call is over: let microphone and connection go. No reply.
    Release,
}

/// What became of a [`MediaRequest`].
#[derive(Clone, Debug)]
pub enum MediaReply {
    /// Our description, candidates included.
    Local(Pii<Vec<u8>>),
    /// The other side's answer was taken.
    Applied,
    /// The microphone was refused, or the description cannot be used.
    Failed,
}

/// What the driver has to do.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this frame on the flow's socket.
    Transmit(FlowId, Vec<u8>),
    /// Give its socket up, if there is one, and open another, to [`super::Agent::server`].
    Connect(FlowId),
    /// Close its socket.
    Disconnect(FlowId),
    /// Do something with the media of a call and reply by [`Input::Media`].
    Media(CallId, MediaRequest),
    /// Tell the page.
    Event(Event),
    /// Nothing more to do before this time, unless something comes in. Ends each drain.
    Timeout(Option<Time>),
}
