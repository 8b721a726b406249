//! [`Via`]: where a request came through (RFC 3261 §20.42).

use alloc::string::String;

use super::ParseError;
use super::params::{Params, ParamsRef};
use super::scan::{all_token, cut, number, trim};
use super::text::{Text, as_text};
use super::uri::{split_host, write_port};

/// A Via value as slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViaRef<'a> {
    /// The transport as written: `WSS`, `UDP` …
    pub transport: &'a str,
    /// The host of sent-by.
    pub host: &'a str,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub params: ParamsRef<'a>,
}

impl<'a> ViaRef<'a> {
    /// Decodes one value. White space may stand around the slashes.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let (name, rest) = cut(text, b'/').ok_or(ParseError::Value)?;
        let (version, rest) = cut(rest, b'/').ok_or(ParseError::Value)?;
        if !trim(name).eq_ignore_ascii_case("SIP") || trim(version) != "2.0" {
            return Err(ParseError::Value);
        }
        let rest = trim(rest);
        let end = rest
            .bytes()
            .position(super::scan::is_lws)
            .ok_or(ParseError::Value)?;
        let transport = &rest[..end];
        if !all_token(transport.as_bytes()) {
            return Err(ParseError::Value);
        }
        let (host, after) = split_host(trim(&rest[end..])).map_err(|_| ParseError::Value)?;
        let mut after = trim(after);
        let mut port = None;
        if let Some(text) = after.strip_prefix(':') {
            let text = trim(text);
            let end = text
                .bytes()
                .position(|b| !b.is_ascii_digit())
                .unwrap_or(text.len());
            port = Some(number(&text[..end])?);
            after = trim(&text[end..]);
        }
        if !(after.is_empty() || after.starts_with(';')) {
            return Err(ParseError::Value);
        }
        Ok(Self {
            transport,
            host,
            port,
            params: ParamsRef(after),
        })
    }

    /// The branch.
    pub fn branch(&self) -> Option<&'a str> {
        self.params.raw("branch").filter(|b| !b.is_empty())
    }
}

/// A Via, owned and editable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// The transport as written; compared without regard to case.
    pub transport: String,
    /// The host of sent-by.
    pub host: String,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params,
}

impl Via {
    /// A Via with sent-by and branch.
    pub fn new(
        transport: impl Into<String>,
        host: impl Into<String>,
        branch: impl Into<String>,
    ) -> Self {
        let params = Params::new().with("branch", branch);
        Self {
            transport: transport.into(),
            host: host.into(),
            port: None,
            params,
        }
    }

    /// The branch.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|b| !b.is_empty())
    }

    /// `host` or `host:port`, in lower case: what identifies the sender beside the branch (RFC 3261 §17.2.3).
    pub fn sent_by(&self) -> String {
        let mut text = self.host.to_ascii_lowercase();
        write_port(self.port, &mut text);
        text
    }

    pub(super) fn parse_text(text: &str) -> Result<Self, ParseError> {
        let via = ViaRef::parse(text)?;
        Ok(Self {
            transport: via.transport.into(),
            host: via.host.into(),
            port: via.port,
            params: Params::try_from(via.params)?,
        })
    }
}

impl Text for Via {
    fn write(&self, out: &mut String) {
        out.push_str("SIP/2.0/");
        out.push_str(&self.transport);
        out.push(' ');
        out.push_str(&self.host);
        write_port(self.port, out);
        self.params.write(out);
    }
}

as_text!(Via);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_ipv6_and_lower_case_are_understood() {
        let via: Via = "SIP  / 2.0 \t/ wss   [2001:db8::9:1] : 5061 ; branch  =  z9hG4bK1;received=2001:db8::9;rport".parse().unwrap();
        assert_eq!(via.branch(), Some("z9hG4bK1"));
        assert_eq!(via.sent_by(), "[2001:db8::9:1]:5061");
        assert_eq!(
            via.to_string(),
            "SIP/2.0/wss [2001:db8::9:1]:5061;branch=z9hG4bK1;received=2001:db8::9;rport"
        );
    }

    #[test]
    fn broken_vias_are_refused() {
        for text in [
            "",
            "SIP/2.0",
            "SIP/2.0/UDP",
            "SIP/3.0/UDP h",
            "HTTP/2.0/UDP h",
            "SIP/2.0/UDP h x",
            "SIP/2.0/UDP h;;",
            "SIP/2.0/UDP h:99999",
        ] {
            assert!(text.parse::<Via>().is_err(), "{text}");
        }
    }
}
