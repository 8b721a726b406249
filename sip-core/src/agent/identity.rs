//! Who this agent is on the wire, and the requests and responses that say so.

use super::config::Config;
use super::flow::FlowId;
use super::trickle::PACKAGE;
use crate::entropy::Entropy;
use crate::wire::{
    HeaderName, Method, NameAddr, ParseError, Request, Response, Text, Uri, Via, quote,
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The methods that are acted upon. Others that are known are refused with 405, unknown ones with 501.
#[cfg(not(feature = "beside"))]
pub const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY";
#[cfg(feature = "beside")]
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE";
/// The extensions that are acted upon (RFC 5626, RFC 3327, RFC 4028, RFC 3262, RFC 3891, RFC 7866,
/// RFC 8840).
pub const SUPPORTED: &str = "outbound, path, timer, 100rel, replaces, record-aware, trickle-ice";
/// The same where no PRACK would follow: a reliable provisional response could bring an offer that only it could answer, or comes
/// when a session is changed and nobody waits for ringing.
const SUPPORTED_BUT_100REL: &str = "outbound, path, timer, replaces, record-aware, trickle-ice";
/// The only body that is understood.
pub const SDP: &str = "application/sdp";

/// Names and addresses of the agent.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Our address-of-record.
    pub address_of_record: Uri,
    /// Our From, without a tag.
    from: NameAddr,
    /// Where requests reach this page. A browser has no address: the host is a name that nobody resolves (RFC 7118 §5).
    contact: Uri,
    instance: String,
    /// An address of this device that anyone can route to (RFC 5627), once the registrar has given one.
    #[cfg(feature = "outbound")]
    pub gruu: Option<Uri>,
    transport: &'static str,
    user_agent: String,
}

impl Identity {
    /// The identity for one life of a page.
    pub fn new(config: &Config, entropy: &mut Entropy) -> Result<Self, ParseError> {
        let address_of_record: Uri = config.address_of_record.parse()?;
        let mut host = entropy.text(10).replace(['-', '_'], "x");
        host.make_ascii_lowercase();
        host.push_str(".invalid");
        let user = entropy.text(8).replace(['-', '_'], "x");
        Ok(Self {
            from: NameAddr::new(address_of_record.clone())
                .with_display(config.display_name.expose().clone()),
            contact: Uri::sip(&user, host).with_param("transport", "ws"),
            instance: config.instance.clone(),
            #[cfg(feature = "outbound")]
            gruu: None,
            transport: if config.secure { "WSS" } else { "WS" },
            user_agent: config.user_agent.clone(),
            address_of_record,
        })
    }

    /// Where a number lives: on our own domain, unless it is a whole address.
    pub fn target(&self, to: &str) -> Result<Uri, ParseError> {
        let to = to.trim();
        if to.starts_with("sip:") || to.starts_with("sips:") {
            return to.parse().map(Uri::without_headers);
        }
        let mut uri = self.address_of_record.clone();
        uri.user = Uri::sip(to, "x").user;
        if to.is_empty() {
            Err(ParseError::Uri)
        } else {
            Ok(uri)
        }
    }

    /// A Via with a branch of its own.
    pub fn via(&self, entropy: &mut Entropy) -> Via {
        Via::new(self.transport, self.contact.host.clone(), entropy.branch())
    }

    /// Our Contact inside of dialogs.
    pub fn contact(&self) -> String {
        #[cfg(feature = "outbound")]
        if let Some(gruu) = &self.gruu {
            return NameAddr::new(gruu.clone()).to_text();
        }
        NameAddr::new(self.contact.clone()).to_text()
    }

    /// Where requests reach this page on this flow. A registrar that does not know flows tells two by their addresses, and calls both.
    fn contact_on(&self, flow: FlowId) -> Uri {
        let mut contact = self.contact.clone();
        if let Some(user) = contact.user.as_mut().filter(|_| flow != FlowId::FIRST) {
            user.push_str(&flow.reg_id().to_string());
        }
        contact
    }

    /// Is this our Contact on this flow?
    pub fn is_ours(&self, flow: FlowId, contact: &NameAddr) -> bool {
        contact.uri.user == self.contact_on(flow).user
            && contact.uri.host.eq_ignore_ascii_case(&self.contact.host)
    }

    /// A REGISTER of a flow (RFC 5626 §4.2), to the registrar that another one has named, or that of our domain.
    pub fn register(
        &self,
        entropy: &mut Entropy,
        flow: FlowId,
        elsewhere: Option<&Uri>,
        call_id: &str,
        cseq: u32,
        expires: u32,
    ) -> Request {
        let mut registrar = elsewhere.unwrap_or(&self.address_of_record).clone();
        registrar.user = None;
        let aor = NameAddr::new(self.address_of_record.clone());
        let from = self.from.clone().with_tag(entropy.tag());
        let contact = NameAddr::new(self.contact_on(flow))
            .with_param(
                "+sip.instance",
                quote(&["<urn:uuid:", &self.instance, ">"].concat()),
            )
            .with_param("reg-id", flow.reg_id().to_string())
            .with_param("expires", expires.to_string());
        Request::new(
            Method::Register,
            registrar,
            &self.via(entropy),
            &from,
            &aor,
            call_id,
            cseq,
        )
        .with(HeaderName::Contact, contact.to_text())
        .with(HeaderName::Supported, SUPPORTED)
        .with(HeaderName::Allow, ALLOW)
        .with(HeaderName::UserAgent, self.user_agent.as_str())
    }

    /// A request of ours outside of any dialog.
    #[cfg(feature = "beside")]
    pub fn outside(&self, entropy: &mut Entropy, method: Method, to: &Uri) -> Request {
        let from = self.from.clone().with_tag(entropy.tag());
        let (call_id, cseq) = (entropy.call_id(), entropy.cseq());
        let via = self.via(entropy);
        let to = (to.clone(), NameAddr::new(to.clone()));
        Request::new(method, to.0, &via, &from, &to.1, &call_id, cseq)
            .with(HeaderName::UserAgent, self.user_agent.as_str())
    }

    /// The INVITE of a new call; without an offer if that is empty.
    pub fn invite(&self, entropy: &mut Entropy, to: &Uri, offer: Vec<u8>) -> Request {
        let from = self.from.clone().with_tag(entropy.tag());
        let (call_id, cseq) = (entropy.call_id(), entropy.cseq());
        let via = self.via(entropy);
        let request = Request::new(
            Method::Invite,
            to.clone(),
            &via,
            &from,
            &NameAddr::new(to.clone()),
            &call_id,
            cseq,
        )
        .with(HeaderName::Contact, self.contact())
        .with(HeaderName::Allow, ALLOW)
        .with(HeaderName::RecvInfo, PACKAGE)
        .with(HeaderName::UserAgent, self.user_agent.as_str());
        if offer.is_empty() {
            request.with(HeaderName::Supported, SUPPORTED_BUT_100REL)
        } else {
            request
                .with(HeaderName::Supported, SUPPORTED)
                .with_body(SDP, offer)
        }
    }

    /// A request that refreshes a dialog.
    pub fn refreshing(&self, request: Request) -> Request {
        request
            .with(HeaderName::Contact, self.contact())
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::RecvInfo, PACKAGE)
            .with(HeaderName::Supported, SUPPORTED_BUT_100REL)
    }

    /// A response that makes or keeps a dialog.
    pub fn in_dialog(&self, request: &Request, status: u16, tag: &str) -> Response {
        Response::for_request(request, status, "")
            .with_to_tag(tag)
            .with_record_routes(request)
            .with(HeaderName::Contact, self.contact())
            .with(HeaderName::Allow, ALLOW)
            .with(HeaderName::RecvInfo, PACKAGE)
            .with(HeaderName::Supported, SUPPORTED)
    }
}
