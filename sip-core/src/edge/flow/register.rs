//! REGISTER on a flow: who it is (RFC 8898 Bearer, RFC 8760 digest), then the line decides (RFC 3261 §10.3).

use super::{Flow, Identity};
use crate::auth::{Algorithm, DigestChallenge, DigestResponse};
use crate::edge::messages::{
    Bind, BoundContact, ContactRow, FlowToLine, Proof, RegisterOutcome, line_object,
};
use crate::edge::outbox::NO_CALL;
use crate::id::{DeviceId, Number};
use crate::time::{Duration, Time};
use crate::transaction::ServerKey;
use crate::wire::{
    Challenge, Contacts, Credentials, HeaderName, NameAddr, Request, Response, Uri, quote, unescape,
};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

use super::verifier::{BearerError, Verifier};

/// How long a digest challenge may be answered.
const NONCE_LIFE: Duration = Duration::from_secs(300);
/// Challenges open on one socket.
const MAX_NONCES: usize = 8;
/// Wrong credentials on one socket.
const MAX_WRONG: u32 = 3;
/// Contacts in one REGISTER.
const MAX_CONTACTS: usize = 8;
/// Octets of one contact's URI.
const MAX_CONTACT: usize = 512;

/// A digest challenge that was given out on this socket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Nonce {
    pub(super) until: Time,
    /// The highest nonce count seen.
    count: u32,
}

/// Why a REGISTER cannot go on.
enum Refusal {
    /// 401 with all challenges; the error of RFC 6750 §3.1, and whether only the nonce was old.
    Challenge {
        error: Option<&'static str>,
        stale: bool,
    },
    Status(u16, &'static str),
}

impl Flow {
    pub(super) fn register(&mut self, now: Time, key: &ServerKey, request: Request) {
        match self.check_register(now, &request) {
            Ok((number, proof, bind)) => {
                let call_id = request.headers.call_id().unwrap_or_default().to_owned();
                let cseq = request.headers.cseq().map_or(0, |cseq| cseq.number);
                self.hold_register(now, key, request, number.clone());
                let tx = key.as_str().to_owned();
                let socket = self.socket.get("state");
                let address = socket.and_then(|socket| socket.address.clone());
                let line = line_object(&self.config.id, &number);
                self.outbox.ask(
                    now,
                    &line,
                    NO_CALL,
                    FlowToLine::Register {
                        tx,
                        proof,
                        call_id,
                        cseq,
                        bind,
                        address,
                    },
                );
            }
            Err(Refusal::Status(status, phrase)) => self.refuse(&request, status, phrase),
            Err(Refusal::Challenge { error, stale }) => self.challenge(now, &request, error, stale),
        }
    }

    fn check_register(
        &mut self,
        now: Time,
        request: &Request,
    ) -> Result<(Number, Proof, Bind), Refusal> {
        let malformed = |_| Refusal::Status(400, "Malformed To Or From");
        let (to, from) = (
            request.headers.to().map_err(malformed)?,
            request.headers.from().map_err(malformed)?,
        );
        if !request.uri.host.eq_ignore_ascii_case(&self.config.domain) {
            return Err(Refusal::Status(404, ""));
        }
        if !to.uri.is_sip() {
            return Err(Refusal::Status(400, "To Is No SIP URI"));
        }
        let number = self.number_here(&to.uri).ok_or(Refusal::Status(404, ""))?;
        if self.number_here(&from.uri).as_ref() != Some(&number) {
            return Err(Refusal::Status(403, "Third Party Registration"));
        }
        let known = self.identities.contains(number.as_str());
        if !known && self.identities.len() >= self.config.edge.max_lines_per_flow {
            return Err(Refusal::Status(503, "Too Many Lines On This Flow"));
        }
        let proof = self.proof(now, request, &number)?;
        Ok((number, proof, bind(request, self.verifier.as_ref())?))
    }

    fn proof(&mut self, now: Time, request: &Request, number: &Number) -> Result<Proof, Refusal> {
        let malformed = |_| Refusal::Status(400, "Malformed Authorization");
        let given = request
            .headers
            .credentials(HeaderName::Authorization)
            .map_err(malformed)?;
        if let Some(token) = given.iter().find_map(Credentials::bearer_token) {
            let claims = self
                .verifier
                .bearer(token, now)
                .map_err(|error| Refusal::Challenge {
                    error: Some(match error {
                        BearerError::Expired => "the token has expired",
                        BearerError::Invalid => "the token is not valid",
                    }),
                    stale: false,
                })?;
            if claims.number != *number {
                return Err(Refusal::Status(403, "Token Of Another Line"));
            }
            return Ok(Proof::Bearer {
                uid: claims.uid,
                display_name: claims.display_name,
                device: claims.device,
                expires_at: claims.expires_at,
                issued_at: claims.issued_at,
            });
        }
        let Some(digest) = given.iter().find(|credentials| credentials.is("Digest")) else {
            return Err(Refusal::Challenge {
                error: None,
                stale: false,
            });
        };
        // The nonce is ours, young, and counts up; the line compares the response with its secret.
        let response = DigestResponse::try_from(digest)
            .map_err(|_| Refusal::Status(400, "Unusable Authorization"))?;
        let fresh = |known: &&mut Nonce| known.until > now && response.count > known.count;
        let Some(known) = self.nonces.get_mut(&response.nonce).filter(fresh) else {
            return Err(Refusal::Challenge {
                error: None,
                stale: true,
            });
        };
        known.count = response.count;
        let own = response.realm == self.config.domain
            && response.username.expose() == number.as_str()
            && response.is_for(&request.uri);
        if !own {
            return Err(Refusal::Challenge {
                error: None,
                stale: false,
            });
        }
        Ok(Proof::Digest {
            authorization: digest.to_string(),
        })
    }

    /// 401 with Bearer, SHA-256 and MD5, in the order of preference (RFC 8898 §2.1, RFC 8760 §2.3).
    fn challenge(&mut self, now: Time, request: &Request, error: Option<&str>, stale: bool) {
        while self.nonces.len() >= MAX_NONCES {
            let oldest = self
                .nonces
                .iter()
                .min_by_key(|(_, nonce)| nonce.until)
                .map(|(key, _)| key.to_owned());
            let Some(oldest) = oldest else { break };
            self.nonces.remove(&oldest);
        }
        let nonce = self.entropy.token();
        self.nonces.insert(
            &nonce,
            Nonce {
                until: now + NONCE_LIFE,
                count: 0,
            },
        );
        let realm = self.config.domain.clone();
        let mut bearer = Challenge::new("Bearer");
        bearer.params.set("realm", quote(&realm));
        if let Some(error) = error {
            bearer.params.set("error", quote("invalid_token"));
            bearer.params.set("error_description", quote(error));
        }
        let mut response = Response::for_request(request, 401, "").with_to_tag(&self.entropy.tag());
        response
            .headers
            .push(HeaderName::WwwAuthenticate, bearer.to_string());
        for algorithm in [Algorithm::Sha256, Algorithm::Md5] {
            let digest = DigestChallenge::new(&realm, &nonce, algorithm, stale).to_challenge();
            response
                .headers
                .push(HeaderName::WwwAuthenticate, digest.to_string());
        }
        self.transmit(&response);
    }

    /// The line has decided.
    ///
    /// Its answer comes by itself, not in the order of what else the line says: `at` tells whether a word that this
    /// registration has ended was older or younger.
    pub(super) fn registered(
        &mut self,
        now: Time,
        tx: &str,
        outcome: RegisterOutcome,
        at: Option<Time>,
    ) {
        let ended = self
            .server
            .get(tx)
            .and_then(super::server::ServerRow::unbound_at);
        let ended = at
            .zip(ended)
            .is_some_and(|(answered, unbound)| unbound >= answered);
        let Some(request) = self
            .server
            .get(tx)
            .map(super::server::ServerRow::request)
            .cloned()
        else {
            return;
        };
        let mut close = false;
        let tag = self.entropy.tag();
        let respond = |status, phrase: &str| {
            Response::for_request(&request, status, phrase).with_to_tag(&tag)
        };
        let response = match outcome {
            RegisterOutcome::Ok {
                party,
                device,
                bindings,
                bound_until,
                waiting,
                outbound,
            } => {
                let number = party.number.as_str().to_owned();
                match bound_until {
                    // Ended before it was heard of.
                    Some(_) if ended => {}
                    Some(until) => self.identities.insert(
                        &number,
                        Identity {
                            party,
                            device,
                            until,
                            since: at,
                        },
                    ),
                    None => self.unbound_here(&request, &number),
                }
                self.note_idle(now);
                let mut response = respond(200, "");
                for bound in &bindings {
                    response
                        .headers
                        .push(HeaderName::Contact, contact_header(bound));
                }
                response
                    .headers
                    .push(HeaderName::Supported, "outbound, path");
                if outbound {
                    response.headers.push(HeaderName::Require, "outbound");
                }
                if names_push_service(&request)
                    && let Some(capabilities) = self.verifier.push_capabilities()
                {
                    response.headers.push("Feature-Caps", capabilities);
                }
                for wake in &waiting {
                    response.headers.push("Wakeline-Waiting", wake.as_str());
                }
                response
            }
            RegisterOutcome::TooBrief { min_expires_s } => {
                respond(423, "").with(HeaderName::MinExpires, min_expires_s.to_string())
            }
            RegisterOutcome::TooManyTries { retry_after_s } => {
                close = self.note_wrong();
                respond(503, "Too Many Wrong Credentials")
                    .with(HeaderName::RetryAfter, retry_after_s.to_string())
            }
            RegisterOutcome::BadCredentials if self.note_wrong() => {
                close = true;
                respond(403, "Wrong Credentials")
            }
            RegisterOutcome::BadCredentials => {
                // A wrong digest is answered by a new challenge; its transaction ends without a word of its own.
                self.server.remove(tx);
                return self.challenge(now, &request, None, false);
            }
            RegisterOutcome::Revoked => respond(403, "Device Revoked"),
            RegisterOutcome::Refused { status, reason } => respond(status, &reason),
        };
        self.respond(now, tx, response);
        if close {
            self.close(1008, "wrong credentials");
        }
    }

    /// The line says that the registration of this number here has ended; it said so at `at`.
    pub(super) fn unbound(&mut self, now: Time, at: Time, number: &Number) {
        let identity = self.identities.get(number.as_str());
        if identity.is_some_and(|i| i.since.is_none_or(|since| at >= since)) {
            self.identities.remove(number.as_str());
        }
        for key in self.server.keys_where(|row| row.registers(number)) {
            if let Some(row) = self.server.get_mut(&key) {
                row.note_unbound(at);
            }
        }
        self.note_idle(now);
    }

    /// Counts wrong credentials on this socket; `true` when it has had enough of them.
    fn note_wrong(&mut self) -> bool {
        let Some(socket) = self.socket.get_mut("state") else {
            return false;
        };
        socket.wrong += 1;
        socket.wrong >= MAX_WRONG
    }

    /// A query changes nothing; an unregistration ends what this flow may say for the line.
    fn unbound_here(&mut self, request: &Request, number: &str) {
        if request
            .headers
            .contacts()
            .is_ok_and(|contacts| contacts != Contacts::List(Vec::new()))
        {
            self.identities.remove(number);
        }
    }
}

/// What the Contact headers ask for.
fn bind(request: &Request, verifier: &dyn Verifier) -> Result<Bind, Refusal> {
    let malformed = |_| Refusal::Status(400, "Malformed Contact");
    let expires = request
        .headers
        .expires()
        .map_err(|_| Refusal::Status(400, "Malformed Expires"))?;
    match request.headers.contacts().map_err(malformed)? {
        Contacts::Star if expires == Some(0) => Ok(Bind::RemoveAll),
        Contacts::Star => Err(Refusal::Status(400, "Star Without Expires Zero")),
        Contacts::List(contacts) if contacts.is_empty() => Ok(Bind::Query),
        Contacts::List(contacts) if contacts.len() > MAX_CONTACTS => {
            Err(Refusal::Status(400, "Too Many Contacts"))
        }
        Contacts::List(contacts) => {
            let rows = contacts.iter().map(|contact| {
                let uri = contact.uri.to_string();
                if uri.len() > MAX_CONTACT || !contact.uri.is_sip() {
                    return Err(Refusal::Status(400, "Unusable Contact"));
                }
                let instance = contact.instance().map(DeviceId::from_instance).transpose();
                let pn = push_target(&contact.uri, verifier)?;
                Ok(ContactRow {
                    uri,
                    instance: instance.map_err(|_| Refusal::Status(400, "Malformed Instance"))?,
                    reg_id: contact.reg_id(),
                    expires_s: contact.expires().or(expires),
                    q: contact.q().unwrap_or(1000),
                    pn,
                })
            });
            rows.collect::<Result<_, _>>().map(Bind::Contacts)
        }
    }
}

/// The push target of a contact's `pn-*` parameters. A provider alone asks whether it is supported (RFC 8599 §4.1.3).
fn push_target(uri: &Uri, verifier: &dyn Verifier) -> Result<Option<String>, Refusal> {
    let unsupported = || Refusal::Status(555, "Push Notification Service Not Supported");
    let Some(provider) = uri.params.get("pn-provider") else {
        return Ok(None);
    };
    match uri.params.get("pn-prid") {
        Some(prid) => {
            // An endpoint holds what may not stand in a SIP URI.
            verifier
                .push_target(provider, &unescape(prid))
                .map(Some)
                .ok_or_else(unsupported)
        }
        None if provider.is_empty() || provider == "webpush" => Ok(None),
        None => Err(unsupported()),
    }
}

/// Whether the user agent asks about, or hands over, a push service.
fn names_push_service(request: &Request) -> bool {
    matches!(request.headers.contacts(), Ok(Contacts::List(contacts))
        if contacts.iter().any(|c| c.uri.params.get("pn-provider").is_some()))
}

fn contact_header(bound: &BoundContact) -> String {
    let row = &bound.contact;
    let Ok(uri) = row.uri.parse() else {
        return String::new();
    };
    let mut contact = NameAddr::new(uri).with_param("expires", bound.expires_s.to_string());
    if let Some(instance) = &row.instance {
        contact = contact.with_param("+sip.instance", quote(&format!("<urn:uuid:{instance}>")));
    }
    if let Some(reg_id) = row.reg_id {
        contact = contact.with_param("reg-id", reg_id.to_string());
    }
    contact.to_string()
}
