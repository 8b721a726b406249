//! Conversions to and from the types of `rsip` 0.4, for programs that hold them (feature `rsip`).
//!
//! From `rsip` everything comes over. Towards it, what its types cannot hold is refused by name ([`RsipError`]), with one
//! exception: it has no room for the reason phrase of a known status code, which is lost.

use rsip::common::uri::param::OtherParam;
use rsip::param::{Branch, Expires, Maddr, Q, Received, Tag, Ttl, User};

use super::headers::Field;
use super::params::Params;
use super::uri::{Scheme, Uri};
use super::{HeaderName, Headers, Message, Method, ParseError, Request, Response};

/// What the types of `rsip` cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RsipError {
    /// A method that `rsip` does not know.
    #[error("rsip does not know the method")]
    Method,
    /// Headers of a URI.
    #[error("rsip cannot hold the headers of a uri")]
    UriHeaders,
    /// A header value that is no text.
    #[error("rsip cannot hold a header that is no text")]
    HeaderOctets,
}

impl From<rsip::Method> for Method {
    fn from(method: rsip::Method) -> Self {
        let text = method.to_string();
        text.parse().unwrap_or_else(|_| Self::Other(text.into()))
    }
}

impl TryFrom<&Method> for rsip::Method {
    type Error = RsipError;
    fn try_from(method: &Method) -> Result<Self, RsipError> {
        Self::all()
            .into_iter()
            .find(|m| m.to_string() == method.as_str())
            .ok_or(RsipError::Method)
    }
}

impl TryFrom<&rsip::Uri> for Uri {
    type Error = ParseError;
    fn try_from(uri: &rsip::Uri) -> Result<Self, ParseError> {
        let scheme = uri
            .scheme
            .as_ref()
            .map_or("sip".to_owned(), ToString::to_string);
        let auth = uri
            .auth
            .as_ref()
            .map_or(String::new(), |auth| format!("{auth}@"));
        let host = match &uri.host_with_port.host {
            rsip::Host::IpAddr(std::net::IpAddr::V6(address)) => format!("[{address}]"),
            host => host.to_string(),
        };
        let port = uri
            .host_with_port
            .port
            .as_ref()
            .map_or(String::new(), |port| format!(":{port}"));
        let params: String = uri.params.iter().map(ToString::to_string).collect();
        format!("{scheme}:{auth}{host}{port}{params}").parse()
    }
}

impl TryFrom<&Uri> for rsip::Uri {
    type Error = RsipError;
    fn try_from(uri: &Uri) -> Result<Self, RsipError> {
        if uri.headers.is_some() {
            return Err(RsipError::UriHeaders);
        }
        let scheme = match &uri.scheme {
            Scheme::Sip => rsip::Scheme::Sip,
            Scheme::Sips => rsip::Scheme::Sips,
            other => rsip::Scheme::Other(other.as_str().to_owned()),
        };
        // Where the scheme has no host, `rsip` keeps what follows it in the place of the host.
        let (user, host) = match &uri.scheme {
            Scheme::Tel => (None, uri.user.as_deref().unwrap_or_default()),
            _ => (uri.user.clone(), uri.host.as_str()),
        };
        let bare = host
            .strip_prefix('[')
            .and_then(|h| h.strip_suffix(']'))
            .unwrap_or(host);
        let host = match bare.parse() {
            Ok(address) => rsip::Host::IpAddr(address),
            Err(_) => rsip::Host::Domain(host.into()),
        };
        Ok(Self {
            scheme: Some(scheme),
            auth: user.map(|user| rsip::Auth {
                user,
                password: uri.password.clone(),
            }),
            host_with_port: rsip::HostWithPort {
                host,
                port: uri.port.map(Into::into),
            },
            params: params(&uri.params),
            headers: Vec::new(),
        })
    }
}

fn params(params: &Params) -> Vec<rsip::Param> {
    let typed = |name: &str, value: Option<&str>| {
        let other = || rsip::Param::Other(OtherParam::from(name), value.map(Into::into));
        let Some(value) = value else {
            return if name.eq_ignore_ascii_case("lr") {
                rsip::Param::Lr
            } else {
                other()
            };
        };
        match name.to_ascii_lowercase().as_str() {
            "transport" => value
                .parse()
                .map_or_else(|_| other(), rsip::Param::Transport),
            "method" => value.parse().map_or_else(|_| other(), rsip::Param::Method),
            "user" => rsip::Param::User(User::new(value)),
            "ttl" => rsip::Param::Ttl(Ttl::new(value)),
            "maddr" => rsip::Param::Maddr(Maddr::new(value)),
            "branch" => rsip::Param::Branch(Branch::new(value)),
            "received" => rsip::Param::Received(Received::new(value)),
            "tag" => rsip::Param::Tag(Tag::new(value)),
            "expires" => rsip::Param::Expires(Expires::new(value)),
            "q" => rsip::Param::Q(Q::new(value)),
            _ => other(),
        }
    };
    params
        .iter()
        .map(|(name, value)| typed(name, value))
        .collect()
}

impl From<&rsip::Headers> for Headers {
    fn from(headers: &rsip::Headers) -> Self {
        let mut out = Self::new();
        for header in headers.iter() {
            let text = header.to_string();
            let (name, value) = text.split_once(':').unwrap_or((&text, ""));
            if HeaderName::lookup(name.as_bytes()) != Some(HeaderName::ContentLength) {
                out.push(name, value.trim());
            }
        }
        out
    }
}

impl TryFrom<&Field> for rsip::Header {
    type Error = RsipError;
    fn try_from(field: &Field) -> Result<Self, RsipError> {
        let value = field.text().ok_or(RsipError::HeaderOctets)?;
        macro_rules! known {
            ($($name:ident)*) => {
                match field.known() {
                    $(Some(HeaderName::$name) => rsip::Header::$name(value.into()),)*
                    _ => rsip::Header::Other(field.name().to_owned(), value.to_owned()),
                }
            };
        }
        Ok(known!(
            Accept AcceptEncoding AcceptLanguage AlertInfo Allow AuthenticationInfo Authorization CSeq CallId CallInfo
            Contact ContentDisposition ContentEncoding ContentLanguage ContentLength ContentType Date ErrorInfo Event
            Expires From InReplyTo MaxForwards MimeVersion MinExpires Organization Priority ProxyAuthenticate
            ProxyAuthorization ProxyRequire RecordRoute ReplyTo Require RetryAfter Route Server Subject
            SubscriptionState Supported Timestamp To Unsupported UserAgent Via Warning WwwAuthenticate
        ))
    }
}

/// With the Content-Length that our own types keep out of the headers.
fn headers(headers: &Headers, body: &[u8]) -> Result<rsip::Headers, RsipError> {
    let mut out: Vec<_> = headers
        .iter()
        .map(rsip::Header::try_from)
        .collect::<Result<_, _>>()?;
    out.push(rsip::Header::ContentLength(body.len().to_string().into()));
    Ok(out.into())
}

impl TryFrom<&rsip::Request> for Request {
    type Error = ParseError;
    fn try_from(request: &rsip::Request) -> Result<Self, ParseError> {
        Ok(Self {
            method: request.method.into(),
            uri: Uri::try_from(&request.uri)?,
            headers: (&request.headers).into(),
            body: request.body.clone(),
        })
    }
}

impl TryFrom<&Request> for rsip::Request {
    type Error = RsipError;
    fn try_from(request: &Request) -> Result<Self, RsipError> {
        Ok(Self {
            method: rsip::Method::try_from(&request.method)?,
            uri: rsip::Uri::try_from(&request.uri)?,
            version: rsip::Version::V2,
            headers: headers(&request.headers, &request.body)?,
            body: request.body.clone(),
        })
    }
}

impl From<&rsip::Response> for Response {
    fn from(response: &rsip::Response) -> Self {
        let status = response.status_code.code();
        let reason = match &response.status_code {
            rsip::StatusCode::Other(_, reason) => reason.clone(),
            _ => super::phrase(status).to_owned(),
        };
        Self {
            status,
            reason,
            headers: (&response.headers).into(),
            body: response.body.clone(),
        }
    }
}

impl TryFrom<&Response> for rsip::Response {
    type Error = RsipError;
    fn try_from(response: &Response) -> Result<Self, RsipError> {
        let status_code = match rsip::StatusCode::from(response.status) {
            rsip::StatusCode::Other(code, _) => {
                rsip::StatusCode::Other(code, response.reason.clone())
            }
            known => known,
        };
        Ok(Self {
            status_code,
            version: rsip::Version::V2,
            headers: headers(&response.headers, &response.body)?,
            body: response.body.clone(),
        })
    }
}

impl TryFrom<&rsip::SipMessage> for Message {
    type Error = ParseError;
    fn try_from(message: &rsip::SipMessage) -> Result<Self, ParseError> {
        Ok(match message {
            rsip::SipMessage::Request(request) => Self::Request(request.try_into()?),
            rsip::SipMessage::Response(response) => Self::Response(response.into()),
        })
    }
}

impl TryFrom<&Message> for rsip::SipMessage {
    type Error = RsipError;
    fn try_from(message: &Message) -> Result<Self, RsipError> {
        Ok(match message {
            Message::Request(request) => Self::Request(request.try_into()?),
            Message::Response(response) => Self::Response(response.try_into()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Limits;

    const INVITE: &[u8] = include_bytes!("../../tests/fixtures/invite.sip");
    const OK200: &[u8] = include_bytes!("../../tests/fixtures/ok200.sip");
    const REGISTER: &[u8] = include_bytes!("../../tests/fixtures/register.sip");

    #[test]
    fn a_message_goes_over_to_rsip_and_comes_back_the_same() {
        for bytes in [INVITE, OK200, REGISTER] {
            let ours = Message::parse(bytes, &Limits::DEFAULT).unwrap();
            let theirs = rsip::SipMessage::try_from(&ours).unwrap();
            assert_eq!(Message::try_from(&theirs).unwrap(), ours);
        }
    }

    #[test]
    fn what_rsip_parsed_itself_is_what_it_gets_from_us() {
        for bytes in [INVITE, REGISTER] {
            let theirs = rsip::SipMessage::try_from(bytes).unwrap();
            let ours = Message::parse(bytes, &Limits::DEFAULT).unwrap();
            assert_eq!(
                rsip::SipMessage::try_from(&ours).unwrap().to_string(),
                theirs.to_string()
            );
            assert_eq!(Message::try_from(&theirs).unwrap(), ours);
        }
    }

    #[test]
    fn uris_go_there_and_back_even_those_that_rsip_cannot_parse() {
        for text in [
            "sip:alice.smith@example.com",
            "sips:alice:s3cret@[2001:db8::10]:5070;transport=ws;lr;x=y",
            "tel:+358-555-1234567;phone-context=+358",
        ] {
            let ours: Uri = text.parse().unwrap();
            let theirs = rsip::Uri::try_from(&ours).unwrap();
            assert_eq!(
                Uri::try_from(&theirs).unwrap().to_string().to_lowercase(),
                text,
                "{theirs:?}"
            );
        }
    }

    #[test]
    fn what_rsip_cannot_hold_is_refused_by_name() {
        assert_eq!(
            rsip::Method::try_from(&Method::Other("FOO".into())),
            Err(RsipError::Method)
        );
        let uri: Uri = "sip:a@h?Subject=x".parse().unwrap();
        assert_eq!(rsip::Uri::try_from(&uri), Err(RsipError::UriHeaders));
        let mut headers = Headers::new();
        headers.push("X", &b"\xff"[..]);
        let field = headers.iter().next().unwrap();
        assert_eq!(rsip::Header::try_from(field), Err(RsipError::HeaderOctets));
    }
}
