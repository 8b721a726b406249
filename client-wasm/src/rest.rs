//! Requests to the edge under `/v1`. Bodies go out and come in through the browser's own JSON.

use crate::{
    plain::FromPlain,
    problem::{Problem, Refusal},
};
use alloc::boxed::Box;
use js_sys::{JSON, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortSignal, Headers, Request, RequestInit, Response};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(request: &Request) -> Promise;
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
        let init = RequestInit::new();
        init.set_method(self.method);
        let headers = Headers::new().map_err(|e| Problem::from_js(&e))?;
        let set =
            |name: &str, value: &str| headers.set(name, value).map_err(|e| Problem::from_js(&e));
        if let Some(token) = self.token {
            set("Authorization", &["Bearer ", token].concat())?;
        }
        if !body.is_undefined() {
            set("Content-Type", "application/json")?;
            let text = JSON::stringify(body).map_err(|_| Problem::Garbled)?;
            init.set_body(&text);
        }
        init.set_headers_headers(&headers);
        // A report must outlive the page that sends it.
        let url = [self.edge, self.path].concat();
        let _ = js_sys::Reflect::set(&init, &"keepalive".into(), &JsValue::TRUE);
        // An edge that takes a request and never answers it is not there.
        init.set_signal(Some(&AbortSignal::timeout_with_u32(patience(self.path))));
        let request =
            Request::new_with_str_and_init(&url, &init).map_err(|e| Problem::from_js(&e))?;

        let response: Response = JsFuture::from(global_fetch(&request))
            .await
            .map_err(|_| Problem::Unreachable)?
            .unchecked_into();
        let status = response.status();
        let value = match response.json() {
            Ok(promise) => JsFuture::from(promise).await.unwrap_or_default(),
            Err(_) => JsValue::UNDEFINED,
        };
        if response.ok() {
            return Ok(value);
        }
        Err(Problem::Edge(Box::new(
            Refusal::from_plain(&value).unwrap_or_else(|| Refusal {
                kind: "about:blank".into(),
                title: response.status_text(),
                status,
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
