//! The phone of one tab: it leads (holds the line's flow) or follows (shows what the leading tab does).

mod callserver;
mod tabs;
mod told;
mod wakes;

use crate::page::sleep;
use crate::{
    channel::{Action, Channel, News},
    driver::Driver,
    ice::IceServers,
    leader::{Claim, Lead, Waiting, claim},
    once,
    opening::{Begun, Early},
    problem::{Problem, settled},
    session::Session,
    table::Table,
    types::{CallState, CallView, PhonePort, Registration, RegistrationState, Role},
};
use alloc::rc::{Rc, Weak};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::cell::{Cell, RefCell};
use js_sys::Promise;
use wakeline_sip::{
    agent::{CallId, Command},
    pii::Pii,
};
use wasm_bindgen::prelude::*;
use web_sys::{MediaStream, RtcPeerConnection};

/// How long a closing phone waits for its farewell.
const FAREWELL_MS: u32 = 1_500;

type Reply<T> = once::Teller<Result<T, Problem>>;

/// The phone of one tab. Clones share it.
#[derive(Clone)]
pub struct Phone(Rc<Inner>);

struct Inner {
    session: Session,
    name: String,
    ice: Rc<IceServers>,
    port: PhonePort,
    role: Cell<Role>,
    leading: RefCell<Option<Leading>>,
    /// The claim of a follower to lead one day.
    waiting: RefCell<Option<Waiting>>,
    channel: RefCell<Option<Channel>>,
    registration: RefCell<Registration>,
    /// The calls that are not over, by the page's id.
    calls: RefCell<Table<String, CallView>>,
    /// Wakes to say ready for at the next registration, with those who want to know.
    wanted: RefCell<Table<String, Vec<Reply<JsValue>>>>,
    /// Wakes that were tapped and whose call is not here yet.
    underway: RefCell<Table<String, wakes::Step>>,
    /// Wakes that need nothing more on this flow.
    said: RefCell<Table<String, ()>>,
    /// What was begun before the core was there.
    begun: RefCell<Option<Begun>>,
    /// The edge's answer to the "ready" that was said before the core was there.
    early_ready: RefCell<Option<Promise>>,
    /// Wakes for which the edge was told twice.
    repeated: RefCell<Table<String, ()>>,
    answering: RefCell<Table<String, Reply<()>>>,
    leader_state: RefCell<Option<once::Teller<()>>>,
    /// The device fetches a new token.
    renewing: Cell<bool>,
    /// The login at the call server is looked after.
    keeping: Cell<bool>,
    /// When the edge was asked for it last, ms since the epoch.
    login_tried: Cell<u64>,
    closed: Cell<bool>,
}

struct Leading {
    driver: Driver,
    _lock: Lead,
}

/// How a phone is opened.
pub struct Options {
    /// `RTCIceServer[]`, or undefined: those of the edge.
    pub ice_servers: JsValue,
    /// The wake that the page was opened for.
    pub wake: Option<String>,
    /// What the page has begun for this phone.
    pub early: Option<Early>,
}

impl Phone {
    /// Opens the phone; when it leads, its socket is under way.
    pub async fn open(
        session: Session,
        options: Options,
        port: PhonePort,
    ) -> Result<Self, Problem> {
        let name = session.lock_name()?;
        let ice = IceServers::new(session.clone(), options.ice_servers);
        let phone = Self(Rc::new(Inner {
            session,
            name: name.clone(),
            ice: Rc::new(ice),
            port,
            role: Cell::new(Role::Following),
            leading: RefCell::new(None),
            waiting: RefCell::new(None),
            channel: RefCell::new(None),
            registration: RefCell::new(Registration {
                state: RegistrationState::Connecting,
                reason: None,
                retry_at: None,
            }),
            calls: RefCell::default(),
            wanted: RefCell::default(),
            underway: RefCell::default(),
            said: RefCell::default(),
            begun: RefCell::new(None),
            early_ready: RefCell::new(None),
            repeated: RefCell::default(),
            answering: RefCell::default(),
            leader_state: RefCell::new(None),
            renewing: Cell::new(false),
            keeping: Cell::new(false),
            login_tried: Cell::new(0),
            closed: Cell::new(false),
        }));
        if let Some(wake) = &options.wake {
            phone.want(wake.clone(), None);
        }
        // The page's first script may lead already.
        let begun = Begun::take(&name, options.early).await;
        let lock = match begun.as_ref().and_then(|b| b.lead(phone.stolen())) {
            Some(lock) => Some(lock),
            None => claim(&name, Claim::IfFree, None, phone.stolen()).await?,
        };
        *phone.0.begun.borrow_mut() = begun;
        match lock {
            Some(lock) => {
                phone.lead(lock).await?;
                phone.join();
            }
            None => {
                phone.join();
                phone.follow();
                if options.wake.is_some() {
                    phone.tapped_beside_a_leader().await?;
                }
            }
        }
        Ok(phone)
    }

    /// Which part this tab plays.
    pub fn role(&self) -> Role {
        self.0.role.get()
    }

    /// The true registration, the leader's when this tab follows.
    pub fn registration(&self) -> Registration {
        self.0.registration.borrow().clone()
    }

    /// Makes this tab lead. A call in progress in the tab that led is ended there.
    pub async fn take_over(&self) -> Result<(), Problem> {
        if self.0.closed.get() {
            return Err(Problem::Gone);
        }
        if self.role() == Role::Leading {
            return Ok(());
        }
        if let Some(waiting) = self.0.waiting.take() {
            waiting.give_up();
        }
        match claim(&self.0.name, Claim::Steal, None, self.stolen()).await? {
            Some(lock) => self.lead(lock).await,
            None => Err(Problem::NotLeading),
        }
    }

    /// Calls a number; a following tab takes over first. The call is told to the port before this resolves.
    pub async fn call(
        &self,
        number: String,
        headers: Vec<(String, String)>,
    ) -> Result<String, Problem> {
        self.take_over().await?;
        let driver = self.driver()?;
        let call = driver.next_call();
        driver.command(Command::Call {
            call,
            to: Pii(number),
            headers,
        });
        Ok(call.0.to_string())
    }

    /// Takes an incoming call; resolves when both sides have agreed. With `listen` no microphone is asked for.
    pub async fn answer(&self, call: String, listen: bool) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::Answer);
        };
        let waits = |view: &CallView| view.state == CallState::Incoming;
        if !self.0.calls.borrow().get(&call).is_some_and(waits) {
            return Err(Problem::Gone);
        }
        let (reply, answered) = once::channel();
        self.0.answering.borrow_mut().insert(call.clone(), reply);
        driver.listen(listen.then_some(id(&call)?));
        driver.command(Command::Answer(id(&call)?));
        answered.await.unwrap_or(Err(Problem::Gone))
    }

    /// Declines an incoming call.
    pub fn reject(&self, call: String) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::Reject);
        };
        driver.command(Command::Reject(id(&call)?));
        Ok(())
    }

    /// Ends a call.
    pub fn hang_up(&self, call: String) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, Action::HangUp);
        };
        driver.command(Command::HangUp(id(&call)?));
        Ok(())
    }

    /// Sends silence, or the microphone again.
    pub fn mute(&self, call: String, on: bool) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, if on { Action::Mute } else { Action::Unmute });
        };
        driver.media(id(&call)?).ok_or(Problem::Gone)?.mute(on);
        self.media_changed(&call);
        Ok(())
    }

    /// Puts a call on hold, or talks again.
    pub fn hold(&self, call: String, on: bool) -> Result<(), Problem> {
        let Ok(driver) = self.driver() else {
            return self.tell_leader(call, if on { Action::Hold } else { Action::Resume });
        };
        driver.command(Command::Hold(id(&call)?, on));
        Ok(())
    }

    /// Sends digits by INFO; only in the leading tab.
    pub fn dtmf(&self, call: String, digits: String) -> Result<(), Problem> {
        self.driver()?.command(Command::Dtmf(id(&call)?, digits));
        Ok(())
    }

    /// Sends the other side of a call to a number, or to that of another call; only in the leading tab.
    pub fn transfer(&self, call: String, to: String, attended: bool) -> Result<(), Problem> {
        let call = id(&call)?;
        self.driver()?.command(if attended {
            Command::TransferTo(call, id(&to)?)
        } else {
            Command::Transfer(call, Pii(to))
        });
        Ok(())
    }

    /// Takes the microphone anew in a call that has lost it, or was answered without; only in the leading tab.
    pub async fn use_microphone(&self, call: String) -> Result<(), Problem> {
        let media = self.driver()?.media(id(&call)?).ok_or(Problem::Gone)?;
        settled(media.use_microphone()).await?;
        self.media_changed(&call);
        Ok(())
    }

    /// The other side's stream; only in the leading tab.
    pub fn remote_stream(&self, call: &str) -> Option<MediaStream> {
        self.driver().ok()?.media(id(call).ok()?)?.remote()
    }

    /// `RTCIceServer[]` for the next call, or undefined: those that the page gave, or else those of the edge.
    pub fn ice_servers(&self) -> Promise {
        self.0.ice.awaited()
    }

    /// The connection of a call; only in the leading tab.
    pub fn connection(&self, call: &str) -> Option<RtcPeerConnection> {
        self.driver().ok()?.media(id(call).ok()?)?.peer()
    }

    /// Offers the other side what the connection sends and takes now; only in the leading tab.
    pub fn offer(&self, call: String) -> Result<(), Problem> {
        self.driver()?.command(Command::Offer(id(&call)?));
        Ok(())
    }

    /// Tells the other side that this page records the call, or does so no more; only in the leading tab.
    pub fn record(&self, call: String, on: bool) -> Result<(), Problem> {
        self.driver()?.command(Command::Record(id(&call)?, on));
        Ok(())
    }

    /// Candidates that came after a description; only in the leading tab.
    pub fn candidates(&self, call: String, fragment: String) -> Result<(), Problem> {
        let fragment = Pii(fragment.into_bytes());
        self.driver()?
            .command(Command::Candidates(id(&call)?, fragment));
        Ok(())
    }

    /// Registers anew once, then says ready for this wake.
    pub async fn ready(&self, wake: String) -> Result<JsValue, Problem> {
        if self.role() == Role::Following {
            self.take_over().await?;
        }
        let (reply, said) = once::channel();
        self.want(wake, Some(reply));
        self.driver()?.command(Command::Register);
        said.await.unwrap_or(Err(Problem::Gone))
    }

    /// Hangs up, unregisters, and lets another tab lead.
    pub async fn close(&self) {
        if self.0.closed.replace(true) {
            return;
        }
        if let Some(waiting) = self.0.waiting.take() {
            waiting.give_up();
        }
        if let Ok(driver) = self.driver() {
            driver.command(Command::Stop);
            for _ in 0..FAREWELL_MS / 50 {
                if driver.has_left() {
                    break;
                }
                sleep(50).await;
            }
        }
        self.0.leading.take();
        self.0.channel.take();
        self.registration_is(Registration {
            state: RegistrationState::Closed,
            reason: None,
            retry_at: None,
        });
    }

    /// The user signed out in this tab: the others are told.
    pub async fn signed_out(&self) {
        self.tell(&News::SignedOut);
        self.close().await;
    }

    pub(crate) fn driver(&self) -> Result<Driver, Problem> {
        let leading = self.0.leading.borrow();
        leading
            .as_ref()
            .map(|l| l.driver.clone())
            .ok_or(Problem::NotLeading)
    }

    fn weak(&self) -> Weak<Inner> {
        Rc::downgrade(&self.0)
    }
}

fn id(call: &str) -> Result<CallId, Problem> {
    call.parse().map(CallId).map_err(|_| Problem::Gone)
}
