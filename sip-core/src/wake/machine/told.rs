//! What a wake says of itself, to whoever asks.

use super::Wake;
use crate::id::DeviceId;
use crate::time::Time;
use crate::wake::{DeviceState, WakeState, Why};
use alloc::string::String;

impl Wake {
    /// Where the wake stands.
    pub fn state(&self) -> &WakeState {
        &self.state
    }

    /// Where one device stands.
    pub fn device(&self, device: &DeviceId) -> Option<DeviceState> {
        self.devices
            .iter()
            .find(|d| d.id == *device)
            .map(|d| d.state)
    }

    /// Each device's state, in the order in which they were targeted.
    pub fn devices(&self) -> impl Iterator<Item = (&DeviceId, DeviceState)> {
        self.devices.iter().map(|d| (&d.id, d.state))
    }

    /// What each device reached, and when.
    pub fn steps(&self) -> impl Iterator<Item = (&DeviceId, DeviceState, Time)> {
        self.devices
            .iter()
            .flat_map(|d| d.steps.iter().map(|(state, at)| (&d.id, *state, *at)))
    }

    /// When the wake ends by itself as things stand.
    pub fn expires_at(&self) -> Time {
        self.ring_until.unwrap_or(self.ready_by)
    }

    /// The end in words, for the caller's `Reason` and the log.
    pub fn words(&self) -> String {
        match &self.state {
            WakeState::Expired => self.why().map_or("expired", Why::words).into(),
            WakeState::Unanswered => "not answered".into(),
            WakeState::Unbound => "no device".into(),
            WakeState::Unreachable => "no device could be reached".into(),
            WakeState::Declined => "declined".into(),
            WakeState::Busy => "busy".into(),
            WakeState::Cancelled => "cancelled by the caller".into(),
            WakeState::Failed(failure) => failure.reason.clone(),
            state => state.as_str().into(),
        }
    }

    /// Why it expired, if it did: by the device that came furthest.
    pub fn why(&self) -> Option<Why> {
        if self.state != WakeState::Expired {
            return None;
        }
        let furthest = self.devices.iter().max_by_key(|d| d.furthest())?;
        match furthest.furthest() {
            DeviceState::Ready | DeviceState::Invited | DeviceState::Ringing => Some(Why::Unrung),
            DeviceState::Registered => Some(Why::Unready),
            DeviceState::Opened => Some(furthest.hindered.unwrap_or(Why::Unregistered)),
            _ => Some(Why::Unopened),
        }
    }
}
