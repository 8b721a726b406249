//! What the tabs of one line tell each other.

use crate::{
    problem::Problem,
    types::{CallView, Registration},
};
use gloo_events::EventListener;
use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

/// A message between tabs of the same build or an older one: what is not understood is ignored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
            if let Ok(news) = serde_wasm_bindgen::from_value(message.data()) {
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
        if let Ok(value) = serde_wasm_bindgen::to_value(news) {
            // Only a closed channel or something that cannot be cloned fails.
            let _ = self.channel.post_message(&value);
        }
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.channel.close();
    }
}
