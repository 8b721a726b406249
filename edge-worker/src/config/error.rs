//! What can be wrong with the configuration, each with the way to put it right.

/// What is wrong with the configuration. Never holds a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A binding is missing.
    #[error(
        "{0} is not set: `cargo xtask dev` writes one for development, `wrangler secret put {0}` sets it on a deployment"
    )]
    Missing(String),
    /// Not the JSON that is expected.
    #[error(
        "{name} cannot be read at line {line} column {column}: see ARCHITECTURE.md, Configuration, for its shape"
    )]
    Json {
        /// Which binding.
        name: &'static str,
        /// Where in it.
        line: usize,
        /// Where in it.
        column: usize,
    },
    /// No site at all.
    #[error("SITES is empty: put at least one site into it")]
    NoSite,
    /// A bad or repeated id.
    #[error("site id {0:?} is repeated or not 1–32 of a-z, 0-9 and -")]
    Id(String),
    /// A host that two sites want.
    #[error("host {0:?} belongs to two sites: leave it to one")]
    Host(String),
    /// Not a domain.
    #[error("site {0}: domain is not a host name")]
    Domain(String),
    /// Not an origin.
    #[error("site {site}: {origin:?} is not an origin: write scheme://host[:port] without a path")]
    Origin {
        /// Of which site.
        site: String,
        /// What was written.
        origin: String,
    },
    /// A limit out of its range.
    #[error("site {site}: {what} is out of range ({range})")]
    Range {
        /// Of which site.
        site: String,
        /// Which setting.
        what: &'static str,
        /// What is possible.
        range: &'static str,
    },
    /// There are no keys for a site.
    #[error(
        "site {0} has no keys: `cargo xtask deploy` makes them where they are missing, or put api_keys, signing_keys and vapid into \
         SITE_SECRETS"
    )]
    NoSecrets(String),
    /// The keys that a deploy made cannot be read.
    #[error("the keys of site {0} are not as `cargo xtask deploy` writes them")]
    Keys(String),
    /// A key that is too short or missing.
    #[error("site {site}: {what}")]
    Key {
        /// Of which site.
        site: String,
        /// What to do.
        what: &'static str,
    },
    /// EDGE_SECRET is too short.
    #[error("EDGE_SECRET has less than 32 characters: use 32 random octets")]
    EdgeSecret,
    /// OPERATOR_KEY is too short.
    #[error("OPERATOR_KEY has less than 32 characters: use 32 random octets")]
    OperatorKey,
}
