//! What the agent tells, and what the pages are shown of it.

use super::{Phone, id};
use crate::page::sleep;
use crate::{
    asked,
    driver::Told,
    page,
    problem::Problem,
    types::{CallChange, CallState, CallView, Registration, RegistrationState, Sound, js},
};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use wakeline_sip::{
    agent::{self, CallId, Command, Event},
    pii::Pii,
};

/// The pause before a token is asked for again when the edge did not answer.
const TOKEN_AGAIN_MS: u32 = 5_000;

impl Phone {
    pub(super) fn told(&self, told: Told) {
        match told {
            Told::Media(call) => self.media_changed(&call.0.to_string()),
            // While the device fetches a new token nothing is refused yet.
            Told::Agent(Event::Registration(agent::Registration::Refused {
                status: 401 | 407,
                ..
            })) if self.0.renewing.get() => {}
            Told::Agent(Event::Registration(registration)) => {
                if let agent::Registration::Refused {
                    status: 401 | 403 | 407,
                    ..
                } = registration
                {
                    self.login_refused();
                }
                self.registration_is(registration.into());
            }
            Told::Agent(Event::Registered { waiting, new_flow }) => {
                self.registered(waiting, new_flow)
            }
            Told::Agent(Event::TokenRefused) => self.renew_token(),
            Told::Agent(Event::Asked(asked)) => asked::keep(&self.0.name, &asked),
            Told::Agent(Event::Incoming(call, view)) => {
                if let Some(wake) = &view.wake {
                    self.wake_arrived(wake);
                }
                #[cfg(feature = "beside")]
                if let Some(about) = &view.about {
                    self.0.port.beside(crate::beside::about(call, about));
                }
                self.call_is(CallView::of(call, view, Sound::default()));
                let Ok(driver) = self.driver() else { return };
                let phone = self.clone();
                page::beside(async move {
                    page::painted().await;
                    driver.command(Command::Alert(call));
                    phone.warm();
                });
            }
            Told::Agent(Event::Call(call, view)) => self.call_came_further(call, view),
            Told::Agent(Event::AnswerFailed(call)) => {
                let problem = self
                    .driver()
                    .ok()
                    .and_then(|d| d.media_failure(call))
                    .unwrap_or(Problem::Gone);
                self.answered(&call.0.to_string(), Err(problem));
            }
            Told::Agent(Event::Dtmf(call, digit)) => {
                self.news(call, "digit", digit.encode_utf8(&mut [0; 4]), 0);
            }
            Told::Agent(Event::Transfer(call, progress)) => {
                let word = match progress {
                    agent::Progress::Trying => "trying",
                    agent::Progress::Ringing => "ringing",
                    agent::Progress::Done => "done",
                };
                self.news(call, "transfer", word, 0);
            }
            #[cfg(feature = "beside")]
            Told::Agent(Event::Beside(event)) => self.0.port.beside(crate::beside::news(event)),
            Told::Agent(Event::Refused { call, what, status }) => {
                let word = match what {
                    agent::Wish::Hold => "hold",
                    agent::Wish::Resume => "resume",
                    agent::Wish::Dtmf => "dtmf",
                    agent::Wish::Transfer => "transfer",
                    agent::Wish::Media => "media",
                };
                self.news(call, "refused", word, status);
            }
        }
    }

    fn news(&self, call: CallId, what: &str, detail: &str, status: u16) {
        self.0.port.news(&call.0.to_string(), what, detail, status);
    }

    pub(super) fn call_came_further(&self, call: CallId, view: agent::CallView) {
        let driver = self.driver().ok();
        let media = driver.as_ref().and_then(|d| d.media(call));
        let sound = media.map(|m| m.sound()).unwrap_or_default();
        let mut view = CallView::of(call, view, sound);
        match (view.state, &mut view.end) {
            (CallState::Active, _) => self.answered(&view.id, Ok(())),
            (CallState::Ended, end) => {
                self.answered(&view.id, Err(Problem::Gone));
                // The browser's own word for a microphone that was refused.
                if let (Some(end), Some(Problem::Browser { name, .. })) =
                    (end, driver.and_then(|d| d.media_failure(call)))
                {
                    end.reason = name;
                }
            }
            _ => {}
        }
        self.call_is(view);
    }

    pub(super) fn answered(&self, call: &str, result: Result<(), Problem>) {
        if let Some(reply) = self.0.answering.borrow_mut().remove(call) {
            reply.tell(result);
        }
    }

    pub(super) fn renew_token(&self) {
        if self.0.renewing.replace(true) {
            return;
        }
        let phone = self.clone();
        page::beside(async move {
            let renewed = phone.token_renewed().await;
            phone.0.renewing.set(false);
            match (renewed, phone.driver()) {
                (Ok(token), Ok(driver)) => driver.command(Command::Token(Pii(token))),
                _ => phone.registration_is(Registration {
                    state: RegistrationState::Refused,
                    reason: Some("signed-out".into()),
                    retry_at: None,
                }),
            }
        });
    }

    /// A new token, however long the edge cannot be reached; or the device's credential is dead.
    pub(super) async fn token_renewed(&self) -> Result<String, Problem> {
        loop {
            match self.0.session.renew().await {
                Ok(()) => return self.0.session.token().await,
                Err(problem) if problem.requires_sign_in() || self.0.closed.get() => {
                    return Err(problem);
                }
                Err(_) => sleep(TOKEN_AGAIN_MS).await,
            }
        }
    }

    pub(super) fn registration_is(&self, registration: Registration) {
        if *self.0.registration.borrow() != registration {
            *self.0.registration.borrow_mut() = registration.clone();
            self.0.port.registration(js(&registration));
            self.tell_state();
        }
    }

    pub(super) fn call_is(&self, view: CallView) {
        let change = match (view.state, self.0.calls.borrow().get(&view.id)) {
            (CallState::Ended, _) => CallChange::Ended,
            (_, None) => CallChange::Added,
            (_, Some(known)) if *known == view => return,
            (_, Some(_)) => CallChange::State,
        };
        let known = self.0.calls.borrow_mut().remove(&view.id).is_some();
        if view.state != CallState::Ended {
            self.0
                .calls
                .borrow_mut()
                .insert(view.id.clone(), view.clone());
        } else if !known {
            self.0.port.call(js(&view), js(&CallChange::Added));
        }
        self.0.port.call(js(&view), js(&change));
        self.tell_state();
    }

    pub(super) fn media_changed(&self, call: &str) {
        let media = id(call).ok().and_then(|id| self.driver().ok()?.media(id));
        let sound = media.map(|m| m.sound()).unwrap_or_default();
        let Some(mut view) = self.0.calls.borrow().get(call).cloned() else {
            return;
        };
        view.muted = sound.muted;
        view.silent = sound.silent;
        view.broken = sound.broken;
        self.0.calls.borrow_mut().insert(call.into(), view.clone());
        self.0.port.call(js(&view), js(&CallChange::Media));
        self.tell_state();
    }

    pub(super) fn mirror(&self, calls: Vec<CallView>) {
        let gone: Vec<_> = {
            let known = self.0.calls.borrow();
            known
                .values()
                .filter(|k| calls.iter().all(|c| c.id != k.id))
                .cloned()
                .collect()
        };
        for view in gone
            .into_iter()
            .map(|view| CallView {
                state: CallState::Ended,
                ..view
            })
            .chain(calls)
        {
            self.call_is(view);
        }
    }

    pub(super) fn forget_mirror(&self) {
        self.mirror(Vec::new());
    }
}
