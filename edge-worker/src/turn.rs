//! TURN credentials that end: worked out from a secret that the TURN server shares (coturn's `use-auth-secret`), or asked of
//! Cloudflare for each page. A TURN that gives none costs calls through strict firewalls, never the answer: STUN is left.

use crate::callserver::credentials::ephemeral;
use crate::config::Site;
use crate::outgoing;
use crate::secret::{Secret, paired};
use crate::token;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::Deserialize;
use std::time::Duration;
use wakeline_edge_api::IceServer;

/// Where Cloudflare gives credentials.
const CLOUDFLARE: &str = "https://rtc.live.cloudflare.com/v1/turn/keys";
/// A page waits for the answer.
const TIMEOUT: Duration = Duration::from_secs(3);
/// Longest life of credentials that Cloudflare grants.
const MAX_TTL_S: u32 = 48 * 3600;
/// Entries of an answer that are looked at.
const MAX_SERVERS: usize = 8;

/// `SITES[].turn`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum TurnVars {
    /// A TURN server that shares a secret.
    Coturn {
        /// `turn:` and `turns:` addresses.
        urls: Vec<String>,
        /// Life of the credentials.
        #[serde(default = "day")]
        ttl_s: u32,
    },
    /// Cloudflare's TURN service.
    Cloudflare {
        /// The TURN key's id.
        key_id: String,
        /// Life of the credentials.
        #[serde(default = "day")]
        ttl_s: u32,
    },
}

fn day() -> u32 {
    24 * 3600
}

/// A site's TURN.
#[derive(Debug, Clone)]
pub struct Turn {
    vars: TurnVars,
    secret: Secret<String>,
}

impl Turn {
    /// Puts what may be seen and what may not together.
    pub fn build(
        vars: Option<TurnVars>,
        secret: Option<Secret<String>>,
    ) -> Result<Option<Self>, &'static str> {
        let both = paired(
            vars,
            secret,
            "turn needs turn_secret in SITE_SECRETS",
            "SITE_SECRETS has a turn_secret, but SITES names no turn",
        )?;
        let Some((vars, secret)) = both else {
            return Ok(None);
        };
        if secret.expose().len() < 16 {
            return Err("turn_secret has less than 16 characters");
        }
        let ttl_s = match &vars {
            TurnVars::Coturn { urls, ttl_s } => {
                let turn = |url: &String| url.starts_with("turn:") || url.starts_with("turns:");
                if urls.is_empty() || urls.len() > MAX_SERVERS || !urls.iter().all(turn) {
                    return Err("turn.urls holds one to eight turn: or turns: addresses");
                }
                *ttl_s
            }
            TurnVars::Cloudflare { key_id, ttl_s } => {
                let good = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
                if key_id.is_empty() || key_id.len() > 64 || !key_id.bytes().all(good) {
                    return Err("turn.key_id is the id of a TURN key, as Cloudflare shows it");
                }
                *ttl_s
            }
        };
        if !(60..=MAX_TTL_S).contains(&ttl_s) {
            return Err("turn.ttl_s is 60 to 172800");
        }
        Ok(Some(Self { vars, secret }))
    }

    /// Servers with credentials for a line, and when those end; none when they cannot be had now.
    pub async fn servers(
        &self,
        site: &Site,
        number: &str,
        now_ms: u64,
    ) -> Option<(Vec<IceServer>, u64)> {
        match &self.vars {
            TurnVars::Coturn { urls, ttl_s } => {
                let end = now_ms / 1000 + u64::from(*ttl_s);
                // A name that tells a TURN server's log one user from another, and no number.
                let name = token::mac_of(
                    self.secret.expose().as_bytes(),
                    format!("{}:{number}", site.id).as_bytes(),
                );
                let made = ephemeral(self.secret.expose(), end, &B64.encode(&name[..9]));
                let server = IceServer {
                    urls: urls.clone(),
                    username: Some(made.username),
                    credential: Some(made.password),
                };
                Some((vec![server], end * 1000))
            }
            TurnVars::Cloudflare { key_id, ttl_s } => {
                match self.of_cloudflare(key_id, *ttl_s).await {
                    Ok(servers) => Some((servers, now_ms + u64::from(*ttl_s) * 1000)),
                    Err(reason) => {
                        worker::console_error!(
                            "event=turn_failed site={} reason=\"{reason}\"",
                            site.id
                        );
                        None
                    }
                }
            }
        }
    }

    async fn of_cloudflare(&self, key_id: &str, ttl_s: u32) -> Result<Vec<IceServer>, String> {
        let url = format!("{CLOUDFLARE}/{key_id}/credentials/generate-ice-servers");
        let headers = [
            ("Content-Type", "application/json".to_owned()),
            ("Authorization", format!("Bearer {}", self.secret.expose())),
        ];
        let body = format!("{{\"ttl\":{ttl_s}}}");
        let came =
            outgoing::post(&url, &headers, body.as_bytes(), outgoing::MAX_BODY, TIMEOUT).await;
        let came = came.map_err(|error| error.to_string())?;
        if !(200..300).contains(&came.status) {
            return Err(format!("status {}", came.status));
        }
        read(&String::from_utf8_lossy(&came.body))
    }
}

/// What Cloudflare answers: a list, or one entry as it used to be.
#[derive(Deserialize)]
struct Given {
    #[serde(rename = "iceServers")]
    ice_servers: OneOrMany<GivenServer>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(all) => all,
            Self::One(one) => vec![one],
        }
    }
}

#[derive(Deserialize)]
struct GivenServer {
    urls: OneOrMany<String>,
    username: Option<String>,
    credential: Option<String>,
}

fn read(answer: &str) -> Result<Vec<IceServer>, String> {
    let given: Given =
        serde_json::from_str(answer).map_err(|_| "an answer that is none".to_owned())?;
    // Browsers refuse port 53, and gather for nothing.
    let usable = |url: &String| {
        let (address, _) = url.split_once('?').unwrap_or((url, ""));
        ["stun:", "turn:", "turns:"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
            && !address.ends_with(":53")
    };
    let servers = given.ice_servers.into_vec().into_iter().take(MAX_SERVERS);
    let servers: Vec<_> = servers
        .map(|server| IceServer {
            urls: server.urls.into_vec().into_iter().filter(usable).collect(),
            username: server.username,
            credential: server.credential,
        })
        .filter(|server| !server.urls.is_empty())
        .collect();
    if servers.iter().any(|server| server.credential.is_some()) {
        Ok(servers)
    } else {
        Err("an answer without credentials".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shapes_of_cloudflares_answer_are_read_and_port_53_is_left_out() {
        let many = r#"{"iceServers":[{"urls":["stun:stun.cloudflare.com:3478","stun:stun.cloudflare.com:53"]},
            {"urls":["turn:turn.cloudflare.com:3478?transport=udp","turn:turn.cloudflare.com:53?transport=udp"],"username":"u","credential":"c"}]}"#;
        let servers = read(many).unwrap();
        assert_eq!(servers[0].urls, ["stun:stun.cloudflare.com:3478"]);
        assert_eq!(
            servers[1].urls,
            ["turn:turn.cloudflare.com:3478?transport=udp"]
        );
        let one = r#"{"iceServers":{"urls":"turns:turn.cloudflare.com:5349","username":"u","credential":"c"}}"#;
        assert_eq!(read(one).unwrap()[0].credential.as_deref(), Some("c"));
        for bad in [
            "",
            "{}",
            r#"{"iceServers":[]}"#,
            r#"{"iceServers":[{"urls":["stun:a"]}]}"#,
            r#"{"iceServers":[{"urls":["http://a"],"credential":"c"}]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_wrong_in_the_configuration_is_said() {
        let built = |vars: &str, secret: Option<&str>| {
            let vars = serde_json::from_str(vars).unwrap();
            Turn::build(vars, secret.map(|s| Secret::new(s.into()))).map(|turn| turn.is_some())
        };
        let secret = Some("0123456789abcdef");
        let good = r#"{"provider":"coturn","urls":["turn:turn.example.com"]}"#;
        assert_eq!(built(good, secret), Ok(true));
        assert_eq!(
            built(r#"{"provider":"cloudflare","key_id":"abc"}"#, secret),
            Ok(true)
        );
        assert_eq!(built("null", None), Ok(false));
        assert!(built(good, None).unwrap_err().contains("turn_secret"));
        assert!(built("null", secret).unwrap_err().contains("SITES"));
        assert!(built(good, Some("short")).unwrap_err().contains("16"));
        assert!(
            built(r#"{"provider":"coturn","urls":["stun:a"]}"#, secret)
                .unwrap_err()
                .contains("turn:")
        );
        assert!(
            built(r#"{"provider":"cloudflare","key_id":"a/b"}"#, secret)
                .unwrap_err()
                .contains("key_id")
        );
        assert!(
            built(
                r#"{"provider":"cloudflare","key_id":"a","ttl_s":1}"#,
                secret
            )
            .unwrap_err()
            .contains("ttl_s")
        );
    }
}
