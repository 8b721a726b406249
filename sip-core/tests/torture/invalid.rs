//! RFC 4475 §3.1.2: invalid messages, each with the name of what is wrong; and those that may be understood all the same.

use wakeline_sip::transaction::ServerKey;
use wakeline_sip::wire::{HeaderName, Limits, Message, ParseError, Response};

use crate::message;
use crate::messages::RFC4475;
use crate::valid::request;

fn refused(name: &str) -> ParseError {
    let parsed = Message::parse(message(name), &Limits::DEFAULT);
    parsed.expect_err(name)
}

/// The status and the phrase that the refusal goes out with.
fn answer(name: &str) -> Option<(u16, String)> {
    let error = refused(name);
    let answer = Response::for_rejected(message(name), &Limits::DEFAULT, &error)?;
    assert!(answer.headers.has(HeaderName::Via), "{name}");
    Some((answer.status, answer.reason))
}

#[test]
fn what_is_wrong_is_named_and_the_sender_is_told() {
    let malformed = ParseError::Malformed;
    for (name, error, phrase) in [
        ("badinv01", malformed(HeaderName::Via), "Malformed Via"),
        (
            "clerr",
            ParseError::BodyTooShort,
            "Body Shorter Than Content-Length",
        ),
        (
            "ncl",
            malformed(HeaderName::ContentLength),
            "Malformed Content-Length",
        ),
        ("scalar02", malformed(HeaderName::CSeq), "Malformed CSeq"),
        ("quotbal", malformed(HeaderName::To), "Malformed To"),
        ("ltgtruri", ParseError::Uri, "Malformed URI"),
        ("lwsruri", ParseError::Uri, "Malformed URI"),
        ("lwsstart", ParseError::Uri, "Malformed URI"),
        ("trws", ParseError::StartLine, "Malformed Request-Line"),
        ("escruri", ParseError::Uri, "Malformed URI"),
        ("mismatch01", ParseError::CSeqMethod, "CSeq Method Mismatch"),
        ("mismatch02", ParseError::CSeqMethod, "CSeq Method Mismatch"),
    ] {
        assert_eq!(refused(name), error, "{name}");
        assert_eq!(answer(name), Some((400, phrase.to_owned())), "{name}");
    }
    assert_eq!(refused("badvers"), ParseError::Version);
    assert_eq!(
        answer("badvers"),
        Some((505, "Version Not Supported".to_owned()))
    );
}

#[test]
fn each_value_that_is_too_large_is_a_fault_of_its_own() {
    // scalar02 has four of them. CSeq alone refuses the message; the others do when it is right.
    let text = std::str::from_utf8(message("scalar02")).unwrap();
    let good = text.replace("36893488147419103232", "1");
    let parse = |text: &str| Message::parse(text.as_bytes(), &Limits::DEFAULT);
    assert_eq!(
        parse(&good),
        Err(ParseError::Malformed(HeaderName::MaxForwards))
    );
    let register = parse(&good.replace("Max-Forwards: 300", "Max-Forwards: 30"));
    let headers = register.unwrap().headers().clone();
    assert_eq!(
        headers.expires(),
        Err(ParseError::Malformed(HeaderName::Expires)),
        "a hundred digits are no time"
    );
    let contact = headers.contact().unwrap().unwrap();
    assert_eq!(contact.expires(), Some(u32::MAX), "as long as there is");
}

#[test]
fn a_broken_response_is_dropped_in_silence() {
    for (name, error) in [
        ("scalarlg", ParseError::Malformed(HeaderName::CSeq)),
        ("bigcode", ParseError::StatusCode),
    ] {
        assert_eq!(refused(name), error, "{name}");
        assert_eq!(answer(name), None, "{name}");
    }
    let text = std::str::from_utf8(message("scalarlg")).unwrap();
    let mended = text.replace("9292394834772304023312", "9");
    let mended = Message::parse(mended.as_bytes(), &Limits::DEFAULT).unwrap();
    assert_eq!(
        mended.headers().retry_after(),
        Err(ParseError::Malformed(HeaderName::RetryAfter))
    );
}

#[test]
fn what_can_be_understood_all_the_same_is() {
    // A date that we have no use for is data.
    let baddate = request("baddate");
    assert_eq!(
        baddate.headers.get(HeaderName::Date),
        Some("Fri, 01 Jan 2010 16:00:00 EST")
    );
    let badaspec = request("badaspec").headers.to().unwrap();
    assert_eq!(badaspec.display.as_deref(), Some("Watson, Thomas"));
    assert_eq!(badaspec.uri.to_string(), "sip:t.watson@example.org");
    let baddn = request("baddn").headers;
    let (from, to) = (baddn.from().unwrap(), baddn.to().unwrap());
    assert_eq!(from.display.as_deref(), Some("Bell, Alexander"));
    assert_eq!(from.tag(), Some("43"));
    assert_eq!(
        to.to_string(),
        "\"Watson, Thomas\" <sip:t.watson@example.org>",
        "and is written as it should have been"
    );
}

#[test]
fn regbadct_a_contact_that_means_two_things_is_none() {
    assert_eq!(
        request("regbadct").headers.contacts(),
        Err(ParseError::Malformed(HeaderName::Contact))
    );
}

/// RFC 4475 §3.2.1: the cookie alone names no transaction, so the rules of RFC 2543 do.
#[test]
fn badbranch_two_such_requests_are_two_transactions() {
    let one = request("badbranch");
    let mut other = one.clone();
    other.headers.set(HeaderName::CallId, "another");
    let key = |request: &wakeline_sip::wire::Request| ServerKey::of(request).unwrap();
    assert_eq!(key(&one), key(&one.clone()));
    assert_ne!(key(&one), key(&other));
    other = one.clone();
    other.headers.set(HeaderName::CSeq, "9 OPTIONS");
    assert_ne!(key(&one), key(&other));
}

/// The sections on transactions and applications are well-formed, but for what is missing or doubled.
#[test]
fn the_rest_is_understood_or_named() {
    let faulty = [
        ("insuf", ParseError::Missing(HeaderName::From)),
        ("multi01", ParseError::Duplicate(HeaderName::CSeq)),
        ("mcl01", ParseError::Duplicate(HeaderName::ContentLength)),
    ];
    for (name, bytes) in RFC4475.iter().skip(32) {
        let error = Message::parse(bytes, &Limits::DEFAULT).err();
        let expected = faulty.iter().find(|(n, _)| n == name).map(|(_, e)| *e);
        assert_eq!(error, expected, "{name}");
    }
}
