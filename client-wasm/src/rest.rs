//! Requests to the edge under `/v1`. Bodies go out and come in through the browser's own JSON (`js/core/request.js`).

use crate::{
    plain::{FromPlain, member, read},
    problem::{Problem, Refusal, settled},
};
use alloc::boxed::Box;
use js_sys::Promise;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/core/request.js")]
extern "C" {
    fn request(
        method: &str,
        url: &str,
        token: Option<&str>,
        body: &JsValue,
        patience: u32,
    ) -> Promise;
}

/// A request that is being put together.
pub struct Call<'a> {
    /// `GET`, `PUT`, …
    pub method: &'a str,
    /// The edge's origin.
    pub edge: &'a str,
    /// From `/v1` on.
    pub path: &'a str,
    /// The line's token.
    pub token: Option<&'a str>,
}

impl Call<'_> {
    /// Sends it, with a JSON body where one is defined.
    pub async fn send(self, body: &JsValue) -> Result<JsValue, Problem> {
        let url = [self.edge, self.path].concat();
        let asked = request(self.method, &url, self.token, body, patience(self.path));
        let answer = settled(asked).await?;
        if answer.is_null() {
            return Err(Problem::Unreachable);
        }
        let value = member(&answer, "value");
        if member(&answer, "ok").is_truthy() {
            return Ok(value);
        }
        Err(Problem::Edge(Box::new(
            Refusal::from_plain(&value).unwrap_or_else(|| Refusal {
                kind: "about:blank".into(),
                title: read(&answer, "title").unwrap_or_default(),
                status: read(&answer, "status").unwrap_or_default(),
                ..Refusal::default()
            }),
        )))
    }
}

/// How long an answer may take, ms. Behind a wake a caller waits, and what is said of it may be said twice.
fn patience(path: &str) -> u32 {
    if path.starts_with("/v1/wakes/") {
        3_000
    } else {
        20_000
    }
}

/// An answer as its type.
pub fn parse<T: FromPlain>(value: &JsValue) -> Result<T, Problem> {
    T::from_plain(value).ok_or(Problem::Garbled)
}

/// A request without a body.
pub const NO_BODY: &JsValue = &JsValue::UNDEFINED;
