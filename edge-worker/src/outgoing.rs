//! What the edge asks of others, and what they answer: bounded in time and size, never following a redirect.

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use std::pin::pin;
use std::time::Duration;
use wakeline_push::Reply;
use worker::wasm_bindgen::JsValue;
use worker::{
    AbortController, Delay, Fetch, Method, Request, RequestInit, RequestRedirect, Response,
    ResponseBody,
};

/// More of an answer is read by nobody.
pub const MAX_BODY: usize = 16 * 1024;

/// What came back: a redirect is an answer, not a way on.
pub struct Came {
    /// The status.
    pub status: u16,
    /// The header of that name.
    pub retry_after: Option<String>,
    /// No more of it than was wanted.
    pub body: Vec<u8>,
}

impl Came {
    /// As a push vendor's answer.
    pub fn reply(&self) -> Reply<'_> {
        Reply {
            status: self.status,
            retry_after: self.retry_after.as_deref(),
            body: &self.body,
        }
    }
}

/// Posts it, and reads about `keep` octets of what comes back; no answer within `timeout` is an error.
pub async fn post(
    url: &str,
    headers: &[(&str, String)],
    body: &[u8],
    keep: usize,
    timeout: Duration,
) -> worker::Result<Came> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_redirect(RequestRedirect::Manual)
        .with_body(Some(JsValue::from(js_sys::Uint8Array::from(body))));
    for (name, value) in headers {
        init.headers.set(name, value)?;
    }
    let fetch = Fetch::Request(Request::new_with_init(url, &init)?);
    let controller = AbortController::default();
    let signal = controller.signal();
    let came = async {
        let mut response = fetch.send_with_signal(&signal).await?;
        let mut body = Vec::new();
        if keep > 0 {
            let mut stream = response.stream()?;
            while let Some(chunk) = stream.next().await {
                body.extend_from_slice(&chunk?);
                if body.len() >= keep {
                    break;
                }
            }
        } else {
            discard(&mut response);
        }
        Ok(Came {
            status: response.status_code(),
            retry_after: response.headers().get("Retry-After")?,
            body,
        })
    };
    match select(pin!(came), pin!(Delay::from(timeout))).await {
        Either::Left((came, _)) => came,
        Either::Right(_) => {
            controller.abort();
            Err("no answer in time".into())
        }
    }
}

/// Hangs up on a body that nobody reads: while one is open the object that asked cannot be forgotten, for as long as the other side
/// likes.
fn discard(response: &mut Response) {
    if matches!(response.body(), ResponseBody::Stream(_)) {
        // A stream that is dropped is cancelled.
        drop(response.stream());
    }
}
