//! All sizes are capped, and each cap has its name.

use wakeline_sip::wire::{HeaderName, Limits, Message, ParseError, Uri};

use crate::fixtures::{REGISTER, parse, register_with};

fn refused(bytes: &[u8]) -> ParseError {
    parse(bytes).expect_err("refused")
}

#[test]
fn size_header_count_and_line_length_are_capped() {
    let mut large = REGISTER.to_vec();
    large.resize(Limits::DEFAULT.message + 1, b'x');
    assert_eq!(refused(&large), ParseError::TooLarge);
    assert_eq!(
        refused(&register_with(
            "Supported:",
            "X-A: y\r\n".repeat(129).trim_end()
        )),
        ParseError::TooManyHeaders
    );
    assert_eq!(
        refused(&register_with(
            "Supported:",
            &format!("X: {}", "y".repeat(8192))
        )),
        ParseError::LineTooLong
    );
    assert_eq!(
        refused(&register_with(
            "REGISTER",
            &format!("REGISTER sip:{} SIP/2.0", "y".repeat(8192))
        )),
        ParseError::LineTooLong
    );
    let folded = format!("X: {}", "y\r\n ".repeat(4000).trim_end());
    assert_eq!(
        refused(&register_with("Supported:", &folded)),
        ParseError::LineTooLong,
        "continuation lines count"
    );
    for error in [
        ParseError::TooLarge,
        ParseError::TooManyHeaders,
        ParseError::LineTooLong,
    ] {
        assert_eq!(error.status(), 513);
    }
}

#[test]
fn what_is_just_within_the_limits_passes() {
    let mut message = register_with("Supported:", "X-A: y\r\n".repeat(128 - 8).trim_end());
    let begin = message.len();
    message.resize(Limits::DEFAULT.message, b'x');
    assert!(begin < message.len());
    assert_eq!(
        parse(&message).unwrap().headers().len(),
        127,
        "Content-Length is counted, then kept apart"
    );
}

#[test]
fn list_length_is_capped_over_all_lines() {
    let route = "Route: <sip:a;lr>, <sip:b;lr>, <sip:c;lr>, <sip:d;lr>\r\n";
    assert!(parse(&register_with("Supported:", route.repeat(16).trim_end())).is_ok());
    let error = refused(&register_with("Supported:", route.repeat(17).trim_end()));
    assert_eq!(error, ParseError::TooManyValues(HeaderName::Route));
    let vias = format!("Via: {}", ["SIP/2.0/UDP h;branch=z9hG4bK1"; 65].join(","));
    assert_eq!(
        refused(&register_with("Via:", &vias)),
        ParseError::TooManyValues(HeaderName::Via)
    );
}

#[test]
fn parameters_are_capped() {
    let many = format!("sip:a@h{}", ";p".repeat(65));
    assert_eq!(many.parse::<Uri>(), Err(ParseError::TooManyParams));
    assert!(format!("sip:a@h{}", ";p".repeat(64)).parse::<Uri>().is_ok());
}

#[test]
fn nesting_is_capped() {
    let nested = |depth: usize| format!("User-Agent: x {}{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&register_with("Supported:", &nested(8))).is_ok());
    assert_eq!(
        refused(&register_with("Supported:", &nested(9))),
        ParseError::TooDeep
    );
    assert!(
        parse(&register_with(
            "Supported:",
            &format!("User-Agent: {}", "\\(".repeat(9))
        ))
        .is_ok(),
        "escaped ones nest nothing"
    );
}

#[test]
fn the_limits_are_the_callers() {
    let small = Limits {
        message: 100,
        ..Limits::DEFAULT
    };
    assert_eq!(Message::parse(REGISTER, &small), Err(ParseError::TooLarge));
}
