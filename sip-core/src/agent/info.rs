//! Digits by INFO (`application/dtmf-relay`), for servers that do not take them from the sound: one after another, each
//! when the one before has arrived.

use alloc::collections::VecDeque;
use alloc::string::String;

use super::call::{Call, Phase};
use super::event::{Event, Wish};
use super::io::Output;
use super::post::{Ask, Post, Purpose};
use super::trickle;
use crate::wire::{HeaderName, Method, Request, Response};

/// Digits that wait.
const MOST: usize = 64;
pub const RELAY: &str = "application/dtmf-relay";
const PLAIN: &str = "application/dtmf";

/// The digits of a call that are on their way.
#[derive(Debug, Default)]
pub struct Digits {
    waiting: VecDeque<char>,
    under_way: bool,
}

/// One that a telephone has.
fn is_digit(c: char) -> bool {
    matches!(c, '0'..='9' | 'A'..='D' | '*' | '#')
}

impl Call {
    /// The user dials in the call. What is no digit is left out.
    pub fn dial_in_call(&mut self, post: &mut Post, digits: &str) {
        let room = MOST.saturating_sub(self.digits.waiting.len());
        let digits = digits.chars().map(|c| c.to_ascii_uppercase());
        self.digits
            .waiting
            .extend(digits.filter(|c| is_digit(*c)).take(room));
        self.next_digit(post);
    }

    fn next_digit(&mut self, post: &mut Post) {
        if self.digits.under_way || !matches!(self.phase, Phase::Talking | Phase::Accepted(_)) {
            return;
        }
        let Some(digit) = self.digits.waiting.pop_front() else {
            return;
        };
        if !post.registered() {
            return self.digits_refused(post, 0);
        }
        let via = post.me.via(&mut post.entropy);
        let Some(dialog) = &mut self.dialog else {
            return;
        };
        let mut body = String::from("Signal=");
        body.push(digit);
        body.push_str("\r\nDuration=160\r\n");
        let info = dialog.request(Method::Info, &via).with_body(RELAY, body);
        self.digits.under_way = true;
        post.ask(info, Purpose::Call(self.id, Ask::Info));
    }

    /// What became of a digit. After one that was lost the rest would be another number.
    pub fn digit_answered(&mut self, post: &mut Post, response: Option<&Response>) {
        self.digits.under_way = false;
        match response {
            Some(response) if response.is_success() => self.next_digit(post),
            Some(response) if response.status == 481 => self.gone(post),
            response => self.digits_refused(post, response.map_or(0, |r| r.status)),
        }
    }

    fn digits_refused(&mut self, post: &mut Post, status: u16) {
        self.digits.waiting.clear();
        post.out.push_back(Output::Event(Event::Refused {
            call: self.id,
            what: Wish::Dtmf,
            status,
        }));
    }

    /// An INFO of the other side.
    pub fn info_received(&mut self, post: &mut Post, info: &Request) {
        if let Some(refusal) = trickle::unknown_package(info) {
            return post.send(refusal);
        }
        let text = String::from_utf8_lossy(&info.body);
        let signal = match info.headers.content_type().as_deref() {
            Some(RELAY) => text
                .lines()
                .filter_map(|line| line.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("signal"))
                .map(|(_, value)| value.trim()),
            Some(trickle::FRAGMENT) => return self.trickled(post, info),
            Some(PLAIN) => Some(text.trim()),
            // Some only ask for life with it.
            None if info.body.is_empty() => {
                return post.send(Response::for_request(info, 200, ""));
            }
            _ => {
                let refusal = Response::for_request(info, 415, "");
                return post.send(refusal.with(HeaderName::Accept, RELAY));
            }
        };
        let mut digit = signal.unwrap_or_default().chars();
        match (digit.next().map(|c| c.to_ascii_uppercase()), digit.next()) {
            (Some(digit), None) if is_digit(digit) => {
                post.send(Response::for_request(info, 200, ""));
                let event = Event::Dtmf(self.id, digit);
                post.out.push_back(Output::Event(event));
            }
            _ => post.send(Response::for_request(info, 400, "No Such Digit")),
        }
    }
}
