//! A second opinion: where `rsip` 0.4 is right, we say the same, of the torture messages and of generated ones. Where it is
//! known to be wrong, that is written down here with the reason, so that a new version of it is noticed.

use rsip::prelude::{HeadersExt, ToTypedHeader};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::wire::{Message, Request};

use crate::fixtures::{INVITE, OK200, REGISTER, parse, register_with, replace_line};
use crate::torture;

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

/// `rsip`'s opinion; none also where it panics.
fn second_opinion(bytes: &[u8]) -> Option<Found> {
    std::panic::catch_unwind(|| theirs(bytes)).ok().flatten()
}

/// Values that are the same, written differently: `rsip` writes the transport in capitals.
fn plain(mut found: Found) -> Found {
    let addresses = [&mut found.from.1, &mut found.to.0];
    for uri in found
        .contacts
        .iter_mut()
        .chain(&mut found.uri)
        .chain(addresses)
    {
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

/// Where `rsip` is wrong about a torture message.
const WRONG: [(&str, &str); 33] = [
    (
        "wsinv",
        "no white space around colons, slashes and semicolons, no compact names",
    ),
    ("intmeth", "no unknown methods"),
    (
        "esc01",
        "no compact names, no escapes in hosts or parameters of a URI",
    ),
    ("esc02", "no unknown methods"),
    ("longreq", "no compact names"),
    ("dblreq", "no compact names"),
    ("semiuri", "no semicolons in a user part"),
    ("badinv01", "empty Via and Contact parameters pass"),
    ("clerr", "Content-Length is not compared with the body"),
    ("ncl", "a negative Content-Length passes"),
    ("quotbal", "an open quote passes"),
    ("ltgtruri", "brackets around the Request-URI pass"),
    (
        "regbadct",
        "a malformed Contact is left out by the reader, not refused",
    ),
    ("badaspec", "no white space within brackets"),
    ("baddn", "a dot in the user part loses the user"),
    ("mismatch01", "CSeq is not compared with the method"),
    ("unkscm", "no opaque URIs without digits in their host"),
    ("unksm2", "no opaque URIs"),
    ("invut", "a dot in the user part loses the user"),
    ("regaut01", "a dot in the user part loses the user"),
    ("multi01", "a second Call-ID, CSeq, From and To pass"),
    ("mcl01", "a second Content-Length passes"),
    (
        "regescrt",
        "no headers of a URI, and what follows them is lost",
    ),
    ("ipv6-good", "no IPv6"),
    ("port-ambiguous", "no IPv6"),
    ("port-unambiguous", "no IPv6"),
    ("via-received-param-with-delim", "no IPv6"),
    ("via-received-param-no-delim", "no IPv6"),
    ("mult-ip-in-header", "no IPv6"),
    ("mult-ip-in-sdp", "no IPv6"),
    ("ipv4-mapped-ipv6", "no IPv6"),
    ("ipv6-bug-abnf-3-colons", "no IPv6"),
    ("ipv6-correct-abnf-2-colons", "no IPv6"),
];

#[test]
fn of_the_torture_messages_we_say_the_same_but_where_it_is_known_to_be_wrong() {
    let mut same = 0;
    for (name, bytes) in torture::RFC4475.iter().chain(&torture::RFC5118) {
        let (ours, theirs) = (ours(bytes).map(plain), second_opinion(bytes).map(plain));
        match WRONG.iter().find(|(n, _)| n == name) {
            Some((_, reason)) => assert_ne!(ours, theirs, "{name}: rsip is right now ({reason})"),
            None => {
                assert_eq!(ours, theirs, "{name}");
                same += 1;
            }
        }
    }
    assert_eq!(same + WRONG.len(), 61, "each is either");
}

fn pick<'a>(entropy: &mut Entropy, of: &[&'a str]) -> &'a str {
    of[usize::try_from(entropy.below(of.len() as u64)).unwrap()]
}

/// A URI of those that `rsip` reads right: no dot in the user, no IPv6, no headers.
fn some_uri(entropy: &mut Entropy) -> String {
    let scheme = pick(entropy, &["sip", "sips"]);
    let user = pick(
        entropy,
        &["alice", "+4930123", "a_b-c", "100", "o'neil", "a%20b"],
    );
    let host = pick(
        entropy,
        &[
            "example.com",
            "192.0.2.7",
            "h-1.example.org",
            "k3v9.invalid",
        ],
    );
    let port = pick(entropy, &["", ":5060", ":65535"]);
    let params = pick(
        entropy,
        &[
            "",
            ";lr",
            ";transport=udp",
            ";transport=ws",
            ";foo=bar",
            ";user=phone",
        ],
    );
    format!("{scheme}:{user}@{host}{port}{params}")
}

/// A well-formed message of the kinds that `rsip` reads right.
fn some_message(entropy: &mut Entropy) -> String {
    let method = pick(
        entropy,
        &[
            "INVITE",
            "ACK",
            "BYE",
            "CANCEL",
            "REGISTER",
            "OPTIONS",
            "INFO",
            "UPDATE",
            "SUBSCRIBE",
            "NOTIFY",
            "MESSAGE",
            "REFER",
            "PUBLISH",
        ],
    );
    let status = pick(
        entropy,
        &[
            "100 Trying",
            "180 Ringing",
            "200 OK",
            "302 Moved Temporarily",
            "404 Not Found",
            "503 Service Unavailable",
            "603 Decline",
        ],
    );
    let first = if entropy.below(2) == 0 {
        format!("{method} {} SIP/2.0", some_uri(entropy))
    } else {
        format!("SIP/2.0 {status}")
    };
    let mut lines = vec![first];
    for _ in 0..=entropy.below(3) {
        let transport = pick(entropy, &["UDP", "TCP", "TLS", "WS", "WSS"]);
        let host = pick(entropy, &["a.example.com", "192.0.2.1", "b.invalid:5062"]);
        let more = pick(entropy, &["", ";rport", ";received=192.0.2.9", ";foo=1"]);
        lines.push(format!(
            "Via: SIP/2.0/{transport} {host};branch={}{more}",
            entropy.branch()
        ));
    }
    let name = pick(
        entropy,
        &["", "Bob ", "\"Bob Two\" ", "\"王小明\" ", "\"a, b; c\" "],
    );
    lines.push(format!(
        "From: {name}<{}>;tag={}",
        some_uri(entropy),
        entropy.u32()
    ));
    let tag = if entropy.below(2) == 0 {
        String::new()
    } else {
        format!(";tag={}", entropy.u32())
    };
    lines.push(format!("To: <{}>{tag}", some_uri(entropy)));
    lines.push(format!("Call-ID: {}", entropy.call_id()));
    lines.push(format!("CSeq: {} {method}", entropy.cseq()));
    for _ in 0..entropy.below(3) {
        let more = pick(entropy, &["", ";expires=60", ";q=0.5", ";foo"]);
        lines.push(format!("Contact: <{}>{more}", some_uri(entropy)));
    }
    for _ in 0..entropy.below(4) {
        lines.push(
            pick(
                entropy,
                &[
                    "Max-Forwards: 70",
                    "User-Agent: x (y)",
                    "X-Any: ;,;,",
                    "Supported: path, outbound",
                    "Subject: 你好",
                    "Expires: 3600",
                    "Allow: INVITE, ACK",
                ],
            )
            .to_owned(),
        );
    }
    // What may stand once stands once.
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|line| {
        !matches!(line.split(':').next(), Some("Max-Forwards" | "Expires"))
            || seen.insert(line.clone())
    });
    let body = pick(
        entropy,
        &["", "v=0\r\n", "\r\n\r\n", "{\"a\": 1}", "Via: no header"],
    );
    lines.push(format!("Content-Length: {}", body.len()));
    format!("{}\r\n\r\n{body}", lines.join("\r\n"))
}

#[test]
fn of_generated_messages_we_say_the_same() {
    let mut entropy = Entropy::for_tests(3261);
    for n in 0..3_000 {
        let text = some_message(&mut entropy);
        let theirs = second_opinion(text.as_bytes());
        let theirs = theirs.unwrap_or_else(|| panic!("rsip does not read message {n}:\n{text}"));
        let ours = ours(text.as_bytes()).unwrap_or_else(|| panic!("message {n} is valid:\n{text}"));
        assert_eq!(plain(ours), plain(theirs), "message {n}:\n{text}");
    }
}
