//! What the tabs of one line tell each other.

use crate::listener::EventListener;
use crate::{
    plain::{FromPlain, Plain, ToPlain, member, plain_words, read},
    problem::Problem,
    types::{CallView, Registration},
};
use alloc::{string::String, vec::Vec};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// A message between tabs of the same build or an older one: what is not understood is ignored.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// A follower asks how things stand.
    Hello,
    /// How they stand, from the leader.
    State {
        /// The registration.
        registration: Registration,
        /// The calls that are not over.
        calls: Vec<CallView>,
    },
    /// A follower's user wants something of a call.
    Do {
        /// The call.
        call: String,
        /// What.
        what: Action,
    },
    /// A follower was opened for a wake while the leader is in a call.
    Ready {
        /// The wake.
        wake: String,
    },
    /// The user signed out.
    SignedOut,
}

/// What a user can do with a call from another tab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Take it, in the leading tab.
    Answer,
    /// Decline it.
    Reject,
    /// End it.
    HangUp,
    /// Send silence.
    Mute,
    /// Send the microphone.
    Unmute,
    /// Put it on hold.
    Hold,
    /// Talk again.
    Resume,
}

plain_words!(Action {
    Answer: "answer",
    Reject: "reject",
    HangUp: "hangup",
    Mute: "mute",
    Unmute: "unmute",
    Hold: "hold",
    Resume: "resume",
});

/// A word, or an object with the word as its one member.
impl ToPlain for News {
    fn to_plain(&self) -> JsValue {
        let (word, news) = match self {
            Self::Hello => return "hello".into(),
            Self::SignedOut => return "signedout".into(),
            Self::State {
                registration,
                calls,
            } => (
                "state",
                Plain::default()
                    .with("registration", registration)
                    .with("calls", calls),
            ),
            Self::Do { call, what } => {
                ("do", Plain::default().with("call", call).with("what", what))
            }
            Self::Ready { wake } => ("ready", Plain::default().with("wake", wake)),
        };
        Plain::default().with(word, &news.done()).done()
    }
}

impl FromPlain for News {
    fn from_plain(value: &JsValue) -> Option<Self> {
        if let Some(word) = value.as_string() {
            return match word.as_str() {
                "hello" => Some(Self::Hello),
                "signedout" => Some(Self::SignedOut),
                _ => None,
            };
        }
        let (state, action, ready) = (
            member(value, "state"),
            member(value, "do"),
            member(value, "ready"),
        );
        if state.is_object() {
            Some(Self::State {
                registration: read(&state, "registration")?,
                calls: read(&state, "calls")?,
            })
        } else if action.is_object() {
            Some(Self::Do {
                call: read(&action, "call")?,
                what: read(&action, "what")?,
            })
        } else {
            Some(Self::Ready {
                wake: read(&ready, "wake")?,
            })
        }
    }
}

/// The channel of one line.
pub struct Channel {
    channel: BroadcastChannel,
    _listener: EventListener,
}

impl Channel {
    /// Joins the channel of this name.
    pub fn join(name: &str, hear: impl Fn(News) + 'static) -> Result<Self, Problem> {
        let channel = BroadcastChannel::new(name).map_err(|e| Problem::from_js(&e))?;
        let listener = EventListener::new(&channel, "message", move |event| {
            let Some(message) = event.dyn_ref::<MessageEvent>() else {
                return;
            };
            if let Some(news) = News::from_plain(&message.data()) {
                hear(news);
            }
        });
        Ok(Self {
            channel,
            _listener: listener,
        })
    }

    /// Tells all other tabs.
    pub fn tell(&self, news: &News) {
        // Only a closed channel or something that cannot be cloned fails.
        let _ = self.channel.post_message(&news.to_plain());
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}
