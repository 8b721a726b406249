//! What goes beside calls: messages and who is typing (RFC 3428, 3994), subscriptions (RFC 6665), publications (RFC 3903).
//! Behind the feature `beside`: a page that only calls does not load it.
//!
//! Packages are handed out as they are, type and body; only `message-summary`, which is text, is read here.

mod composing;
mod event;
mod message;
mod publication;
mod subscription;
mod summary;

use alloc::{string::String, vec::Vec};
pub use event::{BesideCommand, BesideEvent, BesideId, PublicationState, SubscriptionState};
pub use summary::{MessageCount, MessageSummary};

use super::event::Event;
use super::io::Output;
use super::post::Post;
use super::respond;
use crate::dialog::DialogId;
use crate::entropy::Entropy;
use crate::time::{Duration, Time};
use crate::wire::{HeaderName, Request, Response};

use composing::{Listeners, Typists};
use publication::Publication;
use subscription::Subscription;

/// Subscriptions and publications of one agent.
const MOST: usize = 256;

/// What a request beside calls was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A message of the page's.
    Message(BesideId),
    /// That this side types, or no more.
    Composing(u64),
    /// The first SUBSCRIBE of a subscription.
    Subscribe(BesideId),
    /// A later one, in this dialog of it.
    Refresh(BesideId, u32),
    /// A PUBLISH.
    Publish(BesideId),
}

/// What became of it.
#[derive(Debug)]
pub struct Returned {
    /// What it was for.
    pub errand: Errand,
    /// The final response; none if it never came, or the flow is gone.
    pub response: Option<Response>,
    /// The request as it goes out again: the response was a challenge that can be answered.
    pub again: Option<Request>,
}

/// Everything beside the calls of an agent.
#[derive(Debug, Default)]
pub struct Beside {
    /// Types of messages that the page takes, beside plain text.
    accepted: Vec<String>,
    typists: Typists,
    listeners: Listeners,
    subscriptions: Vec<Subscription>,
    publications: Vec<Publication>,
}

impl Beside {
    /// The page wants something.
    pub fn command(&mut self, post: &mut Post, command: BesideCommand) {
        match command {
            BesideCommand::Accept(types) => {
                self.accepted = types.iter().map(|t| t.to_ascii_lowercase()).collect();
            }
            BesideCommand::Message {
                id,
                to,
                content_type,
                body,
            } => {
                if let Ok(uri) = post.me.target(to.expose()) {
                    self.listeners.stop(&uri);
                }
                message::send(post, id, to.expose(), &content_type, body.into_inner());
            }
            BesideCommand::Typing(to) => self.listeners.typing(post, to.expose()),
            BesideCommand::Subscribe {
                id,
                to,
                package,
                accept,
                expires,
            } => {
                let to = post.me.target(to.expose());
                match to {
                    Ok(to) if self.subscriptions.len() < MOST => {
                        let mut new = Subscription::new(id, to, package, accept, expires);
                        new.begin(post);
                        self.subscriptions.push(new);
                    }
                    _ => tell(
                        post,
                        BesideEvent::Subscription(
                            id,
                            SubscriptionState::Ended {
                                status: 404,
                                reason: String::new(),
                            },
                        ),
                    ),
                }
            }
            BesideCommand::Unsubscribe(id) => {
                if let Some(found) = self.subscriptions.iter_mut().find(|s| s.id == id) {
                    found.leave(post);
                }
            }
            BesideCommand::Publish {
                id,
                package,
                content_type,
                body,
                expires,
            } => {
                let body = (content_type, body.into_inner());
                if let Some(found) = self.publications.iter_mut().find(|p| p.id == id) {
                    found.change(post, body);
                } else if self.publications.len() < MOST {
                    let mut new = Publication::new(id, package, body, expires);
                    new.begin(post);
                    self.publications.push(new);
                }
            }
            BesideCommand::Unpublish(id) => {
                if let Some(found) = self.publications.iter_mut().find(|p| p.id == id) {
                    found.leave(post);
                }
            }
        }
        self.tidy();
    }

    /// A MESSAGE came in.
    pub fn message(&mut self, post: &mut Post, request: &Request) {
        message::receive(post, &self.accepted, &mut self.typists, request);
    }

    /// The types of messages that are taken.
    pub fn accepts(&self) -> String {
        message::accepts(&self.accepted)
    }

    /// A NOTIFY came in. False if it belongs to no subscription here.
    pub fn notified(&mut self, post: &mut Post, notify: &Request) -> bool {
        let Ok(id) = DialogId::of_incoming(notify) else {
            return false;
        };
        let found = self.subscriptions.iter_mut().find(|s| s.owns(&id));
        let Some(subscription) = found else {
            return false;
        };
        subscription.notified(post, &id, notify);
        self.tidy();
        true
    }

    /// What became of a request.
    pub fn returned(&mut self, post: &mut Post, returned: Returned) {
        match returned.errand {
            Errand::Message(id) => message::returned(post, id, returned),
            Errand::Composing(key) => self.listeners.returned(post, key, returned),
            Errand::Subscribe(id) | Errand::Refresh(id, _) => {
                if let Some(found) = self.subscriptions.iter_mut().find(|s| s.id == id) {
                    found.returned(post, returned);
                }
            }
            Errand::Publish(id) => {
                if let Some(found) = self.publications.iter_mut().find(|p| p.id == id) {
                    found.returned(post, returned);
                }
            }
        }
        self.tidy();
    }

    /// The flow is registered; notifiers have to learn where we are now if it is a new one.
    pub fn flow_registered(&mut self, post: &mut Post, new_flow: bool) {
        for subscription in &mut self.subscriptions {
            subscription.flow_registered(post, new_flow);
        }
        for publication in &mut self.publications {
            publication.flow_registered(post);
        }
        self.tidy();
    }

    /// The page stops: nothing is wanted any more. Whoever still notifies hears that we are gone.
    pub fn stop(&mut self, post: &mut Post) {
        for subscription in &mut self.subscriptions {
            subscription.leave(post);
        }
        for publication in &mut self.publications {
            publication.leave(post);
        }
        self.tidy();
    }

    /// When [`Beside::timeout`] is to be called.
    pub fn deadline(&self, registered: bool) -> Option<Time> {
        let subscriptions = self.subscriptions.iter();
        let publications = self.publications.iter();
        subscriptions
            .filter_map(|s| s.deadline(registered))
            .chain(publications.filter_map(|p| p.deadline(registered)))
            .chain(self.typists.deadline())
            .chain(self.listeners.deadline())
            .min()
    }

    /// Time has passed.
    pub fn timeout(&mut self, post: &mut Post) {
        self.typists.timeout(post);
        self.listeners.timeout(post);
        for subscription in &mut self.subscriptions {
            subscription.timeout(post);
        }
        for publication in &mut self.publications {
            publication.timeout(post);
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.subscriptions.retain(|s| !s.is_over());
        self.publications.retain(|p| !p.is_over());
    }

    /// For tests: is something left?
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.subscriptions.is_empty() && self.publications.is_empty()
    }
}

/// Tells the page.
fn tell(post: &mut Post, event: BesideEvent) {
    post.out.push_back(Output::Event(Event::Beside(event)));
}

/// The refusal of a body of an unknown type.
fn unknown_type(request: &Request, accepted: String) -> Response {
    Response::for_request(request, 415, "").with(HeaderName::Accept, accepted)
}

/// The refusal of an event package that nobody here has asked for.
pub fn bad_event(request: &Request) -> Response {
    Response::for_request(request, 489, "").with(HeaderName::AllowEvents, respond::PACKAGES)
}

/// When a life of so many seconds is to be renewed: before its end, by a minute or by half of a short one.
fn renewal(now: Time, seconds: u32) -> Time {
    let life = u64::from(seconds) * 1000;
    now + Duration::from_millis(life.saturating_sub(60_000).max(life / 2))
}

/// The pause before the next try: what the server said, or doubled each time and shortened by chance.
fn pause(entropy: &mut Entropy, failures: u32, said: Option<u32>) -> Duration {
    let doubled = (1_000_u64 << failures.min(9)).min(300_000);
    let ours = doubled / 2 + entropy.below(doubled / 2 + 1);
    // A server that says "now" again and again is not hammered either.
    said.map_or(Duration::from_millis(ours), |s| {
        Duration::from_millis((u64::from(s) * 1000).max(ours.min(1_000 * u64::from(failures))))
    })
}

/// May another try succeed without anyone changing anything?
const fn passes(status: u16) -> bool {
    matches!(status, 0 | 408 | 430 | 480 | 486 | 491 | 500 | 502..600)
}
