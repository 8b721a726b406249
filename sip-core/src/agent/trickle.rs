//! Candidates one after another (RFC 8838, RFC 8840). A first offer has all of them, for nobody knows yet whether the other side takes
//! more ("half trickle"). Where it says so, later descriptions go out with what is there; the rest follows by INFO, when the dialog
//! stands and nothing of its session is being changed. Each INFO repeats what those before it had.

use super::call::{Call, Phase};
use super::event::CallId;
use super::io::MediaRequest;
use super::post::{Ask, Post, Purpose};
use crate::pii::Pii;
use crate::wire::{HeaderName, Headers, Method, Request, Response};
use alloc::vec::Vec;

/// The option tag, and the Info-Package.
pub const PACKAGE: &str = "trickle-ice";
pub const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// What of the other side's candidates waits for its description.
const MOST: usize = 16 * 1024;

/// The candidates of a call that come apart from its descriptions.
#[derive(Debug, Default)]
pub struct Trickle {
    /// Does the other side take them? It may not have said yet.
    pub taken: Option<bool>,
    /// Ours, to be told.
    ours: Option<Vec<u8>>,
    under_way: bool,
    /// Theirs, to be taken.
    theirs: Vec<u8>,
}

impl Call {
    /// More candidates of ours, with those before. They are kept until it is known whether the other side takes them.
    pub fn trickle(&mut self, fragment: Pii<Vec<u8>>) {
        if self.trickle.taken != Some(false) {
            self.trickle.ours = Some(fragment.into_inner());
        }
    }

    /// Hands on what can be handed on now.
    pub fn trickle_next(&mut self, post: &mut Post) {
        let agreed = matches!(self.phase, Phase::Talking | Phase::Accepted(_))
            && !self.modify.is_busy()
            && self.update.is_none()
            && !self.late_answer
            && self.refresh.as_ref().is_none_or(|r| r.is_answered());
        if agreed && !self.trickle.theirs.is_empty() {
            let fragment = Pii(core::mem::take(&mut self.trickle.theirs));
            post.media(self.id, MediaRequest::Candidates { fragment });
        }
        // Our 2xx may not have come through before its ACK is here.
        let free = agreed && matches!(self.phase, Phase::Talking) && self.refresh.is_none();
        if !free || self.trickle.under_way || !post.registered() {
            return;
        }
        let (Some(fragment), Some(dialog)) = (self.trickle.ours.take(), &mut self.dialog) else {
            return;
        };
        if self.trickle.taken != Some(true) {
            return;
        }
        let via = post.me.via(&mut post.entropy);
        let info = dialog
            .request(Method::Info, &via)
            .with(HeaderName::InfoPackage, PACKAGE)
            .with_body(FRAGMENT, fragment);
        self.trickle.under_way = true;
        post.ask(info, Purpose::Call(self.id, Ask::Candidates));
    }

    /// What became of an INFO with candidates. One that was lost with its flow was perhaps never seen; a path is found without it, or
    /// looked for anew.
    pub fn trickle_answered(&mut self, post: &mut Post, response: Option<&Response>) {
        self.trickle.under_way = false;
        match response.map(|r| r.status) {
            Some(481) => self.gone(post),
            // It takes none after all.
            Some(405 | 415 | 469 | 501) => self.trickle.taken = Some(false),
            _ => {}
        }
    }

    /// Candidates of the other side.
    pub fn trickled(&mut self, post: &mut Post, info: &Request) {
        let theirs = &mut self.trickle.theirs;
        let status = match core::str::from_utf8(&info.body) {
            Err(_) => 400,
            Ok(_) if theirs.len() + info.body.len() > MOST => 413,
            Ok(_) => {
                theirs.extend_from_slice(&info.body);
                theirs.extend_from_slice(b"\r\n");
                200
            }
        };
        post.send(Response::for_request(info, status, ""));
    }
}

/// Does whoever wrote these headers take candidates by INFO?
pub fn takes(headers: &Headers) -> bool {
    headers.has_token(HeaderName::Supported, PACKAGE)
        && headers.has_token(HeaderName::RecvInfo, PACKAGE)
}

/// The INFO is of a package that nobody here knows (RFC 6086 §4.2.2).
pub fn unknown_package(info: &Request) -> Option<Response> {
    let package = info.headers.get(HeaderName::InfoPackage)?;
    let name = package.split(';').next().unwrap_or_default().trim();
    let known = name.eq_ignore_ascii_case(PACKAGE);
    (!known).then(|| {
        Response::for_request(info, 469, "Bad Info Package").with(HeaderName::RecvInfo, PACKAGE)
    })
}

impl super::Agent {
    /// Do descriptions of this call go out before all candidates are known? The rest is [`super::Command::Candidates`], also where
    /// nobody knows yet and a description did not wait for all.
    pub fn trickles(&self, call: CallId) -> Option<bool> {
        self.calls.iter().find(|c| c.id == call)?.trickle.taken
    }
}
