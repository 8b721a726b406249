//! Answers that need no state: what we can do, and what we cannot.
//!
//! Over a reliable transport a non-INVITE server transaction ends with its response (RFC 3261 §17.2.2, timer J is zero),
//! so these are answered at once and forgotten.

use super::identity::{ALLOW, SDP, SUPPORTED};
use super::post::{Post, sdp_of};
use crate::wire::{HeaderName, Method, Request, Response};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The event packages that this side tells of: how a call goes that it was asked to make (RFC 3515).
pub const PACKAGES: &str = "refer";

/// What we can do, and whether a call would be taken now (RFC 3261 §11.2). The edge asks this to learn whether the page
/// is alive.
pub fn options(post: &mut Post, request: &Request, status: u16, accepts: &str) -> Response {
    let tag = post.entropy.tag();
    let mut types = String::from(SDP);
    for more in [
        super::info::RELAY,
        super::transfer::SIPFRAG,
        super::trickle::FRAGMENT,
        accepts,
    ] {
        if !more.is_empty() {
            types.push_str(", ");
            types.push_str(more);
        }
    }
    with_allow(Response::for_request(request, status, "").with_to_tag(&tag))
        .with(HeaderName::Accept, types)
        .with(HeaderName::AcceptEncoding, "identity")
        .with(HeaderName::AllowEvents, PACKAGES)
        .with(HeaderName::Supported, SUPPORTED)
        .with(HeaderName::Contact, post.me.contact())
}

/// The refusal of a session interval (RFC 4028 §9).
pub fn too_short(request: &Request) -> Response {
    Response::for_request(request, 422, "")
        .with(HeaderName::MinSe, super::session_timer::LEAST.to_string())
}

/// The refusal of a body that is no description.
pub fn only_sdp(request: &Request) -> Response {
    Response::for_request(request, 415, "").with(HeaderName::Accept, SDP)
}

/// The status for a method that is not acted upon: known or not (RFC 3261 §21.4.6, §21.5.2).
pub const fn refusal(method: &Method) -> u16 {
    match method {
        Method::Other(_) => 501,
        _ => 405,
    }
}

/// The refusal of a request that cannot be acted upon, in the order of RFC 3261 §8.2: its method, its Request-URI, what it
/// requires, its body, and what it would take for an answer.
pub fn unfit(request: &Request) -> Option<Response> {
    let refuse = |status| Response::for_request(request, status, "");
    let method = request.method.as_str();
    if !listed(ALLOW).any(|allowed| allowed == method) {
        return Some(with_allow(refuse(refusal(&request.method))));
    }
    if !request.uri.is_sip() {
        return Some(refuse(416));
    }
    if let Some(tags) = required(request) {
        return Some(refuse(420).with(HeaderName::Unsupported, tags));
    }
    if request.method != Method::Invite {
        return None;
    }
    if !request.body.is_empty() && sdp_of(&request.headers, &request.body).is_none() {
        return Some(only_sdp(request));
    }
    (!takes_sdp(request)).then(|| refuse(406))
}

/// Would the caller take our description? It says so, or says nothing (RFC 3261 §20.1).
fn takes_sdp(request: &Request) -> bool {
    let accepted = request.headers.get_all(HeaderName::Accept);
    !request.headers.has(HeaderName::Accept)
        || accepted.iter().any(|range| {
            let range = range.split(';').next().unwrap_or(range).trim();
            [SDP, "application/*", "*/*"]
                .iter()
                .any(|known| range.eq_ignore_ascii_case(known))
        })
}

/// With the methods that are acted upon.
pub fn with_allow(response: Response) -> Response {
    response.with(HeaderName::Allow, ALLOW)
}

/// The members of a list of ours.
fn listed(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim_ascii_start)
}

/// An unsupported extension that a request insists on.
fn required(request: &Request) -> Option<String> {
    let tags = request.headers.get_all(HeaderName::Require);
    let unknown: Vec<_> = tags
        .into_iter()
        .filter(|t| !listed(SUPPORTED).any(|k| t.eq_ignore_ascii_case(k)))
        .collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}
