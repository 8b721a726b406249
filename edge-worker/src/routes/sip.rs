//! `GET /sip`: the WebSocket of a page (RFC 7118). Each connection gets an object of its own.

use crate::config::Site;
use crate::error::{Answer, refuse, too_many};
use crate::objects::flow::ADDRESS;
use crate::throttle::Throttle;
use crate::{call, names, webcrypto};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use std::cell::RefCell;
use wakeline_edge_api::{SIP_SUBPROTOCOL, problem};
use worker::{Env, Method, Request, RequestInit};

thread_local! {
    static SOCKETS: RefCell<Throttle> = RefCell::default();
}

/// Hands a good upgrade to a new flow object. The origin was checked by the router.
pub async fn upgrade(req: &Request, env: &Env, site: &Site) -> Answer {
    let header = |name: &str| req.headers().get(name).ok().flatten().unwrap_or_default();
    if !header("Upgrade").eq_ignore_ascii_case("websocket") {
        return Err(refuse(
            problem::UPGRADE,
            "Open a WebSocket with the subprotocol sip here.",
        ));
    }
    if !header("Sec-WebSocket-Protocol")
        .split(',')
        .any(|p| p.trim().eq_ignore_ascii_case(SIP_SUBPROTOCOL))
    {
        return Err(refuse(
            problem::SUBPROTOCOL,
            "Ask for the subprotocol sip: new WebSocket(url, \"sip\").",
        ));
    }
    let ip = header("CF-Connecting-IP");
    let limit = site.limits.sockets_per_minute;
    if let Some(wait) = SOCKETS.with_borrow_mut(|s| s.count(&ip, limit, call::now())) {
        return Err(too_many(wait));
    }
    let token = B64.encode(webcrypto::random::<16>()?);
    let stub = env
        .durable_object("FLOW")?
        .get_by_name(&names::flow_object(&site.id, &token))?;
    // Only what the object needs goes on: nothing that a stranger wrote.
    let mut init = RequestInit::new();
    init.with_method(Method::Get);
    init.headers.set("Upgrade", "websocket")?;
    if !ip.is_empty() {
        init.headers.set(ADDRESS, &ip)?;
    }
    Ok(stub
        .fetch_with_request(Request::new_with_init("https://flow/", &init)?)
        .await?)
}
