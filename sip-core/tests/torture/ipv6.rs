//! RFC 5118 §4: IPv6 in URIs, Vias and bodies.

use wakeline_sip::wire::{Limits, Message, ParseError, Request};

use crate::message;
use crate::valid::request;

fn replaced(name: &str, from: &str, to: &str) -> Result<Message, ParseError> {
    let text = std::str::from_utf8(message(name)).unwrap();
    assert!(text.contains(from));
    Message::parse(text.replace(from, to).as_bytes(), &Limits::DEFAULT)
}

#[test]
fn a_reference_has_brackets_and_a_port_stands_behind_them() {
    let good = request("ipv6-good");
    assert_eq!(
        (good.uri.host.as_str(), good.uri.port),
        ("[2001:db8::10]", None)
    );
    assert_eq!(good.headers.top_via().unwrap().host, "[2001:db8::9:1]");
    let contact = good.headers.contact().unwrap().unwrap();
    assert_eq!(contact.uri.host, "[2001:db8::1]");
    assert_eq!(
        Message::parse(message("ipv6-bad"), &Limits::DEFAULT),
        Err(ParseError::Uri)
    );
    let ambiguous = request("port-ambiguous").uri;
    assert_eq!(
        (ambiguous.host.as_str(), ambiguous.port),
        ("[2001:db8::10:5070]", None),
        "within the brackets all is address"
    );
    let plain = request("port-unambiguous").uri;
    assert_eq!(
        (plain.host.as_str(), plain.port),
        ("[2001:db8::10]", Some(5070))
    );
}

#[test]
fn received_comes_with_brackets_and_without() {
    for (name, received) in [
        ("via-received-param-with-delim", "[2001:db8::9:255]"),
        ("via-received-param-no-delim", "2001:db8::9:255"),
    ] {
        let via = request(name).headers.top_via().unwrap();
        assert_eq!(via.params.get("received"), Some(received));
        assert!(via.branch().unwrap().starts_with("z9hG4bKas3"));
    }
}

#[test]
fn addresses_of_both_families_stand_together() {
    let bye = request("mult-ip-in-header");
    let vias = bye.headers.vias().unwrap();
    let seen: Vec<_> = vias.iter().map(|v| (v.host.as_str(), v.port)).collect();
    assert_eq!(
        seen,
        [
            ("[2001:db8::9:1]", Some(6050)),
            ("192.0.2.1", None),
            ("[2001:db8::9:255]", None)
        ]
    );
    assert_eq!(vias[2].params.get("received"), Some("192.0.2.200"));
    let mapped = request("ipv4-mapped-ipv6");
    let via = mapped.headers.top_via().unwrap();
    assert_eq!(
        (via.host.as_str(), via.port),
        ("[::ffff:192.0.2.10]", Some(19823))
    );
    let contact = mapped.headers.contact().unwrap().unwrap();
    assert_eq!(contact.display.as_deref(), Some("T. desk phone"));
    assert_eq!(contact.uri.host, "[::ffff:192.0.2.2]");
}

/// The three messages with a body name lengths that are not its own: 268 for 251 octets, 181 for 189, 236 for 245. The
/// length rules, as everywhere; with the right one the body is kept as it is.
#[test]
fn bodies_are_as_long_as_content_length_says() {
    assert_eq!(
        Message::parse(message("ipv6-in-sdp"), &Limits::DEFAULT),
        Err(ParseError::BodyTooShort)
    );
    let body = |request: Request| String::from_utf8(request.body).unwrap();
    let mended = replaced("ipv6-in-sdp", "Length: 268", "Length: 251");
    let mended = body(mended.unwrap().into_request().unwrap());
    assert!(mended.contains("\r\nc=IN IP6 2001:db8::20\r\n") && mended.ends_with("90000\r\n"));
    for (name, printed, length) in [("mult-ip-in-sdp", 181, 189), ("ipv4-mapped-ipv6", 236, 245)] {
        assert_eq!(request(name).body.len(), printed, "{name}");
        let mended = replaced(
            name,
            &format!("Length: {printed}"),
            &format!("Length: {length}"),
        );
        assert_eq!(mended.unwrap().body().len(), length, "{name}");
    }
}

#[test]
fn the_third_colon_of_rfc_3261_is_understood() {
    for (name, host) in [
        ("ipv6-bug-abnf-3-colons", "[2001:db8:::192.0.2.1]"),
        ("ipv6-correct-abnf-2-colons", "[2001:db8::192.0.2.1]"),
    ] {
        let options = request(name);
        assert_eq!(options.uri.host, host);
        assert_eq!(options.headers.to().unwrap().uri.host, host);
    }
    for nonsense in ["[2001:db8:::1]", "[:::]", "[1::::1.2.3.4]", "[::1.2.3]"] {
        let replaced = replaced("ipv6-good", "[2001:db8::10]", nonsense);
        assert_eq!(replaced, Err(ParseError::Uri), "{nonsense}");
    }
}
