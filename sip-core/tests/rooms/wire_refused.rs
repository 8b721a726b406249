//! What is not valid is refused by a named error, which an element turns into an answer.

use wakeline_sip::wire::{HeaderName, Limits, ParseError, Response};

use crate::fixtures::{INVITE, OK200, REGISTER, parse, register_with, replace_line};

fn refused(bytes: &[u8]) -> ParseError {
    parse(bytes).expect_err("refused")
}

#[test]
fn a_missing_mandatory_header_is_named() {
    for name in [
        HeaderName::Via,
        HeaderName::From,
        HeaderName::To,
        HeaderName::CallId,
        HeaderName::CSeq,
    ] {
        assert_eq!(
            refused(&register_with(&format!("{name}:"), "")),
            ParseError::Missing(name)
        );
        assert_eq!(
            refused(&replace_line(OK200, &format!("{name}:"), "")),
            ParseError::Missing(name)
        );
    }
    assert_eq!(
        refused(b"OPTIONS sip:a@b SIP/2.0\r\n\r\n"),
        ParseError::Missing(HeaderName::Via)
    );
}

#[test]
fn a_header_that_may_occur_once_may_not_occur_twice() {
    for (line, name) in [
        ("From: <sip:x@h>;tag=2", HeaderName::From),
        ("t: <sip:x@h>", HeaderName::To),
        ("i: 2", HeaderName::CallId),
        ("CSeq: 2 REGISTER", HeaderName::CSeq),
        ("Max-Forwards: 5", HeaderName::MaxForwards),
        ("Content-Length: 1", HeaderName::ContentLength),
    ] {
        assert_eq!(
            refused(&register_with("Supported:", line)),
            ParseError::Duplicate(name)
        );
    }
}

#[test]
fn a_malformed_header_is_named() {
    for (prefix, line, name) in [
        ("Via:", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,", HeaderName::Via),
        (
            "Via:",
            "Via: SIP/3.0/UDP h;branch=z9hG4bK1",
            HeaderName::Via,
        ),
        ("From:", "From: \"open <sip:a@h>;tag=1", HeaderName::From),
        ("From:", "From: <sip:a@h;tag=1", HeaderName::From),
        ("To:", "To: <>", HeaderName::To),
        ("From:", "From: <sip:a@h;>;tag=1", HeaderName::From),
        ("To:", "To: <sip:a@h;;lr>", HeaderName::To),
        ("To:", "To: <sip:a b@h>", HeaderName::To),
        ("Call-ID:", "Call-ID:", HeaderName::CallId),
        (
            "CSeq:",
            "CSeq: 36893488147419103232 REGISTER",
            HeaderName::CSeq,
        ),
        ("CSeq:", "CSeq: REGISTER", HeaderName::CSeq),
        (
            "Max-Forwards:",
            "Max-Forwards: 300",
            HeaderName::MaxForwards,
        ),
        ("Max-Forwards:", "Max-Forwards: -1", HeaderName::MaxForwards),
        (
            "Content-Length:",
            "Content-Length: -999",
            HeaderName::ContentLength,
        ),
        (
            "Content-Length:",
            "Content-Length: 0x10",
            HeaderName::ContentLength,
        ),
    ] {
        assert_eq!(
            refused(&register_with(prefix, line)),
            ParseError::Malformed(name),
            "{line}"
        );
    }
}

#[test]
fn a_malformed_start_line_is_told_apart() {
    for (line, error) in [
        ("REGISTER sip:h SIP/7.0", ParseError::Version),
        ("REGISTER sip:h", ParseError::StartLine),
        ("REGISTER", ParseError::StartLine),
        ("REGISTER sip:h HTTP/1.1", ParseError::StartLine),
        ("REGISTER sip:h SIP/x", ParseError::StartLine),
        (" REGISTER sip:h SIP/2.0", ParseError::StartLine),
        ("REG(ISTER sip:h SIP/2.0", ParseError::StartLine),
        ("REGISTER  sip:h SIP/2.0", ParseError::Uri),
        ("REGISTER sip:h  SIP/2.0", ParseError::Uri),
        ("REGISTER <sip:h> SIP/2.0", ParseError::Uri),
        ("REGISTER sip:h; lr SIP/2.0", ParseError::Uri),
        ("REGISTER sip:a@[::1 SIP/2.0", ParseError::Uri),
        (
            "SIP/2.0 4294967301 better not break the receiver",
            ParseError::StatusCode,
        ),
        ("SIP/2.0 99 x", ParseError::StatusCode),
        ("SIP/2.0 700 x", ParseError::StatusCode),
        ("SIP/2.0 2000 x", ParseError::StatusCode),
        ("SIP/1.0 200 OK", ParseError::Version),
    ] {
        assert_eq!(refused(&register_with("REGISTER", line)), error, "{line}");
    }
}

#[test]
fn the_method_of_cseq_must_be_that_of_the_request() {
    assert_eq!(
        refused(&register_with("CSeq:", "CSeq: 1 INVITE")),
        ParseError::CSeqMethod
    );
}

#[test]
fn the_method_of_cseq_is_a_token_also_in_a_response() {
    assert_eq!(
        refused(&replace_line(OK200, "CSeq:", "CSeq: 1 INV<TE")),
        ParseError::Malformed(HeaderName::CSeq)
    );
}

#[test]
fn broken_lines_are_refused() {
    for (line, error) in [
        ("no colon here", ParseError::HeaderLine),
        (": nameless", ParseError::HeaderLine),
        ("Na{}me: x", ParseError::HeaderLine),
        ("X: a\nY: b", ParseError::LineEnd),
        ("X: a\rY: b", ParseError::LineEnd),
    ] {
        assert_eq!(refused(&register_with("Supported:", line)), error, "{line}");
    }
    assert_eq!(
        refused(b"REGISTER sip:h SIP/2.0\r\n folded\r\n\r\n"),
        ParseError::HeaderLine
    );
}

#[test]
fn a_message_that_ends_early_is_told_so_at_every_octet() {
    let headers_end = INVITE.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
    for end in 1..headers_end {
        assert_eq!(refused(&INVITE[..end]), ParseError::Truncated, "{end}");
    }
    for end in headers_end..INVITE.len() {
        assert_eq!(refused(&INVITE[..end]), ParseError::BodyTooShort, "{end}");
    }
    for empty in [&b""[..], b"\r\n", b"\r\n\r\n\r\n"] {
        assert_eq!(refused(empty), ParseError::Empty);
    }
}

#[test]
fn a_refused_request_is_answered_with_the_reason() {
    let answer = |bytes: &[u8]| {
        let error = refused(bytes);
        Response::for_rejected(bytes, &Limits::DEFAULT, &error)
    };
    let bytes = register_with("From:", "From: \"open <sip:a@h>;tag=1");
    let response = answer(&bytes).unwrap();
    assert_eq!(
        (response.status, response.reason.as_str()),
        (400, "Malformed From")
    );
    let text = String::from_utf8(response.to_bytes()).unwrap();
    assert!(
        text.contains("\r\nFrom: \"open <sip:a@h>;tag=1\r\n"),
        "what was sent comes back: {text}"
    );
    assert!(text.contains("\r\nCall-ID: reg-77\r\n"));

    for (line, status) in [("REGISTER sip:h SIP/7.0", 505), ("REGISTER sip:h", 400)] {
        let response = answer(&register_with("REGISTER", line)).unwrap();
        assert_eq!(response.status, status, "{line}");
        assert_eq!(response.headers.call_id(), Ok("reg-77"));
    }
    assert_eq!(
        answer(&register_with("Max-Forwards:", "Max-Forwards: x"))
            .unwrap()
            .reason,
        "Malformed Max-Forwards"
    );
    assert_eq!(
        answer(&register_with("To:", "To: <sip:a@h>\r\nTo: <sip:b@h>"))
            .unwrap()
            .reason,
        "Duplicate To"
    );
    assert_eq!(
        answer(&register_with("From:", "")).unwrap().reason,
        "Missing From"
    );
    assert_eq!(
        answer(&register_with("Via:", "")),
        None,
        "nobody to answer to"
    );
    assert_eq!(
        answer(&register_with("Call-ID:", "")).unwrap().reason,
        "Missing Call-ID"
    );
    let unread = register_with("REGISTER", "SIP/2.0 2000 x");
    assert_eq!(answer(&unread), None, "nor is what claims to be one");
    assert_eq!(
        answer(&replace_line(OK200, "To:", "")),
        None,
        "a response is never answered"
    );
    let ack = replace_line(&register_with("REGISTER", "ACK sip:h SIP/2.0"), "From:", "");
    assert_eq!(answer(&ack), None, "nor is an ACK");
    assert_eq!(answer(REGISTER.get(..50).unwrap()), None);
}
