//! What went wrong, as the page sees it: the edge's RFC 9457 document, or a problem of our own with status 0.

use crate::plain::{FromPlain, member, read};
use alloc::{boxed::Box, string::String};
use js_sys::{Error, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The edge's document. Its shape is `wakeline_edge_api::Problem`; the wake in it stays the browser's object.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refusal {
    /// A stable path.
    pub kind: String,
    /// The same words for the same kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// A sentence about this occurrence.
    pub detail: String,
    /// The edge's clock, in problems about ours.
    pub now: Option<u64>,
    /// Seconds to wait before the next try.
    pub retry_after_s: Option<u32>,
    /// The wake as it ended, or undefined.
    pub wake: JsValue,
}

impl FromPlain for Refusal {
    fn from_plain(value: &JsValue) -> Option<Self> {
        Some(Self {
            kind: read(value, "type")?,
            title: read(value, "title")?,
            status: read(value, "status")?,
            detail: read::<Option<_>>(value, "detail")?.unwrap_or_default(),
            now: read(value, "now")?,
            retry_after_s: read(value, "retry_after_s")?,
            wake: member(value, "wake"),
        })
    }
}

/// Why something that the page asked for did not happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Problem {
    /// The edge refused it.
    Edge(Box<Refusal>),
    /// The edge could not be reached.
    Unreachable,
    /// The edge answered with something else than its interface says.
    Garbled,
    /// The browser refused or lacks it: microphone, storage, key.
    Browser {
        /// The `DOMException`'s name, e.g. `NotAllowedError`.
        name: String,
        /// What the browser says.
        message: String,
    },
    /// Nobody is signed in, or no longer.
    SignedOut,
    /// A token that is not one.
    BadToken,
    /// The phone is closed, or the call is over.
    Gone,
    /// The other tab did not take it up.
    NotLeading,
}

impl Problem {
    /// The HTTP status of the edge's refusal; 0 when the edge said nothing.
    pub fn status(&self) -> u16 {
        match self {
            Self::Edge(problem) => problem.status,
            _ => 0,
        }
    }

    /// The credential is dead: only signing in helps.
    pub fn requires_sign_in(&self) -> bool {
        matches!(self, Self::SignedOut | Self::BadToken) || self.status() == 401
    }

    /// The edge's clock, in problems about ours.
    pub fn edge_clock(&self) -> Option<u64> {
        match self {
            Self::Edge(problem) => problem.now,
            _ => None,
        }
    }

    /// What a promise of the browser was rejected with, or one of our scripts: by null, where what it was asked about is over.
    pub fn from_js(error: &JsValue) -> Self {
        if error.is_null() {
            return Self::Gone;
        }
        let text = |key: &str| read(error, key).unwrap_or_default();
        Self::Browser {
            name: text("name"),
            message: text("message"),
        }
    }

    fn words(&self) -> (&str, &str, &str) {
        match self {
            Self::Edge(p) => (&p.kind, &p.title, &p.detail),
            Self::Unreachable => ("/problems/unreachable", "The edge cannot be reached", ""),
            Self::Garbled => (
                "/problems/garbled",
                "The edge's answer cannot be understood",
                "",
            ),
            Self::Browser { name, message } => ("/problems/browser", name, message),
            Self::SignedOut => ("/problems/signed-out", "Signed out", ""),
            Self::BadToken => ("/problems/unauthorized", "The token cannot be read", ""),
            Self::Gone => ("/problems/gone", "The call is over", ""),
            Self::NotLeading => ("/problems/not-leading", "Another tab leads", ""),
        }
    }
}

/// What a promise of the browser comes to.
pub async fn settled(promise: Promise) -> Result<JsValue, Problem> {
    JsFuture::from(promise)
        .await
        .map_err(|e| Problem::from_js(&e))
}

/// Becomes an `Error` with the members of the entry's `Problem`; the entry gives it that class.
impl From<Problem> for JsValue {
    fn from(problem: Problem) -> Self {
        let (kind, title, detail) = problem.words();
        let error = Error::new(if detail.is_empty() { title } else { detail });
        error.set_name("Problem");
        let set = |key: &str, value: JsValue| {
            // A fresh ordinary object takes every member.
            let _ = Reflect::set(&error, &key.into(), &value);
        };
        set("status", problem.status().into());
        set("type", kind.into());
        set("title", title.into());
        set("detail", detail.into());
        if let Problem::Edge(p) = &problem {
            if let Some(seconds) = p.retry_after_s {
                set("retryAfter", seconds.into());
            }
            if p.wake.is_object() {
                set("wake", p.wake.clone());
            }
        }
        error.into()
    }
}
