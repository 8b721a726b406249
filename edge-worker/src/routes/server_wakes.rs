//! Wakes that a call server asks for (deployment 2): it parks the call, the line wakes its devices, and after "ready" the
//! server INVITEs the page itself. What it says of its call, the line takes late, twice and in any order.

use super::{granted, json, number_of, uid_of, unexpected, wakes};
use crate::access::Caller;
use crate::call::Call;
use crate::callserver::identity::CallServer;
use crate::error::{Answer, Failure, not_found, refuse, unauthorized};
use crate::ledger::Ledger;
use crate::objects::line;
use crate::token;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use wakeline_edge_api as api;
use wakeline_edge_api::problem;
use wakeline_sip::edge::{
    AskWake, LineCommand, LineError, LineReply, Number, Party, ServerEvent, ServerWakeView, Uid,
    WakeId,
};
use wakeline_sip::time::Duration;
use wakeline_sip::wake::Failure as SipFailure;

/// Characters of a call id, and of a reason.
const MAX_TEXT: usize = 128;
/// Longest wait of a poll: proxies on the way cut at 30 s.
const MAX_WAIT_S: u64 = 25;

fn bad(detail: impl Into<String>) -> Failure {
    refuse(problem::BAD_REQUEST, detail)
}

fn server(call: &Call) -> Answer<&CallServer> {
    match &call.caller {
        Caller::CallServer(server) => Ok(server),
        _ => Err(unauthorized()),
    }
}

/// `POST /v1/wakes`: 201, or 200 for a call that is known. A line that does not exist, and one without a device, are wakes that
/// have ended: the call server has one way to go on.
pub async fn ask(call: &Call) -> Answer {
    let server = server(call)?;
    let wanted: api::AskWake = call.json()?;
    check_call(&wanted.call)?;
    let limits = wanted.limits.unwrap_or_default();
    for (name, value) in [("ready_s", limits.ready_s), ("ring_s", limits.ring_s)] {
        if value.is_some_and(|s| !(1..=600).contains(&s)) {
            return Err(bad(format!("limits.{name} is 1 to 600 seconds.")));
        }
    }
    if let Some(url) = &wanted.callback {
        server.callbacks.check_callback(url).map_err(|e| {
            let detail = format!(
                "The callback cannot be called: {e}. Give https and a host that `callbacks` of this call server in SITES names."
            );
            refuse(problem::CALLBACK, detail)
        })?;
    }
    let asked = AskWake {
        server: server.id.clone(),
        call: wanted.call.clone(),
        caller: caller(&wanted.caller)?,
        ready: limits.ready_s.map(|s| Duration::from_secs(s.into())),
        ring: limits.ring_s.map(|s| Duration::from_secs(s.into())),
        callback: wanted.callback.clone(),
        limited: None,
    };
    let (number, uid) = match (&wanted.number, &wanted.uid) {
        (Some(number), None) => (Some(number_of(number)?), None),
        (None, Some(uid)) => {
            let uid = uid_of(uid)?;
            let ledger = Ledger::open(&call.env)?;
            let numbers = ledger.numbers_of(&call.site.id, uid.as_str()).await?;
            (numbers.into_iter().next(), Some(uid))
        }
        _ => return Err(bad("Say whom to wake: one of number and uid.")),
    };
    let reply = match &number {
        Some(number) => {
            let command = LineCommand::AskWake(Box::new(asked));
            line::ask(&call.env, &call.site.id, number, None, command).await?
        }
        None => LineReply::Refused {
            error: LineError::UnknownLine,
        },
    };
    let (wake, created) = match reply {
        LineReply::Refused {
            error: LineError::UnknownLine,
        } => (unbound(call, server, &wanted.call, number, uid), true),
        reply => match granted(reply)? {
            LineReply::ServerWake { wake, created } => (view(*wake), created),
            _ => return Err(unexpected()),
        },
    };
    worker::console_log!(
        "event=wake_asked site={} server={} wake={} new={created}",
        call.site.id,
        server.id,
        wakeline_sip::id::of_wake_for_logs(&wake.id)
    );
    let response = json(if created { 201 } else { 200 }, &wake)?;
    let location = format!("/v1/wakes/{}", wake.id);
    response.headers().set("Location", &location)?;
    Ok(response)
}

/// `GET /v1/wakes/{wake}?wait=25&after=3`.
pub async fn show(call: &Call, server: &CallServer) -> Answer {
    let (wake, number) = path_wake(call)?;
    let query = call.target.split_once('?').map_or("", |(_, query)| query);
    let (wait_s, after) = poll(query)?;
    let who = (server.id.as_str(), &wake);
    let site = &call.site.id;
    let reply = line::watch(&call.env, site, &number, who, after, wait_s * 1000).await?;
    answer(reply)
}

/// How long a poll waits, in seconds, and for what comes after which version. Whoever asks for more is answered in time.
fn poll(query: &str) -> Answer<(u64, Option<u64>)> {
    let (mut wait_s, mut after) = (0, None);
    for (name, value) in query.split('&').filter_map(|p| p.split_once('=')) {
        let value = || {
            let wrong = || {
                bad(format!(
                    "{name} is a number: wait in seconds, after a version."
                ))
            };
            value.parse::<u64>().map_err(|_| wrong())
        };
        match name {
            "wait" => wait_s = value()?.min(MAX_WAIT_S),
            "after" => after = Some(value()?),
            _ => {}
        }
    }
    Ok((wait_s, after))
}

/// `POST /v1/wakes/{wake}/events`.
pub async fn event(call: &Call) -> Answer {
    let server = server(call)?;
    let (wake, number) = path_wake(call)?;
    let said: api::ServerEvent = call.json()?;
    let event = match said.event {
        api::ServerEventKind::Invited => ServerEvent::Invited,
        api::ServerEventKind::Ringing => ServerEvent::Ringing,
        api::ServerEventKind::Answered => ServerEvent::Answered,
        api::ServerEventKind::Ended => ServerEvent::Ended,
        api::ServerEventKind::Cancelled => ServerEvent::Cancelled,
        api::ServerEventKind::Failed => ServerEvent::Failed(failure(&said)?),
    };
    let command = LineCommand::ServerEvent {
        wake,
        server: server.id.clone(),
        event,
    };
    answer(line::ask(&call.env, &call.site.id, &number, None, command).await?)
}

fn answer(reply: LineReply) -> Answer {
    match granted(reply)? {
        LineReply::ServerWake { wake, .. } => json(200, &view(*wake)),
        _ => Err(unexpected()),
    }
}

/// Why it failed: the SIP status, or what stands for the Q.850 cause (RFC 3398 §8.2.6.1).
fn failure(said: &api::ServerEvent) -> Answer<SipFailure> {
    if said.status.is_some_and(|s| !(300..=699).contains(&s)) {
        return Err(bad("status is a final SIP status, 300 to 699."));
    }
    if said.cause.is_some_and(|c| !(1..=127).contains(&c)) {
        return Err(bad("cause is a Q.850 cause, 1 to 127."));
    }
    let reason = said.reason.clone().unwrap_or_default();
    if !is_short(&reason) {
        return Err(bad(
            "reason has at most 128 characters, none of them a control character.",
        ));
    }
    let status = said
        .status
        .or(said.cause.map(status_of_cause))
        .unwrap_or(480);
    let reason = match (reason.is_empty(), said.cause) {
        (false, _) => reason,
        (true, Some(cause)) => format!("Q.850 cause {cause}"),
        (true, None) => format!("SIP status {status}"),
    };
    Ok(SipFailure { status, reason })
}

fn status_of_cause(cause: u8) -> u16 {
    match cause {
        1..=3 | 26 => 404,
        17 => 486,
        18 | 102 => 408,
        21 => 603,
        22 => 410,
        27 => 502,
        28 => 484,
        29 | 69 | 79 => 501,
        34 | 38 | 41 | 42 | 47 | 58 | 63 => 503,
        55 | 57 | 87 => 403,
        65 | 70 | 88 => 488,
        111 | 127 => 500,
        _ => 480,
    }
}

/// What a call server writes in a line of its own.
fn is_short(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

/// A call server's name of a call.
pub(super) fn check_call(id: &str) -> Answer<()> {
    if id.is_empty() || !is_short(id) {
        return Err(bad(
            "call is 1 to 128 characters, none of them a control character.",
        ));
    }
    Ok(())
}

/// Another's wake, a page's, and none are the same.
fn path_wake(call: &Call) -> Answer<(WakeId, Number)> {
    let wake = super::wakes::path_wake(call)?;
    let number = wake.line().ok_or_else(not_found)?;
    Ok((wake, number))
}

/// Somebody beyond the call server: a number, which is also all that is known of the user.
pub(super) fn caller(caller: &api::ServerCaller) -> Answer<Party> {
    let number = Number::parse(&caller.number);
    let uid = Uid::parse(&caller.number);
    let (Ok(number), Ok(uid)) = (number, uid) else {
        return Err(bad(
            "caller.number is 1 to 64 of 0-9 A-Z a-z + * # . _ and -; write anonymous for one who shows none.",
        ));
    };
    let name = super::display_name_of(caller.name.as_deref())?;
    Ok(Party {
        number,
        uid,
        display_name: name,
    })
}

/// The wake of a line that does not exist: over before it began, the same each time, and remembered nowhere.
fn unbound(
    call: &Call,
    server: &CallServer,
    own: &str,
    number: Option<Number>,
    uid: Option<Uid>,
) -> api::ServerWake {
    let number = number.map(|n| n.to_string());
    let uid = uid.map(|u| u.to_string());
    let what = format!(
        "unbound\n{}\n{}\n{own}\n{}\n{}",
        call.site.id,
        server.id,
        number.as_deref().unwrap_or_default(),
        uid.as_deref().unwrap_or_default()
    );
    let mac = token::mac_of(call.config.edge_secret(), what.as_bytes());
    api::ServerWake {
        id: B64.encode(&mac[..16]),
        call: own.to_owned(),
        number,
        uid,
        state: api::WakeState::Unbound,
        is_final: true,
        why: None,
        version: 1,
        ready: 0,
        expires_at: call.now,
        sip: Some(api::ServerSip {
            status: 404,
            reason: "no such line".into(),
        }),
    }
}

/// As REST shows it.
pub fn view(wake: ServerWakeView) -> api::ServerWake {
    api::ServerWake {
        id: wake.id.to_string(),
        call: wake.call,
        number: Some(wake.number.to_string()),
        uid: Some(wake.uid.to_string()),
        state: wakes::wake_state(&wake.state),
        is_final: wake.state.is_final(),
        why: wake.why.map(wakes::why),
        version: wake.version,
        ready: wake.ready,
        expires_at: wake.expires_at.as_millis(),
        sip: wake
            .sip
            .map(|(status, reason)| api::ServerSip { status, reason }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Answer<SipFailure> {
        failure(&serde_json::from_str(json).unwrap())
    }

    #[test]
    fn a_poll_is_answered_before_a_proxy_cuts_it() {
        let of = |query: &str| poll(query).unwrap();
        assert_eq!(of(""), (0, None));
        assert_eq!(of("wait=24&after=3"), (24, Some(3)));
        for more in ["wait=26", "wait=60", "wait=18446744073709551615"] {
            assert_eq!(of(more), (25, None), "{more}");
        }
        for bad in ["wait=", "wait=-1", "wait=1.5", "after=x", "after=-1"] {
            assert!(poll(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_failure_is_a_status_or_what_stands_for_its_cause() {
        let of = |json: &str| said(json).unwrap().status;
        assert_eq!(of(r#"{"event":"failed","status":486,"cause":21}"#), 486);
        assert_eq!(of(r#"{"event":"failed","cause":17}"#), 486);
        assert_eq!(of(r#"{"event":"failed","cause":21}"#), 603);
        assert_eq!(of(r#"{"event":"failed"}"#), 480);
        for cause in 1..=127 {
            let status = of(&format!(r#"{{"event":"failed","cause":{cause}}}"#));
            assert!((400..700).contains(&status));
        }
        for bad in [
            r#"{"event":"failed","status":200}"#,
            r#"{"event":"failed","cause":128}"#,
        ] {
            assert!(said(bad).is_err(), "{bad}");
        }
    }
}
