//! Tokens of lines: signed for the site's backend, renewed for a device.

use super::{display_name_of, granted, json, number_of, own_account, uid_of, unexpected};
use crate::access::Caller;
use crate::call::Call;
use crate::error::{Answer, unauthorized};
use crate::objects::line;
use crate::token::{self, AUDIENCE, Claims};
use wakeline_edge_api::{MintToken, Session, Token};
use wakeline_sip::edge::{DeviceId, LineCommand, LineReply, Number, Party};

/// `POST /v1/tokens`. The line is made when it is new.
pub async fn mint(call: &Call) -> Answer {
    let wanted: MintToken = call.json()?;
    let number = number_of(&wanted.number)?;
    let known = match line::ask(
        &call.env,
        &call.site.id,
        &number,
        None,
        LineCommand::Account,
    )
    .await?
    {
        LineReply::Account { party, .. } => Some(party),
        _ => None,
    };
    let uid = match (wanted.uid.as_deref(), known) {
        (Some(uid), _) => uid_of(uid)?,
        (None, Some(party)) => party.uid,
        (None, None) => uid_of(&wanted.number)?,
    };
    let display_name = match wanted.display_name.as_deref() {
        Some(name) => Some(display_name_of(Some(name))?),
        None => None,
    };
    let command = LineCommand::Attest {
        uid,
        display_name,
        device: None,
        issued_at: None,
    };
    let party = party(granted(
        line::ask(&call.env, &call.site.id, &number, None, command).await?,
    )?)?;
    let (token, expires_at) = sign(call, &party, None, wanted.ttl_s);
    json(201, &Token { token, expires_at })
}

/// `POST /v1/tokens/renew`: a device whose credential was proven gets a token bound to it.
pub async fn renew(call: &Call) -> Answer {
    let Caller::Device { number, device } = &call.caller else {
        return Err(unauthorized());
    };
    let party = who(call, number).await?;
    let (token, expires_at) = sign(call, &party, Some(device), None);
    json(
        200,
        &Session {
            token,
            expires_at,
            account: own_account(call, &party),
        },
    )
}

async fn who(call: &Call, number: &Number) -> Answer<Party> {
    party(granted(
        line::ask(&call.env, &call.site.id, number, None, LineCommand::Account).await?,
    )?)
}

fn party(reply: LineReply) -> Answer<Party> {
    match reply {
        LineReply::Account { party, .. } => Ok(party),
        _ => Err(unexpected()),
    }
}

/// A device that was revoked gets no token bound to it.
pub async fn refuse_revoked(call: &Call, party: &Party, device: &DeviceId) -> Answer<()> {
    let attest = LineCommand::Attest {
        uid: party.uid.clone(),
        display_name: None,
        device: Some(device.clone()),
        issued_at: None,
    };
    granted(line::ask(&call.env, &call.site.id, &party.number, None, attest).await?).map(drop)
}

/// A token for a line, and when it ends (ms).
pub fn sign(
    call: &Call,
    party: &Party,
    device: Option<&DeviceId>,
    ttl_s: Option<u32>,
) -> (String, u64) {
    let ttl_s = ttl_s
        .unwrap_or(call.site.token_ttl_s)
        .clamp(1, call.site.token_ttl_s);
    let iat = call.now / 1000;
    let exp = iat + u64::from(ttl_s);
    let claims = Claims {
        iss: call.site.id.clone(),
        sub: party.uid.to_string(),
        num: party.number.to_string(),
        name: Some(party.display_name.clone()).filter(|n| !n.is_empty()),
        dev: device.map(ToString::to_string),
        iat,
        exp,
        aud: AUDIENCE.into(),
    };
    (token::mint(&call.site, &claims), exp * 1000)
}
