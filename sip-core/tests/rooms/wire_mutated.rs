//! No input panics: messages with octets changed, removed, doubled and exchanged.

use wakeline_sip::auth::{BearerChallenge, DigestChallenge, DigestResponse};
use wakeline_sip::dialog::Dialog;
use wakeline_sip::entropy::Entropy;
use wakeline_sip::transaction::{ClientKey, ServerKey};
use wakeline_sip::wire::{Credentials, HeaderName, Limits, Message, Response, View};

use crate::fixtures::{INVITE, OK200, REGISTER};

const RICH: &[u8] = b"INVITE sip:u%40x:pw@[2001:db8::1]:5061;lr;a=\"b\"?s=1&p=2 SIP/2.0\r\nv : SIP / 2.0 / WSS [::1] : 5 ;branch=z9hG4bK1;received=::1,\r\n SIP/2.0/UDP h\r\n\
f: \"q \\\" <,;>\" <sip:a@h>;tag=1\r\nTo: tel:+1;phone-context=x\r\ni: c\r\nCSeq: 1 INVITE\r\nm: <sip:b@h>;+sip.instance=\"<urn:x>\";q=0.75;expires=9\r\n\
Record-Route: <sip:e;lr>,<sip:f;lr>\r\nReason: SIP;cause=200;text=\"x\"\r\nRetry-After: 5 (a (b))\r\nRoute: <sip:r>\r\n\
Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", uri=\"sip:h\", response=\"0\", qop=auth, nc=00000001, cnonce=\"c\"\r\n\
WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\", algorithm=MD5\r\nMax-Forwards: 7\r\nl: 3\r\n\r\nabc";

/// Everything that can be asked of a message is asked.
fn exercise(bytes: &[u8]) {
    let limits = Limits::DEFAULT;
    if let Ok(view) = View::parse(bytes, &limits) {
        let _ = (
            view.from(),
            view.to(),
            view.top_via(),
            view.contact(),
            view.cseq(),
            view.call_id(),
            view.body(),
        );
        let _ = view.uri();
        if let Ok(message) = Message::try_from(&view) {
            ask(&message);
        }
    }
    match Message::parse(bytes, &limits) {
        Ok(message) => {
            let again = Message::parse(
                &message.to_bytes(),
                &Limits {
                    line: usize::MAX,
                    message: usize::MAX,
                    ..limits
                },
            );
            assert_eq!(
                again.as_ref(),
                Ok(&message),
                "what we write we read: {}",
                String::from_utf8_lossy(bytes)
            );
        }
        Err(error) => {
            let _ = (error.status(), error.reason(), error.to_string());
            if let Some(answer) = Response::for_rejected(bytes, &limits, &error) {
                let _ = answer.with_to_tag("t").to_bytes();
            }
        }
    }
}

fn ask(message: &Message) {
    let headers = message.headers();
    let _ = (
        headers.from(),
        headers.to(),
        headers.vias(),
        headers
            .contacts()
            .map(|c| c.list().iter().filter_map(|c| c.q()).max()),
    );
    let _ = (
        headers.routes(),
        headers.record_routes(),
        headers
            .reasons()
            .map(|r| r.iter().filter_map(|r| r.text()).max()),
    );
    let _ = (
        headers.retry_after(),
        headers.expires(),
        headers.max_forwards(),
        headers.content_type(),
    );
    for challenge in headers
        .challenges(HeaderName::WwwAuthenticate)
        .unwrap_or_default()
    {
        let _ = (
            DigestChallenge::try_from(&challenge),
            BearerChallenge::try_from(&challenge),
        );
    }
    for credentials in headers
        .credentials(HeaderName::Authorization)
        .unwrap_or_default()
    {
        let _: &Credentials = &credentials;
        let _ = DigestResponse::try_from(&credentials);
    }
    match message {
        Message::Request(request) => {
            let _ = (
                ServerKey::of(request),
                request.cancel().to_bytes(),
                Dialog::uas(request, "t"),
            );
            let _ = Response::for_request(request, 200, "")
                .with_to_tag("t")
                .with_record_routes(request);
            let _ = (
                request.uri.equivalent(&request.uri.address_of_record()),
                request.uri.username(),
            );
        }
        Message::Response(response) => drop(ClientKey::of_response(response)),
    }
    let mut edited = headers.clone();
    for name in [HeaderName::Via, HeaderName::Route, HeaderName::Contact] {
        edited.replace_first_value(name, "x");
        while edited.remove_first_value(name).is_some() {}
    }
    let stored = serde_json::to_string(message).unwrap();
    let _ = serde_json::from_str::<Message>(&stored);
}

#[test]
fn mutated_messages_never_panic_and_what_is_accepted_is_written_back() {
    let mut entropy = Entropy::for_tests(4475);
    let interesting = b"\r\n \t:;,<>\"\\@[]()=%?/\x00\xff\xc3z0";
    for seed in [INVITE, OK200, REGISTER, RICH] {
        exercise(seed);
        for _ in 0..3_000 {
            let mut bytes = seed.to_vec();
            for _ in 0..=entropy.below(4) {
                let at = entropy.below(bytes.len() as u64) as usize;
                match entropy.below(5) {
                    0 => bytes[at] = interesting[entropy.below(interesting.len() as u64) as usize],
                    1 => bytes[at] ^= 1 << entropy.below(8),
                    2 => drop(bytes.remove(at)),
                    3 => bytes.insert(
                        at,
                        interesting[entropy.below(interesting.len() as u64) as usize],
                    ),
                    _ => {
                        let other = entropy.below(bytes.len() as u64) as usize;
                        bytes.swap(at, other);
                    }
                }
                if bytes.is_empty() {
                    break;
                }
            }
            exercise(&bytes);
        }
    }
}

#[test]
fn noise_never_panics() {
    let mut entropy = Entropy::for_tests(3261);
    for _ in 0..500 {
        let mut bytes = b"INVITE sip:a SIP/2.0\r\n".to_vec();
        bytes.extend(entropy.bytes::<200>());
        exercise(&bytes);
        exercise(&bytes[22..]);
    }
}
