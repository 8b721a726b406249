//! What is valid is understood, however unusual, and passes byte for byte.

use wakeline_sip::wire::{
    Contacts, HeaderName, Headers, Limits, Message, Method, NameAddr, Params, Reason, Request,
    Response, Scheme, StartLine, Uri, Via, phrase,
};

use crate::fixtures::{
    INVITE, OK200, REGISTER, parse, register_with, replace_line, request, response, view,
};

#[test]
fn what_the_writer_writes_is_what_was_read() {
    for bytes in [INVITE, OK200, REGISTER] {
        assert_eq!(parse(bytes).unwrap().to_bytes(), bytes);
    }
}

#[test]
fn the_view_borrows_and_decodes_what_is_asked_for() {
    let view = view(INVITE);
    assert_eq!(
        view.start,
        StartLine::Request {
            method: "INVITE",
            uri: "sip:1002@calls.example"
        }
    );
    let from = view.from().unwrap();
    assert_eq!(
        (from.display_name().as_deref(), from.uri, from.tag()),
        (Some("Line One"), "sip:1001@calls.example", Some("hJ4s"))
    );
    assert_eq!(
        view.to().unwrap().uri().unwrap().username().as_deref(),
        Some("1002")
    );
    assert_eq!(view.top_via().unwrap().branch(), Some("z9hG4bK7Xw1"));
    assert_eq!(
        view.contact().unwrap().uri().unwrap().host,
        "k3v9qj2m.invalid"
    );
    assert_eq!(view.cseq().unwrap(), (101, "INVITE"));
    assert_eq!(view.call_id().unwrap(), "5tCq0Zr8");
    assert!(view.body().unwrap().starts_with(b"v=0\r\n"));
}

#[test]
fn a_dotted_user_is_whole_in_headers_and_request_uri() {
    let message = request(&register_with(
        "From:",
        "From: <sip:alice.smith@example.com>;tag=1",
    ));
    assert_eq!(
        message.headers.from().unwrap().uri.user.as_deref(),
        Some("alice.smith")
    );
    let message = request(&register_with(
        "REGISTER",
        "REGISTER sip:alice.smith@example.com SIP/2.0",
    ));
    assert_eq!(message.uri.user.as_deref(), Some("alice.smith"));
}

#[test]
fn compact_names_are_the_names_they_stand_for() {
    let text = "OPTIONS sip:a@h SIP/2.0\r\nv: SIP/2.0/WSS x.invalid;branch=z9hG4bK1\r\nt: <sip:a@h>\r\nf: <sip:b@h>;tag=1\r\n\
                i: c1\r\nCSeq: 1 OPTIONS\r\nm: <sip:b@x.invalid>\r\nk: path\r\ns: hello\r\nl: 0\r\n\r\n";
    let message = request(text.as_bytes());
    assert_eq!(message.headers.call_id(), Ok("c1"));
    assert_eq!(message.headers.to().unwrap().uri.to_string(), "sip:a@h");
    assert_eq!(
        message.headers.contact().unwrap().unwrap().uri.host,
        "x.invalid"
    );
    assert!(message.headers.has_token(HeaderName::Supported, "PATH"));
    assert!(
        String::from_utf8(message.to_bytes())
            .unwrap()
            .contains("\r\nSubject: hello\r\n")
    );
}

#[test]
fn folded_lines_are_one_line() {
    let message = request(&register_with(
        "From:",
        "From:\r\n <sip:alice@example.com>;\r\n\ttag=9q8",
    ));
    assert_eq!(message.headers.from().unwrap().tag(), Some("9q8"));
    assert_eq!(
        message.headers.get("from"),
        Some("<sip:alice@example.com>; tag=9q8")
    );
    let bytes = register_with("From:", "From:\r\n <sip:alice@example.com>;\r\n\ttag=9q8");
    assert_eq!(
        view(&bytes).from().unwrap().tag(),
        Some("9q8"),
        "the view decodes across the fold"
    );
}

#[test]
fn a_form_feed_beside_a_fold_is_no_white_space() {
    let message = request(&register_with(
        "Via:",
        "Via: SIP/2.0/WS h;branch=z9hG4bK1\r\nX: \x0c\r\n a",
    ));
    assert_eq!(message.headers.get("X"), Some("\x0c a"));
    let again = request(&message.to_bytes());
    assert_eq!(again, message, "what we write we read");
}

#[test]
fn white_space_before_the_colon_and_around_parameters_means_nothing() {
    let message = request(&register_with("CSeq:", "CSeq \t: 7 REGISTER"));
    assert_eq!(message.headers.cseq().unwrap().number, 7);
    let message = request(&register_with(
        "From:",
        "From: <sip:alice@example.com> ; tag = 9q8 ",
    ));
    assert_eq!(message.headers.from().unwrap().tag(), Some("9q8"));
}

#[test]
fn every_via_on_a_line_counts() {
    let line = "Via: SIP/2.0/wss [2001:db8::9:1]:5061;branch=z9hG4bKa;received=2001:db8::9, SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKb";
    let message = request(&register_with("Via:", line));
    let vias = message.headers.vias().unwrap();
    assert_eq!(
        vias.iter().filter_map(Via::branch).collect::<Vec<_>>(),
        ["z9hG4bKa", "z9hG4bKb"]
    );
    assert_eq!(
        (vias[0].host.as_str(), vias[0].port),
        ("[2001:db8::9:1]", Some(5061))
    );
    assert_eq!(vias[0].params.get("received"), Some("2001:db8::9"));
    assert_eq!(
        message.headers.top_via().unwrap().branch(),
        Some("z9hG4bKa")
    );
}

#[test]
fn ipv6_is_understood_in_request_uri_and_contact() {
    for (uri, port) in [
        ("sip:[2001:db8::10]:5060", Some(5060)),
        ("sip:[2001:db8::10]", None),
    ] {
        let message = request(&register_with(
            "REGISTER",
            &format!("REGISTER {uri} SIP/2.0"),
        ));
        assert_eq!(
            (message.uri.host.as_str(), message.uri.port),
            ("[2001:db8::10]", port)
        );
        assert_eq!(message.uri.to_string(), uri);
    }
    let message = request(&register_with(
        "Contact:",
        "Contact: <sip:a@[2001:db8::10]:5070;transport=ws>;expires=60",
    ));
    assert_eq!(
        message.headers.contact().unwrap().unwrap().uri.host,
        "[2001:db8::10]"
    );
}

#[test]
fn the_instance_of_a_device_keeps_its_quotes_and_is_read_without() {
    let contact = request(REGISTER).headers.contact().unwrap().unwrap();
    assert_eq!(
        contact.instance(),
        Some("urn:uuid:0b8f3c5e-1d2a-4c77-9a31-6f0e5d4c3b2a")
    );
    assert_eq!((contact.reg_id(), contact.expires()), (Some(1), Some(300)));
    assert!(
        contact
            .to_string()
            .contains(r#";+sip.instance="<urn:uuid:0b8f3c5e-1d2a-4c77-9a31-6f0e5d4c3b2a>""#)
    );
}

#[test]
fn many_contacts_none_and_the_star_are_told_apart() {
    let message = request(&register_with(
        "Contact:",
        "Contact: <sip:a@h;x=1>;expires=600, \"B, b\" <sip:b@h>;q=0.5\r\nm: sip:c@h;expires=0",
    ));
    let contacts = message.headers.contacts().unwrap();
    let users: Vec<_> = contacts
        .list()
        .iter()
        .filter_map(|c| c.uri.user.as_deref())
        .collect();
    assert_eq!(users, ["a", "b", "c"]);
    assert_eq!(contacts.list()[2].expires(), Some(0));
    assert_eq!(
        request(&register_with("Contact:", "Contact: *"))
            .headers
            .contacts(),
        Ok(Contacts::Star)
    );
    assert_eq!(
        request(&register_with("Contact:", "")).headers.contacts(),
        Ok(Contacts::List(vec![]))
    );
}

#[test]
fn quoted_names_uri_headers_passwords_and_tel_are_understood() {
    let message = request(&register_with(
        "To:",
        r#"To: "A <b> \"C\", D" <sip:alice:s3cret@example.com;a=b?Subject=hi&Priority=urgent>"#,
    ));
    let to = message.headers.to().unwrap();
    assert_eq!(to.display.as_deref(), Some("A <b> \"C\", D"));
    assert_eq!(to.uri.password.as_deref(), Some("s3cret"));
    assert_eq!(
        to.uri.headers.as_deref(),
        Some("Subject=hi&Priority=urgent")
    );
    let message = request(&register_with(
        "To:",
        "To: <tel:+358-555-1234567;phone-context=+358>",
    ));
    let to = message.headers.to().unwrap();
    assert_eq!(
        (to.uri.scheme, to.uri.user.as_deref()),
        (Scheme::Tel, Some("+358-555-1234567"))
    );
    assert_eq!(to.uri.params.get("phone-context"), Some("+358"));
}

#[test]
fn unknown_methods_headers_and_codes_pass_byte_for_byte() {
    let bytes = register_with("Supported:", "X-sTrAnGe: ;;,,;;,;  inner  \"unclosed");
    let bytes = replace_line(
        &replace_line(&bytes, "REGISTER", "FOO.bar-1 sip:h SIP/2.0"),
        "CSeq:",
        "CSeq: 1 FOO.bar-1",
    );
    let message = request(&bytes);
    assert_eq!(message.method, Method::Other("FOO.bar-1".into()));
    assert_eq!(message.to_bytes(), bytes);
    for start in [
        "SIP/2.0 499 Custom  Reason, \u{fc}ber",
        "SIP/2.0 299 ",
        "SIP/2.0 182 Opened",
    ] {
        let bytes = replace_line(OK200, "SIP/2.0 200", start);
        assert_eq!(response(&bytes).to_bytes(), bytes);
    }
    assert_eq!(
        response(&replace_line(OK200, "SIP/2.0 200", "SIP/2.0 200")).reason,
        ""
    );
}

#[test]
fn binary_bodies_and_header_octets_pass_byte_for_byte() {
    let mut bytes = b"MESSAGE sip:a@h SIP/2.0\r\nVia: SIP/2.0/WSS x;branch=z9hG4bK1\r\nFrom: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\n\
        Call-ID: c\r\nCSeq: 1 MESSAGE\r\nX-Latin: gr\xfc\xdfe\r\nContent-Length: 260\r\n\r\n"
        .to_vec();
    bytes.extend(0..=255u8);
    bytes.extend(b"\r\n\r\n");
    let message = parse(&bytes).unwrap();
    assert_eq!(message.body().len(), 260);
    assert_eq!(
        message.headers().get_bytes("x-latin"),
        Some(&b"gr\xfc\xdfe"[..])
    );
    assert_eq!(message.headers().get("x-latin"), None);
    assert_eq!(message.to_bytes(), bytes);
    let stored = serde_json::to_string(&message).unwrap();
    assert_eq!(serde_json::from_str::<Message>(&stored).unwrap(), message);
}

#[test]
fn line_ends_before_a_message_are_skipped() {
    let mut bytes = b"\r\n\r\n".to_vec();
    bytes.extend(REGISTER);
    assert_eq!(request(&bytes).method, Method::Register);
}

#[test]
fn a_frame_is_the_body_when_its_length_is_not_told() {
    let mut bytes = replace_line(REGISTER, "Content-Length:", "");
    bytes.extend(b"rest of the frame");
    assert_eq!(request(&bytes).body, b"rest of the frame");
    let mut bytes = replace_line(REGISTER, "Content-Length:", "Content-Length: 4");
    bytes.extend(b"rest of the frame");
    assert_eq!(
        request(&bytes).body,
        b"rest",
        "what is beyond the length is no part of the message"
    );
}

#[test]
fn routes_are_read_over_all_lines() {
    let bytes = register_with(
        "Supported:",
        "Route: <sip:p1;lr>, <sip:p2;lr>\r\nRoute: <sip:p3;lr>",
    );
    let routes = request(&bytes).headers.routes().unwrap();
    assert_eq!(
        routes
            .iter()
            .map(|r| r.uri.host.as_str())
            .collect::<Vec<_>>(),
        ["p1", "p2", "p3"]
    );
}

#[test]
fn numbers_and_reasons_are_read() {
    let bytes = register_with(
        "Supported:",
        "Expires: 4294967297\r\nReason: SIP;cause=200;text=\"Call completed elsewhere\", Q.850 ;cause=16\r\nRetry-After: 18 (in (a) meeting);duration=9",
    );
    let headers = request(&bytes).headers;
    assert_eq!(headers.expires(), Ok(Some(u32::MAX)));
    assert_eq!(headers.max_forwards(), Ok(Some(70)));
    assert_eq!(headers.retry_after(), Ok(Some(18)));
    let reasons = headers.reasons().unwrap();
    assert_eq!(
        (reasons[0].cause(), reasons[0].text().as_deref()),
        (Some(200), Some("Call completed elsewhere"))
    );
    assert_eq!(
        (reasons[1].protocol.as_str(), reasons[1].cause()),
        ("Q.850", Some(16))
    );
}

#[test]
fn a_message_is_stored_as_its_text_and_comes_back_the_same() {
    let invite = request(INVITE);
    let stored = serde_json::to_string(&invite).unwrap();
    assert!(stored.starts_with("\"INVITE sip:1002@calls.example SIP/2.0\\r\\n"));
    assert_eq!(serde_json::from_str::<Request>(&stored).unwrap(), invite);
    let half = Request::bare(Method::Options, Uri::host("h"));
    assert_eq!(
        serde_json::from_str::<Request>(&serde_json::to_string(&half).unwrap()).unwrap(),
        half,
        "even before it is complete"
    );
    assert!(serde_json::from_str::<Response>(&stored).is_err());
}

#[test]
fn a_response_takes_from_its_request_what_it_must() {
    let mut invite = request(INVITE);
    invite.headers.prepend(
        HeaderName::Via,
        Via::new("WSS", "edge.example", "z9hG4bKedge").to_string(),
    );
    invite
        .headers
        .push(HeaderName::RecordRoute, "<sip:edge.example;lr>");
    let ringing = Response::for_request(&invite, 180, "")
        .with_to_tag("t1")
        .with_record_routes(&invite);
    let back = response(&ringing.to_bytes());
    assert_eq!(back.reason, phrase(180));
    assert_eq!(back.headers.vias().unwrap().len(), 2);
    assert_eq!(
        back.headers.top_via().unwrap().branch(),
        Some("z9hG4bKedge")
    );
    assert_eq!(back.headers.to().unwrap().tag(), Some("t1"));
    assert_eq!(
        back.headers.get("Record-Route"),
        Some("<sip:edge.example;lr>")
    );
    assert_eq!(
        ringing.with_to_tag("t2").headers.to().unwrap().tag(),
        Some("t1"),
        "a tag that is there stays"
    );
}

#[test]
fn a_cancel_has_the_hop_of_its_invite_and_an_ack_the_to_of_the_failure() {
    let invite = request(INVITE);
    let cancel = request(&invite.cancel().to_bytes());
    assert_eq!(cancel.headers.top_via(), invite.headers.top_via());
    assert_eq!(cancel.headers.cseq().unwrap().to_string(), "101 CANCEL");
    assert!(!cancel.headers.has("Supported") && cancel.body.is_empty());
    let busy = Response::for_request(&invite, 486, "").with_to_tag("b");
    let ack = request(&invite.ack_failure(&busy).to_bytes());
    assert_eq!(ack.headers.to().unwrap().tag(), Some("b"));
    assert_eq!(ack.headers.cseq().unwrap().to_string(), "101 ACK");
}

#[test]
fn nothing_that_a_program_sets_breaks_out_of_its_line() {
    let evil = "x\r\nVia: SIP/2.0/UDP evil\r\n\r\n";
    let mut message = request(INVITE);
    message.headers.push("X-A", evil);
    message.headers.push(evil, "x");
    message.headers.set("Subject", evil);
    message.headers.replace_first_value("X-B", evil);
    message
        .headers
        .push("Reason", Reason::sip(200, evil).to_string());
    let to = NameAddr::new(Uri::sip(evil, "h"))
        .with_display(evil)
        .with_tag(evil);
    message.headers.set(HeaderName::To, to.to_string());
    let text = String::from_utf8(message.to_bytes()).unwrap();
    assert!(
        text.lines()
            .all(|l| !l.starts_with("Via: SIP/2.0/UDP evil")),
        "{text}"
    );
    let response = Response {
        status: 480,
        reason: evil.into(),
        headers: Headers::new(),
        body: vec![],
    };
    assert!(
        !String::from_utf8(response.to_bytes())
            .unwrap()
            .contains("\r\nVia")
    );
    assert_eq!(Params::new().with("a", evil).to_string().lines().count(), 1);
    let uri = Uri {
        host: "h\r\nEvil: 1".into(),
        ..Uri::sip("a", "h")
    };
    let request = Request::bare(Method::Options, uri);
    assert!(
        !String::from_utf8(request.to_bytes())
            .unwrap()
            .contains("\r\nEvil")
    );
}

#[test]
fn no_identity_is_in_the_debug_text_of_a_message() {
    for bytes in [INVITE, OK200, REGISTER] {
        let text = format!("{:?}", Message::parse(bytes, &Limits::DEFAULT).unwrap());
        assert!(
            !text.contains("100") && !text.contains("Line One"),
            "{text}"
        );
    }
}
