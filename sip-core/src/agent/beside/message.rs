//! Messages (RFC 3428): one request each, outside of any dialog.

use super::composing::{Composing, ISCOMPOSING, Typists};
use super::{BesideEvent, BesideId, Errand, Returned, tell, unknown_type};
use crate::agent::about;
use crate::agent::post::{Post, Purpose};
use crate::pii::Pii;
use crate::wire::{HeaderName, Method, Request, Response, Text};
use alloc::{string::String, vec::Vec};

pub const TEXT: &str = "text/plain";
/// Octets of a message of ours. One that is larger belongs elsewhere (RFC 3428 §8).
const LONGEST: usize = 16_384;

/// Sends one.
pub fn send(post: &mut Post, id: BesideId, to: &str, content_type: &str, body: Vec<u8>) {
    let refused = match post.me.target(to) {
        Err(_) => 404,
        Ok(_) if body.len() > LONGEST => 513,
        Ok(_) if !post.registered() => 0,
        Ok(to) => {
            let message = post
                .me
                .outside(&mut post.entropy, Method::Message, &to)
                .with_body(content_type, body);
            return post.ask(message, Purpose::Beside(Errand::Message(id)));
        }
    };
    tell(post, BesideEvent::Sent(id, refused));
}

/// What became of it.
pub fn returned(post: &mut Post, id: BesideId, returned: Returned) {
    if let Some(again) = returned.again {
        return post.start(again, Purpose::Beside(returned.errand));
    }
    let status = match returned.response {
        Some(response) => response.status,
        None if post.registered() => 408,
        None => 0,
    };
    tell(post, BesideEvent::Sent(id, status));
}

/// The types that are taken.
pub fn accepts(more: &[String]) -> String {
    let mut all = String::from(TEXT);
    for kind in more.iter().map(String::as_str).chain([ISCOMPOSING]) {
        all.push_str(", ");
        all.push_str(kind);
    }
    all
}

/// Someone writes. Whatever cannot be shown is refused, so that its sender knows.
pub fn receive(post: &mut Post, more: &[String], typists: &mut Typists, request: &Request) {
    let tag = post.entropy.tag();
    // An answer inside of a dialog has its tag already; this one adds none to it.
    let answer = |status| Response::for_request(request, status, "").with_to_tag(&tag);
    let kind = request.headers.content_type().unwrap_or_default();
    let encoded = request
        .headers
        .get(HeaderName::ContentEncoding)
        .is_some_and(|e| !e.trim().eq_ignore_ascii_case("identity"));
    if encoded {
        return post.send(answer(415).with(HeaderName::AcceptEncoding, "identity"));
    }
    let from = about::caller(&request.headers);
    let key = request
        .headers
        .from()
        .map(|f| f.uri.address_of_record().to_text())
        .unwrap_or_default();
    if kind == ISCOMPOSING {
        let Some(composing) = Composing::parse(&request.body) else {
            return post.send(answer(400));
        };
        post.send(answer(200));
        return typists.heard(post, key, from, composing);
    }
    let text = kind == TEXT || (kind.is_empty() && request.body.is_empty());
    if !text && !more.contains(&kind) {
        return post.send(unknown_type(request, accepts(more)).with_to_tag(&tag));
    }
    post.send(answer(200));
    // Whoever has sent it types no more (RFC 3994 §3.3).
    typists.wrote(post, &key);
    let event = BesideEvent::Message {
        from,
        content_type: kind,
        body: Pii(request.body.clone()),
    };
    tell(post, event);
}
