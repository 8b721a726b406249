//! Wakes: this page says ready for those that it was opened for, and for those that wait when it registers.

use super::{Phone, Reply};
use crate::page::sleep;
use crate::{
    page,
    plain::read,
    problem::Problem,
    types::{Hindrance, RegistrationState, WakeProgress, WakingState, js},
};
use alloc::{string::String, vec::Vec};
use wakeline_edge_api::{
    WakeState, Why,
    problem::{NOT_REGISTERED, WAKE_OVER},
};
use wakeline_sip::agent::Command;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

/// The pauses before "ready" is said again when the request got lost.
const READY_AGAIN_MS: [u32; 2] = [300, 1_000];
/// And from then on, for as long as the wake lasts.
const READY_LATER_MS: u32 = 3_000;

/// A wake that was tapped is looked after this often until its call is here.
const LOOK_MS: u32 = 1_000;
/// A step that takes so many looks is held up: a REGISTER is given up after 5 s.
const STUCK_LOOKS: u32 = 6;
/// While it is held up the edge is asked every so many looks what has become of it.
const ASK_LOOKS: u32 = 3;
/// A wake that the edge cannot be asked about is over by then, whatever the site's limits are.
const GIVE_UP_LOOKS: u32 = 300;

/// How far this page is with a wake that it was opened for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It proves its registration.
    Registering,
    /// It says ready.
    Saying,
    /// The edge knows that it is ready.
    Said,
}

impl Phone {
    pub(super) fn want(&self, wake: String, reply: Option<Reply<JsValue>>) {
        self.progress(&wake, WakingState::Registering, None);
        self.0
            .wanted
            .borrow_mut()
            .or_default(wake.clone())
            .extend(reply);
        let mut underway = self.0.underway.borrow_mut();
        if underway.insert(wake.clone(), Step::Registering).is_none() {
            let phone = self.clone();
            page::beside(async move { phone.look_after(wake).await });
        }
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
            self.step(&wake, Step::Saying);
            let phone = self.clone();
            page::beside(async move { phone.say_ready(wake, replies).await });
        }
        if new_flow && self.0.session.sip().is_some() {
            self.ask_waiting();
        }
    }

    /// What the next call or page will want is made ready in a quiet moment.
    pub(super) fn warm(&self) {
        self.0.session.prepare();
        if let Ok(driver) = self.driver() {
            driver.warm();
        }
    }

    /// A tapped wake has come further.
    fn step(&self, wake: &str, to: Step) {
        let mut underway = self.0.underway.borrow_mut();
        if underway.get(wake).is_some() {
            underway.insert(wake.into(), to);
        }
    }

    pub(super) async fn say_ready(&self, wake: String, replies: Vec<Reply<JsValue>>) {
        let tapped = self.0.underway.borrow().get(&wake).is_some();
        let mut pauses = READY_AGAIN_MS.into_iter();
        let mut early = self.said_early(&wake).await;
        let answer = loop {
            let answer = match early.take() {
                Some(answer) => Ok(answer),
                None => self.0.session.report(&wake, "ready").await,
            };
            let lost = matches!(&answer, Err(p) if *p == Problem::Unreachable || p.status() >= 500);
            // Who was tapped goes on until the call is here or the wake is over.
            let pause = pauses.next().or(tapped.then_some(READY_LATER_MS));
            match pause.filter(|_| lost) {
                Some(pause) => sleep(pause).await,
                None => break answer,
            }
            if tapped && self.0.underway.borrow().get(&wake).is_none() {
                break answer;
            }
        };
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
                self.step(&wake, Step::Registering);
                self.0.wanted.borrow_mut().or_default(wake).extend(replies);
                driver.command(Command::Register);
                return;
            }
        }
        let going = !tapped || self.0.underway.borrow().get(&wake).is_some();
        match &answer {
            _ if !going => {}
            Ok(_) if tapped => {
                self.step(&wake, Step::Said);
                self.progress(&wake, WakingState::Ready, None);
            }
            // Nobody waits for this one on the screen: it rings when its call is here, or is busy beside another.
            Ok(_) => {}
            Err(Problem::Edge(problem)) if problem.status == WAKE_OVER.status => {
                self.wake_over(&wake, &problem.wake);
            }
            Err(_) => self.wake_over(&wake, &JsValue::UNDEFINED),
        }
        for reply in replies {
            reply.tell(answer.clone());
        }
    }

    /// The edge's answer, if the page said ready for this wake before the core was there and the edge took it.
    async fn said_early(&self, wake: &str) -> Option<JsValue> {
        let said = self.0.early_ready.take()?;
        let view = JsFuture::from(said).await.ok()?;
        (read::<String>(&view, "id")? == wake).then_some(view)
    }

    /// Looks after a wake that was tapped until its call is here or it is over: whoever tapped is told what holds it up,
    /// and so is the edge, for the caller.
    async fn look_after(&self, wake: String) {
        let (mut last, mut told, mut looks) = (Step::Registering, None, 0);
        for look in 1..=GIVE_UP_LOOKS {
            sleep(LOOK_MS).await;
            let step = self.0.underway.borrow().get(&wake).copied();
            let Some(step) = step.filter(|_| !self.0.closed.get()) else {
                return;
            };
            looks = if step == last { looks + 1 } else { 1 };
            last = step;
            let refused = self.0.registration.borrow().state == RegistrationState::Refused;
            let stuck = looks >= STUCK_LOOKS;
            let held = match step {
                Step::Registering if refused => Some((Why::Refused, Hindrance::Refused)),
                Step::Registering if stuck => Some((Why::Unregistered, Hindrance::Unregistered)),
                Step::Saying if stuck => Some((Why::Unready, Hindrance::Unready)),
                // The INVITE is late: is there still one to come?
                Step::Said if stuck => None,
                _ => continue,
            };
            let news = told != held.map(|(_, by)| by);
            if !news && look % ASK_LOOKS != 0 {
                continue;
            }
            told = held.map(|(_, by)| by);
            let answer = match held {
                Some((why, _)) => self.0.session.hindered(&wake, why).await,
                None => self.0.session.wake(&wake).await,
            };
            if self.0.underway.borrow().get(&wake).is_none() {
                return;
            }
            match answer {
                Ok(view) if is_over(&view) => return self.wake_over(&wake, &view),
                Ok(_) => self.hindered(&wake, step, told),
                Err(p) if matches!(p.status(), 404 | 410) => {
                    return self.wake_over(&wake, &JsValue::UNDEFINED);
                }
                Err(_) => {
                    let by = told.map_or(Hindrance::Unreachable, |by| match by {
                        Hindrance::Refused => by,
                        _ => Hindrance::Unreachable,
                    });
                    self.hindered(&wake, step, Some(by));
                }
            }
        }
        self.wake_over(&wake, &JsValue::UNDEFINED);
    }

    /// The wake is over, as the edge describes it; undefined when it did not.
    fn wake_over(&self, wake: &str, view: &JsValue) {
        self.0.underway.borrow_mut().remove(wake);
        self.tell_progress(WakeProgress {
            wake: wake.into(),
            state: WakingState::Over,
            outcome: read(view, "state"),
            why: read(view, "why"),
            hindered: None,
        });
        for reply in self
            .0
            .wanted
            .borrow_mut()
            .remove(wake)
            .into_iter()
            .flatten()
        {
            reply.tell(Err(Problem::Gone));
        }
    }

    /// Its call is here.
    pub(super) fn wake_arrived(&self, wake: &str) {
        self.0.said.borrow_mut().insert(wake.into(), ());
        self.0.underway.borrow_mut().remove(wake);
    }

    fn hindered(&self, wake: &str, step: Step, by: Option<Hindrance>) {
        let state = match step {
            Step::Said => WakingState::Ready,
            _ => WakingState::Registering,
        };
        self.progress(wake, state, by);
    }

    pub(super) fn progress(&self, wake: &str, state: WakingState, hindered: Option<Hindrance>) {
        self.tell_progress(WakeProgress {
            wake: wake.into(),
            state,
            outcome: None,
            why: None,
            hindered,
        });
    }

    fn tell_progress(&self, progress: WakeProgress) {
        self.0.port.waking(js(&progress));
    }
}

/// Whether this is a wake that has ended.
fn is_over(view: &JsValue) -> bool {
    read(view, "state").is_some_and(WakeState::is_final)
}
