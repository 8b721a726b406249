//! [`Challenge`] and [`Credentials`]: the syntax of WWW-Authenticate and Authorization (RFC 3261 §25.1, RFC 8898).
//! What they mean is the business of the auth room.

use alloc::{borrow::ToOwned, string::String};
use core::fmt;

use super::ParseError;
use super::limits::MAX_PARAMS;
use super::params::Params;
use super::scan::{all_token, split_list, trim};
use super::text::{Text, as_text};

/// A challenge: a scheme with parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// `Digest`, `Bearer` …
    pub scheme: String,
    /// The parameters, quotes kept.
    pub params: Params,
}

/// Credentials: a scheme with a token or with parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// `Digest`, `Bearer` …
    pub scheme: String,
    /// The token of `Bearer` and its kin.
    pub token: Option<String>,
    /// The parameters, quotes kept.
    pub params: Params,
}

impl Challenge {
    /// A challenge without parameters yet.
    pub fn new(scheme: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            params: Params::new(),
        }
    }

    /// Is it of this scheme, in any case?
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// A parameter's value without its quotes.
    pub fn text(&self, name: &str) -> Option<String> {
        self.params.text(name).map(alloc::borrow::Cow::into_owned)
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        let (scheme, rest) = split_scheme(text)?;
        Ok(Self {
            scheme: scheme.to_owned(),
            params: comma_params(rest)?,
        })
    }
}

impl Credentials {
    /// Bearer credentials (RFC 8898 §3).
    pub fn bearer(token: impl Into<String>) -> Self {
        Self {
            scheme: "Bearer".to_owned(),
            token: Some(token.into()),
            params: Params::new(),
        }
    }

    /// Is it of this scheme, in any case?
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The token of Bearer credentials.
    pub fn bearer_token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| self.is("Bearer"))
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        let (scheme, rest) = split_scheme(text)?;
        let scheme = scheme.to_owned();
        if is_token68(rest) {
            return Ok(Self {
                scheme,
                token: Some(rest.to_owned()),
                params: Params::new(),
            });
        }
        Ok(Self {
            scheme,
            token: None,
            params: comma_params(rest)?,
        })
    }
}

fn split_scheme(text: &str) -> Result<(&str, &str), ParseError> {
    let text = trim(text);
    let end = text
        .bytes()
        .position(super::scan::is_lws)
        .unwrap_or(text.len());
    let (scheme, rest) = (&text[..end], trim(&text[end..]));
    if all_token(scheme.as_bytes()) {
        Ok((scheme, rest))
    } else {
        Err(ParseError::Value)
    }
}

/// A base64-like token, which may end in `=` but holds none inside.
fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

fn comma_params(text: &str) -> Result<Params, ParseError> {
    let mut params = Params::new();
    for (count, item) in split_list(text).enumerate() {
        let (name, value) = item?.split_once('=').ok_or(ParseError::Value)?;
        let (name, value) = (trim(name), trim(value));
        if count == MAX_PARAMS {
            return Err(ParseError::TooManyParams);
        }
        let quoted = value.starts_with('"');
        let whole = if quoted {
            super::scan::skip_quoted(value.as_bytes(), 0)? == value.len()
        } else {
            !value.is_empty()
        };
        if !all_token(name.as_bytes()) || params.has(name) || !whole {
            return Err(ParseError::Value);
        }
        params.set(name, value);
    }
    Ok(params)
}

fn write_params(out: &mut String, params: &Params) {
    for (i, (name, value)) in params.iter().enumerate() {
        out.push_str(if i == 0 { " " } else { ", " });
        out.push_str(name);
        out.push('=');
        out.push_str(value.unwrap_or("\"\""));
    }
}

impl Text for Challenge {
    fn write(&self, out: &mut String) {
        out.push_str(&self.scheme);
        write_params(out, &self.params);
    }
}

impl Text for Credentials {
    fn write(&self, out: &mut String) {
        out.push_str(&self.scheme);
        match &self.token {
            Some(token) => {
                out.push(' ');
                out.push_str(token);
            }
            None => write_params(out, &self.params),
        }
    }
}

/// Tokens and responses stay out of the logs.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} …)", self.scheme)
    }
}

as_text!(Challenge);
as_text!(Credentials);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_credentials_keep_quotes_and_order() {
        let text = r#"Digest username="a,\"b", realm="example.com", nonce="abc", algorithm=SHA-256, qop=auth, nc=0000001a"#;
        let credentials: Credentials = text.parse().unwrap();
        assert!(credentials.is("digest"));
        assert_eq!(
            credentials.params.text("username").as_deref(),
            Some("a,\"b")
        );
        assert_eq!(credentials.to_string(), text);
        assert!(!format!("{credentials:?}").contains("abc"));
    }

    #[test]
    fn a_bearer_token_is_one_word() {
        let credentials: Credentials = "bearer eyJhbGciOi.J-_~+/x==".parse().unwrap();
        assert_eq!(credentials.bearer_token(), Some("eyJhbGciOi.J-_~+/x=="));
        assert_eq!(Credentials::bearer("t").to_string(), "Bearer t");
    }

    #[test]
    fn broken_ones_are_refused() {
        for text in [
            "",
            "Digest a",
            "Digest a=\"x",
            "Digest a=1,,b=2",
            "Digest a=1, a=2",
            "Digest a=\"x\"y",
            "Di,gest a=1",
        ] {
            assert!(text.parse::<Challenge>().is_err(), "{text}");
        }
    }
}
