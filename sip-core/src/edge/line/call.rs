//! [`Call`]: everything the line knows of one call to it.

use super::callserver::Server;
use super::pretence::Pretence;
use crate::edge::command::{CallRecord, EndedBy, WakeView, Withheld};
use crate::edge::messages::Party;
use crate::edge::record::{PushNote, Step};
use crate::id::{DeviceId, Number, WakeId};
use crate::time::Time;
use crate::timers::GIVE_UP;
use crate::wake::{DeviceState, Wake};
use crate::wire::{Request, Response};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// Answers of push services kept for a call's story.
const MAX_PUSHES: usize = 32;

/// One call to this line, from its INVITE until it is forgotten.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Call {
    pub(super) id: WakeId,
    pub(super) caller: Party,
    /// The peer's Call-ID: compared, never a key.
    pub(super) call_id: String,
    pub(super) created_at: Time,
    pub(super) wake: Wake,
    /// The caller's device: a line that calls itself does not ring who calls.
    pub(super) caller_device: Option<DeviceId>,
    /// `Require: 100rel`: before the end the caller hears nothing but 100 and what a page has said reliably.
    pub(super) only_trying: bool,
    /// The To tag of the edge's own answers.
    pub(super) edge_tag: String,
    pub(super) caller_leg: Leg,
    pub(super) branches: Vec<Branch>,
    pub(super) relays: Vec<Relay>,
    pub(super) ringing_at: Option<Time>,
    pub(super) dialog: Option<Dialog>,
    /// What push services said, for the call's story.
    #[serde(default)]
    pub(super) pushes: Vec<PushNote>,
    /// It is kept from the callee.
    #[serde(default)]
    pub(super) withheld: Option<Withheld>,
    /// What a blocked caller is led to believe.
    #[serde(default)]
    pub(super) pretence: Option<Pretence>,
    /// The caller's side is a call server: there is no leg, no branch and no dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) server: Option<Server>,
    /// When it is over and need not be remembered any longer.
    pub(super) forget_at: Option<Time>,
}

/// One party's side of the call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Leg {
    /// The flow object that reaches the party.
    pub(super) flow: String,
    /// The stream under which that flow knows the call.
    pub(super) stream: String,
    /// The party's tag.
    pub(super) tag: String,
    /// The party's address in From or To, tag included.
    pub(super) address: String,
    /// The party's contact: the Request-URI of what is sent to it.
    pub(super) contact: String,
    /// The highest CSeq the party used.
    pub(super) cseq: u32,
    /// Since when its flow is gone.
    pub(super) lost_at: Option<Time>,
    /// When that left which brought the party here: its INVITE, its registration, a request inside the call.
    #[serde(default)]
    pub(super) sent_at: Time,
}

/// An INVITE to one device.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Branch {
    pub(super) tx: String,
    pub(super) device: DeviceId,
    pub(super) flow: String,
    pub(super) contact: String,
    pub(super) tag: Option<String>,
    pub(super) state: BranchState,
}

/// Where a branch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum BranchState {
    /// It may still ring or answer.
    Open,
    /// It was called off; a 2xx that crosses the CANCEL is acknowledged and ended.
    CalledOff,
    /// It is silent, and the wake goes on without it. Should its page answer after all, before another INVITE goes there,
    /// it is as good as ever: a page whose answers were slow on their way is not silenced to be rung anew.
    Abandoned,
    /// It was silent until its transaction ended: its flow cancels it should the page still find it, and the answer to that
    /// shows that the page lives.
    Lapsed,
    /// It has its final response, or its flow is gone.
    Done,
}

/// A request inside the dialog on its way from one flow to the other.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Relay {
    /// Its name on the far flow.
    pub(super) tx: String,
    /// The far flow.
    pub(super) to: String,
    /// Where its responses go: flow, stream, server transaction. None for the edge's own requests.
    pub(super) back: Option<(String, String, String)>,
}

/// An answered call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dialog {
    pub(super) callee_leg: Leg,
    pub(super) device: DeviceId,
    pub(super) answered_at: Time,
    /// The 200 until its ACK has passed: a caller who comes back in between needs it.
    pub(super) answer: Option<Response>,
    /// The other party knows that one is lost.
    pub(super) told: bool,
    pub(super) ended: Option<EndedBy>,
}

/// A side of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Callee,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Self::Caller => Self::Callee,
            Self::Callee => Self::Caller,
        }
    }
}

/// How long a lost party may stay away; copied from the site so that a deadline needs nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct LostLimits {
    pub(super) told: crate::time::Duration,
    pub(super) ends: crate::time::Duration,
}

impl Call {
    /// A call at its beginning: nobody has been asked yet. What only a caller's INVITE or only a call server gives is left out.
    pub(super) fn new(
        now: Time,
        id: WakeId,
        caller: Party,
        caller_leg: Leg,
        wake: Wake,
        withheld: Option<Withheld>,
    ) -> Self {
        Self {
            id,
            caller,
            call_id: String::new(),
            created_at: now,
            wake,
            caller_device: None,
            only_trying: false,
            edge_tag: String::new(),
            caller_leg,
            branches: Vec::new(),
            relays: Vec::new(),
            ringing_at: None,
            dialog: None,
            pushes: Vec::new(),
            withheld,
            pretence: (withheld == Some(Withheld::Blocked)).then(Pretence::default),
            server: None,
            forget_at: None,
        }
    }

    pub(super) fn view(&self) -> WakeView {
        WakeView {
            id: self.id.clone(),
            state: self.wake.state().clone(),
            caller: self.caller.clone(),
            created_at: self.created_at,
            expires_at: self.wake.expires_at(),
            why: self.wake.why(),
            devices: self
                .wake
                .devices()
                .map(|(id, state)| (id.clone(), state))
                .collect(),
            steps: self
                .wake
                .steps()
                .map(|(id, state, at)| (id.clone(), state, at))
                .collect(),
        }
    }

    /// Does this flow reach one of its parties or branches?
    pub(super) fn uses(&self, flow: &str) -> bool {
        self.forget_at.is_none()
            && (self.caller_leg.flow == flow
                || self
                    .branches
                    .iter()
                    .any(|b| b.flow == flow && b.state != BranchState::Done)
                || self
                    .dialog
                    .as_ref()
                    .is_some_and(|d| d.callee_leg.flow == flow))
    }

    /// Both parties talk.
    pub(super) fn is_talking(&self) -> bool {
        self.dialog
            .as_ref()
            .is_some_and(|dialog| dialog.ended.is_none())
    }

    pub(super) fn deadline(&self, limits: LostLimits) -> Option<Time> {
        let lost = self
            .dialog
            .as_ref()
            .filter(|dialog| dialog.ended.is_none())
            .and_then(|dialog| {
                let since = self.lost_since(dialog)?;
                Some(
                    since
                        + if dialog.told {
                            limits.ends
                        } else {
                            limits.told
                        },
                )
            });
        let server = self.server.as_ref();
        let server = server.and_then(|server| server.deadline(self.forget_at.is_some()));
        let pretended = self.pretence.as_ref().and_then(Pretence::deadline);
        [
            self.wake.deadline(),
            lost,
            self.confirmed_by(),
            self.forget_at,
            pretended,
            server,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Until when the caller has to confirm the answer (RFC 3261 §13.3.1.4); none once its ACK has passed.
    pub(super) fn confirmed_by(&self) -> Option<Time> {
        let dialog = self.dialog.as_ref()?;
        dialog.answer.as_ref()?;
        Some(dialog.answered_at + GIVE_UP)
    }

    /// Since when a party of this answered call is lost.
    pub(super) fn lost_since(&self, dialog: &Dialog) -> Option<Time> {
        [self.caller_leg.lost_at, dialog.callee_leg.lost_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// The side that a tag belongs to.
    pub(super) fn side_of(&self, from_tag: &str, to_tag: &str) -> Option<Side> {
        let callee = |tag: &str| match &self.dialog {
            Some(dialog) => dialog.callee_leg.tag == tag,
            None => self
                .branches
                .iter()
                .any(|b| b.state == BranchState::Open && b.tag.as_deref() == Some(tag)),
        };
        if from_tag == self.caller_leg.tag && callee(to_tag) {
            Some(Side::Caller)
        } else if to_tag == self.caller_leg.tag && callee(from_tag) {
            Some(Side::Callee)
        } else {
            None
        }
    }

    pub(super) fn leg_mut(&mut self, side: Side) -> Option<&mut Leg> {
        match side {
            Side::Caller => Some(&mut self.caller_leg),
            Side::Callee => self.dialog.as_mut().map(|dialog| &mut dialog.callee_leg),
        }
    }

    pub(super) fn leg(&self, side: Side) -> Option<&Leg> {
        match side {
            Side::Caller => Some(&self.caller_leg),
            Side::Callee => self.dialog.as_ref().map(|dialog| &dialog.callee_leg),
        }
    }

    pub(super) fn record(&self, now: Time, callee: Party) -> CallRecord {
        CallRecord {
            wake: self.id.clone(),
            caller: self.caller.clone(),
            callee,
            started_at: self.created_at,
            ringing_at: self.ringing_at,
            answered_at: match &self.server {
                Some(server) => server.answered_at,
                None => self.dialog.as_ref().map(|dialog| dialog.answered_at),
            },
            ended_at: now,
            outcome: self.wake.state().clone(),
            device: match &self.server {
                Some(_) => self.answered_device(),
                None => self.dialog.as_ref().map(|dialog| dialog.device.clone()),
            },
            ended_by: self.dialog.as_ref().and_then(|dialog| dialog.ended),
            steps: self.steps(),
            pushes: self.pushes.clone(),
            withheld: self.withheld,
            why: self.wake.why(),
        }
    }

    fn answered_device(&self) -> Option<DeviceId> {
        let answered = |(_, state): &(&DeviceId, DeviceState)| *state == DeviceState::Answered;
        self.wake.devices().find(answered).map(|(id, _)| id.clone())
    }

    /// The place of a device among those of the call, from 1; 0 when it is none of them.
    fn place(&self, device: &DeviceId) -> u16 {
        let place = self.wake.devices().position(|(id, _)| id == device);
        place.map_or(0, |index| u16::try_from(index + 1).unwrap_or(u16::MAX))
    }

    /// What its devices reached, in order.
    pub(super) fn steps(&self) -> Vec<Step> {
        let step = |(id, state, at)| Step {
            device: self.place(id),
            state,
            at,
        };
        let mut steps: Vec<_> = self.wake.steps().map(step).collect();
        steps.sort_by_key(|step| step.at);
        steps
    }

    pub(super) fn note_push(
        &mut self,
        now: Time,
        device: &DeviceId,
        provider: String,
        answer: &str,
    ) {
        if self.pushes.len() < MAX_PUSHES {
            self.pushes.push(PushNote {
                device: self.place(device),
                provider,
                answer: answer.to_owned(),
                at: now,
            });
        }
    }
}

impl Leg {
    /// Where there is no flow at all.
    pub(super) fn none(stream: &WakeId) -> Self {
        Self {
            flow: String::new(),
            stream: stream.to_string(),
            tag: String::new(),
            address: String::new(),
            contact: String::new(),
            cseq: 0,
            lost_at: None,
            sent_at: Time::ZERO,
        }
    }

    /// The caller's side, from its INVITE.
    pub(super) fn of_caller(flow: &str, stream: &str, invite: &Request) -> Option<Self> {
        let from = invite.headers.from().ok()?;
        Some(Self {
            flow: flow.to_owned(),
            stream: stream.to_owned(),
            tag: from.tag()?.to_owned(),
            address: from.to_string(),
            contact: contact_of(
                invite.headers.contact().ok().flatten(),
                &from.uri.to_string(),
            ),
            cseq: invite.headers.cseq().ok()?.number,
            lost_at: None,
            sent_at: Time::ZERO,
        })
    }

    /// The callee's side, from its 2xx.
    pub(super) fn of_callee(flow: &str, stream: &str, response: &Response) -> Option<Self> {
        let to = response.headers.to().ok()?;
        Some(Self {
            flow: flow.to_owned(),
            stream: stream.to_owned(),
            tag: to.tag()?.to_owned(),
            address: to.to_string(),
            contact: contact_of(
                response.headers.contact().ok().flatten(),
                &to.uri.to_string(),
            ),
            cseq: 0,
            lost_at: None,
            sent_at: Time::ZERO,
        })
    }
}

fn contact_of(contact: Option<crate::wire::Contact>, otherwise: &str) -> String {
    contact.map_or_else(|| otherwise.to_owned(), |contact| contact.uri.to_string())
}

/// The number in an address of this line's site, as in From and To.
pub(super) fn party_number(address: &str) -> Option<Number> {
    let address: crate::wire::NameAddr = address.parse().ok()?;
    Number::parse(&address.uri.username()?).ok()
}
