//! Answers that need no state: what we can do, and what we cannot.
//!
//! Over a reliable transport a non-INVITE server transaction ends with its response (RFC 3261 §17.2.2, timer J is zero),
//! so these are answered at once and forgotten.

use super::identity::{ALLOW, SDP, SUPPORTED};
use super::post::Post;
use crate::wire::{HeaderName, Method, Request, Response};

/// What we can do (RFC 3261 §11.2). The edge asks this to learn whether the page is alive.
pub fn options(post: &mut Post, request: &Request) -> Response {
    let tag = post.entropy.tag();
    with_allow(Response::for_request(request, 200, "").with_to_tag(&tag))
        .with(HeaderName::Accept, SDP)
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

/// With the methods that are acted upon.
pub fn with_allow(response: Response) -> Response {
    response.with(HeaderName::Allow, ALLOW)
}
