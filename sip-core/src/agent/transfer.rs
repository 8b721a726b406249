//! Transfer (RFC 3515, 3891, 3892, 5589): as the one who transfers, the one who is transferred, and the one who is
//! reached in the end.

use super::call::{Call, Phase};
use super::event::{By, CallId, CallState, End, Event, Outcome, Progress, Wish};
use super::io::Output;
use super::post::{Ask, Post, Purpose};
use crate::dialog::DialogId;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Method, NameAddr, Request, Response, Text, Uri};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

/// A transfer of which nothing was heard for this long has failed. It may ring meanwhile.
const PATIENCE: Duration = Duration::from_secs(180);
pub const SIPFRAG: &str = "message/sipfrag";

/// A transfer that this side asked for.
#[derive(Debug)]
pub struct Transfer {
    until: Time,
}

/// The call that a REFER of the other side asked for, seen from that new call.
#[derive(Debug)]
pub struct Referred {
    /// The call in which it was asked.
    pub by: CallId,
    /// The number of its REFER, where that was not the first one of its call.
    number: Option<u32>,
    /// What was told last.
    told: u16,
}

/// News for whoever asked for a call.
#[derive(Debug)]
pub struct News {
    /// The call in which it was asked.
    pub by: CallId,
    number: Option<u32>,
    status: u16,
}

// ---- who transfers ----

impl Call {
    /// Sends the other side elsewhere: to a number, or into the dialog of another call of ours.
    pub fn transfer(&mut self, post: &mut Post, to: &Uri, replaces: Option<&DialogId>) {
        let free = matches!(self.phase, Phase::Talking) && self.transfer.is_none();
        if !free || !post.registered() {
            return self.transfer_refused(post, 0);
        }
        let via = post.me.via(&mut post.entropy);
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        let mut target = to.clone();
        if let Some(other) = replaces {
            let mut text = String::from("Replaces=");
            // As the far side of that dialog has its tags.
            for part in [
                other.call_id.as_str(),
                ";to-tag=",
                &other.remote_tag,
                ";from-tag=",
                &other.local_tag,
            ] {
                escape(part, &mut text);
            }
            target.headers = Some(text);
        }
        let us = NameAddr::new(post.me.address_of_record.clone());
        let refer = dialog
            .request(Method::Refer, &via)
            .with(HeaderName::ReferTo, NameAddr::new(target).to_text())
            .with(HeaderName::ReferredBy, us.to_text());
        let refer = post.me.refreshing(refer);
        self.transfer = Some(Transfer {
            until: post.now + PATIENCE,
        });
        post.ask(refer, Purpose::Call(self.id, Ask::Refer));
    }

    /// It could not even be asked for.
    pub fn transfer_refused(&mut self, post: &mut Post, status: u16) {
        self.transfer = None;
        let event = Event::Refused {
            call: self.id,
            what: Wish::Transfer,
            status,
        };
        post.out.push_back(Output::Event(event));
    }

    /// The answer to our REFER. That it was accepted says nothing of the call to come.
    pub fn refer_answered(&mut self, post: &mut Post, response: Option<&Response>) {
        match response {
            Some(response) if response.is_success() => {}
            Some(response) if response.status == 481 => self.gone(post),
            // It was refused, or is lost with its flow: the call goes on.
            response if self.transfer.is_some() => {
                self.transfer_refused(post, response.map_or(0, |r| r.status));
            }
            _ => {}
        }
    }

    /// A NOTIFY of how it goes (RFC 3515 §2.4.4).
    pub fn transfer_notified(&mut self, post: &mut Post, notify: &Request) {
        let event = notify.headers.get(HeaderName::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        if !package.eq_ignore_ascii_case("refer") {
            let refusal = Response::for_request(notify, 489, "");
            return post.send(refusal.with(HeaderName::AllowEvents, "refer"));
        }
        if self.transfer.is_none() {
            return post.send(Response::for_request(notify, 481, ""));
        }
        let is_frag = notify.headers.content_type().as_deref() == Some(SIPFRAG);
        let Some(status) = status_line(&notify.body).filter(|_| is_frag) else {
            return post.send(Response::for_request(notify, 400, "No Sipfrag"));
        };
        post.send(Response::for_request(notify, 200, ""));
        let state = notify.headers.get(HeaderName::SubscriptionState);
        let over = state.is_some_and(|s| {
            let word = s.split(';').next().unwrap_or_default().trim();
            word.eq_ignore_ascii_case("terminated")
        });
        match status {
            200..300 => {
                self.transfer = None;
                self.tell_transfer(post, Progress::Done);
                self.hang_up(post);
            }
            300.. => self.transfer_refused(post, status),
            // It ended and nobody says how.
            _ if over => self.transfer_refused(post, 0),
            _ => {
                self.transfer = Some(Transfer {
                    until: post.now + PATIENCE,
                });
                let ringing = status == 180 || status == 183;
                let progress = if ringing {
                    Progress::Ringing
                } else {
                    Progress::Trying
                };
                self.tell_transfer(post, progress);
            }
        }
    }

    fn tell_transfer(&self, post: &mut Post, progress: Progress) {
        let event = Event::Transfer(self.id, progress);
        post.out.push_back(Output::Event(event));
    }

    /// When [`Call::transfer_timeout`] is to be called.
    pub fn transfer_deadline(&self) -> Option<Time> {
        self.transfer.as_ref().map(|t| t.until)
    }

    /// Nothing is heard any more of a transfer.
    pub fn transfer_timeout(&mut self, post: &mut Post) {
        if self.transfer_deadline().is_some_and(|at| at <= post.now) {
            self.transfer_refused(post, 408);
        }
    }
}

// ---- who is transferred ----

/// What a REFER asks for: whom to call, and with which headers.
#[derive(Debug)]
pub struct Target {
    /// Whom.
    pub to: Uri,
    /// `Replaces` and `Referred-By`.
    pub headers: Vec<(HeaderName, String)>,
    /// The REFER, which has no answer yet.
    refer: Request,
}

impl Call {
    /// A REFER in this call: whom to call instead. One that makes no sense is refused here, any other is answered by [`Call::follow`].
    pub fn referred(&self, post: &mut Post, refer: Request) -> Option<Target> {
        let text = refer.headers.get(HeaderName::ReferTo);
        let target = text.and_then(|t| t.parse::<NameAddr>().ok());
        let status = match &target {
            _ if !matches!(self.phase, Phase::Talking | Phase::Accepted(_)) => 491,
            None => 400,
            Some(target) if !target.uri.is_sip() => 416,
            // Another method than INVITE is nothing for a telephone.
            Some(target)
                if target
                    .uri
                    .params
                    .get("method")
                    .is_some_and(|m| m != "INVITE") =>
            {
                501
            }
            Some(_) => 202,
        };
        let Some(target) = target.filter(|_| status == 202) else {
            post.send(Response::for_request(&refer, status, ""));
            return None;
        };
        let mut to = target.uri;
        let mut headers = Vec::new();
        // Only one header of the many that a stranger could ask for is understood.
        for part in to.headers.take().unwrap_or_default().split('&') {
            if let Some((name, value)) = part.split_once('=')
                && name.eq_ignore_ascii_case("Replaces")
            {
                headers.push((HeaderName::Replaces, unescape(value)));
            }
        }
        to.params.remove("method");
        let by = refer.headers.get(HeaderName::ReferredBy);
        if let Some(by) = by.filter(|b| b.parse::<NameAddr>().is_ok()) {
            headers.push((HeaderName::ReferredBy, by.to_owned()));
        }
        Some(Target { to, headers, refer })
    }

    /// The answer to a REFER that makes sense: it is followed, unless there is a reason against it.
    pub fn follow(
        &mut self,
        post: &mut Post,
        target: &Target,
        against: Option<u16>,
    ) -> Option<Referred> {
        let response = Response::for_request(&target.refer, against.unwrap_or(202), "");
        if against.is_some() {
            post.send(response);
            return None;
        }
        post.send(response.with(HeaderName::Contact, post.me.contact()));
        // Only the first needs no number to be told from others (RFC 3515 §2.4.6).
        let cseq = target.refer.headers.cseq();
        let later = core::mem::replace(&mut self.has_referred, true);
        let (by, number) = (self.id, cseq.ok().filter(|_| later).map(|c| c.number));
        let status = 100;
        self.notify(post, &News { by, number, status });
        let told = status;
        Some(Referred { by, number, told })
    }

    /// This new call tells the one that asked for it how far it is.
    pub fn news_for_referrer(&mut self) -> Option<News> {
        let referred = self.referred.as_mut()?;
        let status = match (self.view.state, &self.view.end) {
            (CallState::Ringing, _) => 180,
            (CallState::Connecting | CallState::Active, _) => 200,
            (CallState::Ended, Some(end)) => match end.status {
                status @ 300..700 => status,
                _ if end.outcome == Outcome::Cancelled => 487,
                _ => 503,
            },
            _ => return None,
        };
        if referred.told == status || referred.told >= 200 {
            return None;
        }
        referred.told = status;
        let (by, number) = (referred.by, referred.number);
        Some(News { by, number, status })
    }

    /// Tells the other side how the call goes that it asked for.
    pub fn notify(&mut self, post: &mut Post, news: &News) {
        let via = post.me.via(&mut post.entropy);
        let Some(dialog) = self.dialog.as_mut().filter(|_| post.registered()) else {
            return;
        };
        let state = if news.status >= 200 {
            "terminated;reason=noresource"
        } else {
            "active;expires=180"
        };
        let mut body = String::from("SIP/2.0 ");
        body.push_str(&news.status.to_string());
        body.push(' ');
        body.push_str(crate::wire::phrase(news.status));
        body.push_str("\r\n");
        let mut event = String::from("refer");
        if let Some(number) = news.number {
            event.push_str(";id=");
            event.push_str(&number.to_string());
        }
        let notify = dialog
            .request(Method::Notify, &via)
            .with(HeaderName::Contact, post.me.contact())
            .with(HeaderName::Event, event)
            .with(HeaderName::SubscriptionState, state)
            .with_body(SIPFRAG, body);
        post.ask(notify, Purpose::Call(self.id, Ask::Notify));
    }
}

// ---- who is reached ----

/// The dialog that an INVITE wants to take the place of (RFC 3891 §3), and whether only while it is early.
pub fn replaced(text: &str) -> Option<(DialogId, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let call_id = parts.next().filter(|id| !id.is_empty())?;
    let (mut to, mut from, mut early) = (None, None, false);
    for part in parts {
        match part.split_once('=') {
            Some(("to-tag", tag)) => to = Some(tag),
            Some(("from-tag", tag)) => from = Some(tag),
            None if part == "early-only" => early = true,
            _ => {}
        }
    }
    let id = DialogId {
        call_id: call_id.to_owned(),
        local_tag: to?.to_owned(),
        remote_tag: from?.to_owned(),
    };
    Some((id, early))
}

impl Call {
    /// The call whose place this one takes now that it is answered; told once.
    pub fn takes_over(&mut self) -> Option<CallId> {
        let answered = matches!(self.phase, Phase::Accepted(_) | Phase::Talking);
        self.takes.take_if(|_| answered)
    }

    /// Another call has taken its place.
    pub fn replaced(&mut self, post: &mut Post) {
        let end = End {
            outcome: Outcome::HungUp,
            status: 200,
            reason: "transferred".to_owned(),
            by: By::Remote,
        };
        self.over(post, end);
        self.bye(post);
    }
}

/// The status line of a fragment.
fn status_line(body: &[u8]) -> Option<u16> {
    let text = core::str::from_utf8(body).ok()?;
    let status = text.trim_start().strip_prefix("SIP/2.0 ")?.get(..3)?;
    status.parse().ok().filter(|s| (100..700).contains(s))
}

/// Escapes what may not stand in the headers of a URI.
fn escape(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'!' | b'~' | b'*' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                for nibble in [byte >> 4, byte & 15] {
                    out.push(char::from(b"0123456789ABCDEF"[usize::from(nibble)]));
                }
            }
        }
    }
}

fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.as_bytes().get(at) {
        let escaped = text.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(value) => {
                out.push(value);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
