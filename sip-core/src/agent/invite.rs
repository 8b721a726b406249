//! An INVITE of ours, and the dialogs that its answers make.

use super::early::Early;
use super::flow::FlowId;
use super::post::{Post, of, push};
use crate::dialog::{Dialog, DialogId};
use crate::transaction::{ClientInvite, ClientInviteState, ClientKey, Transport};
use crate::wire::{Reason, Request, Response};
use alloc::{boxed::Box, vec::Vec};

/// What became of an INVITE of ours.
#[derive(Debug)]
pub enum InviteNews {
    /// A response.
    Response(Response),
    /// None came.
    TimedOut,
    /// The transaction is over.
    Ended,
}

/// An INVITE of ours with the dialogs that answers have made.
#[derive(Debug)]
pub struct Invite {
    /// Its transaction.
    pub transaction: ClientInvite,
    /// Its flow.
    pub flow: FlowId,
    /// The dialogs of provisional responses.
    pub early: Early,
    /// It has been sent on: our own server says nothing of itself any more.
    pub under_way: bool,
    pub(super) acknowledged: Vec<(DialogId, Request)>,
    /// The dialog whose ACK waits for our answer.
    pub(super) promised: Option<DialogId>,
    /// The dialog that it was asked in: a re-INVITE, whose answer is acknowledged there and makes no other.
    pub(super) within: Option<Box<Dialog>>,
}

impl Invite {
    /// Sends it.
    pub fn start(request: Request, post: &mut Post) -> Self {
        Self::start_on(post.best(), request, post)
    }

    /// Sends it on this flow.
    pub fn start_on(flow: FlowId, mut request: Request, post: &mut Post) -> Self {
        post.authorize(&mut request);
        Self::begin(flow, request, post)
    }

    fn begin(flow: FlowId, request: Request, post: &mut Post) -> Self {
        let (transaction, actions) = ClientInvite::start(request, Transport::Reliable, post.now);
        post.invite_actions(flow, actions);
        Self::of(transaction, flow)
    }

    fn of(transaction: ClientInvite, flow: FlowId) -> Self {
        Self {
            transaction,
            flow,
            early: Early::default(),
            under_way: false,
            acknowledged: Vec::new(),
            promised: None,
            within: None,
        }
    }

    /// A re-INVITE in this dialog, of which nothing is wanted any more but its ACK.
    pub fn within(dialog: Dialog, transaction: ClientInvite, flow: FlowId) -> Self {
        Self {
            within: Some(Box::new(dialog)),
            ..Self::of(transaction, flow)
        }
    }

    /// Sends it again if this final response is a challenge that can be answered.
    pub fn challenged(&mut self, post: &mut Post, response: &Response) -> bool {
        let near = !self.under_way;
        let again = post.challenged_by(self.transaction.request(), response, near);
        let found = again.is_some();
        if let Some(again) = again {
            *self = Self::begin(self.flow, again, post);
        }
        found
    }

    /// Sends it again on a new flow, as a new transaction: same Call-ID, tag and CSeq.
    pub fn again(request: Request, post: &mut Post) -> Self {
        let request = post.anew(request);
        Self::start(request, post)
    }

    /// No final response has come.
    pub(super) fn is_open(&self) -> bool {
        matches!(
            self.transaction.state(),
            ClientInviteState::Calling | ClientInviteState::Proceeding
        )
    }

    /// A response to this INVITE?
    pub fn owns(&self, key: &ClientKey) -> bool {
        of(self.transaction.request(), key)
    }

    /// A 2xx came with an offer: the dialog, and the ACK that is to bring our answer.
    pub fn promise(&mut self, post: &mut Post, response: &Response) -> Option<(Dialog, Request)> {
        let invite = self.transaction.request();
        let mut dialog = Dialog::uac(invite, response).ok()?;
        if let Some((early, _)) = self.early.take(response) {
            dialog.go_on_from(&early);
        }
        post.told(&response.headers);
        let via = post.me.via(&mut post.entropy);
        let mut ack = dialog.ack(invite.headers.cseq().ok()?.number, &via);
        Post::prove_as(&mut ack, invite);
        self.promised = Some(dialog.id().clone());
        Some((dialog, ack))
    }

    /// A 2xx came: acknowledged, and the dialog if it is a new one.
    pub fn answered(&mut self, post: &mut Post, response: &Response) -> Option<Dialog> {
        let id = DialogId::of_response(response).ok()?;
        if self.promised.as_ref() == Some(&id) {
            return None;
        }
        if let Some((_, ack)) = self.acknowledged.iter().find(|(known, _)| *known == id) {
            post.send(ack.clone());
            return None;
        }
        let invite = self.transaction.request();
        let dialog = match &self.within {
            Some(dialog) => {
                let mut dialog = dialog.clone();
                // A Contact that cannot be read leaves the target where it was.
                let _ = dialog.response(response);
                *dialog
            }
            None => Dialog::uac(invite, response).ok()?,
        };
        let ack = post.acknowledge(&dialog, invite, response)?;
        push(&mut self.acknowledged, (id, ack));
        Some(dialog).filter(|_| self.within.is_none())
    }

    /// Takes it back. Late answers are the post's business.
    pub fn cancel(mut self, post: &mut Post, reason: Option<Reason>) {
        let actions = self.transaction.cancel(reason.as_slice(), post.now);
        post.invite_actions(self.flow, actions);
        post.let_go(self);
    }
}
