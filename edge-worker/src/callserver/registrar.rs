//! The call server that a site's pages register with, and what a line shows to it.

use super::credentials;
use crate::secret::{Secret, paired};
use serde::Deserialize;
use wakeline_edge_api::SipAccount;

/// Octets of its secret.
const MIN_SECRET: usize = 16;
/// Life of a page's credentials: longer than a page is left alone, for it registers again with what it has.
const TTL_S: u32 = 24 * 3600;

/// `SITES[].sip`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SipVars {
    servers: Vec<String>,
    domain: Option<String>,
    scheme: Scheme,
    #[serde(default = "ttl")]
    ttl_s: u32,
}

fn ttl() -> u32 {
    TTL_S
}

/// How user and password are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    /// They end; for servers that know the scheme (Kamailio's `auth_ephemeral`).
    Ephemeral,
    /// They do not; for servers with a table of users.
    Derived,
}

/// The call server of a site's pages.
#[derive(Debug, Clone)]
pub struct SipServer {
    servers: Vec<String>,
    domain: Option<String>,
    scheme: Scheme,
    ttl_s: u32,
    secret: Secret<String>,
}

impl SipServer {
    /// Puts what may be seen and what may not together.
    pub fn build(
        vars: Option<SipVars>,
        secret: Option<Secret<String>>,
    ) -> Result<Option<Self>, &'static str> {
        let both = paired(
            vars,
            secret,
            "sip needs sip_secret in SITE_SECRETS",
            "SITE_SECRETS has a sip_secret, but SITES names no sip",
        )?;
        let Some((vars, secret)) = both else {
            return Ok(None);
        };
        if secret.expose().len() < MIN_SECRET {
            return Err("sip_secret has less than 16 characters: use 32 random octets");
        }
        let socket = |url: &String| {
            let rest = url
                .strip_prefix("wss://")
                .or_else(|| url.strip_prefix("ws://"));
            rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(['@', ' ', '#']))
        };
        if vars.servers.is_empty() || vars.servers.len() > 8 || !vars.servers.iter().all(socket) {
            return Err("sip.servers holds one to eight wss: addresses");
        }
        if !(60..=7 * 24 * 3600).contains(&vars.ttl_s) {
            return Err("sip.ttl_s is 60 to 604800");
        }
        Ok(Some(Self {
            servers: vars.servers,
            domain: vars.domain,
            scheme: vars.scheme,
            ttl_s: vars.ttl_s,
            secret,
        }))
    }

    /// What `number` registers with; `domain` of the site unless it has one of its own.
    pub fn account(&self, number: &str, domain: &str, now_ms: u64) -> SipAccount {
        let secret = self.secret.expose();
        let (made, expires_at) = match self.scheme {
            Scheme::Ephemeral => {
                let end = now_ms / 1000 + u64::from(self.ttl_s);
                (
                    credentials::ephemeral(secret, end, number),
                    Some(end * 1000),
                )
            }
            Scheme::Derived => (credentials::derived(secret, number), None),
        };
        SipAccount {
            servers: self.servers.clone(),
            domain: self.domain.clone().unwrap_or_else(|| domain.to_owned()),
            username: made.username,
            password: made.password,
            expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(vars: &str, secret: Option<&str>) -> Result<Option<SipServer>, &'static str> {
        let secret = secret.map(|s| Secret::new(s.to_owned()));
        SipServer::build(serde_json::from_str(vars).unwrap(), secret)
    }

    const SECRET: Option<&str> = Some("0123456789abcdef");

    #[test]
    fn credentials_end_or_do_not_as_the_scheme_says() {
        let vars = r#"{"servers":["wss://pbx.example.com/ws"],"scheme":"ephemeral","ttl_s":600}"#;
        let server = built(vars, SECRET).unwrap().unwrap();
        let account = server.account("1001", "phone.example.com", 1_800_000_000_999);
        assert_eq!(account.username, "1800000600:1001");
        assert_eq!(account.expires_at, Some(1_800_000_600_000));
        assert_eq!(account.domain, "phone.example.com");
        let vars = r#"{"servers":["wss://pbx.example.com"],"domain":"pbx.example.com","scheme":"derived"}"#;
        let account = built(vars, SECRET)
            .unwrap()
            .unwrap()
            .account("1001", "x", 0);
        assert_eq!(
            (account.username.as_str(), account.expires_at),
            ("1001", None)
        );
        assert_eq!(account.domain, "pbx.example.com");
        assert!(!format!("{account:?}").contains(&account.password));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = r#"{"servers":["wss://pbx.example.com"],"scheme":"derived"}"#;
        assert!(built("null", None).unwrap().is_none());
        assert!(built(good, None).unwrap_err().contains("sip_secret"));
        assert!(built("null", SECRET).unwrap_err().contains("SITES"));
        assert!(built(good, Some("short")).unwrap_err().contains("16"));
        for servers in ["[]", r#"["https://pbx.example.com"]"#, r#"["wss://"]"#] {
            let vars = format!(r#"{{"servers":{servers},"scheme":"derived"}}"#);
            assert!(
                built(&vars, SECRET).unwrap_err().contains("wss:"),
                "{servers}"
            );
        }
    }
}
