//! The voice gateway (A2): it knows the callee's signal, and is told whether to dial the mobile or to divert.

use super::{granted, json, number_of, server_wakes, unexpected};
use crate::call::Call;
use crate::error::{Answer, not_found, refuse};
use crate::names;
use crate::objects::line;
use wakeline_edge_api::{
    DirectFailure, GatewayCall, GatewayRoute, GatewayThreshold, Way, WayWhy, problem,
};
use wakeline_sip::edge::{LineCommand, LineError, LineReply, Number};

/// Signals that a mobile can have, dBm.
const SIGNALS: std::ops::RangeInclusive<i16> = -150..=0;

/// `POST /v1/gateway/calls`.
pub async fn decide(call: &Call) -> Answer {
    let asked: GatewayCall = call.json()?;
    let bad = |detail: &str| Err(refuse(problem::BAD_REQUEST, detail));
    server_wakes::check_call(&asked.call)?;
    if asked.signal_dbm.is_some_and(|s| !SIGNALS.contains(&s)) {
        return bad("signal_dbm is -150 to 0, or null for none.");
    }
    if let Some(DirectFailure::Status(status)) = asked.failed
        && !matches!(status, 408 | 480 | 503)
    {
        return bad(
            "failed is 408, 480, 503 or \"silence\"; any other answer of the mobile is its user's, or the gateway's own.",
        );
    }
    server_wakes::caller(&asked.caller)?;
    let number = number_of(&asked.number)?;
    let reply = line::ask(&call.env, &call.site.id, &number, None, LineCommand::Reach).await?;
    let (uid, wakeable, own) = match reply {
        LineReply::Refused {
            error: LineError::UnknownLine,
        } => (None, false, None),
        reply => match granted(reply)? {
            LineReply::Reach {
                uid,
                wakeable,
                threshold,
            } => (Some(uid.to_string()), wakeable, threshold),
            _ => return Err(unexpected()),
        },
    };
    let threshold = own.unwrap_or(call.site.gateway.threshold_dbm);
    let (route, why) = way(
        asked.signal_dbm,
        asked.failed.is_some(),
        threshold,
        wakeable,
    );
    worker::console_log!(
        "event=gateway_call site={} route={route:?} why={why:?}",
        call.site.id
    );
    json(200, &GatewayRoute { route, uid, why })
}

/// Good signal: the mobile. Poor or none, or dialled in vain: the page. Where nothing can be woken, a mobile with some signal is
/// still worth a try; without, the call server ends the call with a cause (A3).
fn way(signal: Option<i16>, failed: bool, threshold: i16, wakeable: bool) -> (Way, WayWhy) {
    match signal {
        _ if failed && wakeable => (Way::Divert, WayWhy::Failed),
        _ if failed => (Way::Divert, WayWhy::Unbound),
        Some(signal) if signal >= threshold => (Way::Direct, WayWhy::Strong),
        Some(_) if wakeable => (Way::Divert, WayWhy::Weak),
        Some(_) => (Way::Direct, WayWhy::Unbound),
        None if wakeable => (Way::Divert, WayWhy::None),
        None => (Way::Divert, WayWhy::Unbound),
    }
}

/// `PUT /v1/gateway/thresholds/{number}`, by the site's key.
pub async fn set_threshold(call: &Call) -> Answer {
    let number = names::decoded(call.param(0)).and_then(|number| Number::parse(&number).ok());
    let number = number.ok_or_else(not_found)?;
    let GatewayThreshold { threshold_dbm } = call.json()?;
    if threshold_dbm.is_some_and(|s| !SIGNALS.contains(&s)) {
        return Err(refuse(
            problem::BAD_REQUEST,
            "threshold_dbm is -150 to 0, or null for the site's.",
        ));
    }
    let command = LineCommand::SetThreshold { dbm: threshold_dbm };
    match granted(line::ask(&call.env, &call.site.id, &number, None, command).await?)? {
        LineReply::Reach { threshold, .. } => json(
            200,
            &GatewayThreshold {
                threshold_dbm: threshold,
            },
        ),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_follows_signal_threshold_and_what_can_be_woken() {
        use Way::{Direct, Divert};
        use WayWhy::{Failed, None as Nothing, Strong, Unbound, Weak};
        let cases = [
            (Some(-100), false, true, (Direct, Strong)),
            (Some(-101), false, true, (Divert, Weak)),
            (None, false, true, (Divert, Nothing)),
            (Some(-50), true, true, (Divert, Failed)),
            (None, true, true, (Divert, Failed)),
            (Some(-50), false, false, (Direct, Strong)),
            (Some(-120), false, false, (Direct, Unbound)),
            (None, false, false, (Divert, Unbound)),
            (Some(-50), true, false, (Divert, Unbound)),
        ];
        for (signal, failed, wakeable, expected) in cases {
            assert_eq!(
                way(signal, failed, -100, wakeable),
                expected,
                "{signal:?} {failed} {wakeable}"
            );
        }
    }
}
