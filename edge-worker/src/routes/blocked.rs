//! Callers whom the user has blocked. What such a caller hears tells nothing of it: see `sip-core/src/edge/line/pretence.rs`.

use super::{ask_own_line, display_name_of, json, number_of, unexpected};
use crate::call::Call;
use crate::error::{Answer, refuse};
use wakeline_edge_api::{BlockCaller, Blocked, BlockedList, problem};
use wakeline_sip::edge::{LineCommand, LineReply, Number};

/// `GET /v1/blocked`.
pub async fn list(call: &Call) -> Answer {
    asked(call, LineCommand::Blocked).await
}

/// `PUT /v1/blocked/{number}`.
pub async fn block(call: &Call) -> Answer {
    let body: BlockCaller = call.json_or_default()?;
    let command = LineCommand::Block {
        number: path_number(call)?,
        display_name: display_name_of(body.display_name.as_deref())?,
    };
    asked(call, command).await
}

/// `DELETE /v1/blocked/{number}`.
pub async fn unblock(call: &Call) -> Answer {
    let number = path_number(call)?;
    asked(call, LineCommand::Unblock { number }).await
}

/// Numbers may hold `#` and `+`: in a path they are percent-encoded.
fn path_number(call: &Call) -> Answer<Number> {
    let decoded = js_sys::decode_uri_component(call.param(0)).map_err(|_| {
        refuse(
            problem::BAD_REQUEST,
            "Percent-encode the number in the path.",
        )
    })?;
    number_of(&String::from(decoded))
}

async fn asked(call: &Call, command: LineCommand) -> Answer {
    let LineReply::Blocked { callers } = ask_own_line(call, command).await? else {
        return Err(unexpected());
    };
    let blocked = callers.into_iter().map(|caller| Blocked {
        number: caller.number.to_string(),
        display_name: caller.display_name,
        at: caller.at.as_millis(),
    });
    json(
        200,
        &BlockedList {
            blocked: blocked.collect(),
        },
    )
}
