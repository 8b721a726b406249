//! Provisional responses with a tag make early dialogs, one a branch (RFC 3261 §13.2.2.1). Reliable ones are
//! acknowledged in their order (RFC 3262 §4).

use super::event::CallId;
use super::post::{Ask, Post, Purpose, sdp_of};
use crate::dialog::{Dialog, DialogId};
use crate::wire::{HeaderName, Method, Request, Response};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

/// Branches that are told apart.
const MOST: usize = 16;

/// One of them.
#[derive(Debug)]
struct Branch {
    dialog: Dialog,
    /// The last reliable response that was taken.
    rseq: u32,
    /// Its answer, when it came reliably: the 2xx need not repeat it.
    answer: Option<Vec<u8>>,
}

/// The early dialogs of one INVITE.
#[derive(Debug, Default)]
pub struct Early {
    branches: Vec<Branch>,
    /// The tag of the branch that is heard.
    pub heard: Option<String>,
}

impl Early {
    /// A provisional response. Whether it is to be taken, and the answer that is to be heard now.
    pub fn receive(
        &mut self,
        post: &mut Post,
        call: CallId,
        invite: &Request,
        response: &Response,
    ) -> (bool, Option<Vec<u8>>) {
        let tag = response
            .headers
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned));
        let Some(tag) = tag.filter(|_| response.status > 100) else {
            return (true, None);
        };
        let known = |b: &Branch| b.dialog.id().remote_tag == tag;
        let at = match self.branches.iter().position(known) {
            Some(at) => at,
            None => {
                let Ok(dialog) = Dialog::uac(invite, response) else {
                    return (true, None);
                };
                if self.branches.len() == MOST {
                    return (false, None);
                }
                self.branches.push(Branch {
                    dialog,
                    rseq: 0,
                    answer: None,
                });
                self.branches.len() - 1
            }
        };
        let branch = &mut self.branches[at];
        let answer = sdp_of(&response.headers, &response.body);
        if response.headers.has_token(HeaderName::Require, "100rel") {
            let rseq = response.headers.get(HeaderName::RSeq);
            let Some(rseq) = rseq.and_then(|r| r.trim().parse::<u32>().ok()) else {
                return (false, None);
            };
            // Again, or before its turn: what is missing comes again.
            if rseq == 0 || (branch.rseq != 0 && rseq != branch.rseq.wrapping_add(1)) {
                return (false, None);
            }
            branch.rseq = rseq;
            let mut rack = rseq.to_string();
            rack.push(' ');
            rack.push_str(invite.headers.get(HeaderName::CSeq).unwrap_or_default());
            let via = post.me.via(&mut post.entropy);
            let prack = branch
                .dialog
                .request(Method::Prack, &via)
                .with(HeaderName::RAck, rack);
            post.ask(prack, Purpose::Call(call, Ask::Prack));
            if answer.is_some() {
                branch.answer.clone_from(&answer);
            }
        }
        // One connection has one far side: the first that is heard. Others are heard when they answer.
        let first = self.heard.as_ref().is_none_or(|heard| *heard == tag);
        match answer.filter(|_| first) {
            Some(answer) => {
                self.heard = Some(tag);
                (true, Some(answer))
            }
            None => (true, None),
        }
    }

    /// The dialog of a branch that is answered now: its numbers go on.
    pub fn take(&mut self, response: &Response) -> Option<(Dialog, Option<Vec<u8>>)> {
        let tag = response.headers.to().ok()?.tag()?.to_owned();
        let at = self
            .branches
            .iter()
            .position(|b| b.dialog.id().remote_tag == tag)?;
        let branch = self.branches.swap_remove(at);
        Some((branch.dialog, branch.answer))
    }

    /// The dialog of a branch.
    pub fn dialog(&mut self, id: &DialogId) -> Option<&mut Dialog> {
        let dialogs = self.branches.iter_mut().map(|b| &mut b.dialog);
        dialogs.into_iter().find(|d| d.id() == id)
    }

    /// Our offer has its answer in a branch.
    pub fn is_agreed(&self) -> bool {
        self.branches.iter().any(|b| b.answer.is_some())
    }

    /// A challenged PRACK gets the next number of its branch.
    pub fn renumber(&mut self, prack: &mut Request) {
        let tag = prack
            .headers
            .to()
            .ok()
            .and_then(|to| to.tag().map(str::to_owned));
        let of = |b: &&mut Branch| Some(&b.dialog.id().remote_tag) == tag.as_ref();
        if let Some(branch) = self.branches.iter_mut().find(of) {
            branch.dialog.renumber(prack);
        }
    }
}
