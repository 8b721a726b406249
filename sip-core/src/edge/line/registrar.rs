//! The registrar: bindings (RFC 3261 §10.3) with outbound (RFC 5626 §6).

use super::Line;
use super::call::Call;
use crate::edge::command::LineError;
use crate::edge::messages::{Bind, BoundContact, ContactRow, LineToFlow, Proof, RegisterOutcome};
use crate::edge::outbox::NO_CALL;
use crate::id::DeviceId;
use crate::time::{Duration, Time};
use crate::wake::Event;
use alloc::{borrow::ToOwned, string::String};
use serde::{Deserialize, Serialize};

/// Where the line is registered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Binding {
    pub(super) contact: ContactRow,
    /// The device, or a name for a user agent without one.
    pub(super) device: DeviceId,
    /// The flow object it was registered through.
    pub(super) flow: String,
    /// The address that its socket comes from.
    #[serde(default)]
    pub(super) address: Option<String>,
    call_id: String,
    cseq: u32,
    /// When its REGISTER left the flow.
    #[serde(default)]
    sent_at: Time,
    pub(super) registered_at: Time,
    pub(super) expires_at: Time,
}

impl Line {
    #[expect(
        clippy::too_many_arguments,
        reason = "one REGISTER with where it came from"
    )]
    pub(super) fn register(
        &mut self,
        now: Time,
        flow: &str,
        sent_at: Time,
        proof: Proof,
        call_id: &str,
        cseq: u32,
        bind: Bind,
        address: Option<String>,
    ) -> RegisterOutcome {
        if let Err(outcome) = self.check_proof(now, flow, proof) {
            return outcome;
        }
        let mut mine = None;
        let mut outbound = false;
        match bind {
            Bind::Query => {}
            Bind::RemoveAll => {
                for key in self.bindings.keys_where(|_| true) {
                    self.remove_binding(now, &key, Some(flow));
                }
            }
            Bind::Contacts(contacts) => {
                let past = |old: u32| cseq <= old;
                if let Err(outcome) = self.check_contacts(&contacts, flow, call_id, past) {
                    return outcome;
                }
                for contact in contacts {
                    outbound |= is_outbound(&contact);
                    if self.is_overtaken(now, flow, sent_at, &contact) {
                        continue;
                    }
                    let until = self.bind_contact(
                        now,
                        (flow, sent_at),
                        contact,
                        (call_id, cseq),
                        address.clone(),
                    );
                    mine = mine.max(until);
                }
            }
        }
        self.as_bound(now, flow, mine, outbound)
    }

    /// The answer to a REGISTER that was applied before: the same refusals, or the bindings as they are by now.
    pub(super) fn registered_already(
        &mut self,
        now: Time,
        flow: &str,
        proof: Proof,
        call_id: &str,
        cseq: u32,
        bind: Bind,
    ) -> RegisterOutcome {
        if let Err(outcome) = self.check_proof(now, flow, proof) {
            return outcome;
        }
        let (mut mine, mut outbound) = (None, false);
        if let Bind::Contacts(contacts) = bind {
            // The CSeq that it left behind itself is its own.
            let past = |old: u32| cseq < old;
            if let Err(outcome) = self.check_contacts(&contacts, flow, call_id, past) {
                return outcome;
            }
            for contact in contacts.iter().filter(|c| c.expires_s != Some(0)) {
                let own = self.bindings.get(&key_of(contact));
                let own = own.filter(|b| b.flow == flow && b.expires_at > now);
                mine = mine.max(own.map(|binding| binding.expires_at));
            }
            outbound = contacts.iter().any(is_outbound);
        }
        self.as_bound(now, flow, mine, outbound)
    }

    fn as_bound(
        &self,
        now: Time,
        flow: &str,
        mine: Option<Time>,
        outbound: bool,
    ) -> RegisterOutcome {
        let Ok(account) = self.account() else {
            return RegisterOutcome::BadCredentials;
        };
        let bindings = self
            .bindings
            .values()
            .filter(|binding| binding.expires_at > now);
        let bound = |binding: &Binding| BoundContact {
            contact: binding.contact.clone(),
            expires_s: u32::try_from(binding.expires_at.since(now).as_secs()).unwrap_or(u32::MAX),
        };
        let device = self
            .bindings
            .values()
            .find(|b| b.flow == flow && b.contact.instance.is_some());
        RegisterOutcome::Ok {
            party: account.party.clone(),
            device: device.map(|binding| binding.device.clone()),
            bindings: bindings.map(bound).collect(),
            bound_until: mine,
            waiting: self.waiting_wakes(flow),
            outbound,
        }
    }

    #[allow(clippy::result_large_err, reason = "the error is the answer itself")]
    fn check_proof(&mut self, now: Time, flow: &str, proof: Proof) -> Result<(), RegisterOutcome> {
        match proof {
            Proof::Bearer {
                uid,
                display_name,
                device,
                issued_at,
                ..
            } => match self.attest(
                now,
                &uid,
                display_name.as_deref(),
                device.as_ref(),
                issued_at,
            ) {
                Ok(_) => Ok(()),
                Err(LineError::Revoked) => Err(RegisterOutcome::Revoked),
                Err(_) => Err(RegisterOutcome::Refused {
                    status: 403,
                    reason: "Forbidden".into(),
                }),
            },
            Proof::Digest { authorization } => self.check_digest(now, flow, &authorization),
        }
    }

    #[allow(clippy::result_large_err, reason = "the error is the answer itself")]
    /// All or nothing: what would make the request fail is looked for before anything is changed.
    fn check_contacts(
        &self,
        contacts: &[ContactRow],
        flow: &str,
        call_id: &str,
        is_past: impl Fn(u32) -> bool,
    ) -> Result<(), RegisterOutcome> {
        let limits = &self.config.edge;
        for contact in contacts {
            if contact
                .instance
                .as_ref()
                .is_some_and(|device| self.is_revoked(device))
            {
                return Err(RegisterOutcome::Revoked);
            }
            if contact
                .expires_s
                .is_some_and(|s| s != 0 && s < limits.min_expires_s)
            {
                return Err(RegisterOutcome::TooBrief {
                    min_expires_s: limits.min_expires_s,
                });
            }
            let old = self.bindings.get(&key_of(contact));
            if old
                .is_some_and(|old| old.flow == flow && old.call_id == call_id && is_past(old.cseq))
            {
                return Err(RegisterOutcome::Refused {
                    status: 500,
                    reason: "CSeq Out Of Order".into(),
                });
            }
        }
        let new = contacts
            .iter()
            .filter(|c| !self.bindings.contains(&key_of(c)))
            .count();
        if new > 0 && self.bindings.len() + new > limits.max_bindings {
            return Err(RegisterOutcome::Refused {
                status: 503,
                reason: "Too Many Bindings".into(),
            });
        }
        Ok(())
    }

    /// A later REGISTER of the same user agent came by another socket and was faster: this one, which left before it, must not take
    /// the binding back to a socket that is probably gone.
    fn is_overtaken(&self, now: Time, flow: &str, sent_at: Time, contact: &ContactRow) -> bool {
        let newer = |old: &Binding| old.flow != flow && old.sent_at > sent_at;
        let old = self.bindings.get(&key_of(contact));
        old.is_some_and(|old| newer(old) && old.expires_at > now)
    }

    /// Adds, refreshes or removes one binding; yields until when it lasts.
    fn bind_contact(
        &mut self,
        now: Time,
        (flow, sent_at): (&str, Time),
        contact: ContactRow,
        (call_id, cseq): (&str, u32),
        address: Option<String>,
    ) -> Option<Time> {
        let key = key_of(&contact);
        let max = self.config.edge.max_expires_s;
        let seconds = contact.expires_s.unwrap_or(max).min(max);
        if seconds == 0 {
            if let Some(instance) = &contact.instance {
                self.push_by_register(now, instance, None);
            }
            self.remove_binding(now, &key, Some(flow));
            return None;
        }
        if let Some(instance) = contact.instance.clone() {
            self.push_by_register(now, &instance, contact.pn.clone());
        }
        let device = contact
            .instance
            .clone()
            .unwrap_or_else(|| device_of_flow(flow));
        if let Some(old) = self.bindings.get(&key).filter(|old| old.flow != flow) {
            let old_flow = old.flow.clone();
            self.outbox.send(
                now,
                &old_flow,
                NO_CALL,
                LineToFlow::Unbound {
                    number: self.number.clone(),
                },
            );
            self.device_moved(now, &device, &old_flow, (flow, sent_at));
        }
        let expires_at = now + Duration::from_secs(u64::from(seconds));
        let binding = Binding {
            contact,
            device: device.clone(),
            flow: flow.to_owned(),
            address,
            call_id: call_id.to_owned(),
            cseq,
            sent_at,
            registered_at: now,
            expires_at,
        };
        self.bindings.insert(&key, binding);
        if let Some(bound) = self.devices.get_mut(device.as_str()) {
            bound.seen_at = now;
        }
        // A page of ours says "ready" when it can take the call; anybody else is probed.
        let known = self
            .devices
            .get(device.as_str())
            .is_some_and(|bound| !bound.by_register);
        let rings = |call: &Call| {
            !call.wake.state().is_final() && !self.is_caller(call, Some(&device), flow)
        };
        for wake in self.calls.keys_where(rings) {
            let event = if known {
                Event::Registered(device.clone())
            } else {
                Event::Joined(device.clone())
            };
            self.wake_event(now, &wake, event);
        }
        Some(expires_at)
    }

    fn remove_binding(&mut self, now: Time, key: &str, by: Option<&str>) {
        let Some(old) = self.bindings.remove(key) else {
            return;
        };
        if by != Some(old.flow.as_str()) {
            self.outbox.send(
                now,
                &old.flow,
                NO_CALL,
                LineToFlow::Unbound {
                    number: self.number.clone(),
                },
            );
        }
    }

    pub(super) fn unbind_device(&mut self, now: Time, device: &DeviceId) {
        for key in self
            .bindings
            .keys_where(|binding| binding.device == *device)
        {
            self.remove_binding(now, &key, None);
        }
    }

    /// The newest living binding of a device.
    pub(super) fn binding_of(&self, now: Time, device: &DeviceId) -> Option<&Binding> {
        let own = self
            .bindings
            .values()
            .filter(|b| b.device == *device && b.expires_at > now);
        own.max_by_key(|binding| binding.registered_at)
    }

    /// A socket is gone: its bindings end, and its part in every call is lost.
    pub(super) fn flow_gone(&mut self, now: Time, flow: &str) {
        for key in self.bindings.keys_where(|binding| binding.flow == flow) {
            self.bindings.remove(&key);
        }
        for wake in self.calls.keys_where(|call| call.uses(flow)) {
            self.flow_gone_in_call(now, flow, &wake);
        }
    }
}

/// Whether RFC 5626 applies to it.
const fn is_outbound(contact: &ContactRow) -> bool {
    contact.instance.is_some() && contact.reg_id.is_some()
}

/// RFC 5626 §6: instance and reg-id name a binding; without them its contact does.
fn key_of(contact: &ContactRow) -> String {
    match (&contact.instance, contact.reg_id) {
        (Some(instance), Some(reg_id)) => format!("{instance}|{reg_id}"),
        _ => format!("uri|{}", contact.uri),
    }
}

/// A name for a user agent that has no instance: its flow.
pub(super) fn device_of_flow(flow: &str) -> DeviceId {
    DeviceId::parse(flow)
        .unwrap_or_else(|_| DeviceId::parse("foreign").expect("a word is a valid device name"))
}
