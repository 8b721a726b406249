//! Wakes: this page says ready for those that it was opened for, and for those that wait when it registers.

use super::{Phone, Reply};
use crate::{
    page,
    problem::Problem,
    types::{WakeProgress, WakingState, js},
};
use gloo_timers::future::TimeoutFuture;
use js_sys::Reflect;
use wakeline_edge_api::problem::{NOT_REGISTERED, WAKE_OVER};
use wakeline_sip::agent::Command;
use wasm_bindgen::JsValue;

/// The pauses before "ready" is said again when the request got lost.
const READY_AGAIN_MS: [u32; 2] = [300, 1_000];

impl Phone {
    pub(super) fn want(&self, wake: String, reply: Option<Reply<JsValue>>) {
        self.progress(&wake, WakingState::Registering, None);
        self.0.wanted.borrow_mut().or_default(wake).extend(reply);
    }

    pub(super) fn registered(&self, waiting: Vec<String>, new_flow: bool) {
        if new_flow {
            self.0.said.borrow_mut().clear();
        }
        let mut wanted = self.0.wanted.take();
        for wake in waiting {
            if self.0.said.borrow().get(&wake).is_none() {
                wanted.or_default(wake);
            }
        }
        if wanted.is_empty() {
            // Otherwise "ready" goes first, and the call that follows brings them.
            self.warm();
        }
        for (wake, replies) in wanted {
            self.0.said.borrow_mut().insert(wake.clone(), ());
            let phone = self.clone();
            page::beside(async move { phone.say_ready(wake, replies).await });
        }
    }

    pub(super) fn warm(&self) {
        if let Ok(driver) = self.driver() {
            driver.warm();
        }
    }

    pub(super) async fn say_ready(&self, wake: String, replies: Vec<Reply<JsValue>>) {
        let mut answer = self.0.session.report(&wake, "ready").await;
        for pause in READY_AGAIN_MS {
            if answer != Err(Problem::Unreachable) {
                break;
            }
            TimeoutFuture::new(pause).await;
            answer = self.0.session.report(&wake, "ready").await;
        }
        let unseen = answer
            .as_ref()
            .is_err_and(|p| p.status() == NOT_REGISTERED.status);
        if unseen
            && self
                .0
                .repeated
                .borrow_mut()
                .insert(wake.clone(), ())
                .is_none()
        {
            // The edge lost sight of this flow: once more, from a registration that it has seen.
            if let Ok(driver) = self.driver() {
                self.0.wanted.borrow_mut().or_default(wake).extend(replies);
                driver.command(Command::Register);
                return;
            }
        }
        match &answer {
            Ok(_) => self.progress(&wake, WakingState::Ready, None),
            Err(Problem::Edge(problem)) if problem.status == WAKE_OVER.status => {
                let outcome = Reflect::get(&problem.wake, &"state".into());
                let outcome = outcome.ok().and_then(|state| state.as_string());
                self.progress(&wake, WakingState::Over, outcome);
            }
            Err(_) => self.progress(&wake, WakingState::Over, None),
        }
        for reply in replies {
            let _ = reply.send(answer.clone());
        }
    }

    pub(super) fn progress(&self, wake: &str, state: WakingState, outcome: Option<String>) {
        let progress = WakeProgress {
            wake: wake.into(),
            state,
            outcome,
        };
        self.0.port.waking(js(&progress));
    }
}
