//! Do-not-disturb of the line that asks.

use super::{ask_own_line, json, unexpected};
use crate::call::Call;
use crate::error::Answer;
use wakeline_edge_api::{DoNotDisturb, SetDoNotDisturb};
use wakeline_sip::edge::{LineCommand, LineReply};
use wakeline_sip::time::Time;

/// `GET /v1/do-not-disturb`.
pub async fn show(call: &Call) -> Answer {
    asked(call, LineCommand::DoNotDisturb).await
}

/// `PUT /v1/do-not-disturb`.
pub async fn set(call: &Call) -> Answer {
    let SetDoNotDisturb { on } = call.json()?;
    asked(call, LineCommand::SetDoNotDisturb { on }).await
}

async fn asked(call: &Call, command: LineCommand) -> Answer {
    let LineReply::DoNotDisturb { since } = ask_own_line(call, command).await? else {
        return Err(unexpected());
    };
    json(
        200,
        &DoNotDisturb {
            on: since.is_some(),
            since: since.map(Time::as_millis),
        },
    )
}
