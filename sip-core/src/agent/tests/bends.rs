//! What can be wrong with a request: each table of faults names those that it tries.

use crate::wire::{HeaderName, Request};

/// The frames that a request makes with this done to it.
pub fn bent(mut request: Request, bend: &str) -> Vec<Vec<u8>> {
    let number = request.headers.cseq().unwrap().number;
    let method = request.method.to_string();
    let headers = &mut request.headers;
    match bend {
        "number of before" => {
            let before = format!("{} {method}", number.saturating_sub(20));
            headers.set(HeaderName::CSeq, before);
        }
        "number of another method" => {
            let other = if method == "BYE" { "INFO" } else { "BYE" };
            headers.set(HeaderName::CSeq, format!("{number} {other}"));
        }
        "another to tag" => {
            let to = headers.to().unwrap().with_tag("nobody");
            headers.set(HeaderName::To, to.to_string());
        }
        "no to tag" => {
            let to = headers.get(HeaderName::To).unwrap().to_owned();
            headers.set(HeaderName::To, to.split(";tag=").next().unwrap());
        }
        "another from tag" => {
            let from = headers.from().unwrap().with_tag("nobody");
            headers.set(HeaderName::From, from.to_string());
        }
        "another call" => headers.set(HeaderName::CallId, "another"),
        "no contact" => drop(headers.remove(HeaderName::Contact)),
        "no body" => {
            headers.remove(HeaderName::ContentType);
            request.body.clear();
        }
        "body of another kind" => request = request.with_body("text/html", "<html>"),
        "body of no kind" => drop(headers.remove(HeaderName::ContentType)),
        "empty description" => request = request.with_body("application/sdp", ""),
        "huge body" => request = request.with_body("application/sdp", vec![b'x'; 200_000]),
        "encoded body" => headers.set(HeaderName::ContentEncoding, "gzip"),
        "no event" => drop(headers.remove(HeaderName::Event)),
        "another event" => headers.set(HeaderName::Event, "weather"),
        "no state" => drop(headers.remove(HeaderName::SubscriptionState)),
        "state of nonsense" => headers.set(HeaderName::SubscriptionState, ";;=\u{1}"),
        "requires the unheard-of" => headers.set(HeaderName::Require, "telepathy"),
        "no via" => drop(headers.remove(HeaderName::Via)),
        _ => {}
    }
    let bytes = request.to_bytes();
    match bend {
        "twice" => vec![bytes.clone(), bytes],
        "truncated" => vec![bytes[..bytes.len() * 2 / 3].to_vec()],
        _ => vec![bytes],
    }
}

/// A request by another method that crosses this one, from who is asked, and that nobody waits for.
pub fn unasked(asked: &Request, method: &str) -> Request {
    let mut request = asked.clone();
    request.method = method.parse().unwrap();
    let (from, to) = (asked.headers.from().unwrap(), asked.headers.to().unwrap());
    let to = to.with_tag("fault");
    request.headers.set(HeaderName::From, to.to_string());
    request.headers.set(HeaderName::To, from.to_string());
    request
        .headers
        .set(HeaderName::CSeq, format!("77 {method}"));
    let via = format!("SIP/2.0/WSS a.invalid;branch=z9hG4bKun{method}");
    request
        .headers
        .replace_first_value(HeaderName::Via, via.as_str());
    request
}
