//! A line whose pages register at a call server: the edge, which wakes it, hands out what the call server takes for a while.

use super::Phone;
use crate::page::sleep;
use crate::{
    bodies::OpenWake, clock::now, page, plain::read, rest::NO_BODY, types::RegistrationState,
};
use alloc::vec::Vec;
use wakeline_edge_api::WakeState;
use wakeline_sip::agent::Command;

/// The credentials are renewed this long before they end, or after half of a short life.
const BEFORE_MS: u64 = 600_000;
/// The pause before they are asked for again when the edge did not answer.
const AGAIN_MS: u64 = 30_000;
/// Timers of a browser do not go further than 24 days; an hour is looked at once more.
const LONGEST_MS: u64 = 3_600_000;

impl Phone {
    /// Keeps the login at the call server alive for as long as this tab leads.
    pub(super) fn keep_login(&self) {
        if self.0.session.sip().is_none() || self.0.keeping.replace(true) {
            return;
        }
        let weak = self.weak();
        page::beside(async move {
            loop {
                let Some(phone) = weak.upgrade().map(Phone) else {
                    return;
                };
                let Some(left) = phone.0.session.sip_left() else {
                    phone.0.keeping.set(false);
                    return;
                };
                let wait = match left.saturating_sub(BEFORE_MS.min(left / 2)) {
                    wait if wait > 1_000 => wait,
                    _ if phone.login_renewed().await => 1_000,
                    _ => AGAIN_MS,
                };
                drop(phone);
                sleep(u32::try_from(wait.min(LONGEST_MS)).unwrap_or(u32::MAX)).await;
            }
        });
    }

    /// The call server has refused us: with what the edge hands out now it may not. Not in a loop.
    pub(super) fn login_refused(&self) {
        if self.0.session.sip().is_none()
            || now() < self.0.login_tried.get().saturating_add(AGAIN_MS)
        {
            return;
        }
        let phone = self.clone();
        page::beside(async move {
            phone.login_renewed().await;
        });
    }

    async fn login_renewed(&self) -> bool {
        self.0.login_tried.set(now());
        let renewed = self.0.session.renew_sip().await;
        let login = self.0.session.sip_login();
        match (renewed, login, self.driver()) {
            (Ok(()), Some(login), Ok(driver)) => {
                driver.command(Command::Login(login));
                true
            }
            _ => false,
        }
    }

    /// A call server does not say what waits for the line; the edge does.
    pub(super) fn ask_waiting(&self) {
        let phone = self.clone();
        page::beside(async move {
            let answer = phone.0.session.ask("GET", "/v1/waiting", NO_BODY).await;
            let Some(wakes) = answer.ok().and_then(|a| read::<Vec<OpenWake>>(&a, "wakes")) else {
                return;
            };
            let registered = phone.0.registration.borrow().state == RegistrationState::Registered;
            let open = wakes
                .into_iter()
                .filter(|wake| wake.state < WakeState::Ready);
            if registered {
                phone.registered(open.map(|wake| wake.id).collect(), false);
            }
        });
    }
}
