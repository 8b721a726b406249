//! One HTTP call as the routes see it: parsed, capped, its site known.

use crate::access::Caller;
use crate::config::{Config, ConfigError, Site, Source};
use crate::error::{Answer, refuse};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use std::cell::RefCell;
use std::rc::Rc;
use wakeline_edge_api::{BODY_LIMIT, problem};
use worker::wasm_bindgen::JsValue;
use worker::{Date, Env, Request};

/// A call.
pub struct Call {
    /// The bindings.
    pub env: Env,
    /// The deployment's configuration.
    pub config: Rc<Config>,
    /// The site that the host name chose.
    pub site: Rc<Site>,
    /// The time it arrived, ms.
    pub now: u64,
    /// The origin under which the caller reached this edge.
    pub own_origin: String,
    /// The origin of the page that calls, if a page calls.
    pub page_origin: Option<String>,
    /// The method.
    pub method: String,
    /// Path and query, as they were asked for.
    pub target: String,
    /// The address that calls; for counting only.
    pub ip: String,
    /// The `Authorization` header, or nothing.
    pub authorization: String,
    /// What the path holds in its `{}`.
    pub params: Vec<String>,
    /// At most [`BODY_LIMIT`] octets.
    pub body: String,
    /// Who calls; [`Caller::Anyone`] until proven.
    pub caller: Caller,
}

impl Call {
    /// The `n`th parameter of the path; the route's pattern has it.
    pub fn param(&self, n: usize) -> &str {
        self.params.get(n).map_or("", String::as_str)
    }

    /// The body, parsed.
    pub fn json<T: DeserializeOwned>(&self) -> Answer<T> {
        serde_json::from_str(&self.body).map_err(|e| {
            refuse(
                problem::BAD_REQUEST,
                format!(
                    "The body must be the JSON of this route: line {} column {}.",
                    e.line(),
                    e.column()
                ),
            )
        })
    }

    /// As [`Call::json`], where an empty body stands for the defaults.
    pub fn json_or_default<T: DeserializeOwned + Default>(&self) -> Answer<T> {
        if self.body.is_empty() {
            Ok(T::default())
        } else {
            self.json()
        }
    }
}

/// The body, unless it is too long: a caller without length is cut off at the limit.
pub async fn read_body(req: &mut Request) -> Answer<String> {
    let too_large = || {
        refuse(
            problem::TOO_LARGE,
            format!("Send at most {BODY_LIMIT} octets."),
        )
    };
    let header = |name| req.headers().get(name).ok().flatten();
    if header("Content-Length")
        .and_then(|n| n.parse::<usize>().ok())
        .is_some_and(|n| n > BODY_LIMIT)
    {
        return Err(too_large());
    }
    if req.inner().body().is_none() {
        return Ok(String::new());
    }
    let mut stream = req.stream()?;
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > BODY_LIMIT {
            return Err(too_large());
        }
    }
    String::from_utf8(body).map_err(|_| refuse(problem::BAD_REQUEST, "The body must be UTF-8."))
}

/// The time, as it is when something has just arrived.
pub fn now() -> u64 {
    Date::now().as_millis()
}

thread_local! {
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

/// The configuration: read and checked once in the life of an isolate.
pub fn config(env: &Env) -> Answer<Rc<Config>> {
    if let Some(config) = CONFIG.with_borrow(Clone::clone) {
        return Ok(config);
    }
    // Without one nobody is the operator.
    let operator = binding(env, "OPERATOR_KEY").ok();
    let site_secrets = binding(env, "SITE_SECRETS").ok();
    let source = Source {
        sites: &binding(env, "SITES")?,
        site_secrets: site_secrets.as_deref(),
        secret: &|name| binding(env, name).ok(),
        edge_secret: &binding(env, "EDGE_SECRET")?,
    };
    let config = Rc::new(Config::parse(&source)?.with_operator_key(operator)?);
    CONFIG.set(Some(config.clone()));
    Ok(config)
}

/// A variable or secret as text; wrangler also hands over JSON as it stands in its file.
fn binding(env: &Env, name: &str) -> Answer<String> {
    let value = js_sys::Reflect::get(env, &JsValue::from_str(name)).map_err(worker::Error::from)?;
    if value.is_undefined() {
        return Err(ConfigError::Missing(name.to_owned()).into());
    }
    if let Some(text) = value.as_string() {
        return Ok(text);
    }
    Ok(js_sys::JSON::stringify(&value)
        .map_err(worker::Error::from)?
        .into())
}
