//! REST resources, one file each. Their types are in `wakeline-edge-api`; who may call is in the router's table.

pub mod accounts;
pub mod blocked;
pub mod callservers;
pub mod devices;
pub mod do_not_disturb;
pub mod gateway;
pub mod operator;
pub mod presence;
pub mod public;
pub mod server_wakes;
pub mod sip;
pub mod tokens;
pub mod users;
pub mod wakes;

use crate::access::Caller;
use crate::call::Call;
use crate::error::{Answer, Failure, not_found, refuse, unauthorized};
use crate::objects::line;
use crate::objects::line::Attest;
use serde::Serialize;
use wakeline_edge_api::{Account, problem};
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Number, Party, Uid};
use worker::Response;

/// JSON with a status.
fn json<T: Serialize>(status: u16, value: &T) -> Answer {
    let body = serde_json::to_string(value).map_err(worker::Error::from)?;
    let response = Response::ok(body)?.with_status(status);
    response.headers().set("Content-Type", "application/json")?;
    Ok(response)
}

/// The line that calls, and what its token says.
fn token_line(call: &Call) -> Answer<(Number, Attest)> {
    let Caller::Line(claims) = &call.caller else {
        return Err(unauthorized());
    };
    let number = Number::parse(&claims.num).map_err(|_| unauthorized())?;
    Ok((number, Attest::of(claims).ok_or_else(unauthorized)?))
}

/// Asks the line that the token speaks for; the line refuses when the token's device was revoked.
async fn ask_own_line(call: &Call, command: LineCommand) -> Answer<LineReply> {
    let (number, attest) = token_line(call)?;
    granted(line::ask(&call.env, &call.site.id, &number, Some(attest), command).await?)
}

/// A reply that is not a refusal.
fn granted(reply: LineReply) -> Answer<LineReply> {
    match reply {
        LineReply::Refused { error } => Err(refusal(error)),
        granted => Ok(granted),
    }
}

/// What a caller hears when a line refuses.
fn refusal(error: LineError) -> Failure {
    match error {
        LineError::Revoked | LineError::OtherUser => unauthorized(),
        LineError::UnknownLine | LineError::UnknownDevice | LineError::UnknownWake => not_found(),
        LineError::Exists => refuse(problem::CONFLICT, "This number is taken."),
        LineError::NotRegistered => refuse(
            problem::NOT_REGISTERED,
            "REGISTER on the SIP WebSocket first, then say ready.",
        ),
        LineError::Over(wake) => {
            let mut problem = problem::WAKE_OVER
                .problem("Show how it ended; there is nothing to answer any more.");
            problem.wake = Some(wakes::wake(*wake));
            problem.into()
        }
        LineError::TooManyDevices => refuse(
            problem::CONFLICT,
            "The line has as many devices as it may: revoke one.",
        ),
        LineError::TooManyBlocked => refuse(
            problem::CONFLICT,
            "As many callers are blocked as may be: let one through first.",
        ),
        LineError::Limited(limited) => {
            let kind = if limited.status == 429 {
                problem::TOO_MANY
            } else {
                problem::UNAVAILABLE
            };
            let mut problem = kind.problem(format!(
                "{}: ask again in {} s, or end the call.",
                limited.phrase, limited.retry_after_s
            ));
            problem.retry_after_s = Some(limited.retry_after_s);
            problem.into()
        }
        LineError::TooLong => refuse(problem::BAD_REQUEST, "A text is too long."),
    }
}

/// A reply that does not fit its command: ours to repair.
fn unexpected() -> Failure {
    worker::Error::RustError("the line's reply does not fit the command".into()).into()
}

fn account(call: &Call, party: &Party) -> Account {
    Account {
        uid: party.uid.to_string(),
        number: party.number.to_string(),
        display_name: party.display_name.clone(),
        address_of_record: call.site.address_of_record(party.number.as_str()),
        sip: None,
    }
}

/// The same for the line itself: with where it registers, when that is a call server.
fn own_account(call: &Call, party: &Party) -> Account {
    Account {
        sip: call.site.sip_account(party.number.as_str(), call.now),
        ..account(call, party)
    }
}

fn number_of(text: &str) -> Answer<Number> {
    Number::parse(text).map_err(|_| {
        refuse(
            problem::BAD_REQUEST,
            "A number is 1 to 64 of 0-9 A-Z a-z + * # . _ and -.",
        )
    })
}

fn uid_of(text: &str) -> Answer<Uid> {
    Uid::parse(text).map_err(|_| {
        refuse(
            problem::BAD_REQUEST,
            "A uid is 1 to 64 of 0-9 A-Z a-z + * # . _ and -.",
        )
    })
}

/// Names for people: no control characters, at most 128 octets.
fn display_name_of(text: Option<&str>) -> Answer<String> {
    let text = text.unwrap_or_default().trim();
    if crate::names::is_text(text, 128) {
        return Ok(text.to_owned());
    }
    Err(refuse(
        problem::BAD_REQUEST,
        "A display name has at most 128 octets and no control characters.",
    ))
}
