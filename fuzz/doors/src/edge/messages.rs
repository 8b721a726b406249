//! What the pages of the story write, and how envelopes cross.

use std::collections::VecDeque;

use wakeline_sip::edge::{BearerError, Claims, DeviceId, Envelope, Number, Uid, Verifier};
use wakeline_sip::time::{Duration, Time};

use super::{DOMAIN, NUMBERS, Transit};

/// `uid/number[/device]`, as in the tests of the core.
pub struct Tokens;

impl Verifier for Tokens {
    fn bearer(&self, token: &str, now: Time) -> Result<Claims, BearerError> {
        let mut parts = token.split('/');
        let mut next = || parts.next().ok_or(BearerError::Invalid);
        Ok(Claims {
            uid: Uid::parse(next()?).map_err(|_| BearerError::Invalid)?,
            number: Number::parse(next()?).map_err(|_| BearerError::Invalid)?,
            display_name: Some("Ann".into()),
            device: next().ok().and_then(|d| DeviceId::parse(d).ok()),
            expires_at: now + Duration::from_secs(3600),
            issued_at: Some(now),
        })
    }
}

pub fn device(page: usize) -> DeviceId {
    DeviceId::parse(&format!("00000000-0000-4000-8000-00000000000{page}")).expect("a device")
}

pub fn register(page: usize, count: &mut u32, more: &str, expires: u32) -> Vec<u8> {
    *count += 1;
    let (number, device) = (NUMBERS[page], device(page));
    format!(
        "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/WSS p{page}.invalid;branch=z9hG4bKr{page}{count}\r\n\
         From: <sip:{number}@{DOMAIN}>;tag=r{page}\r\nTo: <sip:{number}@{DOMAIN}>\r\nCall-ID: reg-{page}\r\nCSeq: {count} REGISTER\r\n\
         Max-Forwards: 70\r\nContact: <sip:p{page}@p{page}.invalid;transport=ws>;+sip.instance=\"<urn:uuid:{device}>\";reg-id=1;expires={expires}\r\n\
         Supported: outbound, path\r\nAuthorization: Bearer u{number}/{number}/{device}\r\n{more}Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

pub fn invite(page: usize, count: u32, to: &str) -> Vec<u8> {
    let number = NUMBERS[page];
    format!(
        "INVITE sip:{to}@{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/WSS p{page}.invalid;branch=z9hG4bKi{page}{count}\r\n\
         From: \"Me\" <sip:{number}@{DOMAIN}>;tag=c{page}{count}\r\nTo: <sip:{to}@{DOMAIN}>\r\nCall-ID: call-{page}-{count}\r\n\
         CSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:p{page}@p{page}.invalid;transport=ws>\r\nContent-Type: application/sdp\r\n\
         Content-Length: 5\r\n\r\nv=0\r\n"
    )
    .into_bytes()
}

/// Envelopes cross as JSON, as they do between real objects.
pub fn reparse<M: serde::Serialize + serde::de::DeserializeOwned>(
    envelope: &Envelope<M>,
) -> Envelope<M> {
    let text = serde_json::to_string(envelope).expect("an envelope is plain data");
    serde_json::from_str(&text).expect("what we write we read")
}

pub fn repeat(transit: &Transit) -> Transit {
    match transit {
        Transit::ToLine(envelope) => Transit::ToLine(reparse(envelope)),
        Transit::ToFlow(envelope) => Transit::ToFlow(reparse(envelope)),
    }
}

/// Only the last ones are kept.
pub fn keep<T>(into: &mut VecDeque<T>, one: T) {
    if into.len() == 16 {
        into.pop_front();
    }
    into.push_back(one);
}
