//! Is the page still there? A socket may break without a word: a network swallows what is sent, and the platform answers
//! keepalives by itself without telling. While a call of this socket waits for its answer, parked or ringing, its page
//! is asked (OPTIONS, RFC 3261 §11, which every user agent answers), and whatever it says is a sign of life.
//!
//! Only a page that has answered such a question before is given up for not answering one: a user agent that never does is
//! not dead. So the first question comes soon, once on each socket. A living page that is given up by mistake loses its
//! socket, comes back on another one and repeats its INVITE. A socket without a waiting call is never asked.

use super::ingress::edge_host;
use super::{Flow, FlowOutput};
use crate::time::Time;
use crate::wire::{Method, NameAddr, Request, Uri, Via};
use serde::{Deserialize, Serialize};

/// The one key of the table.
const KEY: &str = "page";

/// What is known of the page while a call waits; there is no such row before the first question.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Life {
    /// When it is asked next, or the end of the patience with it.
    at: Time,
    /// It has been asked, and nothing came since.
    asked: bool,
}

impl Flow {
    /// When the page is asked, or given up.
    pub(super) fn life_deadline(&self) -> Option<Time> {
        let socket = self.socket.get("state").filter(|s| !s.closing)?;
        let (since, _) = self.waiting_call()?;
        let first = if socket.answers {
            self.config.edge.asked_every
        } else {
            self.config.edge.asked_first
        };
        Some(self.life.get(KEY).map_or(since + first, |life| life.at))
    }

    /// Something came from the page.
    pub(super) fn life_heard(&mut self, now: Time) {
        self.heard_at = now;
        let next = self.next_question(now);
        if let Some(life) = self.life.get_mut_if(KEY, |life| life.asked) {
            *life = Life {
                at: next,
                asked: false,
            };
            self.life_answered();
        }
    }

    /// The page answers questions.
    pub(super) fn life_answered(&mut self) {
        if let Some(socket) = self.socket.get_mut_if("state", |socket| !socket.answers) {
            socket.answers = true;
        }
    }

    pub(super) fn life_timeout(&mut self, now: Time) {
        if self.life_deadline().is_none_or(|at| now < at) {
            return;
        }
        let answers = self.socket.get("state").is_some_and(|s| s.answers);
        let asked = self.life.get(KEY).is_some_and(|life| life.asked);
        if asked && answers {
            return self.close(1001, "no sign of life");
        }
        let next = self.next_question(self.heard_at);
        let life = if answers && now < next {
            Life {
                at: next,
                asked: false,
            }
        } else {
            self.ask();
            Life {
                at: now + self.config.edge.asked_for,
                asked: true,
            }
        };
        self.life.insert(KEY, life);
    }

    /// No call waits any more: nothing is remembered.
    pub(super) fn life_settle(&mut self) {
        if !self.life.is_empty() && self.waiting_call().is_none() {
            self.life.remove(KEY);
        }
    }

    fn next_question(&self, heard_at: Time) -> Time {
        heard_at + self.config.edge.asked_every
    }

    /// Since when a call waits on this socket, and where its page is: its caller's, or the one that rings.
    fn waiting_call(&self) -> Option<(Time, Uri)> {
        let callers = self.server.values().filter_map(|row| {
            let contact = row.request().headers.contact().ok().flatten();
            Some((row.waits_since()?, contact?.uri))
        });
        let callees = self
            .client
            .values()
            .filter_map(|row| Some((row.rings_since()?, row.request().uri.clone())));
        callers.chain(callees).min_by_key(|(since, _)| *since)
    }

    /// Sends the question. It needs no transaction: over a socket nothing is repeated, and any frame is an answer.
    fn ask(&mut self) {
        let Some((_, target)) = self.waiting_call() else {
            return;
        };
        let target = target.without_headers();
        let via = Via::new("WS", edge_host(&self.config), self.entropy.branch());
        let from = NameAddr::new(Uri::host(edge_host(&self.config))).with_tag(self.entropy.tag());
        let to = NameAddr::new(target.clone());
        let call_id = self.entropy.call_id();
        let request = Request::new(Method::Options, target, &via, &from, &to, &call_id, 1);
        self.effects.push(FlowOutput::Frame(request.to_bytes()));
    }
}
