//! A line's state, looked up before it is called; and who may look.

use super::{ask_own_line, granted, json, token_line, unexpected};
use crate::call::Call;
use crate::error::{Answer, not_found, too_many};
use crate::names;
use crate::objects::line;
use crate::throttle::Throttle;
use futures_util::future::join;
use std::cell::RefCell;
use wakeline_edge_api as api;
use wakeline_sip::edge::{Availability, LineCommand, LineReply, Number, Visibility};

thread_local! {
    static LOOKUPS: RefCell<Throttle> = RefCell::default();
}

/// `GET /v1/presence/{number}`, by a token of the site. Who may look: `presence` in the SIP core's line. Whoever may not
/// hears the same as about a line that does not exist.
pub async fn show(call: &Call) -> Answer {
    let (viewer, _) = token_line(call)?;
    let limit = call.site.limits.lookups_per_minute;
    let who = format!("{}:{viewer}", call.site.id);
    if let Some(wait) = LOOKUPS.with_borrow_mut(|seen| seen.count(&who, limit, call.now)) {
        return Err(too_many(wait));
    }
    let number = names::decoded(call.param(0)).and_then(|n| Number::parse(&n).ok());
    let number = number.ok_or_else(not_found)?;
    let command = LineCommand::Presence {
        viewer: Some(viewer),
    };
    // Both are asked whatever the other says: a revoked device learns nothing, and the time tells nothing.
    let (own, found) = join(
        ask_own_line(call, LineCommand::Account),
        line::ask(&call.env, &call.site.id, &number, None, command),
    )
    .await;
    own?;
    match granted(found?)? {
        LineReply::Presence { availability, .. } => json(
            200,
            &api::Presence {
                number: number.to_string(),
                state: state(availability),
                at: call.now,
            },
        ),
        _ => Err(unexpected()),
    }
}

/// `GET /v1/presence`: the line's own.
pub async fn own(call: &Call) -> Answer {
    answer_own(ask_own_line(call, LineCommand::Presence { viewer: None }).await?)
}

/// `PUT /v1/presence`.
pub async fn set(call: &Call) -> Answer {
    let wanted: api::SetPresence = call.json()?;
    let visibility = match wanted.visibility {
        api::Visibility::Everyone => Visibility::Everyone,
        api::Visibility::Nobody => Visibility::Nobody,
    };
    answer_own(ask_own_line(call, LineCommand::SetVisibility { visibility }).await?)
}

fn answer_own(reply: LineReply) -> Answer {
    match reply {
        LineReply::Presence {
            availability,
            visibility,
        } => json(
            200,
            &api::OwnPresence {
                state: state(availability),
                visibility: match visibility {
                    Visibility::Everyone => api::Visibility::Everyone,
                    Visibility::Nobody => api::Visibility::Nobody,
                },
            },
        ),
        _ => Err(unexpected()),
    }
}

fn state(availability: Availability) -> api::PresenceState {
    match availability {
        Availability::Online => api::PresenceState::Online,
        Availability::Asleep => api::PresenceState::Asleep,
        Availability::Offline => api::PresenceState::Offline,
    }
}
