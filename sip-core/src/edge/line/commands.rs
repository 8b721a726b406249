//! What REST asks of the line.

use super::Line;
use super::call::Call;
use crate::edge::command::{LineCommand, LineError, LineReply, WakeView};
use crate::id::{DeviceId, WakeId};
use crate::time::Time;
use crate::wake::{DeviceState, Event, WakeState};
use alloc::boxed::Box;

impl Line {
    pub(super) fn command(
        &mut self,
        now: Time,
        command: LineCommand,
    ) -> Result<LineReply, LineError> {
        match command {
            LineCommand::Provision {
                uid,
                display_name,
                secret,
                replace,
            } => self.provision(now, uid, display_name, secret, replace),
            LineCommand::Attest {
                uid,
                display_name,
                device,
                issued_at,
            } => self.attest(
                now,
                &uid,
                display_name.as_deref(),
                device.as_ref(),
                issued_at,
            ),
            LineCommand::Account => Ok(LineReply::Account {
                party: self.account()?.party.clone(),
                created: false,
            }),
            LineCommand::BindDevice {
                device,
                push,
                public_key,
                label,
                lang,
            } => self.bind_device(now, &device, push, public_key, label, lang),
            LineCommand::BindPush { device, push } => self.bind_push(now, &device, push),
            LineCommand::ListDevices => {
                self.account()?;
                Ok(LineReply::Devices {
                    devices: self.list_devices(now),
                })
            }
            LineCommand::Device { device } => Ok(LineReply::Device {
                device: self.device_view(now, &device)?,
                created: false,
            }),
            LineCommand::RevokeDevice { device } => self.revoke_device(now, &device),
            LineCommand::Waiting => {
                self.account()?;
                let wakes = self
                    .calls
                    .values()
                    .filter(|call| !call.wake.state().is_final() && call.pretence.is_none());
                Ok(LineReply::Waiting {
                    wakes: wakes.map(|call| call.view()).collect(),
                    missed: self.missed_views(),
                })
            }
            LineCommand::Wake { wake, device } => {
                if let Some(device) = device {
                    self.bound(&device)?;
                }
                Ok(LineReply::Wake {
                    wake: self.wake_view(&wake)?,
                })
            }
            LineCommand::Shown { wake, device } => {
                self.report(now, &wake, &device, Event::Shown(device.clone()))
            }
            LineCommand::Opened { wake, device } => {
                self.report(now, &wake, &device, Event::Opened(device.clone()))
            }
            LineCommand::Hindered { wake, device, why } => {
                self.report(now, &wake, &device, Event::Hindered(device.clone(), why))
            }
            LineCommand::Ready { wake, device } => self.ready(now, &wake, &device),
            LineCommand::Decline { wake, device } => self.decline(now, &wake, &device),
            LineCommand::Missed => {
                self.account()?;
                Ok(LineReply::Missed {
                    missed: self.missed_views(),
                })
            }
            LineCommand::MissedSeen { ids } => {
                self.account()?;
                self.mark_seen(&ids);
                Ok(LineReply::Missed {
                    missed: self.missed_views(),
                })
            }
            LineCommand::Presence { viewer } => self.presence(now, viewer.as_ref()),
            LineCommand::SetVisibility { visibility } => self.set_visibility(now, visibility),
            LineCommand::Reach => self.reach(),
            LineCommand::SetThreshold { dbm } => self.set_threshold(dbm),
            LineCommand::AskWake(ask) => self.ask_wake(now, *ask),
            LineCommand::ServerWake { wake, server } => self.server_wake(&wake, &server),
            LineCommand::ServerEvent {
                wake,
                server,
                event,
            } => self.server_event(now, &wake, &server, event),
            LineCommand::Story { wake } => self.story(&wake),
            LineCommand::DeleteUser => self.delete_user(now),
            LineCommand::Anonymise { uid, number } => Ok(self.anonymise(&uid, &number)),
            LineCommand::Block {
                number,
                display_name,
            } => self.block(now, &number, display_name),
            LineCommand::Unblock { number } => self.unblock(&number),
            LineCommand::Blocked => self.blocked_callers(),
            LineCommand::SetDoNotDisturb { on } => self.set_do_not_disturb(now, on),
            LineCommand::DoNotDisturb => self.do_not_disturb(),
        }
    }

    /// A call that is still remembered.
    fn story(&self, wake: &WakeId) -> Result<LineReply, LineError> {
        let call = self.calls.get(wake.as_str());
        let call = call.ok_or(LineError::UnknownWake)?;
        Ok(LineReply::Story {
            state: call.wake.state().clone(),
            steps: call.steps(),
            pushes: call.pushes.clone(),
        })
    }

    fn wake_view(&self, wake: &WakeId) -> Result<WakeView, LineError> {
        let call = self.calls.get(wake.as_str());
        let call = call.filter(|call| call.pretence.is_none()).map(Call::view);
        call.or_else(|| self.past_wake(wake))
            .ok_or(LineError::UnknownWake)
    }

    /// Progress told by a page or its service worker; too late is no error.
    fn report(
        &mut self,
        now: Time,
        wake: &WakeId,
        device: &DeviceId,
        event: Event,
    ) -> Result<LineReply, LineError> {
        self.bound(device)?;
        self.wake_view(wake)?;
        self.wake_event(now, wake.as_str(), event);
        Ok(LineReply::Wake {
            wake: self.wake_view(wake)?,
        })
    }

    /// The page can take the call. Its REGISTER must be younger than the call, or nothing proves that its flow lives.
    fn ready(
        &mut self,
        now: Time,
        wake: &WakeId,
        device: &DeviceId,
    ) -> Result<LineReply, LineError> {
        self.bound(device)?;
        let view = self.wake_view(wake)?;
        if view.state.is_final() {
            return Err(LineError::Over(Box::new(view)));
        }
        let invited = view
            .devices
            .iter()
            .any(|(id, state)| id == device && state.is_live() && *state >= DeviceState::Invited);
        if !invited {
            let since = view.created_at;
            // A call server's page is registered there: that its REGISTER succeeded is its own word.
            if !self.is_led_by_server(wake)
                && self
                    .binding_of(now, device)
                    .is_none_or(|binding| binding.registered_at < since)
            {
                return Err(LineError::NotRegistered);
            }
            self.page_ready(now, wake, device);
        }
        Ok(LineReply::Wake {
            wake: self.wake_view(wake)?,
        })
    }

    fn decline(
        &mut self,
        now: Time,
        wake: &WakeId,
        device: &DeviceId,
    ) -> Result<LineReply, LineError> {
        self.bound(device)?;
        let view = self.wake_view(wake)?;
        let declined = view
            .devices
            .iter()
            .any(|(id, state)| id == device && *state == DeviceState::Declined);
        if view.state.is_final() && view.state != WakeState::Declined {
            return Err(LineError::Over(Box::new(view)));
        }
        if !view.state.is_final() && !declined {
            self.wake_event(now, wake.as_str(), Event::Declined(device.clone()));
        }
        Ok(LineReply::Wake {
            wake: self.wake_view(wake)?,
        })
    }
}
