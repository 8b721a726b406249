//! Which hosts a push may be sent to. An endpoint is chosen by a stranger's browser, and the edge
//! calls it: without a list, anybody could make the edge call anything (SSRF).

use thiserror::Error;
use url::{Host, Url};

/// Longest endpoint accepted.
const MAX_ENDPOINT: usize = 2048;

/// Hosts of the push services of Chromium, Firefox, Windows and Safari.
const DEFAULTS: [&str; 7] = [
    "fcm.googleapis.com",
    "jmt17.google.com",
    "updates.push.services.mozilla.com",
    "*.push.services.mozilla.com",
    "*.notify.windows.com",
    "web.push.apple.com",
    "*.push.apple.com",
];

/// The hosts that may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowList {
    hosts: Vec<Pattern>,
    loopback: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exact(String),
    /// Any depth of names below this one, which begins with a dot.
    Below(String),
}

/// A host pattern that is not one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not a host name or '*.' and a host name of two labels or more")]
pub struct PatternError(String);

/// Why an endpoint may not be called.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EndpointError {
    /// Longer than 2,048 octets.
    #[error("the endpoint is too long")]
    TooLong,
    /// No URL at all.
    #[error("the endpoint is not a URL")]
    NotAUrl,
    /// Plain HTTP or another scheme.
    #[error("the endpoint is not https")]
    Scheme,
    /// `https://user:password@host`.
    #[error("the endpoint carries credentials")]
    Userinfo,
    /// A port of its own.
    #[error("the endpoint names a port")]
    Port,
    /// An address instead of a name, in any spelling.
    #[error("the endpoint is an address, not a host name")]
    Address,
    /// A name that no push service on the list has.
    #[error("the endpoint's host is not on the list of push services")]
    Host,
    /// A name of some network inside.
    #[error("its host is not a public name")]
    Inside,
    /// A public name that the site's configuration does not name.
    #[error("its host is not among those that the site's configuration names")]
    Unnamed,
}

impl Default for AllowList {
    fn default() -> Self {
        Self::new(DEFAULTS).expect("the defaults are host names")
    }
}

impl AllowList {
    /// A list of `host` and `*.domain` patterns.
    ///
    /// # Errors
    /// When a pattern is neither, or so wide that it allows a whole top-level domain.
    pub fn new<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>) -> Result<Self, PatternError> {
        let hosts = patterns
            .into_iter()
            .map(|p| Pattern::parse(p.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            hosts,
            loopback: false,
        })
    }

    /// Also allows any port of this machine, with or without TLS. For development only.
    #[must_use]
    pub fn with_loopback(mut self, yes: bool) -> Self {
        self.loopback = yes;
        self
    }

    /// An address at which a call server wants to be told: as [`Self::check`], on any port, and never a name of some network inside,
    /// whoever put it on the list.
    ///
    /// # Errors
    /// Why it may not be called.
    pub fn check_callback(&self, address: &str) -> Result<Url, EndpointError> {
        let url = match checked(address, self.loopback)? {
            Checked::Loopback(url) => return Ok(url),
            Checked::Named(url) => url,
        };
        let host = url.domain().ok_or(EndpointError::Address)?;
        let host = host.strip_suffix('.').unwrap_or(host);
        let within = |name: &&str| host == *name || host.ends_with(&format!(".{name}"));
        if !host.contains('.') || INSIDE.iter().any(within) {
            return Err(EndpointError::Inside);
        }
        if !self.hosts.iter().any(|p| p.matches(host)) {
            return Err(EndpointError::Unnamed);
        }
        Ok(url)
    }

    /// The endpoint as a URL, when it may be called. Read by the same rules as `fetch` reads it
    /// (WHATWG URL), so that nothing hides between two readings.
    ///
    /// # Errors
    /// Why it may not be called.
    pub fn check(&self, endpoint: &str) -> Result<Url, EndpointError> {
        let url = match checked(endpoint, self.loopback)? {
            Checked::Loopback(url) => return Ok(url),
            Checked::Named(url) => url,
        };
        let host = url.domain().ok_or(EndpointError::Address)?;
        if url.port().is_some() {
            return Err(EndpointError::Port);
        }
        if self.hosts.iter().any(|p| p.matches(host)) {
            Ok(url)
        } else {
            Err(EndpointError::Host)
        }
    }
}

/// Names that stand for no public host (RFC 6761, RFC 6762, RFC 8375, RFC 9476, and what clouds use inside).
const INSIDE: [&str; 11] = [
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
    "test",
    "invalid",
    "alt",
];

enum Checked {
    /// This machine, where that is allowed.
    Loopback(Url),
    /// `https` and a name.
    Named(Url),
}

/// What every endpoint has to be.
fn checked(endpoint: &str, loopback: bool) -> Result<Checked, EndpointError> {
    if endpoint.len() > MAX_ENDPOINT {
        return Err(EndpointError::TooLong);
    }
    let url = Url::parse(endpoint).map_err(|_| EndpointError::NotAUrl)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Userinfo);
    }
    if loopback && matches!(url.scheme(), "http" | "https") && is_loopback(&url) {
        return Ok(Checked::Loopback(url));
    }
    if url.scheme() != "https" {
        return Err(EndpointError::Scheme);
    }
    match url.host() {
        Some(Host::Domain(_)) => Ok(Checked::Named(url)),
        _ => Err(EndpointError::Address),
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let lower = text.to_ascii_lowercase();
        let name = lower.strip_prefix("*.").unwrap_or(&lower);
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let is_name = name.split('.').all(label)
            && name.split('.').count() >= 2
            && name.ends_with(|c: char| c.is_ascii_alphabetic());
        match (is_name, lower.starts_with("*.")) {
            (false, _) => Err(PatternError(text.chars().take(80).collect())),
            (true, true) => Ok(Self::Below(format!(".{name}"))),
            (true, false) => Ok(Self::Exact(lower)),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host == name,
            Self::Below(suffix) => host.ends_with(suffix.as_str()) && host.len() > suffix.len(),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}
