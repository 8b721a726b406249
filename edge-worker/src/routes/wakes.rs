//! Wakes and missed calls: what waits, how it stands, what a device reports.

use super::{ask_own_line, granted, json, token_line, unexpected};
use crate::access::Caller;
use crate::call::Call;
use crate::error::{Answer, not_found, refuse};
use crate::names;
use crate::objects::line;
use futures_util::future::{Either, join_all, select};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;
use wakeline_edge_api as api;
use wakeline_edge_api::problem;
use wakeline_sip::edge::{
    Availability, DeviceId, LineCommand, LineReply, MissedView, Number, Party, WakeId, WakeView,
};
use wakeline_sip::wake::{DeviceState, WakeState, Why};

/// Callers whose presence is asked for one list; the rest is left out.
const MAX_PRESENCE: usize = 20;
/// How long they may take together.
const PRESENCE_TIMEOUT: Duration = Duration::from_secs(1);

/// What a device can say about a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report {
    /// Its notification is on the screen.
    Shown,
    /// It was tapped, or the page opened.
    Opened,
    /// It has registered and can take the call.
    Ready,
    /// Its user declined.
    Decline,
}

/// `GET /v1/waiting`.
pub async fn waiting(call: &Call) -> Answer {
    match ask_own_line(call, LineCommand::Waiting).await? {
        LineReply::Waiting { wakes, missed } => {
            let unseen = missed.into_iter().filter(|m| !m.seen).collect();
            let missed = with_presence(call, unseen).await;
            json(
                200,
                &api::Waiting {
                    now: crate::call::now(),
                    wakes: wakes.into_iter().map(wake).collect(),
                    missed,
                },
            )
        }
        _ => Err(unexpected()),
    }
}

/// `GET /v1/wakes/{wake}`.
pub async fn show(call: &Call) -> Answer {
    let device = match &call.caller {
        Caller::Wake(capability) => {
            Some(DeviceId::parse(&capability.device).map_err(|_| not_found())?)
        }
        _ => None,
    };
    let command = LineCommand::Wake {
        wake: path_wake(call)?,
        device,
    };
    answer_wake(ask(call, command).await?)
}

/// `POST /v1/wakes/{wake}/{shown,opened,ready,decline}`.
pub async fn report(call: &Call, report: Report) -> Answer {
    let wake = path_wake(call)?;
    let device = match reporting_device(call) {
        Ok(device) => device,
        Err(refusal) => {
            // Whose wake it is comes first: what the body lacks is nobody else's to hear.
            ask(call, LineCommand::Wake { wake, device: None }).await?;
            return Err(refusal);
        }
    };
    let command = match report {
        Report::Shown => LineCommand::Shown { wake, device },
        Report::Opened => match call.json_or_default::<api::WakeReport>()?.hindered {
            None => LineCommand::Opened { wake, device },
            Some(reason) => LineCommand::Hindered {
                wake,
                device,
                why: hindrance(reason)?,
            },
        },
        Report::Ready => LineCommand::Ready { wake, device },
        Report::Decline => LineCommand::Decline { wake, device },
    };
    answer_wake(ask(call, command).await?)
}

/// `GET /v1/missed`.
pub async fn missed(call: &Call) -> Answer {
    answer_missed(call, ask_own_line(call, LineCommand::Missed).await?).await
}

/// `POST /v1/missed/seen`.
pub async fn missed_seen(call: &Call) -> Answer {
    let seen: api::MissedSeen = call.json()?;
    let ids = seen
        .ids
        .iter()
        .filter_map(|id| WakeId::parse(id).ok())
        .collect();
    answer_missed(
        call,
        ask_own_line(call, LineCommand::MissedSeen { ids }).await?,
    )
    .await
}

/// A capability speaks for its own line only, a token for its own.
async fn ask(call: &Call, command: LineCommand) -> Answer<LineReply> {
    let Caller::Wake(capability) = &call.caller else {
        return ask_own_line(call, command).await;
    };
    let number = Number::parse(&capability.number).map_err(|_| not_found())?;
    granted(line::ask(&call.env, &call.site.id, &number, None, command).await?)
}

/// The wake that the path names; what cannot be one is unknown.
pub(super) fn path_wake(call: &Call) -> Answer<WakeId> {
    Some(call.param(0))
        .filter(|w| names::is_wake(w))
        .and_then(|w| WakeId::parse(w).ok())
        .ok_or_else(not_found)
}

/// The capability's device; or the one in the body, which must be the token's where the token has one.
fn reporting_device(call: &Call) -> Answer<DeviceId> {
    let bound = match &call.caller {
        Caller::Wake(capability) => Some(capability.device.clone()),
        Caller::Line(claims) => claims.dev.clone(),
        _ => None,
    };
    let named = call.json_or_default::<api::WakeReport>()?.device;
    let device = match (bound, named) {
        (Some(bound), Some(named)) if bound != named => {
            return Err(refuse(
                problem::FORBIDDEN,
                "This credential belongs to another device: use its own.",
            ));
        }
        (Some(device), _) | (None, Some(device)) => device,
        (None, None) => {
            return Err(refuse(
                problem::BAD_REQUEST,
                "Name the device that reports: {\"device\": …}.",
            ));
        }
    };
    Some(device)
        .filter(|d| names::is_device(d))
        .and_then(|d| DeviceId::parse(&d).ok())
        .ok_or_else(|| refuse(problem::BAD_REQUEST, "A device is a lower-case UUID."))
}

fn answer_wake(reply: LineReply) -> Answer {
    match reply {
        LineReply::Wake { wake: view } => json(200, &wake(view)),
        _ => Err(unexpected()),
    }
}

async fn answer_missed(call: &Call, reply: LineReply) -> Answer {
    match reply {
        LineReply::Missed { missed } => json(
            200,
            &api::MissedList {
                missed: with_presence(call, missed).await,
            },
        ),
        _ => Err(unexpected()),
    }
}

/// Missed calls with whether their callers are there now: each caller's line is asked once, all within a second.
async fn with_presence(call: &Call, missed: Vec<MissedView>) -> Vec<api::Missed> {
    let callers: BTreeSet<Number> = missed
        .iter()
        .map(|m| m.caller.number.clone())
        .take(MAX_PRESENCE)
        .collect();
    let viewer = token_line(call).ok().map(|(number, _)| number);
    let viewer = &viewer;
    let asked = join_all(callers.into_iter().map(|number| async move {
        match line::ask(
            &call.env,
            &call.site.id,
            &number,
            None,
            LineCommand::Presence {
                viewer: viewer.clone(),
            },
        )
        .await
        {
            Ok(LineReply::Presence { availability, .. }) => {
                Some((number, availability == Availability::Online))
            }
            // Gone, hidden or out of reach: nothing is said about it.
            _ => None,
        }
    }));
    let online: BTreeMap<Number, bool> =
        match select(pin!(asked), pin!(worker::Delay::from(PRESENCE_TIMEOUT))).await {
            Either::Left((answers, _)) => answers.into_iter().flatten().collect(),
            Either::Right(_) => BTreeMap::new(),
        };
    let one = |m: MissedView| api::Missed {
        caller_online: online.get(&m.caller.number).copied(),
        id: m.id.to_string(),
        caller: party(m.caller),
        at: m.at.as_millis(),
        outcome: wake_state(&m.outcome),
        seen: m.seen,
    };
    missed.into_iter().map(one).collect()
}

fn party(party: Party) -> api::Party {
    api::Party {
        number: party.number.to_string(),
        display_name: party.display_name,
    }
}

/// A wake as REST shows it.
pub fn wake(view: WakeView) -> api::Wake {
    let devices = view.devices.into_iter();
    api::Wake {
        id: view.id.to_string(),
        state: wake_state(&view.state),
        caller: party(view.caller),
        created_at: view.created_at.as_millis(),
        expires_at: view.expires_at.as_millis(),
        why: view.why.map(why),
        devices: devices
            .map(|(device, state)| api::DeviceWake {
                device: device.to_string(),
                state: device_state(state),
            })
            .collect(),
    }
}

pub(super) fn why(why: Why) -> api::Why {
    match why {
        Why::Unopened => api::Why::Unopened,
        Why::Refused => api::Why::Refused,
        Why::Unregistered => api::Why::Unregistered,
        Why::Unready => api::Why::Unready,
        Why::Unrung => api::Why::Unrung,
    }
}

/// What a page that was opened and has not got its call can say of itself.
fn hindrance(why: api::Why) -> Answer<Why> {
    Ok(match why {
        api::Why::Refused => Why::Refused,
        api::Why::Unregistered => Why::Unregistered,
        api::Why::Unready => Why::Unready,
        api::Why::Unopened | api::Why::Unrung => {
            return Err(refuse(
                problem::BAD_REQUEST,
                "What is reported as opened is neither unopened nor unrung: say refused, unregistered or unready.",
            ));
        }
    })
}

pub(super) fn wake_state(state: &WakeState) -> api::WakeState {
    match state {
        WakeState::Targeted => api::WakeState::Targeted,
        WakeState::Pushed => api::WakeState::Pushed,
        WakeState::Shown => api::WakeState::Shown,
        WakeState::Opened => api::WakeState::Opened,
        WakeState::Registered => api::WakeState::Registered,
        WakeState::Ready => api::WakeState::Ready,
        WakeState::Invited => api::WakeState::Invited,
        WakeState::Ringing => api::WakeState::Ringing,
        WakeState::Answered => api::WakeState::Answered,
        WakeState::Declined => api::WakeState::Declined,
        WakeState::Busy => api::WakeState::Busy,
        WakeState::Unanswered => api::WakeState::Unanswered,
        WakeState::Expired => api::WakeState::Expired,
        WakeState::Cancelled => api::WakeState::Cancelled,
        WakeState::Unbound => api::WakeState::Unbound,
        WakeState::Unreachable => api::WakeState::Unreachable,
        WakeState::Failed(_) => api::WakeState::Failed,
    }
}

fn device_state(state: DeviceState) -> api::DeviceState {
    match state {
        DeviceState::Targeted => api::DeviceState::Targeted,
        DeviceState::Pushed => api::DeviceState::Pushed,
        DeviceState::Shown => api::DeviceState::Shown,
        DeviceState::Opened => api::DeviceState::Opened,
        DeviceState::Registered => api::DeviceState::Registered,
        DeviceState::Ready => api::DeviceState::Ready,
        DeviceState::Invited => api::DeviceState::Invited,
        DeviceState::Ringing => api::DeviceState::Ringing,
        DeviceState::Answered => api::DeviceState::Answered,
        DeviceState::Declined => api::DeviceState::Declined,
        DeviceState::Busy => api::DeviceState::Busy,
        DeviceState::Dropped => api::DeviceState::Dropped,
        DeviceState::Cancelled => api::DeviceState::Cancelled,
    }
}
