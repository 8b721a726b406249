//! Leading and following: one tab holds the line's flow, the others show it and can take over.

use super::{Leading, Phone};
use crate::page::sleep;
use crate::{
    channel::{Action, Channel, News},
    driver::Driver,
    leader::{Claim, Lead, Waiting, claim},
    once, page,
    problem::Problem,
    types::{Role, js},
};
use alloc::string::String;
use wakeline_sip::agent::Command;

/// A leading tab that is silent for so long is frozen.
const LEADER_ANSWERS_MS: u32 = 300;

impl Phone {
    pub(super) async fn lead(&self, lock: Lead) -> Result<(), Problem> {
        let begun = self.0.begun.take();
        self.forget_mirror();
        let weak = self.weak();
        let (ice, port) = (self.0.ice.clone(), self.0.port.clone());
        let driver = Driver::new(&self.0.session, ice, port, begun, move |told| {
            if let Some(phone) = weak.upgrade().map(Phone) {
                phone.told(told);
            }
        })
        .await?;
        *self.0.leading.borrow_mut() = Some(Leading {
            driver: driver.clone(),
            _lock: lock,
        });
        self.role_is(Role::Leading);
        *self.0.early_ready.borrow_mut() = driver.start();
        self.keep_login();
        Ok(())
    }

    pub(super) fn follow(&self) {
        self.role_is(Role::Following);
        self.tell(&News::Hello);
        let Ok(waiting) = Waiting::new() else { return };
        *self.0.waiting.borrow_mut() = Some(waiting.clone());
        let (weak, name, stolen) = (self.weak(), self.0.name.clone(), self.stolen());
        page::beside(async move {
            // An error is the claim given up.
            let Ok(Some(lock)) = claim(&name, Claim::Wait, Some(&waiting), stolen).await else {
                return;
            };
            if let Some(phone) = weak.upgrade().map(Phone).filter(|p| !p.0.closed.get()) {
                phone.0.waiting.take();
                // Without a token this tab cannot lead; its session tells why.
                let _ = phone.lead(lock).await;
            }
        });
    }

    /// The user tapped, and this is the page that opened, but another tab leads. If that one is frozen or idle, this one
    /// takes over; in a call it is left alone, and only learns of the wake.
    pub(super) async fn tapped_beside_a_leader(&self) -> Result<(), Problem> {
        let (heard, state) = once::channel();
        *self.0.leader_state.borrow_mut() = Some(heard);
        self.tell(&News::Hello);
        let weak = self.weak();
        page::beside(async move {
            sleep(LEADER_ANSWERS_MS).await;
            if let Some(phone) = weak.upgrade() {
                phone.leader_state.take();
            }
        });
        let alive = state.await.is_some();
        if alive && !self.0.calls.borrow().is_empty() {
            self.0.underway.borrow_mut().clear();
            for (wake, _) in self.0.wanted.take() {
                self.tell(&News::Ready { wake });
            }
            return Ok(());
        }
        self.take_over().await
    }

    /// What happens when another tab takes the lock away.
    pub(super) fn stolen(&self) -> impl FnOnce() + 'static {
        let weak = self.weak();
        move || {
            let Some(phone) = weak.upgrade().map(Phone) else {
                return;
            };
            if let Some(leading) = phone.0.leading.take() {
                // Not unregistered: the other tab's registration is for the same device.
                leading.driver.command(Command::Abandon);
            }
            phone.forget_mirror();
            if !phone.0.closed.get() {
                phone.follow();
            }
        }
    }

    pub(super) fn role_is(&self, role: Role) {
        if self.0.role.replace(role) != role {
            self.0.port.role(js(&role));
        }
    }

    pub(super) fn join(&self) {
        let weak = self.weak();
        let channel = Channel::join(&self.0.name, move |news| {
            if let Some(phone) = weak.upgrade().map(Phone) {
                phone.heard(news);
            }
        });
        // A browser without channels has tabs that know nothing of each other.
        *self.0.channel.borrow_mut() = channel.ok();
    }

    pub(super) fn tell(&self, news: &News) {
        if let Some(channel) = &*self.0.channel.borrow() {
            channel.tell(news);
        }
    }

    pub(super) fn tell_leader(&self, call: String, what: Action) -> Result<(), Problem> {
        self.tell(&News::Do { call, what });
        Ok(())
    }

    pub(super) fn tell_state(&self) {
        if self.role() == Role::Leading {
            let calls = self.0.calls.borrow().values().cloned().collect();
            self.tell(&News::State {
                registration: self.registration(),
                calls,
            });
        }
    }

    pub(super) fn heard(&self, news: News) {
        let leads = self.role() == Role::Leading;
        match news {
            News::Hello => self.tell_state(),
            News::State {
                registration,
                calls,
            } if !leads => {
                self.registration_is(registration);
                self.mirror(calls);
                if let Some(heard) = self.0.leader_state.take() {
                    heard.tell(());
                }
            }
            News::Do { call, what } if leads => {
                let phone = self.clone();
                page::beside(async move {
                    // The follower sees in the call's state what became of it.
                    let _ = match what {
                        Action::Answer => phone.answer(call, false).await,
                        Action::Reject => phone.reject(call),
                        Action::HangUp => phone.hang_up(call),
                        Action::Mute => phone.mute(call, true),
                        Action::Unmute => phone.mute(call, false),
                        Action::Hold => phone.hold(call, true),
                        Action::Resume => phone.hold(call, false),
                    };
                });
            }
            News::Ready { wake } if leads => {
                self.want(wake, None);
                if let Ok(driver) = self.driver() {
                    driver.command(Command::Register);
                }
            }
            News::SignedOut => {
                let phone = self.clone();
                page::beside(async move { phone.close().await });
            }
            News::State { .. } | News::Do { .. } | News::Ready { .. } => {}
        }
    }
}
