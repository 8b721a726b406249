//! Users as the site's backend sees them: states, calls, stories; and the end of a user.

use super::{granted, json, token_line};
use crate::access::Caller;
use crate::call::Call;
use crate::error::{Answer, not_found, refuse, unauthorized};
use crate::ledger::{self, Ledger, pushes_of, steps_of};
use crate::names;
use crate::objects::line;
use wakeline_edge_api::{DeleteAccount, Story, UserAnswer, UserCalls, problem};
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Number, Uid};
use worker::Response;

/// `GET /v1/users/{uid}`: `user_property`.
pub async fn show(call: &Call) -> Answer {
    let uid = path_uid(call)?;
    let user_property = Ledger::open(&call.env)?
        .properties(&call.site.id, uid.as_str())
        .await?;
    if user_property.is_empty() {
        return Err(not_found());
    }
    json(200, &UserAnswer { user_property })
}

/// `GET /v1/users/{uid}/calls`: `user_call`.
pub async fn calls(call: &Call) -> Answer {
    let uid = path_uid(call)?;
    let user_call = Ledger::open(&call.env)?
        .calls(&call.site.id, uid.as_str())
        .await?;
    json(200, &UserCalls { user_call })
}

/// `DELETE /v1/users/{uid}`, by the site's key. Idempotent: what was cut short is finished by asking again.
pub async fn delete(call: &Call) -> Answer {
    let uid = path_uid(call)?;
    let numbers = Ledger::open(&call.env)?
        .numbers_of(&call.site.id, uid.as_str())
        .await?;
    delete_lines(call, &uid, numbers).await
}

/// `DELETE /v1/account`, by the user.
pub async fn delete_own(call: &Call) -> Answer {
    let (number, attest) = token_line(call)?;
    let Caller::Line(claims) = &call.caller else {
        return Err(unauthorized());
    };
    let wanted: DeleteAccount = call.json()?;
    if wanted.confirm != number.as_str() {
        return Err(refuse(
            problem::BAD_REQUEST,
            "Say the account's number in confirm: deleting cannot be undone.",
        ));
    }
    // Neither a revoked device nor a token of another user deletes anything.
    let asked = line::ask(
        &call.env,
        &call.site.id,
        &number,
        Some(attest),
        LineCommand::Account,
    );
    granted(asked.await?)?;
    let uid = Uid::parse(&claims.sub).map_err(|_| unauthorized())?;
    let mut numbers = Ledger::open(&call.env)?
        .numbers_of(&call.site.id, uid.as_str())
        .await?;
    // The line that asks comes last: until then the user can ask again.
    numbers.retain(|n| *n != number);
    numbers.push(number);
    delete_lines(call, &uid, numbers).await
}

/// Each line ends its calls and forgets its user; what the directory holds follows by the lines' records.
async fn delete_lines(call: &Call, uid: &Uid, numbers: Vec<Number>) -> Answer {
    for number in numbers {
        let site = &call.site.id;
        match line::ask(&call.env, site, &number, None, LineCommand::Account).await? {
            LineReply::Account { party, .. } if party.uid == *uid => {}
            // Gone already, or another user's by now.
            _ => continue,
        }
        match line::ask(&call.env, site, &number, None, LineCommand::DeleteUser).await? {
            LineReply::Refused {
                error: LineError::UnknownLine,
            } => {}
            reply => drop(granted(reply)?),
        }
    }
    Ok(Response::empty()?.with_status(204))
}

/// `GET /v1/calls/{id}/story`, by the site's key.
pub async fn story(call: &Call) -> Answer {
    let wake = super::wakes::path_wake(call)?;
    let row = Ledger::open(&call.env)?
        .story(&call.site.id, wake.as_str())
        .await?
        .ok_or_else(not_found)?;
    let (steps, pushes) = row.steps();
    let mut story = Story {
        id: wake.to_string(),
        asked_at: row.started_at as u64,
        state: row.outcome.clone().unwrap_or_else(|| "unknown".into()),
        ended_at: row.ended_at.map(|at| at as u64),
        ended_by: row.ended_by.clone(),
        why: row.why.clone(),
        steps,
        pushes,
    };
    // One that goes on is told by its line.
    if row.ended_at.is_none()
        && let Some(number) = ledger::line_of(&row)
    {
        let command = LineCommand::Story { wake };
        if let LineReply::Story {
            state,
            steps,
            pushes,
        } = line::ask(&call.env, &call.site.id, &number, None, command).await?
        {
            story.state = state.as_str().to_owned();
            story.steps = steps_of(&steps);
            story.pushes = pushes_of(&pushes);
        }
    }
    json(200, &story)
}

fn path_uid(call: &Call) -> Answer<Uid> {
    names::decoded(call.param(0))
        .and_then(|uid| Uid::parse(&uid).ok())
        .ok_or_else(not_found)
}
