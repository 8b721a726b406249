//! Accounts, and sign-in by password.

use super::{
    account, ask_own_line, display_name_of, granted, json, number_of, own_account, tokens, uid_of,
    unexpected,
};
use crate::call::Call;
use crate::error::{Answer, Failure, refuse, too_many};
use crate::objects::line;
use crate::records::{AccountRow, Records};
use crate::secret::Secret;
use crate::{names, password};
use wakeline_edge_api::{CreateAccount, Session, SignIn, problem};
use wakeline_sip::edge::{DeviceId, LineCommand, LineReply, Number, Party, Uid};
use worker::Response;

/// `POST /v1/accounts`: a number with its password, in the directory and in its line.
pub async fn create(call: &Call) -> Answer {
    let wanted: CreateAccount = call.json()?;
    let number = number_of(&wanted.number)?;
    let uid = uid_of(wanted.uid.as_deref().unwrap_or(&wanted.number))?;
    let display_name = display_name_of(wanted.display_name.as_deref())?;
    if !password::is_acceptable(&wanted.password) {
        return Err(refuse(
            problem::BAD_REQUEST,
            "A password has 8 to 256 octets.",
        ));
    }
    let secret = Secret::new(wanted.password);
    let verifier = password::verifier(&secret).await?;
    let row = AccountRow {
        uid: uid.to_string(),
        display_name: display_name.clone(),
        verifier,
    };
    if !Records::open(&call.env)?
        .add_account(&call.site.id, number.as_str(), &row, call.now)
        .await?
    {
        return Err(refuse(
            problem::CONFLICT,
            "This number has an account: choose another, or sign in.",
        ));
    }
    let party = provision(call, &number, uid, display_name, &secret).await?;
    json(201, &account(call, &party))
}

/// The line learns its user and the digest secrets. Done again at each sign-in, so that a line whose creation was cut short heals.
async fn provision(
    call: &Call,
    number: &Number,
    uid: Uid,
    display_name: String,
    secret: &Secret<String>,
) -> Answer<Party> {
    let digest = password::digest_secret(number.as_str(), &call.site.domain, secret);
    let command = LineCommand::Provision {
        uid,
        display_name,
        secret: Some(digest),
        replace: true,
    };
    match granted(line::ask(&call.env, &call.site.id, number, None, command).await?)? {
        LineReply::Account { party, .. } => Ok(party),
        _ => Err(unexpected()),
    }
}

/// `GET /v1/account`: whom the token speaks for.
pub async fn show(call: &Call) -> Answer {
    match ask_own_line(call, LineCommand::Account).await? {
        LineReply::Account { party, .. } => json(200, &own_account(call, &party)),
        _ => Err(unexpected()),
    }
}

/// `POST /v1/sessions`. Unknown number and wrong password are one answer and take the same time.
pub async fn sign_in(call: &Call) -> Answer<Response> {
    let wanted: SignIn = call.json()?;
    let site = &call.site.id;
    let records = Records::open(&call.env)?;
    // Whoever tries from elsewhere does not lock the owner out, unless there are very many of them.
    let by_both = format!("both:{}:{}", call.ip, wanted.number);
    let limit = u64::from(call.site.limits.sign_in_tries);
    for (who, limit) in [
        (by_both.clone(), limit),
        (format!("number:{}", wanted.number), limit * 10),
        (format!("ip:{}", call.ip), limit * 10),
    ] {
        let (count, window_end) = records.count_try(site, &who, call.now).await?;
        if count > limit {
            let wait = window_end.saturating_sub(call.now).div_ceil(1000);
            return Err(too_many(u32::try_from(wait).unwrap_or(u32::MAX)));
        }
    }
    let device = match wanted.device.as_deref() {
        Some(d) if !names::is_device(d) => {
            return Err(refuse(
                problem::BAD_REQUEST,
                "A device is a lower-case UUID.",
            ));
        }
        d => d.and_then(|d| DeviceId::parse(d).ok()),
    };
    let row = records.account(site, &wanted.number).await?;
    let secret = Secret::new(wanted.password);
    let right = password::verify(row.as_ref().map(|r| r.verifier.as_str()), &secret).await?;
    let (true, Some(row)) = (right, row) else {
        return Err(wrong());
    };
    let number = number_of(&wanted.number)?;
    let party = provision(call, &number, uid_of(&row.uid)?, row.display_name, &secret).await?;
    if let Some(device) = &device {
        tokens::refuse_revoked(call, &party, device).await?;
    }
    records.forget_tries(site, &by_both).await?;
    let (token, expires_at) = tokens::sign(call, &party, device.as_ref(), None);
    json(
        200,
        &Session {
            token,
            expires_at,
            account: own_account(call, &party),
        },
    )
}

fn wrong() -> Failure {
    refuse(problem::SIGN_IN, "The number or the password is wrong.")
}
