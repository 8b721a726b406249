//! Beside calls: what TypeScript wants and is told, in plain values. Only in the leading tab.

use crate::{phone::Phone, problem::Problem, types::Remote};
use alloc::{string::String, vec::Vec};
use serde::{Deserialize, Serialize};
use wakeline_sip::{
    agent::{
        About, BesideCommand, BesideEvent, BesideId, CallId, Command, MessageSummary, Party,
        PublicationState, SubscriptionState,
    },
    pii::Pii,
};
use wasm_bindgen::prelude::*;

/// What the page wants; `id` is what an earlier one gave.
#[derive(Deserialize)]
#[serde(
    tag = "want",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub(crate) enum Want {
    /// Take messages of these types.
    Accept { types: Vec<String> },
    /// Send a message.
    Message {
        to: String,
        content_type: String,
        body: String,
    },
    /// A key was pressed.
    Typing { to: String },
    /// Be told of a state.
    Subscribe {
        to: String,
        package: String,
        accept: Vec<String>,
        expires: u32,
    },
    /// Be told no more.
    Unsubscribe { id: u32 },
    /// Publish a state, or change it.
    Publish {
        id: Option<u32>,
        package: String,
        content_type: String,
        body: String,
        expires: u32,
    },
    /// Take it back.
    Unpublish { id: u32 },
    /// Call, and let the other side make the offer.
    CallWithoutOffer {
        to: String,
        headers: Vec<(String, String)>,
    },
}

/// What the page is told.
#[derive(Serialize)]
#[serde(
    tag = "what",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
enum News {
    Message {
        from: Remote,
        content_type: String,
        body: String,
    },
    Composing {
        from: Remote,
        active: bool,
    },
    Sent {
        id: u64,
        status: u16,
    },
    State {
        id: u64,
        state: &'static str,
        retry_at: Option<u64>,
        status: Option<u16>,
        reason: Option<String>,
    },
    About {
        call: String,
        diverted: Option<Remote>,
        private: bool,
        referred_by: Option<Remote>,
        wants_answer: bool,
        headers: Vec<(String, String)>,
    },
    Notified {
        id: u64,
        branch: u32,
        content_type: String,
        body: String,
        summary: Option<Summary>,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    waiting: bool,
    account: Option<String>,
    counts: Vec<Count>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    kind: String,
    new: u32,
    old: u32,
    urgent_new: u32,
    urgent_old: u32,
}

impl Phone {
    /// What the page wants beside calls; gives the id of what it began.
    pub(crate) fn beside(&self, want: Want) -> Result<u32, Problem> {
        let driver = self.driver()?;
        if let Want::CallWithoutOffer { to, headers } = want {
            let (to, call) = (Pii(to), driver.next_call());
            crate::page::beside(async move {
                driver.command(Command::CallWithoutOffer { call, to, headers });
            });
            return Ok(u32::try_from(call.0).unwrap_or_default());
        }
        let new = || driver.next_beside();
        let given = |id: u32| BesideId(id.into());
        let (id, command) = match want {
            Want::Accept { types } => (BesideId(0), BesideCommand::Accept(types)),
            Want::Message {
                to,
                content_type,
                body,
            } => {
                let id = new();
                let (to, body) = (Pii(to), Pii(body.into_bytes()));
                let message = BesideCommand::Message {
                    id,
                    to,
                    content_type,
                    body,
                };
                (id, message)
            }
            Want::Typing { to } => (BesideId(0), BesideCommand::Typing(Pii(to))),
            Want::Subscribe {
                to,
                package,
                accept,
                expires,
            } => {
                let id = new();
                let to = Pii(to);
                let subscribe = BesideCommand::Subscribe {
                    id,
                    to,
                    package,
                    accept,
                    expires,
                };
                (id, subscribe)
            }
            Want::Unsubscribe { id } => (given(id), BesideCommand::Unsubscribe(given(id))),
            Want::Publish {
                id,
                package,
                content_type,
                body,
                expires,
            } => {
                let id = id.map_or_else(new, given);
                let body = Pii(body.into_bytes());
                let publish = BesideCommand::Publish {
                    id,
                    package,
                    content_type,
                    body,
                    expires,
                };
                (id, publish)
            }
            Want::Unpublish { id } => (given(id), BesideCommand::Unpublish(given(id))),
            Want::CallWithoutOffer { .. } => return Err(Problem::Garbled),
        };
        // The page learns the id before anything that is told of it.
        crate::page::beside(async move {
            driver.command(Command::Beside(command));
        });
        Ok(u32::try_from(id.0).unwrap_or_default())
    }
}

/// An event as the page is told it.
pub(crate) fn news(event: BesideEvent) -> JsValue {
    let news = match event {
        BesideEvent::Message {
            from,
            content_type,
            body,
        } => News::Message {
            from: remote(from),
            content_type,
            body: text(body),
        },
        BesideEvent::Composing { from, active } => News::Composing {
            from: remote(from),
            active,
        },
        BesideEvent::Sent(BesideId(id), status) => News::Sent { id, status },
        BesideEvent::Subscription(BesideId(id), state) => {
            let (state, retry_at, end) = match state {
                SubscriptionState::Asking => ("asking", None, None),
                SubscriptionState::Pending => ("pending", None, None),
                SubscriptionState::Active => ("active", None, None),
                SubscriptionState::Waiting { retry_at } => ("waiting", Some(retry_at), None),
                SubscriptionState::Ended { status, reason } => {
                    ("ended", None, Some((status, reason)))
                }
            };
            let (status, reason) = end.unzip();
            News::State {
                id,
                state,
                retry_at: retry_at.map(|t| t.as_millis()),
                status,
                reason,
            }
        }
        BesideEvent::Notified {
            id: BesideId(id),
            branch,
            content_type,
            body,
            summary,
        } => News::Notified {
            id,
            branch,
            content_type,
            body: text(body),
            summary: summary.map(|s| counted(*s)),
        },
        BesideEvent::Publication(BesideId(id), state) => {
            let (state, retry_at, status) = match state {
                PublicationState::Published => ("published", None, None),
                PublicationState::Waiting { retry_at } => ("waiting", Some(retry_at), None),
                PublicationState::Ended { status } => ("ended", None, Some(status)),
            };
            News::State {
                id,
                state,
                retry_at: retry_at.map(|t| t.as_millis()),
                status,
                reason: None,
            }
        }
    };
    written(&news)
}

/// What came with a call, beside what every page shows.
pub(crate) fn about(call: CallId, about: &About) -> JsValue {
    let party = |party: &Party| remote(party.clone());
    written(&News::About {
        call: call.0.to_string(),
        diverted: about.diverted.as_ref().map(party),
        private: about.private,
        referred_by: about.referred_by.as_ref().map(party),
        wants_answer: about.wants_answer,
        headers: about.headers.clone(),
    })
}

fn written(news: &News) -> JsValue {
    let serializer = serde_wasm_bindgen::Serializer::new().serialize_missing_as_null(true);
    // These types hold strings and small numbers only.
    news.serialize(&serializer).unwrap_or_default()
}

fn remote(party: Party) -> Remote {
    Remote {
        number: party.number.into_inner(),
        display_name: party.display_name.into_inner(),
    }
}

fn text(body: Pii<Vec<u8>>) -> String {
    String::from_utf8_lossy(&body.into_inner()).into_owned()
}

fn counted(summary: MessageSummary) -> Summary {
    Summary {
        waiting: summary.waiting,
        account: summary.account,
        counts: summary
            .counts
            .into_iter()
            .map(|count| Count {
                kind: count.kind,
                new: count.new,
                old: count.old,
                urgent_new: count.urgent_new,
                urgent_old: count.urgent_old,
            })
            .collect(),
    }
}
