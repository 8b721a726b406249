//! Several pages and what stands between them: requests find their page by number or by contact, responses the way back.

use std::collections::HashMap;

use super::net::{Page, config, forwarded, returned};
use crate::agent::{CallId, CallState, Command};
use crate::time::Duration;
use crate::wire::{HeaderName, Message, Method};

pub struct Exchange {
    pub pages: Vec<Page>,
    back: HashMap<String, usize>,
    forks: usize,
    /// Every message, by who sent it.
    pub heard: Vec<(usize, Message)>,
}

impl Exchange {
    /// Registered pages with the numbers 1001, 1002 …; each takes several calls.
    pub fn new(count: usize) -> Self {
        let page = |at: usize| {
            let mut config = config(&(1001 + at).to_string());
            config.policy.calls = 3;
            let mut page = Page::with(config, 10 + at as u64);
            page.command(Command::Start);
            page.connected();
            page.accept_register(600);
            page.events.clear();
            page
        };
        Self {
            pages: (0..count).map(page).collect(),
            back: HashMap::new(),
            forks: 0,
            heard: Vec::new(),
        }
    }

    pub fn relay(&mut self) {
        for _ in 0..200 {
            let Some(at) = self.pages.iter().position(|p| !p.silent()) else {
                return;
            };
            let message = self.pages[at].message();
            self.heard.push((at, message.clone()));
            self.pass(at, message);
        }
        panic!("they never stop");
    }

    fn pass(&mut self, from: usize, message: Message) {
        let via = message.headers().top_via().unwrap();
        let branch = via.branch().unwrap().to_owned();
        match message {
            Message::Request(mut request) => {
                let in_dialog_ack =
                    request.method == Method::Ack && request.headers.has(HeaderName::Route);
                request.headers.remove(HeaderName::Route);
                let host = &request.uri.host;
                let number = request.uri.username().unwrap_or_default().into_owned();
                let to = self.pages.iter().position(|p| {
                    let contact = p.agent.post.me.contact();
                    contact.contains(host.as_str())
                        || config(&number).address_of_record
                            == crate::pii::Pii(p.agent.post.me.address_of_record.to_string())
                });
                let to = to.expect("nobody has this address");
                let branch = if in_dialog_ack {
                    self.forks += 1;
                    format!("e{}", self.forks)
                } else {
                    branch
                };
                self.back.insert(format!("z9hG4bK{branch}"), from);
                self.pages[to].frame(forwarded(&request, &branch));
            }
            Message::Response(response) => {
                let to = self.back[&branch];
                self.pages[to].frame(returned(&response));
            }
        }
    }

    pub fn pass_time(&mut self, span: Duration) {
        for page in &mut self.pages {
            page.pass(span);
            page.sent.retain(|f| f != b"\r\n\r\n");
        }
    }

    /// A call from one page to another that is answered; its ids on both sides.
    pub fn talk(&mut self, from: usize, to: usize) -> (CallId, CallId) {
        let out = self.pages[from].call(&(1001 + to).to_string());
        self.relay();
        let into = self.pages[to].incoming();
        self.pages[to].command(Command::Alert(into));
        self.relay();
        self.pages[to].command(Command::Answer(into));
        self.relay();
        for (page, call) in [(from, out), (to, into)] {
            assert_eq!(self.pages[page].view_of(call).state, CallState::Active);
        }
        (out, into)
    }

    /// The id of the call that this page was last told of.
    pub fn last_call(&self, page: usize) -> CallId {
        let events = self.pages[page].events.iter().rev();
        let id = events.into_iter().find_map(|e| match e {
            crate::agent::Event::Call(id, _) | crate::agent::Event::Incoming(id, _) => Some(*id),
            _ => None,
        });
        id.expect("no call")
    }

    /// The requests of this method, and who sent them.
    pub fn requests(&self, method: &Method) -> Vec<(usize, crate::wire::Request)> {
        let of = |(from, message): &(usize, Message)| match message {
            Message::Request(request) if request.method == *method => {
                Some((*from, request.clone()))
            }
            _ => None,
        };
        self.heard.iter().filter_map(of).collect()
    }
}
