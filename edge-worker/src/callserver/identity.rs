//! Who a call server is, and what it may do: nothing but what `SITES` names for it.
//!
//! A call server belongs to one site, has an id and one to four secrets, all of which are good: a rotation adds the new one, changes
//! the server, and takes the old one away. It shows a secret in one of two ways:
//!
//! - `Authorization: Bearer id.secret`, for those that can do no more;
//! - `Authorization: WakelineServer id=…,at=…,sig=…`, where `sig` is the base64url HMAC-SHA-256 under the secret over
//!   [`server_message`]: the secret never travels, and what was recorded is good for this very request, at this edge, for five minutes.

use crate::config::ConfigError;
use crate::names;
use crate::secret::{Secret, same};
use crate::token;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wakeline_edge_api::{CLOCK_SKEW_MS, server_message};
use wakeline_push::AllowList;

/// Secrets of one call server that are good at the same time.
const MAX_SECRETS: usize = 4;
/// Characters of a secret.
const MIN_SECRET: usize = 32;

/// What a call server may be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Ask for a wake, follow it, and say how its call went on.
    Wake,
    /// Report a mobile's signal, and be told "direct" or "divert".
    Gateway,
}

impl Right {
    /// As in `SITES`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wake => "wake",
            Self::Gateway => "gateway",
        }
    }
}

/// A call server as `SITES` names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    id: String,
    #[serde(default)]
    may: Vec<Right>,
    #[serde(default)]
    callbacks: Vec<String>,
}

/// A call server of a site.
#[derive(Debug, Clone)]
pub struct CallServer {
    /// Its name within the site.
    pub id: String,
    /// What it may do.
    pub may: Vec<Right>,
    /// Where it may have itself told. A worker cannot see what a name resolves to, so a name that nobody has vouched for is none.
    pub callbacks: AllowList,
    secrets: Vec<Secret<String>>,
}

impl CallServer {
    /// HMAC-SHA-256 under each of its secrets, base64url: what the edge tells it is signed with all that are good.
    pub fn macs(&self, message: &[u8]) -> impl Iterator<Item = String> {
        let mac = |s: &Secret<String>| B64.encode(token::mac_of(s.expose().as_bytes(), message));
        self.secrets.iter().map(mac)
    }
}

/// Why a signature was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unproven {
    /// Nobody we know, or a wrong secret.
    Wrong,
    /// Right or wrong: its clock is too far off.
    Clock,
}

/// The request that a signature covers.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// The edge's origin.
    pub origin: &'a str,
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// Puts names and secrets together. Neither may stand alone: a secret for nobody is a misspelt name. With `loopback` this machine may
/// have itself told, too.
pub fn build(
    site: &str,
    loopback: bool,
    named: Vec<Named>,
    mut secrets: BTreeMap<String, Vec<Secret<String>>>,
) -> Result<Vec<CallServer>, ConfigError> {
    let wrong = |what| ConfigError::Key {
        site: site.to_owned(),
        what,
    };
    let mut servers: Vec<CallServer> = Vec::with_capacity(named.len());
    for Named { id, may, callbacks } in named {
        if !names::is_site(&id) || servers.iter().any(|s| s.id == id) {
            return Err(wrong(
                "the id of a call server is repeated or not 1–32 of a-z, 0-9 and -",
            ));
        }
        let secrets = secrets.remove(&id).unwrap_or_default();
        if secrets.is_empty() || secrets.len() > MAX_SECRETS {
            return Err(wrong(
                "each of call_servers needs one to four secrets under its id in SITE_SECRETS",
            ));
        }
        let good = |s: &Secret<String>| s.expose().len() >= MIN_SECRET;
        if !secrets.iter().all(good) {
            return Err(wrong(
                "a secret of a call server has less than 32 characters: use 32 random octets",
            ));
        }
        let callbacks = AllowList::new(&callbacks).map_err(|_| {
            wrong("callbacks of a call server holds something that is neither a host name nor *. and a host name")
        })?;
        let callbacks = callbacks.with_loopback(loopback);
        servers.push(CallServer {
            id,
            may,
            callbacks,
            secrets,
        });
    }
    if secrets.is_empty() {
        Ok(servers)
    } else {
        Err(wrong(
            "SITE_SECRETS has secrets for a call server that SITES does not name",
        ))
    }
}

/// The call server whose `id.secret` this is.
pub fn by_bearer<'a>(servers: &'a [CallServer], credential: &str) -> Option<&'a CallServer> {
    let (id, secret) = credential.split_once('.')?;
    let server = servers.iter().find(|s| s.id == id);
    // All are compared, and one that is none when the id is unknown: the time says nothing.
    let nobody = [Secret::new(String::new())];
    let secrets = server.map_or(&nobody[..], |s| &s.secrets);
    let good = secrets.iter().fold(false, |found, s| {
        found | same(s.expose().as_bytes(), secret.as_bytes())
    });
    server.filter(|_| good)
}

/// The call server that signed this request.
pub fn by_signature<'a>(
    servers: &'a [CallServer],
    now_ms: u64,
    credential: &str,
    request: &Signed<'_>,
) -> Result<&'a CallServer, Unproven> {
    let (mut id, mut at, mut signature) = (None, None, None);
    for (name, value) in credential
        .split(',')
        .filter_map(|p| p.trim().split_once('='))
    {
        match name {
            "id" => id = Some(value),
            "at" => at = value.parse::<u64>().ok(),
            "sig" => signature = B64.decode(value.trim_end_matches('=')).ok(),
            _ => {}
        }
    }
    let (Some(id), Some(at), Some(signature)) = (id, at, signature) else {
        return Err(Unproven::Wrong);
    };
    if now_ms.abs_diff(at) > CLOCK_SKEW_MS {
        return Err(Unproven::Clock);
    }
    let message = server_message(
        request.origin,
        request.method,
        request.target,
        at,
        &token::sha256_hex(request.body),
    );
    let server = servers.iter().find(|s| s.id == id);
    let nobody = [Secret::new(String::new())];
    let secrets = server.map_or(&nobody[..], |s| &s.secrets);
    let good = secrets.iter().fold(false, |found, s| {
        found | token::is_mac_of(s.expose().as_bytes(), message.as_bytes(), &signature)
    });
    server.filter(|_| good).ok_or(Unproven::Wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "old-old-old-old-old-old-old-old-old";
    const NEW: &str = "new-new-new-new-new-new-new-new-new";
    const REQUEST: Signed<'_> = Signed {
        origin: "https://edge.example",
        method: "POST",
        target: "/v1/x?wait=1",
        body: b"{}",
    };

    fn named(json: &str) -> Vec<Named> {
        serde_json::from_str(json).unwrap()
    }

    fn secrets(json: &str) -> BTreeMap<String, Vec<Secret<String>>> {
        serde_json::from_str(json).unwrap()
    }

    fn rotating() -> Vec<CallServer> {
        let secrets = secrets(&format!(r#"{{"pbx":["{NEW}","{OLD}"]}}"#));
        build(
            "demo",
            false,
            named(r#"[{"id":"pbx","may":["wake"]}]"#),
            secrets,
        )
        .unwrap()
    }

    fn sign(secret: &str, at: u64, request: &Signed<'_>) -> String {
        let body = token::sha256_hex(request.body);
        let message = server_message(request.origin, request.method, request.target, at, &body);
        let tag = token::mac_of(secret.as_bytes(), message.as_bytes());
        format!("id=pbx, at={at}, sig={}", B64.encode(tag))
    }

    #[test]
    fn while_a_secret_rotates_both_are_good_and_a_removed_one_is_not() {
        let servers = rotating();
        for secret in [OLD, NEW] {
            let bearer = format!("pbx.{secret}");
            assert_eq!(by_bearer(&servers, &bearer).unwrap().id, "pbx");
            let signed = sign(secret, 1_000, &REQUEST);
            assert_eq!(
                by_signature(&servers, 1_000, &signed, &REQUEST).unwrap().id,
                "pbx"
            );
        }
        let secrets = secrets(&format!(r#"{{"pbx":["{NEW}"]}}"#));
        let servers = build("demo", false, named(r#"[{"id":"pbx"}]"#), secrets).unwrap();
        assert!(by_bearer(&servers, &format!("pbx.{OLD}")).is_none());
        let signed = sign(OLD, 1_000, &REQUEST);
        assert_eq!(
            by_signature(&servers, 1_000, &signed, &REQUEST).unwrap_err(),
            Unproven::Wrong
        );
        assert!(
            servers[0].may.is_empty(),
            "nothing named is nothing allowed"
        );
    }

    #[test]
    fn what_is_no_credential_of_a_call_server_is_refused() {
        let servers = rotating();
        for junk in [
            "",
            ".",
            "pbx",
            "pbx.",
            "pbx.x",
            &format!("other.{NEW}"),
            &format!(".{NEW}"),
            NEW,
        ] {
            assert!(by_bearer(&servers, junk).is_none(), "{junk}");
        }
        for junk in ["", "id=pbx", "id=pbx,at=1000", "id=pbx,at=x,sig=AAAA"] {
            assert!(by_signature(&servers, 1_000, junk, &REQUEST).is_err());
        }
    }

    #[test]
    fn a_signature_covers_edge_method_path_body_and_time() {
        let servers = rotating();
        let signed = sign(NEW, 1_000_000, &REQUEST);
        let others = [
            Signed {
                origin: "https://evil.example",
                ..REQUEST
            },
            Signed {
                method: "GET",
                ..REQUEST
            },
            Signed {
                target: "/v1/x?wait=2",
                ..REQUEST
            },
            Signed {
                body: b"{ }",
                ..REQUEST
            },
        ];
        for other in others {
            assert_eq!(
                by_signature(&servers, 1_000_000, &signed, &other).unwrap_err(),
                Unproven::Wrong
            );
        }
        let late = 1_000_000 + CLOCK_SKEW_MS;
        assert!(by_signature(&servers, late, &signed, &REQUEST).is_ok());
        assert_eq!(
            by_signature(&servers, late + 1, &signed, &REQUEST).unwrap_err(),
            Unproven::Clock
        );
    }

    #[test]
    fn a_call_is_known_for_longer_than_a_signature_for_it_can_be_sent_again() {
        // Made by a clock that is as far ahead as may be.
        let longest = 2 * CLOCK_SKEW_MS;
        assert!(wakeline_sip::edge::SERVER_CALL_REMEMBERED.0 > longest);
    }

    #[test]
    fn what_is_wrong_in_the_configuration_is_said() {
        let said = |names: &str, keys: &str| match build("demo", false, named(names), secrets(keys))
        {
            Err(ConfigError::Key { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        let one = format!(r#"{{"pbx":["{NEW}"]}}"#);
        assert!(said(r#"[{"id":"Pbx"}]"#, &one).contains("a-z"));
        assert!(said(r#"[{"id":"pbx"},{"id":"pbx"}]"#, &one).contains("repeated"));
        assert!(
            said(
                r#"[{"id":"pbx","callbacks":["https://pbx.example"]}]"#,
                &one
            )
            .contains("callbacks")
        );
        assert!(said(r#"[{"id":"pbx"}]"#, "{}").contains("one to four"));
        assert!(said(r#"[{"id":"pbx"}]"#, r#"{"pbx":["short"]}"#).contains("32"));
        assert!(said("[]", &one).contains("does not name"));
        assert!(serde_json::from_str::<Vec<Named>>(r#"[{"id":"pbx","may":["all"]}]"#).is_err());
    }

    #[test]
    fn a_secret_is_in_no_debug() {
        assert!(!format!("{:?}", rotating()).contains(NEW));
    }
}
