//! Who the line is, and its devices.

use super::Line;
use super::call::Call;
use crate::auth::{Algorithm, DigestResponse};
use crate::edge::command::{DeviceView, DigestSecret, LineError, LineReply};
use crate::edge::messages::Party;
use crate::id::{DeviceId, Uid};
use crate::time::Time;
use crate::wake::Event;
use crate::wire::{Credentials, Method};
use alloc::collections::BTreeSet;
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// Octets of a name, label or language tag.
const MAX_TEXT: usize = 256;
/// Octets of a push target or public key.
const MAX_BLOB: usize = 4096;
/// Revoked devices that are remembered as such.
const MAX_REVOKED: usize = 64;

/// Who the line is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Account {
    pub(super) party: Party,
    pub(super) secret: Option<DigestSecret>,
}

/// A place where the user can be woken.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Device {
    pub(super) push: Option<String>,
    /// The target came by `pn-*` parameters of a REGISTER, not by REST: the user agent is led as one that is not ours.
    #[serde(default)]
    pub(super) by_register: bool,
    /// A target that its push service called gone: it is not taken again from a page that still believes in it.
    #[serde(default)]
    pub(super) gone: Option<String>,
    public_key: Option<String>,
    label: Option<String>,
    pub(super) lang: Option<String>,
    bound_at: Time,
    pub(super) seen_at: Time,
    pub(super) revoked_at: Option<Time>,
}

impl Line {
    pub(super) fn account(&self) -> Result<&Account, LineError> {
        self.account.get("account").ok_or(LineError::UnknownLine)
    }

    pub(super) fn provision(
        &mut self,
        now: Time,
        uid: Uid,
        display_name: String,
        secret: Option<DigestSecret>,
        replace: bool,
    ) -> Result<LineReply, LineError> {
        if display_name.len() > MAX_TEXT {
            return Err(LineError::TooLong);
        }
        let created = self.account.is_empty();
        if !created && !replace {
            return Err(LineError::Exists);
        }
        let is_other = |account: &Account| account.party.uid != uid;
        if self.account.get("account").is_some_and(is_other) {
            self.forget_user(now);
        }
        let party = Party {
            number: self.number.clone(),
            uid,
            display_name,
        };
        self.account.insert(
            "account",
            Account {
                party: party.clone(),
                secret,
            },
        );
        Ok(LineReply::Account { party, created })
    }

    /// The number goes to another user: the devices, bindings and calls of the former one are nothing to them.
    pub(super) fn forget_user(&mut self, now: Time) {
        let bound = self.devices.iter().map(|(id, _)| DeviceId::parse(id).ok());
        let registered = self.bindings.values().map(|b| Some(b.device.clone()));
        let devices: BTreeSet<_> = bound.chain(registered).flatten().collect();
        for wake in self.calls.keys_where(|_| true) {
            for device in &devices {
                self.wake_event(now, &wake, Event::Revoked(device.clone()));
            }
        }
        for device in &devices {
            self.unbind_device(now, device);
            self.devices.remove(device.as_str());
        }
        for key in self.missed.keys_where(|_| true) {
            self.missed.remove(&key);
        }
        for key in self.ended.keys_where(|_| true) {
            self.ended.remove(&key);
        }
        for key in self.blocked.keys_where(|_| true) {
            self.blocked.remove(&key);
        }
        self.quiet.remove("since");
        self.gateway.remove("threshold");
        self.tries.remove("digest");
        self.visibility.remove("state");
    }

    /// A valid token speaks for this line: the line exists from now on, unless it is another user's.
    pub(super) fn attest(
        &mut self,
        now: Time,
        uid: &Uid,
        display_name: Option<&str>,
        device: Option<&DeviceId>,
        issued_at: Option<Time>,
    ) -> Result<LineReply, LineError> {
        if self.is_of_deleted(uid, issued_at) {
            return Err(LineError::Revoked);
        }
        if device.is_some_and(|device| self.is_revoked(device)) {
            return Err(LineError::Revoked);
        }
        let name = display_name.filter(|name| name.len() <= MAX_TEXT);
        if let Some(account) = self.account.get("account") {
            if account.party.uid != *uid {
                return Err(LineError::OtherUser);
            }
            if name.is_some_and(|name| name != account.party.display_name)
                && let Some(account) = self.account.get_mut("account")
            {
                account.party.display_name = name.unwrap_or_default().to_owned();
            }
            let party = self.account()?.party.clone();
            return Ok(LineReply::Account {
                party,
                created: false,
            });
        }
        let name = name.unwrap_or_default().to_owned();
        self.provision(now, uid.clone(), name, None, false)
    }

    pub(super) fn is_revoked(&self, device: &DeviceId) -> bool {
        self.devices
            .get(device.as_str())
            .is_some_and(|device| device.revoked_at.is_some())
    }

    /// A device that is bound and not revoked.
    pub(super) fn bound(&self, device: &DeviceId) -> Result<&Device, LineError> {
        let known = self
            .devices
            .get(device.as_str())
            .ok_or(LineError::UnknownDevice)?;
        if known.revoked_at.is_some() {
            Err(LineError::Revoked)
        } else {
            Ok(known)
        }
    }

    pub(super) fn bind_device(
        &mut self,
        now: Time,
        id: &DeviceId,
        push: Option<String>,
        public_key: Option<String>,
        label: Option<String>,
        lang: Option<String>,
    ) -> Result<LineReply, LineError> {
        self.account()?;
        let too_long =
            |text: &Option<String>, max| text.as_ref().is_some_and(|text| text.len() > max);
        if too_long(&push, MAX_BLOB)
            || too_long(&public_key, MAX_BLOB)
            || too_long(&label, MAX_TEXT)
            || too_long(&lang, 64)
        {
            return Err(LineError::TooLong);
        }
        let known = match self.bound(id) {
            Ok(_) => true,
            Err(LineError::UnknownDevice) => false,
            Err(error) => return Err(error),
        };
        let living = self
            .devices
            .values()
            .filter(|device| device.revoked_at.is_none())
            .count();
        if !known && living >= self.config.edge.max_devices {
            return Err(LineError::TooManyDevices);
        }
        // One subscription rings one device: whoever had the same target before has it no more.
        if push.is_some() {
            for other in self.devices.keys_where(|device| device.push == push) {
                if other != id.as_str()
                    && let Some(device) = self.devices.get_mut(&other)
                {
                    device.push = None;
                }
            }
        }
        match self.devices.get_mut(id.as_str()) {
            Some(device) => {
                device.by_register &= push.is_none();
                device.push = push
                    .filter(|push| device.gone.as_ref() != Some(push))
                    .or(device.push.take());
                device.public_key = public_key.or(device.public_key.take());
                device.label = label.or(device.label.take());
                device.lang = lang.or(device.lang.take());
                device.seen_at = now;
            }
            None => {
                let device = Device {
                    push,
                    by_register: false,
                    gone: None,
                    public_key,
                    label,
                    lang,
                    bound_at: now,
                    seen_at: now,
                    revoked_at: None,
                };
                self.devices.insert(id.as_str(), device);
            }
        }
        Ok(LineReply::Device {
            device: self.device_view(now, id)?,
            created: !known,
        })
    }

    /// What a REGISTER says of push (RFC 8599). The binding by REST comes first: only a device without one is woken by this, and it
    /// ends when the user agent unregisters, or registers without it.
    pub(super) fn push_by_register(&mut self, now: Time, id: &DeviceId, target: Option<String>) {
        match self.devices.get_mut(id.as_str()) {
            Some(device) if device.revoked_at.is_some() => {}
            Some(device) if device.by_register || (device.push.is_none() && target.is_some()) => {
                device.by_register = target.is_some();
                device.push = target;
            }
            Some(_) => {}
            None => {
                let living = self.devices.values().filter(|d| d.revoked_at.is_none());
                if target.is_some() && living.count() < self.config.edge.max_devices {
                    let device = Device {
                        push: target,
                        by_register: true,
                        gone: None,
                        public_key: None,
                        label: None,
                        lang: None,
                        bound_at: now,
                        seen_at: now,
                        revoked_at: None,
                    };
                    self.devices.insert(id.as_str(), device);
                }
            }
        }
    }

    pub(super) fn bind_push(
        &mut self,
        now: Time,
        id: &DeviceId,
        push: String,
    ) -> Result<LineReply, LineError> {
        if push.len() > MAX_BLOB {
            return Err(LineError::TooLong);
        }
        self.bound(id)?;
        if let Some(device) = self.devices.get_mut(id.as_str()) {
            if device.gone.as_ref() != Some(&push) {
                device.push = Some(push);
                device.by_register = false;
            }
            device.seen_at = now;
        }
        Ok(LineReply::Device {
            device: self.device_view(now, id)?,
            created: false,
        })
    }

    pub(super) fn device_view(&self, now: Time, id: &DeviceId) -> Result<DeviceView, LineError> {
        let device = self.bound(id)?;
        Ok(DeviceView {
            id: id.clone(),
            push: device.push.clone(),
            public_key: device.public_key.clone(),
            label: device.label.clone(),
            lang: device.lang.clone(),
            bound_at: device.bound_at,
            seen_at: device.seen_at,
            registered: self.binding_of(now, id).is_some(),
        })
    }

    pub(super) fn list_devices(&self, now: Time) -> Vec<DeviceView> {
        let ids = self
            .devices
            .iter()
            .filter_map(|(id, _)| DeviceId::parse(id).ok());
        let mut views: Vec<_> = ids
            .filter_map(|id| self.device_view(now, &id).ok())
            .collect();
        views.sort_by_key(|view| view.bound_at);
        views
    }

    /// Its credential and tokens are dead, its bindings end, its part in every wake and its calls end.
    pub(super) fn revoke_device(
        &mut self,
        now: Time,
        id: &DeviceId,
    ) -> Result<LineReply, LineError> {
        self.bound(id)?;
        if let Some(device) = self.devices.get_mut(id.as_str()) {
            *device = Device {
                push: None,
                by_register: false,
                gone: None,
                public_key: None,
                label: None,
                lang: None,
                bound_at: device.bound_at,
                seen_at: now,
                revoked_at: Some(now),
            };
        }
        let mut revoked: Vec<_> = self
            .devices
            .iter()
            .filter_map(|(id, d)| d.revoked_at.map(|at| (at, id.to_owned())))
            .collect();
        revoked.sort();
        for (_, oldest) in revoked
            .iter()
            .take(revoked.len().saturating_sub(MAX_REVOKED))
        {
            self.devices.remove(oldest);
        }
        for wake in self.calls.keys_where(|_| true) {
            self.wake_event(now, &wake, Event::Revoked(id.clone()));
        }
        self.end_calls_of(now, id);
        self.unbind_device(now, id);
        Ok(LineReply::Done)
    }

    /// A revoked device may not speak in its calls any longer, nor end them: those that it answered, and those to its own
    /// line, end with it. Others hear that it is lost when its socket closes.
    fn end_calls_of(&mut self, now: Time, id: &DeviceId) {
        let number = self.number.clone();
        let calls =
            |call: &Call| call.caller.number == number && call.caller_device.as_ref() == Some(id);
        let answered = |call: &Call| call.dialog.as_ref().is_some_and(|d| d.device == *id);
        for key in self.calls.keys_where(|call| calls(call) || answered(call)) {
            let Some(mut call) = self.calls.remove(&key) else {
                continue;
            };
            if call.is_talking() {
                self.hang_up(now, &mut call, 403, "The device was revoked");
            } else if calls(&call) {
                self.wake_event_of(now, &mut call, Event::CallerCancelled);
            }
            self.put_call(call);
        }
    }
}

/// Compares a digest response with the line's secret (RFC 8760 §2.6).
pub(super) fn digest_matches(secret: &DigestSecret, authorization: &str) -> bool {
    let Ok(credentials) = authorization.parse::<Credentials>() else {
        return false;
    };
    let Ok(response) = DigestResponse::try_from(&credentials) else {
        return false;
    };
    let ha1 = match response.algorithm {
        Algorithm::Sha256 => Some(&secret.sha256),
        Algorithm::Md5 => secret.md5.as_ref(),
    };
    ha1.is_some_and(|ha1| response.verify(ha1, &Method::Register))
}
