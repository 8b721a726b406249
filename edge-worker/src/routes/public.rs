//! What needs no line: the VAPID key, STUN and TURN.

use super::{ask_own_line, json, unexpected};
use crate::call::Call;
use crate::error::Answer;
use wakeline_edge_api::{IceAnswer, VapidKey};
use wakeline_sip::edge::{LineCommand, LineReply};

/// `GET /v1/vapid`.
pub fn vapid(call: &Call) -> Answer {
    json(
        200,
        &VapidKey {
            public_key: call.site.vapid_keys()?.public_key(),
        },
    )
}

/// `GET /v1/ice`. TURN passwords are for lines whose device has not been revoked, so the line is asked.
pub async fn ice(call: &Call) -> Answer {
    let LineReply::Account { party, .. } = ask_own_line(call, LineCommand::Account).await? else {
        return Err(unexpected());
    };
    let mut ice_servers = call.site.ice_servers.clone();
    let turn = match &call.site.turn {
        Some(turn) => {
            turn.servers(&call.site, party.number.as_str(), call.now)
                .await
        }
        None => None,
    };
    let expires_at = turn.as_ref().map(|(_, expires_at)| *expires_at);
    ice_servers.extend(turn.into_iter().flat_map(|(servers, _)| servers));
    let warning = ice_servers.is_empty().then(|| {
        "No STUN or TURN server is configured: calls connect only where both sides see each other directly. \
         Set ice_servers in SITES."
            .into()
    });
    json(
        200,
        &IceAnswer {
            ice_servers,
            expires_at,
            warning,
        },
    )
}
