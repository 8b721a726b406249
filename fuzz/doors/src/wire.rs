//! One frame, and everything that can be asked of what it holds.

use wakeline_sip::auth::{BearerChallenge, DigestChallenge, DigestResponse};
use wakeline_sip::dialog::Dialog;
use wakeline_sip::transaction::{ClientKey, ServerKey};
use wakeline_sip::wire::{
    Contact, Credentials, HeaderName, Limits, Message, ParseError, Response, View,
};

/// What we wrote ourselves may be a little longer than what we read.
pub const OURS: Limits = Limits {
    message: usize::MAX,
    headers: usize::MAX,
    line: usize::MAX,
    list: usize::MAX,
    nesting: usize::MAX,
};

/// A frame from anywhere.
pub fn wire(bytes: &[u8]) {
    let limits = Limits::DEFAULT;
    let viewed = View::parse(bytes, &limits);
    if let Ok(view) = &viewed {
        let _ = (view.from(), view.to(), view.top_via(), view.contact());
        let _ = (view.cseq(), view.call_id(), view.body(), view.uri());
        if let Ok(message) = Message::try_from(view) {
            ask(&message);
        }
    }
    match Message::parse(bytes, &limits) {
        Ok(message) => accepted(&viewed.expect("a message is a view"), &message),
        Err(error) => refused(bytes, &limits, error),
    }
}

/// Both layers say the same, and what we write we read.
fn accepted(view: &View<'_>, message: &Message) {
    let headers = message.headers();
    // A view has its folds still; a tag with one in it is none of a token, but both have it.
    let words = |tag: Option<&str>| tag.map(|t| t.split_whitespace().collect::<String>());
    assert_eq!(
        view.from().map(|f| words(f.tag())).ok(),
        headers.from().map(|f| words(f.tag())).ok()
    );
    assert_eq!(
        view.cseq().map(|(n, _)| n),
        headers.cseq().map(|c| c.number)
    );
    assert_eq!(view.body().ok(), Some(message.body()));
    let written = message.to_bytes();
    let again = Message::parse(&written, &OURS);
    assert_eq!(
        again.as_ref(),
        Ok(message),
        "what we write we read: {}",
        String::from_utf8_lossy(&written)
    );
    assert_eq!(
        again.expect("just read").to_bytes(),
        written,
        "and write again"
    );
}

fn refused(bytes: &[u8], limits: &Limits, error: ParseError) {
    assert!([400, 505, 513].contains(&error.status()));
    assert!(!error.reason().contains(['\r', '\n']) && !error.to_string().is_empty());
    if let Some(answer) = Response::for_rejected(bytes, limits, &error) {
        assert_eq!(answer.status, error.status());
        let written = answer.with_to_tag("t").to_bytes();
        View::parse(&written, &OURS).expect("an answer is a message");
    }
}

fn ask(message: &Message) {
    let headers = message.headers();
    let _ = (headers.from(), headers.to(), headers.vias());
    let contacts = headers.contacts();
    for contact in contacts.iter().flat_map(|c| c.list()) {
        let _: (Option<u16>, Option<u32>) = (contact.q(), contact.expires());
        assert!(contact.q().is_none_or(|q| q <= 1000));
        let written = contact.to_string();
        let again: Contact = written.parse().expect("what we write we read");
        assert_eq!(again.to_string(), written);
    }
    let _ = (headers.routes(), headers.record_routes(), headers.paths());
    for reason in headers.reasons().unwrap_or_default() {
        let _ = (reason.cause(), reason.text());
    }
    let _ = (headers.retry_after(), headers.expires());
    let _ = (headers.min_expires(), headers.max_forwards());
    let _ = headers.content_type();
    for name in [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate] {
        for challenge in headers.challenges(name).unwrap_or_default() {
            let _ = (
                DigestChallenge::try_from(&challenge),
                BearerChallenge::try_from(&challenge),
            );
        }
    }
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        for credentials in headers.credentials(name).unwrap_or_default() {
            let _: &Credentials = &credentials;
            let _ = DigestResponse::try_from(&credentials);
        }
    }
    match message {
        Message::Request(request) => {
            let _ = (ServerKey::of(request), Dialog::uas(request, "t"));
            let _ = request.cancel().to_bytes();
            let _ = Response::for_request(request, 200, "")
                .with_to_tag("t")
                .with_record_routes(request)
                .to_bytes();
            let _ = (request.uri.username(), request.uri.address_of_record());
            assert!(
                request.uri.equivalent(&request.uri),
                "a URI is equal to itself"
            );
        }
        Message::Response(response) => drop(ClientKey::of_response(response)),
    }
    let mut edited = headers.clone();
    for name in [HeaderName::Via, HeaderName::Route, HeaderName::Contact] {
        edited.replace_first_value(name, "x");
        while edited.remove_first_value(name).is_some() {}
    }
    let stored = serde_json::to_string(message).expect("a message can be stored");
    let _ = serde_json::from_str::<Message>(&stored);
}
