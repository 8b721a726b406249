//! Calls that a call server leads: it holds the INVITE, this line leads the wake, and neither waits for the other. What the
//! server says of its call may come late, twice or in any order; what it does not say ends by a deadline.

use super::call::{Call, Leg};
use super::pretence;
use super::wakes::{status_of, words_of};
use super::{Line, LineOutput, quiet};
use crate::edge::callserver::{AskWake, CallbackJob, ServerEvent, ServerWakeView};
use crate::edge::command::{LineError, LineReply, Withheld};
use crate::id::{DeviceId, Number, Uid, WakeId};
use crate::time::{Duration, Time};
use crate::wake::{DeviceState, Event, Failure, ServerSaid, Wake, WakeState};
use alloc::{boxed::Box, string::String};
use serde::{Deserialize, Serialize};

/// How long a call server's call is known after its end. Its question may be signed, and is good for as long as the clocks of both may
/// differ, ahead or behind (five minutes each way): who has recorded it must still find the call that it asked for, not wake anew.
pub const REMEMBERED: Duration = Duration::from_secs(605);
/// Octets of a call server's call id.
const MAX_CALL: usize = 512;
/// Octets of a callback's address.
const MAX_URL: usize = 2048;
/// A call server that never says that a call is over: its record is closed then.
const MAX_TALK: Duration = Duration::from_secs(12 * 3600);
/// How long a callback is under way before it is sent again; longer than a driver waits for its answer.
const CALLBACK_LOST: Duration = Duration::from_secs(15);
/// First wait after a callback that was not taken, and the longest.
const CALLBACK_WAIT: Duration = Duration::from_secs(1);
const CALLBACK_MAX_WAIT: Duration = Duration::from_secs(30);
/// Then the call server has to ask.
const CALLBACK_TRIES: u32 = 20;

/// The call server's side of a call.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Server {
    id: String,
    call: String,
    /// Of the view: 1 when it began.
    version: u64,
    #[serde(default)]
    pub(super) answered_at: Option<Time>,
    #[serde(default)]
    callback: Option<Callback>,
}

/// Where each new version is told. Only the newest is; one at a time, so that none arrives behind a later one.
#[derive(Debug, Serialize, Deserialize)]
struct Callback {
    url: String,
    /// The newest version that was taken.
    told: u64,
    tries: u32,
    /// When it is sent again, whether or not it was answered.
    next_try: Option<Time>,
}

impl Server {
    pub(super) fn deadline(&self, over: bool) -> Option<Time> {
        let talk = self.answered_at.filter(|_| !over).map(|at| at + MAX_TALK);
        let callback = self.callback.as_ref().and_then(|c| c.next_try);
        [talk, callback].into_iter().flatten().min()
    }
}

impl Call {
    /// A call server's call that was answered and is not known to be over.
    pub(super) fn is_talk_at_server(&self) -> bool {
        let answered = |server: &Server| server.answered_at.is_some();
        self.forget_at.is_none() && self.server.as_ref().is_some_and(answered)
    }

    /// How many devices have said "ready" so far, whatever became of them.
    fn ready_pages(&self) -> u32 {
        let ready = |(_, state, _): &(_, DeviceState, _)| *state == DeviceState::Ready;
        u32::try_from(self.wake.steps().filter(ready).count()).unwrap_or(u32::MAX)
    }

    fn server_view(&self, server: &Server, number: &Number, uid: &Uid) -> ServerWakeView {
        let state = self.wake.state();
        let sip = state.is_final().then(|| match state {
            WakeState::Answered => (200, words_of(self)),
            _ => (status_of(state).0, words_of(self)),
        });
        ServerWakeView {
            id: self.id.clone(),
            call: server.call.clone(),
            number: number.clone(),
            uid: uid.clone(),
            state: state.clone(),
            why: self.wake.why(),
            version: server.version,
            ready: self.ready_pages(),
            expires_at: self.wake.expires_at(),
            sip,
        }
    }
}

impl Line {
    pub(super) fn is_led_by_server(&self, wake: &WakeId) -> bool {
        let call = self.calls.get(wake.as_str());
        call.is_some_and(|call| call.server.is_some())
    }

    /// A call server parks a call and wants this line woken. Asked twice, it is one wake.
    pub(super) fn ask_wake(&mut self, now: Time, ask: AskWake) -> Result<LineReply, LineError> {
        let account = self.account()?;
        let too_long = ask.call.len() > MAX_CALL
            || ask.server.len() > MAX_CALL
            || ask.callback.as_ref().is_some_and(|url| url.len() > MAX_URL);
        if too_long {
            return Err(LineError::TooLong);
        }
        let uid = account.party.uid.clone();
        let same = |server: &Server| server.id == ask.server && server.call == ask.call;
        let known = self.calls.values().find_map(|call| {
            let server = call.server.as_ref().filter(|server| same(server))?;
            Some(call.server_view(server, &self.number, &uid))
        });
        if let Some(wake) = known {
            let (wake, created) = (Box::new(wake), false);
            return Ok(LineReply::ServerWake { wake, created });
        }
        if let Some(limited) = ask.limited {
            return Err(LineError::Limited(limited));
        }
        self.check_limits(now, &ask.caller)
            .map_err(LineError::Limited)?;
        let id =
            WakeId::of_line(&self.entropy.token(), &self.number).map_err(|_| LineError::TooLong)?;
        let call = self.led_call(now, id.clone(), ask);
        if call.forget_at.is_none() {
            self.record_asked(now, &call);
        }
        self.put_call(call);
        self.server_reply(&id, true)
    }

    /// The wake of such a call, begun.
    fn led_call(&mut self, now: Time, id: WakeId, ask: AskWake) -> Call {
        let myself = ask.caller.number == self.number;
        let withheld = self.withheld(&ask.caller).filter(|_| !myself);
        let mut limits = self.config.wake.clone();
        limits.ready = ask.ready.unwrap_or(limits.ready);
        limits.ring = ask.ring.unwrap_or(limits.ring);
        let (wake, actions) = match withheld {
            Some(Withheld::DoNotDisturb) => Wake::refused(now, limits, quiet::failure()),
            withheld => {
                let mut targets = self.targets(now, |_, _| false);
                if withheld.is_some() {
                    pretence::asleep(&mut targets);
                }
                Wake::begin_for_server(now, limits, targets)
            }
        };
        let callback = ask.callback.map(|url| Callback {
            url,
            told: 1,
            tries: 0,
            next_try: None,
        });
        let nowhere = Leg::none(&id);
        let mut call = Call::new(now, id, ask.caller, nowhere, wake, withheld);
        // The answer to the question tells what comes of it at once: nobody is told of that twice.
        let server = Server {
            id: ask.server,
            call: ask.call,
            version: 1,
            answered_at: None,
            callback: None,
        };
        call.server = Some(server);
        self.carry_out(now, &mut call, actions);
        if let Some(server) = &mut call.server {
            server.version = 1;
            server.callback = callback;
        }
        call
    }

    pub(super) fn server_wake(&self, wake: &WakeId, server: &str) -> Result<LineReply, LineError> {
        let call = self.calls.get(wake.as_str());
        let asked = call.and_then(|call| call.server.as_ref());
        if asked.is_none_or(|asked| asked.id != server) {
            return Err(LineError::UnknownWake);
        }
        self.server_reply(wake, false)
    }

    fn server_reply(&self, wake: &WakeId, created: bool) -> Result<LineReply, LineError> {
        let uid = &self.account()?.party.uid;
        let call = self
            .calls
            .get(wake.as_str())
            .ok_or(LineError::UnknownWake)?;
        let server = call.server.as_ref().ok_or(LineError::UnknownWake)?;
        let wake = Box::new(call.server_view(server, &self.number, uid));
        Ok(LineReply::ServerWake { wake, created })
    }

    pub(super) fn server_event(
        &mut self,
        now: Time,
        wake: &WakeId,
        server: &str,
        event: ServerEvent,
    ) -> Result<LineReply, LineError> {
        self.server_wake(wake, server)?;
        let (rings, over) = (event == ServerEvent::Ringing, event == ServerEvent::Ended);
        let said = match event {
            ServerEvent::Invited => Event::CallServer(ServerSaid::Invited),
            ServerEvent::Ringing => Event::CallServer(ServerSaid::Rang),
            ServerEvent::Answered => Event::CallServer(ServerSaid::Answered),
            ServerEvent::Failed(failure) => Event::CallServer(ServerSaid::Failed(of_page(failure))),
            ServerEvent::Cancelled | ServerEvent::Ended => Event::CallerCancelled,
        };
        if let Some(mut call) = self.calls.remove(wake.as_str()) {
            if rings && !call.wake.state().is_final() {
                call.ringing_at.get_or_insert(now);
            }
            self.wake_event_of(now, &mut call, said);
            self.put_call(call);
        }
        if over {
            self.end_talk_at_server(now, wake.as_str());
        }
        self.server_wake(wake, server)
    }

    /// An answered call is over.
    pub(super) fn end_talk_at_server(&mut self, now: Time, key: &str) {
        if let Some(mut call) = self.calls.remove(key) {
            if call.is_talk_at_server() {
                self.finish_call(now, &mut call);
            }
            self.put_call(call);
        }
    }

    /// A page is ready. Where another has come further already the state stays as it is, and the call server hears of it all the same.
    pub(super) fn page_ready(&mut self, now: Time, wake: &WakeId, device: &DeviceId) {
        let stood = |line: &Self| {
            let call = line.calls.get(wake.as_str())?;
            Some((call.server.as_ref()?.version, call.ready_pages()))
        };
        let before = stood(self);
        self.wake_event(now, wake.as_str(), Event::Ready(device.clone()));
        let (Some((version, pages)), Some(after)) = (before, stood(self)) else {
            return;
        };
        if after.0 == version
            && after.1 > pages
            && let Some(mut call) = self.calls.remove(wake.as_str())
        {
            self.server_changed(now, &mut call);
            self.put_call(call);
        }
    }

    /// The state of the wake is another one: its version grows, and whoever wants to know is told.
    pub(super) fn server_changed(&mut self, now: Time, call: &mut Call) {
        let Some(server) = &mut call.server else {
            return;
        };
        server.version += 1;
        if *call.wake.state() == WakeState::Answered {
            server.answered_at.get_or_insert(now);
        }
        self.effects.push(LineOutput::Changed(call.id.clone()));
        self.call_back(now, call);
    }

    /// Sends the newest version, unless one is under way.
    fn call_back(&mut self, now: Time, call: &mut Call) {
        let Ok(account) = self.account() else { return };
        let uid = account.party.uid.clone();
        let Some(server) = &mut call.server else {
            return;
        };
        let version = server.version;
        let Some(callback) = &mut server.callback else {
            return;
        };
        let waits = callback.next_try.is_some_and(|at| at > now);
        if callback.told >= version || waits {
            return;
        }
        callback.tries += 1;
        callback.next_try = (callback.tries < CALLBACK_TRIES).then(|| now + CALLBACK_LOST);
        let (server_id, url) = (server.id.clone(), callback.url.clone());
        let Some(server) = &call.server else { return };
        let job = CallbackJob {
            server: server_id,
            url,
            wake: call.server_view(server, &self.number, &uid),
        };
        self.effects.push(LineOutput::Callback(Box::new(job)));
    }

    pub(super) fn callback_result(&mut self, now: Time, wake: &WakeId, version: u64, taken: bool) {
        let Some(mut call) = self.calls.remove(wake.as_str()) else {
            return;
        };
        if let Some(callback) = call.server.as_mut().and_then(|s| s.callback.as_mut())
            && version > callback.told
        {
            if taken {
                callback.told = version;
                callback.tries = 0;
                callback.next_try = None;
                self.call_back(now, &mut call);
            } else if callback.tries < CALLBACK_TRIES {
                let backoff = CALLBACK_WAIT * (1 << (callback.tries.max(1) - 1).min(5));
                callback.next_try = Some(now + backoff.min(CALLBACK_MAX_WAIT));
            } else {
                callback.next_try = None;
            }
        }
        self.put_call(call);
    }

    pub(super) fn server_timeout(&mut self, now: Time, call: &mut Call) {
        let Some(server) = &call.server else { return };
        let talked = server.answered_at.is_some_and(|at| at + MAX_TALK <= now);
        if talked && call.forget_at.is_none() {
            self.finish_call(now, call);
        }
        let callback = call.server.as_mut().and_then(|s| s.callback.as_mut());
        if let Some(callback) = callback.filter(|c| c.next_try.is_some_and(|at| at <= now)) {
            callback.next_try = None;
            self.call_back(now, call);
        }
    }
}

/// What a page's refusal means to others: a challenge or a redirection that was meant for the call server is not theirs.
fn of_page(failure: Failure) -> Failure {
    let status = match failure.status {
        401 | 407 => 480,
        400..=699 => failure.status,
        _ => 480,
    };
    let reason = failure.reason.chars().filter(|c| !c.is_control());
    Failure {
        status,
        reason: reason.take(128).collect(),
    }
}
