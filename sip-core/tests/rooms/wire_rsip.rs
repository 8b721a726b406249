//! A second opinion: where `rsip` 0.4 is right, we say the same. Where it is known to be wrong, that is written down here,
//! so that a new version of it is noticed.

use rsip::prelude::{HeadersExt, ToTypedHeader};
use wakeline_sip::wire::{Message, Request};

use crate::fixtures::{INVITE, OK200, REGISTER, parse, register_with, replace_line};

/// What both must find in a message.
#[derive(Debug, PartialEq)]
struct Found {
    uri: Option<String>,
    users: [Option<String>; 2],
    call_id: String,
    cseq: (u32, String),
    from: (Option<String>, String, Option<String>),
    to: (String, Option<String>),
    branch: Option<String>,
    contacts: Vec<String>,
    body: Vec<u8>,
}

fn ours(bytes: &[u8]) -> Option<Found> {
    let message = parse(bytes).ok()?;
    let headers = message.headers();
    let (from, to, cseq) = (
        headers.from().ok()?,
        headers.to().ok()?,
        headers.cseq().ok()?,
    );
    Some(Found {
        uri: message.clone().into_request().map(|r| r.uri.to_string()),
        users: [from.uri.user.clone(), to.uri.user.clone()],
        call_id: headers.call_id().ok()?.to_owned(),
        cseq: (cseq.number, cseq.method.to_string()),
        from: (
            from.display.clone(),
            from.uri.to_string(),
            from.tag().map(Into::into),
        ),
        to: (to.uri.to_string(), to.tag().map(Into::into)),
        branch: headers.top_via().ok()?.branch().map(Into::into),
        contacts: headers
            .contacts()
            .ok()?
            .list()
            .iter()
            .map(|c| c.uri.to_string())
            .collect(),
        body: message.body().to_vec(),
    })
}

fn theirs(bytes: &[u8]) -> Option<Found> {
    let message = rsip::SipMessage::try_from(bytes).ok()?;
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    let via = message.via_header().ok()?.typed().ok()?;
    let contacts = message.contact_headers();
    Some(Found {
        uri: match &message {
            rsip::SipMessage::Request(request) => Some(request.uri.to_string()),
            rsip::SipMessage::Response(_) => None,
        },
        users: [
            from.uri.user().map(Into::into),
            to.uri.user().map(Into::into),
        ],
        call_id: message
            .call_id_header()
            .ok()?
            .to_string()
            .trim_start_matches("Call-ID: ")
            .to_owned(),
        cseq: (cseq.seq, cseq.method.to_string()),
        from: (
            from.display_name.clone(),
            from.uri.to_string(),
            from.tag().map(ToString::to_string),
        ),
        to: (to.uri.to_string(), to.tag().map(ToString::to_string)),
        branch: via.branch().map(ToString::to_string),
        contacts: contacts
            .iter()
            .filter_map(|c| c.typed().ok())
            .map(|c| c.uri.to_string())
            .collect(),
        body: match message {
            rsip::SipMessage::Request(request) => request.body,
            rsip::SipMessage::Response(response) => response.body,
        },
    })
}

/// Values that are the same, written differently: `rsip` writes the transport in capitals.
fn plain(mut found: Found) -> Found {
    for uri in found.contacts.iter_mut().chain(&mut found.uri) {
        *uri = uri.to_lowercase();
    }
    found.from.0 = found.from.0.map(|name| name.trim_matches('"').to_owned());
    found
}

/// A REGISTER that `rsip` reads wholly, with one line replaced.
fn plain_register_with(prefix: &str, line: &str) -> Vec<u8> {
    let plain = register_with(
        "Contact:",
        "Contact: <sip:w8x2@k3v9qj2m.invalid;transport=ws>;expires=300",
    );
    replace_line(&plain, prefix, line)
}

#[test]
fn we_agree_with_rsip_on_ordinary_messages() {
    let ordinary = plain_register_with("Supported:", "Supported: path");
    let extension = plain_register_with("Supported:", "X-Any: thing\r\nExpires: 60");
    let transport = plain_register_with(
        "REGISTER",
        "REGISTER sip:calls.example:5060;transport=tcp SIP/2.0",
    );
    let named = plain_register_with("To:", "To: \"Bob Two\" <sip:bob@biloxi.example>;tag=a6");
    for bytes in [INVITE, OK200, &ordinary, &extension, &transport, &named] {
        let theirs = theirs(bytes).expect("rsip reads this");
        assert_eq!(plain(ours(bytes).unwrap()), plain(theirs));
    }
}

#[test]
fn we_are_right_where_rsip_is_known_to_be_wrong() {
    let instance =
        "Contact: <sip:a@h>;+sip.instance=\"<urn:uuid:0b8f3c5e-1d2a-4c77-9a31-6f0e5d4c3b2a>\"";
    let cases: [(&str, &str); 7] = [
        ("Contact:", instance),
        ("From:", "f: <sip:alice@example.com>;tag=1"),
        ("From:", "From: <sip:alice.smith@example.com>;tag=1"),
        ("From:", "From:\r\n <sip:alice@example.com>;tag=1"),
        ("REGISTER", "REGISTER sip:[2001:db8::10]:5060 SIP/2.0"),
        (
            "From:",
            "From: \"A <b> \\\"C\\\", D\" <sip:alice@example.com>;tag=1",
        ),
        ("From:", "From: <sip:alice@example.com> ; tag = 1"),
    ];
    for (prefix, line) in cases {
        let bytes = plain_register_with(prefix, line);
        let found = ours(&bytes).expect("valid");
        let known_wrong = theirs(&bytes).map(plain) != Some(plain(ours(&bytes).unwrap()));
        assert!(known_wrong, "rsip reads this now as well: {line}");
        assert!(found.from.1.starts_with("sip:") && found.from.2.is_some());
    }
}

#[test]
fn rsip_reads_what_we_write() {
    for bytes in [INVITE, REGISTER] {
        let Ok(Message::Request(request)) = parse(bytes) else {
            panic!("a request")
        };
        let cancel: Request = request.cancel();
        let read = rsip::SipMessage::try_from(cancel.to_bytes()).expect("rsip reads it");
        assert_eq!(
            read.cseq_header().unwrap().typed().unwrap().method,
            rsip::Method::Cancel
        );
    }
}
