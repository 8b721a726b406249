//! Messages to start from, and ways to bend them.

use wakeline_sip::wire::{Limits, Message, ParseError, Request, Response, View};

pub const INVITE: &[u8] = include_bytes!("../fixtures/invite.sip");
pub const OK200: &[u8] = include_bytes!("../fixtures/ok200.sip");
pub const REGISTER: &[u8] = include_bytes!("../fixtures/register.sip");

pub fn parse(bytes: &[u8]) -> Result<Message, ParseError> {
    Message::parse(bytes, &Limits::DEFAULT)
}

pub fn request(bytes: &[u8]) -> Request {
    parse(bytes).unwrap().into_request().unwrap()
}

pub fn response(bytes: &[u8]) -> Response {
    parse(bytes).unwrap().into_response().unwrap()
}

pub fn view(bytes: &[u8]) -> View<'_> {
    View::parse(bytes, &Limits::DEFAULT).unwrap()
}

/// The REGISTER with the line that starts with `prefix` replaced; an empty replacement removes it.
pub fn register_with(prefix: &str, line: &str) -> Vec<u8> {
    replace_line(REGISTER, prefix, line)
}

/// A message with the line that starts with `prefix` replaced; an empty replacement removes it.
pub fn replace_line(message: &[u8], prefix: &str, line: &str) -> Vec<u8> {
    let text = std::str::from_utf8(message).unwrap();
    assert!(text.contains(prefix), "{prefix}");
    let lines = text
        .split("\r\n")
        .filter_map(|l| match l.starts_with(prefix) {
            true if line.is_empty() => None,
            true => Some(line),
            false => Some(l),
        });
    lines.collect::<Vec<_>>().join("\r\n").into_bytes()
}
