//! The JSON that a service worker reads, in the shape of Declarative Web Push: a browser that
//! knows `web_push: 8030` shows the notification even where no service worker runs; any other
//! hands it to the service worker as plain JSON.

use serde::Serialize;
use thiserror::Error;

use crate::encrypt::MAX_PLAINTEXT;
use crate::notice::{Kind, Notice};
use crate::text::{clean, text, truncate};
use crate::topic::Topic;

/// Longest display name shown, in characters; more is cut even where it would fit.
const MAX_NAME: usize = 96;

/// A notice that cannot be said.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PayloadError {
    /// Too long even with an empty display name.
    #[error("the notice does not fit a push message: {0} octets without the caller's name")]
    TooLong(usize),
}

#[derive(Serialize)]
struct Message<'a> {
    web_push: u16,
    notification: Notification<'a>,
    mutable: bool,
    wakeline: Wakeline<'a>,
}

#[derive(Serialize)]
struct Notification<'a> {
    title: &'a str,
    body: &'a str,
    navigate: &'a str,
    tag: &'a str,
    silent: bool,
    lang: &'static str,
}

#[derive(Serialize)]
struct Wakeline<'a> {
    kind: Kind,
    wake: &'a str,
    caller: Who<'a>,
    issued_at: u64,
    expires_at: u64,
    capability: &'a str,
    attempt: u32,
    number: &'a str,
}

#[derive(Serialize)]
struct Who<'a> {
    number: &'a str,
    display_name: &'a str,
}

/// The payload of a notice, at most [`MAX_PLAINTEXT`] octets: the caller's display name is
/// cleaned, and shortened as far as needed.
///
/// # Errors
/// When the rest of the notice alone is too long.
pub fn payload(notice: &Notice) -> Result<Vec<u8>, PayloadError> {
    let name = clean(&notice.caller.display_name);
    let mut max = MAX_NAME;
    loop {
        let said = say(notice, &truncate(&name, max));
        match (said.len(), max) {
            (0..=MAX_PLAINTEXT, _) => return Ok(said),
            (len, 0) => return Err(PayloadError::TooLong(len)),
            _ => max /= 2,
        }
    }
}

fn say(notice: &Notice, name: &str) -> Vec<u8> {
    let caller = clean(&notice.caller.number);
    let text = text(notice.lang, notice.kind, name, &caller);
    let navigate = notice.url();
    let topic = Topic::of(&notice.wake);
    let message = Message {
        web_push: 8030,
        notification: Notification {
            title: &text.title,
            body: &text.body,
            navigate: &navigate,
            tag: topic.as_str(),
            silent: notice.kind.is_replacement(),
            lang: notice.lang.tag(),
        },
        mutable: true,
        wakeline: Wakeline {
            kind: notice.kind,
            wake: &notice.wake,
            caller: Who {
                number: &caller,
                display_name: name,
            },
            issued_at: notice.issued_at,
            expires_at: notice.expires_at,
            capability: &notice.capability,
            attempt: notice.attempt,
            number: &notice.number,
        },
    };
    serde_json::to_vec(&message).expect("strings and integers always serialise")
}
