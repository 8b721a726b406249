//! Who may call a route: declared beside the route, proven here, before the route's own code runs.

use crate::call::Call;
use crate::callserver::identity::{self, CallServer, Right, Signed, Unproven};
use crate::error::{Answer, Failure, refuse, unauthorized};
use crate::objects::line;
use crate::token::{self, Capability, Claims};
use crate::{names, webcrypto};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use wakeline_edge_api::{
    CLOCK_SKEW_MS, DevicePublicKey, RenewToken, problem, push_message, renew_message,
};
use wakeline_sip::edge::{DeviceId, LineCommand, LineReply, Number};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing.
    Anyone,
    /// `Authorization: Bearer` with one of the site's API keys.
    SiteKey,
    /// `Authorization: Bearer` with the deployment's operator key.
    OperatorKey,
    /// `Authorization: Bearer` with a line's token.
    Token,
    /// A token, or `Authorization: Wake` with the capability of the very wake in the path.
    TokenOrCapability,
    /// As [`Access::TokenOrCapability`], or the call server that asked for the wake in the path.
    WakeParty,
    /// The device credential's signature over [`renew_message`], in the body.
    RenewSignature,
    /// The device credential's signature over [`push_message`], in `Authorization: WakelineDevice`.
    PushSignature,
    /// A call server of the site ([`identity`]), which may do this where a right is named.
    CallServer(Option<Right>),
}

/// Who calls, proven.
#[derive(Debug, Clone)]
pub enum Caller {
    /// Nobody in particular.
    Anyone,
    /// The site's backend.
    Backend,
    /// Whoever runs the deployment.
    Operator,
    /// A line. That its device is not revoked, the line's object says with the command.
    Line(Claims),
    /// A device of a line, by its credential.
    Device {
        /// The line.
        number: Number,
        /// The device.
        device: DeviceId,
    },
    /// A device that was pushed to, for one wake.
    Wake(Capability),
    /// A call server, that may do what the route asks for.
    CallServer(CallServer),
}

/// Proves who calls, or refuses.
pub async fn prove(access: Access, call: &Call) -> Answer<Caller> {
    let (scheme, credential) = call
        .authorization
        .split_once(' ')
        .unwrap_or((&call.authorization, ""));
    let credential = credential.trim();
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    let is_server = || {
        is("WakelineServer")
            || is("Bearer") && identity::by_bearer(&call.site.call_servers, credential).is_some()
    };
    let access = match access {
        Access::WakeParty if is_server() => Access::CallServer(Some(Right::Wake)),
        Access::WakeParty => Access::TokenOrCapability,
        other => other,
    };
    match access {
        Access::Anyone => Ok(Caller::Anyone),
        Access::OperatorKey if is("Bearer") && call.config.is_operator_key(credential) => {
            Ok(Caller::Operator)
        }
        Access::SiteKey if is("Bearer") && call.site.is_api_key(credential) => Ok(Caller::Backend),
        Access::Token | Access::TokenOrCapability if is("Bearer") => {
            let claims = token::verify(&call.site, call.now, credential)
                .map_err(|reason| refused(call, reason))?;
            Ok(Caller::Line(claims))
        }
        Access::TokenOrCapability if is("Wake") => {
            let capability = Capability::open(
                call.config.edge_secret(),
                &call.site.id,
                call.now,
                credential,
            )
            .map_err(|reason| refused(call, reason))?;
            if call.param(0) != capability.wake {
                return Err(unauthorized());
            }
            Ok(Caller::Wake(capability))
        }
        Access::RenewSignature => {
            let renew: RenewToken = call.json()?;
            let message = renew_message(
                &call.own_origin,
                &renew.number,
                &renew.device,
                renew.nonce_at,
            );
            by_signature(
                call,
                &renew.number,
                &renew.device,
                renew.nonce_at,
                &renew.signature,
                &message,
            )
            .await
        }
        Access::PushSignature if is("WakelineDevice") => {
            let (number, at, signature) =
                signature_parameters(credential).ok_or_else(unauthorized)?;
            let message = push_message(&call.own_origin, number, call.param(0), at);
            by_signature(call, number, call.param(0), at, signature, &message).await
        }
        Access::CallServer(right) => {
            let servers = &call.site.call_servers;
            let server = if is("Bearer") {
                identity::by_bearer(servers, credential).ok_or_else(unauthorized)?
            } else if is("WakelineServer") {
                by_server_signature(call, credential)?
            } else {
                return Err(unauthorized());
            };
            match right {
                Some(right) if !server.may.contains(&right) => Err(refuse(
                    problem::FORBIDDEN,
                    format!(
                        "This call server may not do this: add {} to its `may` in SITES.",
                        right.as_str()
                    ),
                )),
                _ => Ok(Caller::CallServer(server.clone())),
            }
        }
        Access::SiteKey
        | Access::OperatorKey
        | Access::Token
        | Access::TokenOrCapability
        | Access::WakeParty
        | Access::PushSignature => Err(unauthorized()),
    }
}

fn by_server_signature<'a>(call: &'a Call, credential: &str) -> Answer<&'a CallServer> {
    let signed = Signed {
        origin: &call.own_origin,
        method: &call.method,
        target: &call.target,
        body: call.body.as_bytes(),
    };
    identity::by_signature(&call.site.call_servers, call.now, credential, &signed).map_err(|e| {
        match e {
            Unproven::Wrong => unauthorized(),
            Unproven::Clock => clock(call.now),
        }
    })
}

fn clock(now: u64) -> Failure {
    let mut problem = problem::CLOCK.problem("Sign again with the time in the member now.");
    problem.now = Some(now);
    problem.into()
}

fn refused(call: &Call, reason: token::TokenError) -> Failure {
    worker::console_log!("event=refused site={} reason=\"{reason}\"", call.site.id);
    unauthorized()
}

/// `number=…,at=…,sig=…` in any order.
fn signature_parameters(text: &str) -> Option<(&str, u64, &str)> {
    let (mut number, mut at, mut signature) = (None, None, None);
    for (name, value) in text.split(',').filter_map(|p| p.trim().split_once('=')) {
        match name {
            "number" => number = Some(value),
            "at" => at = value.parse().ok(),
            "sig" => signature = Some(value),
            _ => {}
        }
    }
    Some((number?, at?, signature?))
}

/// The example point of RFC 7517: what is verified against when there is no device, so that the time is the same.
/// What comes of it is not looked at.
const NOBODY: (&str, &str) = (
    "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
);

/// A device credential's signature over the time. Who records one can send it again for five minutes, and only to this edge
/// and for this line and device: the same that a token recorded in its place would give, for a shorter time.
async fn by_signature(
    call: &Call,
    number: &str,
    device: &str,
    at: u64,
    signature: &str,
    message: &str,
) -> Answer<Caller> {
    if call.now.abs_diff(at) > CLOCK_SKEW_MS {
        return Err(clock(call.now));
    }
    let number = Number::parse(number).map_err(|_| unauthorized())?;
    if !names::is_device(device) {
        return Err(unauthorized());
    }
    let device = DeviceId::parse(device).map_err(|_| unauthorized())?;
    let signature = B64
        .decode(signature.trim_end_matches('='))
        .unwrap_or_default();
    let reply = line::ask(
        &call.env,
        &call.site.id,
        &number,
        None,
        LineCommand::Device {
            device: device.clone(),
        },
    )
    .await?;
    let key: Option<DevicePublicKey> = match reply {
        LineReply::Device { device, .. } => device
            .public_key
            .and_then(|json| serde_json::from_str(&json).ok()),
        _ => None,
    };
    let (x, y) = key.as_ref().map_or(NOBODY, |k| (&k.x, &k.y));
    let good = webcrypto::ecdsa_p256_verify(x, y, &signature, message.as_bytes()).await?;
    if good && key.is_some() {
        Ok(Caller::Device { number, device })
    } else {
        Err(unauthorized())
    }
}

/// A key that a device may have as its credential.
pub fn check_public_key(key: &DevicePublicKey) -> Answer<()> {
    let coordinate = |s: &str| B64.decode(s).is_ok_and(|b| b.len() == 32);
    if key.kty == "EC" && key.crv == "P-256" && coordinate(&key.x) && coordinate(&key.y) {
        return Ok(());
    }
    Err(refuse(
        problem::BAD_REQUEST,
        "public_key must be the JWK of an EC key on P-256.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_parameters_come_in_any_order_and_all_of_them() {
        assert_eq!(
            signature_parameters("number=1001, at=5,sig=ab_c"),
            Some(("1001", 5, "ab_c"))
        );
        assert_eq!(
            signature_parameters("sig=x,at=5,number=1"),
            Some(("1", 5, "x"))
        );
        assert_eq!(signature_parameters("sig=x,at=5"), None);
        assert_eq!(signature_parameters("sig=x,at=y,number=1"), None);
    }
}
