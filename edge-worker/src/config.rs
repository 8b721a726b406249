//! The deployment's configuration: typed, and checked once when it is built; what is wrong is said with the way to put it right.
//!
//! `SITES` (variable, JSON array) says what may be seen; what may not stands in secrets: `EDGE_SECRET`, what `cargo xtask deploy`
//! made once for each site ([`keys_binding`]), and `SITE_SECRETS` (JSON object by site), which an operator writes and which wins.

mod error;

pub use error::ConfigError;

use crate::callserver::identity::{self, CallServer};
use crate::callserver::registrar::{SipServer, SipVars};
use crate::names;
use crate::secret::{Secret, same};
use crate::turn::{Turn, TurnVars};
use crate::vendors::{self, Vendors};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use wakeline_edge_api::{IceServer, SipAccount};
use wakeline_push::{AllowList, VapidKeys};
use wakeline_sip::edge::{EdgeLimits, SiteConfig, SiteId};
use wakeline_sip::time::Duration;
use wakeline_sip::wake::{self, DeclineScope};

/// Longest life of a token that the edge signs.
const MAX_TOKEN_TTL_S: u32 = 7 * 24 * 3600;

/// Former VAPID key pairs that are kept.
const MAX_VAPID_PREVIOUS: usize = 4;

/// All sites of this deployment.
#[derive(Debug)]
pub struct Config {
    sites: Vec<Rc<Site>>,
    edge_secret: Secret<Vec<u8>>,
    operator_key: Option<Secret<String>>,
}

/// One SIP domain with its keys and policies.
#[derive(Debug, Clone)]
pub struct Site {
    /// Its id in names, rows and credentials.
    pub id: String,
    /// The domain of its addresses-of-record.
    pub domain: String,
    /// Host names that choose it; `*` takes all that no other site has.
    pub hosts: Vec<String>,
    /// Origins of pages that may call it, besides the edge's own.
    pub origins: Vec<String>,
    /// Life of the tokens that the edge signs, seconds.
    pub token_ttl_s: u32,
    /// Deadlines and caps.
    pub limits: Limits,
    /// What a decline on one device means.
    pub decline: Decline,
    /// A page in a call shows who else calls; otherwise that caller hears busy.
    pub call_waiting: bool,
    /// How and where to push.
    pub push: PushPolicy,
    /// STUN and TURN.
    pub ice_servers: Vec<IceServer>,
    /// How many days records and missed calls are kept; 0: no end.
    pub retention_days: u32,
    /// Keys of the site's backend.
    pub api_keys: Vec<Secret<String>>,
    /// Keys that sign tokens; the first signs, all verify.
    pub signing_keys: Vec<SigningKey>,
    /// The key pair that push services know the site by.
    pub vapid: Vapid,
    /// Key pairs that it was known by before: kept until their subscriptions have renewed.
    pub vapid_previous: Vec<Vapid>,
    /// Call servers, with what each may do.
    pub call_servers: Vec<CallServer>,
    /// Where its pages register, when that is a call server.
    pub sip: Option<SipServer>,
    /// Accounts at the push services of vendors.
    pub vendors: Vendors,
    /// When a voice gateway dials a mobile.
    pub gateway: Gateway,
    /// TURN with credentials that end.
    pub turn: Option<Turn>,
}

/// When a voice gateway dials a mobile.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gateway {
    /// From this signal on, dBm; a line may have its own.
    pub threshold_dbm: i16,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            threshold_dbm: -100,
        }
    }
}

/// A named key for HS256.
#[derive(Debug, Clone, Deserialize)]
pub struct SigningKey {
    /// Its name in the token's header.
    pub kid: String,
    /// At least 32 octets.
    pub secret: Secret<String>,
}

/// A VAPID key pair (RFC 8292), both base64url.
#[derive(Debug, Clone, Deserialize)]
pub struct Vapid {
    /// The uncompressed point.
    pub public_key: String,
    /// The scalar.
    pub private_key: Secret<String>,
}

/// What a decline on one device means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decline {
    /// The wake ends.
    #[default]
    Line,
    /// Only that device falls silent.
    Device,
}

/// Deadlines and caps. All are settable.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// From the first push to "ready".
    pub ready_s: u32,
    /// More for a tap in the last second.
    pub tap_grace_s: u32,
    /// From 180 to "unanswered".
    pub ring_s: u32,
    /// A socket that registered nothing is closed after this.
    pub idle_s: u32,
    /// The edge ends a call whose page has been lost this long.
    pub lost_s: u32,
    /// Wrong tries to sign in to one number from one address in five minutes; ten times as many per number and per address.
    pub sign_in_tries: u32,
    /// SIP sockets that one address may open in a minute.
    pub sockets_per_minute: u32,
    /// Devices of a line.
    pub devices: u32,
    /// Calls that one line may have parked.
    pub parked: u32,
    /// Calls of one caller to one line in a minute; each redial is a push to every device.
    pub calls_per_minute: u32,
    /// States that one line may look up in a minute.
    pub lookups_per_minute: u32,
    /// Calls to one line in a minute, whoever calls.
    pub line_calls_per_minute: u32,
    /// Calls of one caller in a minute, whomever they are to; 0: not counted.
    pub caller_calls_per_minute: u32,
    /// Calls of the whole site in a minute; 0: not counted. Each call then asks one object, wherever that is.
    pub site_calls_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ready_s: 60,
            tap_grace_s: 15,
            ring_s: 60,
            idle_s: 10,
            lost_s: 30,
            sign_in_tries: 10,
            sockets_per_minute: 300,
            devices: 16,
            parked: 8,
            calls_per_minute: 30,
            lookups_per_minute: 60,
            line_calls_per_minute: 120,
            caller_calls_per_minute: 60,
            site_calls_per_minute: 0,
        }
    }
}

/// How and where to push.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PushPolicy {
    /// Hosts of push services, `*.` in front for any name below; the browsers' own when left out.
    pub allow: Option<Vec<String>>,
    /// `http` and loopback addresses too. For development only.
    pub loopback: bool,
    /// Whom a push service may write to: `mailto:` or `https:`.
    pub subject: String,
    /// An invitation is pushed again this often until a device is ready.
    pub repush_s: u32,
    /// The app's account at Getui.
    pub getui: Option<vendors::GetuiPolicy>,
    /// The app's cloud function for uni-push 2.0.
    pub unicloud: Option<vendors::UnicloudPolicy>,
}

impl Default for PushPolicy {
    fn default() -> Self {
        Self {
            allow: None,
            loopback: false,
            subject: String::new(),
            repush_s: 15,
            getui: None,
            unicloud: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteVars {
    id: String,
    domain: String,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    origins: Vec<String>,
    #[serde(default = "hour")]
    token_ttl_s: u32,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    decline: Decline,
    #[serde(default = "yes")]
    call_waiting: bool,
    #[serde(default)]
    push: PushPolicy,
    #[serde(default)]
    ice_servers: Vec<IceServer>,
    #[serde(default)]
    call_servers: Vec<identity::Named>,
    #[serde(default = "quarter")]
    retention_days: u32,
    #[serde(default)]
    sip: Option<SipVars>,
    #[serde(default)]
    gateway: Gateway,
    #[serde(default)]
    turn: Option<TurnVars>,
}

fn yes() -> bool {
    true
}

fn hour() -> u32 {
    3600
}

fn quarter() -> u32 {
    90
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteSecrets {
    #[serde(default)]
    api_keys: Vec<Secret<String>>,
    #[serde(default)]
    signing_keys: Vec<SigningKey>,
    vapid: Option<Vapid>,
    #[serde(default)]
    vapid_previous: Vec<Vapid>,
    #[serde(default)]
    call_servers: BTreeMap<String, Vec<Secret<String>>>,
    #[serde(default)]
    sip_secret: Option<Secret<String>>,
    getui: Option<vendors::GetuiSecret>,
    unicloud: Option<vendors::UnicloudSecret>,
    #[serde(default)]
    turn_secret: Option<Secret<String>>,
}

impl SiteSecrets {
    /// With what a deploy made, for each of the three that are not written here.
    fn over(mut self, made: Option<SiteKeys>) -> Self {
        let Some(made) = made else { return self };
        if self.api_keys.is_empty() {
            self.api_keys = made.api_keys;
        }
        if self.signing_keys.is_empty() {
            self.signing_keys = made.signing_keys;
        }
        self.vapid.get_or_insert(made.vapid);
        self
    }
}

/// What a deploy makes for a site, once.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteKeys {
    api_keys: Vec<Secret<String>>,
    signing_keys: Vec<SigningKey>,
    vapid: Vapid,
}

/// The secret in which a deploy keeps the keys of a site: one of its own, so that a site that comes later gets its keys without
/// touching those of the others, which nobody can read back. No two sites have the same: an id has no `_` and no capitals.
pub fn keys_binding(site: &str) -> String {
    format!("SITE_KEYS_{}", site.to_ascii_uppercase().replace('-', "_"))
}

/// Where the configuration stands.
pub struct Source<'a> {
    /// `SITES`.
    pub sites: &'a str,
    /// `SITE_SECRETS`, where an operator has written one.
    pub site_secrets: Option<&'a str>,
    /// The secret of a name.
    pub secret: &'a dyn Fn(&str) -> Option<String>,
    /// `EDGE_SECRET`.
    pub edge_secret: &'a str,
}

fn parse<'a, T: Deserialize<'a>>(name: &'static str, json: &'a str) -> Result<T, ConfigError> {
    serde_json::from_str(json).map_err(|e| ConfigError::Json {
        name,
        line: e.line(),
        column: e.column(),
    })
}

impl Config {
    /// Reads and checks all of it.
    pub fn parse(source: &Source<'_>) -> Result<Self, ConfigError> {
        if source.edge_secret.len() < 32 {
            return Err(ConfigError::EdgeSecret);
        }
        let vars: Vec<SiteVars> = parse("SITES", source.sites)?;
        let written = source.site_secrets.unwrap_or("{}");
        let mut secrets: BTreeMap<String, SiteSecrets> = parse("SITE_SECRETS", written)?;
        if vars.is_empty() {
            return Err(ConfigError::NoSite);
        }
        let (mut ids, mut hosts) = (BTreeSet::new(), BTreeSet::new());
        let mut sites = Vec::with_capacity(vars.len());
        for site in vars {
            if !names::is_site(&site.id) || !ids.insert(site.id.clone()) {
                return Err(ConfigError::Id(site.id));
            }
            if let Some(twice) = site.hosts.iter().find(|h| !hosts.insert((*h).clone())) {
                return Err(ConfigError::Host(twice.clone()));
            }
            let written = secrets.remove(&site.id);
            let made = (source.secret)(&keys_binding(&site.id))
                .map(|json| serde_json::from_str(&json))
                .transpose()
                .map_err(|_| ConfigError::Keys(site.id.clone()))?;
            let mut own = written.unwrap_or_default().over(made);
            let Some(vapid) = own.vapid.take() else {
                return Err(ConfigError::NoSecrets(site.id));
            };
            sites.push(Rc::new(Site::build(site, own, vapid)?));
        }
        Ok(Self {
            sites,
            edge_secret: Secret::new(source.edge_secret.as_bytes().to_vec()),
            operator_key: None,
        })
    }

    /// With the key that opens what only the operator may see.
    pub fn with_operator_key(mut self, key: Option<String>) -> Result<Self, ConfigError> {
        if key.as_ref().is_some_and(|key| key.len() < 32) {
            return Err(ConfigError::OperatorKey);
        }
        self.operator_key = key.map(Secret::new);
        Ok(self)
    }

    /// The operator's key.
    pub fn is_operator_key(&self, key: &str) -> bool {
        let own = self.operator_key.as_ref();
        own.is_some_and(|own| same(own.expose().as_bytes(), key.as_bytes()))
    }

    /// All sites.
    pub fn sites(&self) -> &[Rc<Site>] {
        &self.sites
    }

    /// The site that answers under `host` (with or without its port).
    pub fn site_for_host(&self, host: &str) -> Option<&Rc<Site>> {
        let bare = host.rsplit_once(':').map_or(host, |(name, port)| {
            if port.bytes().all(|b| b.is_ascii_digit()) {
                name
            } else {
                host
            }
        });
        let named = |wanted: &str| {
            self.sites
                .iter()
                .find(|s| s.hosts.iter().any(|h| h.eq_ignore_ascii_case(wanted)))
        };
        named(host).or_else(|| named(bare)).or_else(|| named("*"))
    }

    /// The site with this id.
    pub fn site(&self, id: &str) -> Option<&Rc<Site>> {
        self.sites.iter().find(|s| s.id == id)
    }

    /// Signs capabilities and nonces.
    pub fn edge_secret(&self) -> &[u8] {
        self.edge_secret.expose()
    }
}

impl Site {
    fn build(vars: SiteVars, secrets: SiteSecrets, vapid: Vapid) -> Result<Self, ConfigError> {
        let id = vars.id;
        let key = |what| ConfigError::Key {
            site: id.clone(),
            what,
        };
        let range = |what, range| ConfigError::Range {
            site: id.clone(),
            what,
            range,
        };
        let host_char = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-');
        if vars.domain.is_empty() || vars.domain.len() > 253 || !vars.domain.bytes().all(host_char)
        {
            return Err(ConfigError::Domain(id));
        }
        if let Some(origin) = vars.origins.iter().find(|o| !is_origin(o)) {
            return Err(ConfigError::Origin {
                site: id,
                origin: origin.clone(),
            });
        }
        if !(1..=MAX_TOKEN_TTL_S).contains(&vars.token_ttl_s) {
            return Err(range("token_ttl_s", "1 to 604800"));
        }
        let l = &vars.limits;
        for (what, value) in [("limits.ready_s", l.ready_s), ("limits.ring_s", l.ring_s)] {
            if !(1..=600).contains(&value) {
                return Err(range(what, "1 to 600"));
            }
        }
        if l.tap_grace_s > 60 {
            return Err(range("limits.tap_grace_s", "0 to 60"));
        }
        if l.sign_in_tries == 0
            || l.devices == 0
            || l.parked == 0
            || l.idle_s == 0
            || l.calls_per_minute == 0
            || l.line_calls_per_minute == 0
            || l.sockets_per_minute == 0
            || l.lookups_per_minute == 0
        {
            return Err(range("limits", "at least 1"));
        }
        if vars.retention_days > 3650 {
            return Err(range("retention_days", "0 to 3650"));
        }
        if vars.push.repush_s == 0 {
            return Err(range("push.repush_s", "at least 1"));
        }
        if !["mailto:", "https:"]
            .iter()
            .any(|scheme| vars.push.subject.starts_with(scheme))
        {
            return Err(key(
                "push.subject must be a mailto: or https: address that a push service may write to",
            ));
        }
        if secrets.signing_keys.is_empty() || secrets.signing_keys.len() > 4 {
            return Err(key("one to four signing_keys are needed"));
        }
        if secrets
            .signing_keys
            .iter()
            .any(|k| k.secret.expose().len() < 32 || k.kid.is_empty() || k.kid.len() > 64)
        {
            return Err(key(
                "a signing key needs a kid and a secret of at least 32 characters",
            ));
        }
        if secrets.api_keys.iter().any(|k| k.expose().len() < 16) {
            return Err(key(
                "an api key has less than 16 characters: use 32 random octets",
            ));
        }
        if secrets.vapid_previous.len() > MAX_VAPID_PREVIOUS {
            return Err(range("vapid_previous", "at most 4 key pairs"));
        }
        if !(-150..=0).contains(&vars.gateway.threshold_dbm) {
            return Err(range("gateway.threshold_dbm", "-150 to 0"));
        }
        let turn = Turn::build(vars.turn, secrets.turn_secret).map_err(key)?;
        let sip = SipServer::build(vars.sip, secrets.sip_secret).map_err(key)?;
        let loopback = vars.push.loopback;
        let call_servers = identity::build(&id, loopback, vars.call_servers, secrets.call_servers)?;
        let vendors = Vendors::build(&id, &vars.push, secrets.getui, secrets.unicloud)?;
        let site = Self {
            id,
            domain: vars.domain.to_ascii_lowercase(),
            hosts: vars.hosts,
            origins: vars.origins,
            token_ttl_s: vars.token_ttl_s,
            limits: vars.limits,
            decline: vars.decline,
            call_waiting: vars.call_waiting,
            push: vars.push,
            ice_servers: vars.ice_servers,
            retention_days: vars.retention_days,
            api_keys: secrets.api_keys,
            signing_keys: secrets.signing_keys,
            vapid,
            vapid_previous: secrets.vapid_previous,
            call_servers,
            sip,
            vendors,
            gateway: vars.gateway,
            turn,
        };
        site.allow_list()?;
        site.vapid_keys_for(None)?;
        site.machine_config()?;
        Ok(site)
    }

    /// What a line shows to the call server that the site's pages register with.
    pub fn sip_account(&self, number: &str, now_ms: u64) -> Option<SipAccount> {
        let sip = self.sip.as_ref()?;
        Some(sip.account(number, &self.domain, now_ms))
    }

    /// `sip:number@domain`.
    pub fn address_of_record(&self, number: &str) -> String {
        format!("sip:{number}@{}", self.domain)
    }

    /// A page of this origin may call: the edge's own pages, and those of the site.
    pub fn allows_origin(&self, origin: &str, own: &str) -> bool {
        origin == own || self.origins.iter().any(|o| o == origin)
    }

    /// What the pure machines of this site's objects are told.
    pub fn machine_config(&self) -> Result<SiteConfig, ConfigError> {
        let id = SiteId::parse(&self.id).map_err(|_| ConfigError::Id(self.id.clone()))?;
        let seconds = |s: u32| Duration::from_secs(u64::from(s));
        let l = &self.limits;
        Ok(SiteConfig {
            wake: wake::Limits {
                ready: seconds(l.ready_s),
                tap_grace: seconds(l.tap_grace_s),
                ring: seconds(l.ring_s),
                repush: seconds(self.push.repush_s),
                decline: match self.decline {
                    Decline::Line => DeclineScope::Line,
                    Decline::Device => DeclineScope::Device,
                },
                ..wake::Limits::default()
            },
            edge: EdgeLimits {
                unregistered: seconds(l.idle_s),
                max_devices: l.devices as usize,
                max_parked: l.parked as usize,
                calls_per_minute: l.calls_per_minute,
                line_calls_per_minute: l.line_calls_per_minute,
                call_waiting: self.call_waiting,
                lost_ends: seconds(l.lost_s),
                lost_told: seconds(l.lost_s / 2),
                retention: (self.retention_days > 0)
                    .then(|| Duration::from_secs(u64::from(self.retention_days) * 24 * 3600)),
                ..EdgeLimits::default()
            },
            ..SiteConfig::new(id, self.domain.clone())
        })
    }

    /// Where its pushes may go.
    pub fn allow_list(&self) -> Result<AllowList, ConfigError> {
        let list = match &self.push.allow {
            Some(hosts) => AllowList::new(hosts).map_err(|_| ConfigError::Key {
                site: self.id.clone(),
                what: "push.allow holds something that is neither a host name nor *. and a host name",
            })?,
            None => AllowList::default(),
        };
        Ok(list.with_loopback(self.push.loopback))
    }

    /// The site's VAPID keys: what pages subscribe with.
    pub fn vapid_keys(&self) -> Result<VapidKeys, ConfigError> {
        self.parse_vapid(&self.vapid)
    }

    /// The keys to push with, the likeliest first: that of the subscription where it is known and still kept, the present one, then
    /// those before it.
    pub fn vapid_keys_for(&self, subscribed: Option<&str>) -> Result<Vec<VapidKeys>, ConfigError> {
        let mut keys = std::iter::once(&self.vapid)
            .chain(&self.vapid_previous)
            .map(|pair| self.parse_vapid(pair))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(at) = keys
            .iter()
            .position(|k| subscribed.is_some_and(|s| s == k.public_key()))
        {
            keys[..=at].rotate_right(1);
        }
        Ok(keys)
    }

    fn parse_vapid(&self, pair: &Vapid) -> Result<VapidKeys, ConfigError> {
        VapidKeys::parse(&pair.public_key, pair.private_key.expose()).map_err(|_| ConfigError::Key {
            site: self.id.clone(),
            what: "vapid, and each of vapid_previous, needs public_key (65 octets, the first of them 4) and private_key (32 octets) as \
                   base64url",
        })
    }

    /// One of the site's keys.
    pub fn is_api_key(&self, key: &str) -> bool {
        // All are compared, so that the time says nothing about which came close.
        self.api_keys.iter().fold(false, |found, k| {
            found | same(k.expose().as_bytes(), key.as_bytes())
        })
    }
}

fn is_origin(s: &str) -> bool {
    let rest = s
        .strip_prefix("https://")
        .or_else(|| s.strip_prefix("http://"));
    rest.is_some_and(|r| !r.is_empty() && !r.contains(['/', '?', '#', '@', ' ', '*']))
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
