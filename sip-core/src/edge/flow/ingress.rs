//! From frame to request: caps first, then syntax, then who sent it, then where it goes (RFC 3261 §16.3, §16.4).

use super::{Flow, FlowOutput};
use crate::edge::config::SiteConfig;
use crate::edge::messages::{FlowToLine, Party};
use crate::id::{Number, WakeId};
use crate::time::Time;
use crate::transaction::ServerKey;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response, Uri};
use alloc::string::{String, ToString};

/// What the edge lets pass between pages.
const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE";

/// Headers that only the edge writes, or that end at it.
const OURS: [HeaderName; 4] = [
    HeaderName::PAssertedIdentity,
    HeaderName::PPreferredIdentity,
    HeaderName::Authorization,
    HeaderName::ProxyAuthorization,
];

/// The host that the edge writes into Record-Route and Via.
pub(in crate::edge) fn edge_host(config: &SiteConfig) -> String {
    format!("edge.{}", config.domain)
}

/// Our own Record-Route, found again in a request's Route.
struct OwnRoute {
    wake: Option<WakeId>,
    line: Option<Number>,
}

impl Flow {
    /// One frame: one message (RFC 7118 §5).
    pub(super) fn frame(&mut self, now: Time, bytes: &[u8]) {
        if self.socket.get("state").is_none_or(|socket| socket.closing) {
            return;
        }
        self.life_heard(now);
        if bytes.len() > self.config.edge.max_frame {
            self.close(1009, "frame too large");
            return;
        }
        if !self.spend_token(now) {
            self.close(1008, "too many frames");
            return;
        }
        if self.outbox.waiting() >= self.config.edge.max_undelivered {
            self.close(1013, "too much undelivered");
            return;
        }
        if bytes.iter().all(|b| matches!(b, b'\r' | b'\n')) {
            if bytes.len() >= 4 {
                self.effects.push(FlowOutput::Frame(b"\r\n".to_vec()));
            }
            return;
        }
        match Message::parse(bytes, &Limits::DEFAULT) {
            Ok(Message::Request(request)) => self.request(now, request),
            Ok(Message::Response(response)) => self.response(now, response),
            Err(error) => {
                if let Some(refusal) = Response::for_rejected(bytes, &Limits::DEFAULT, &error) {
                    self.transmit(&refusal);
                }
            }
        }
    }

    fn spend_token(&mut self, now: Time) -> bool {
        let limits = &self.config.edge;
        let earned = now.since(self.tokens_at).as_millis() * u64::from(limits.frames_per_s) / 1000;
        if earned > 0 {
            let sum = u64::from(self.tokens)
                .saturating_add(earned)
                .min(u64::from(limits.frames_burst));
            self.tokens = u32::try_from(sum).unwrap_or(limits.frames_burst);
            self.tokens_at = now;
        }
        if self.tokens == 0 {
            return false;
        }
        self.tokens -= 1;
        true
    }

    fn request(&mut self, now: Time, request: Request) {
        let Ok(key) = ServerKey::of(&request) else {
            return;
        };
        match request.method {
            Method::Ack => return self.ack(now, &key, request),
            Method::Cancel => return self.cancel(now, request),
            _ => {}
        }
        if self.received_again(now, &key, &request) {
            return;
        }
        if self.server.len() >= self.config.edge.max_transactions {
            return self.refuse_with(
                &request,
                503,
                "Too Many Transactions",
                &[("Retry-After", "5")],
            );
        }
        if self.outbox.streams() >= self.config.edge.max_streams && request.method != Method::Bye {
            return self.refuse_with(&request, 503, "Too Many Calls", &[("Retry-After", "60")]);
        }
        if request.headers.max_forwards().ok().flatten() == Some(0) && !self.is_for_edge(&request) {
            return self.refuse(&request, 483, "");
        }
        if !request.uri.is_sip() {
            return self.refuse(&request, 416, "");
        }
        let unsupported = request.headers.get_all(HeaderName::ProxyRequire).join(", ");
        if !unsupported.is_empty() {
            return self.refuse_with(&request, 420, "", &[("Unsupported", &unsupported)]);
        }
        match request.method {
            Method::Register => self.register(now, &key, request),
            Method::Options if self.is_for_edge(&request) => {
                let headers = [
                    ("Allow", ALLOW),
                    ("Supported", "outbound, path"),
                    ("Accept", "application/sdp"),
                ];
                self.refuse_with(&request, 200, "", &headers);
            }
            _ => self.forward(now, key, request),
        }
    }

    /// A request that shall leave the edge again.
    fn forward(&mut self, now: Time, key: ServerKey, mut request: Request) {
        let Some((party, device)) = self.sender(now, &request) else {
            return self.refuse(&request, 403, "Not Registered As This From");
        };
        let route = match self.take_route(&mut request) {
            Ok(route) => route,
            Err(phrase) => return self.refuse(&request, 403, phrase),
        };
        clean(&mut request, &party, &self.config);
        let in_dialog = request.headers.to().is_ok_and(|to| to.tag().is_some());
        match (in_dialog, route) {
            (
                true,
                Some(OwnRoute {
                    wake: Some(wake),
                    line: Some(line),
                }),
            ) => {
                self.forward_in_dialog(now, key, request, &wake, &line, party.number);
            }
            (true, _) => self.refuse(&request, 481, ""),
            (false, _) if request.method == Method::Invite => {
                let Some(line) = self.called_line(&request.uri) else {
                    return self.refuse(&request, 404, "");
                };
                self.forward_invite(now, key, request, line, party, device);
            }
            (false, _) => self.refuse_with(&request, 405, "", &[("Allow", ALLOW)]),
        }
    }

    /// The ACK of a 2xx goes the way of its dialog; that of a failure ends here.
    fn ack(&mut self, now: Time, key: &ServerKey, request: Request) {
        if self.ack_of_failure(now, key, &request) {
            return;
        }
        let mut request = request;
        let Some((party, _)) = self.sender(now, &request) else {
            return;
        };
        if let Ok(Some(OwnRoute {
            wake: Some(wake),
            line: Some(line),
        })) = self.take_route(&mut request)
            && (self.calls.contains(wake.as_str()) || self.was_answered(&line, &request))
        {
            self.also_named(wake.as_str(), &line, &request);
            clean(&mut request, &party, &self.config);
            let msg = FlowToLine::InDialog {
                tx: None,
                from: Some(party.number),
                request,
            };
            self.tell_line(now, &line, Some(&wake), msg);
        }
    }

    /// Who sent it: only somebody who registered on this very flow may be in From.
    pub(super) fn sender(
        &self,
        now: Time,
        request: &Request,
    ) -> Option<(Party, Option<crate::id::DeviceId>)> {
        let from = request.headers.from().ok()?;
        let number = self.number_here(&from.uri)?;
        let identity = self
            .identities
            .get(number.as_str())
            .filter(|identity| identity.until > now)?;
        Some((identity.party.clone(), identity.device.clone()))
    }

    /// The number of a URI of this site.
    pub(super) fn number_here(&self, uri: &Uri) -> Option<Number> {
        let here = uri.is_sip() && uri.host.eq_ignore_ascii_case(&self.config.domain);
        Number::parse(&uri.username().filter(|_| here)?).ok()
    }

    fn called_line(&self, uri: &Uri) -> Option<Number> {
        self.number_here(uri)
    }

    fn is_for_edge(&self, request: &Request) -> bool {
        let host = &request.uri.host;
        request.method == Method::Options
            && request.uri.user.is_none()
            && (host.eq_ignore_ascii_case(&self.config.domain)
                || host.eq_ignore_ascii_case(&edge_host(&self.config)))
    }

    /// Takes our own Route off (RFC 3261 §16.4). Any other one would have us relay to strangers.
    fn take_route(&self, request: &mut Request) -> Result<Option<OwnRoute>, &'static str> {
        let routes = request.headers.routes().map_err(|_| "Malformed Route")?;
        let Some(top) = routes.first() else {
            return Ok(None);
        };
        let host = &top.uri.host;
        let ours = host.eq_ignore_ascii_case(&edge_host(&self.config))
            || host.eq_ignore_ascii_case(&self.config.domain);
        if !ours || routes.len() > 1 {
            return Err("Route Leads Elsewhere");
        }
        request.headers.remove(HeaderName::Route);
        Ok(Some(OwnRoute {
            wake: top
                .uri
                .params
                .get("wake")
                .and_then(|text| WakeId::parse(text).ok()),
            line: top
                .uri
                .params
                .get("line")
                .and_then(|text| Number::parse(text).ok()),
        }))
    }

    /// Answers at once, without a transaction: over a WebSocket nothing is repeated.
    pub(super) fn refuse(&mut self, request: &Request, status: u16, phrase: &str) {
        self.refuse_with(request, status, phrase, &[]);
    }

    pub(super) fn refuse_with(
        &mut self,
        request: &Request,
        status: u16,
        phrase: &str,
        headers: &[(&str, &str)],
    ) {
        let mut response =
            Response::for_request(request, status, phrase).with_to_tag(&self.entropy.tag());
        for (name, value) in headers {
            response.headers.push(*name, *value);
        }
        self.transmit(&response);
    }

    pub(super) fn transmit(&mut self, response: &Response) {
        self.effects.push(FlowOutput::Frame(response.to_bytes()));
    }
}

/// What only the edge may say is taken off and said by the edge (RFC 3325 §5).
fn clean(request: &mut Request, party: &Party, config: &SiteConfig) {
    for name in OURS {
        request.headers.remove(name);
    }
    for name in [
        "Wakeline-Wake",
        "Wakeline-Waiting",
        "Wakeline-Why",
        "Wakeline-Call-Waiting",
    ] {
        request.headers.remove(name);
    }
    let identity =
        crate::wire::NameAddr::new(Uri::sip(party.number.as_str(), config.domain.clone()))
            .with_display(party.display_name.clone());
    request
        .headers
        .push(HeaderName::PAssertedIdentity, identity.to_string());
    let left = request.headers.max_forwards().ok().flatten().unwrap_or(70);
    request
        .headers
        .set(HeaderName::MaxForwards, left.saturating_sub(1).to_string());
}
