//! Requests of the page that wait for their answer: the server transactions of the socket.

use super::{Flow, FlowOutput};
use crate::edge::messages::{Answer, FlowToLine, Party, line_object};
use crate::edge::outbox::{Envelope, NO_CALL};
use crate::id::{DeviceId, Number, WakeId};
use crate::time::{Duration, Time};
use crate::transaction::{
    ServerAction, ServerInvite, ServerInviteState, ServerKey, ServerNonInvite, Transport,
};
use crate::wire::{HeaderName, Method, Request, Response, Uri};
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// One server transaction and the line that will answer it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ServerRow {
    machine: Machine,
    line: Number,
    /// The call; none for REGISTER.
    call: Option<WakeId>,
    /// It began the call, is not inside it.
    begins: bool,
    /// Nobody answers it later than this: the line is told, or it is refused.
    give_up_at: Option<Time>,
    /// When it came.
    #[serde(default)]
    came_at: Option<Time>,
    /// While this REGISTER was on its way its line said that the registration has ended: when, by the line's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unbound_at: Option<Time>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Machine {
    Invite(Box<ServerInvite>),
    Other(Box<ServerNonInvite>),
}

/// How long a line may take to answer anything but an INVITE.
const ANSWER_BY: Duration = crate::timers::GIVE_UP;

impl ServerRow {
    pub(super) fn deadline(&self) -> Option<Time> {
        let machine = match &self.machine {
            Machine::Invite(machine) => machine.deadline(),
            Machine::Other(machine) => machine.deadline(),
        };
        [machine, self.give_up_at].into_iter().flatten().min()
    }

    /// Since when its page waits for an answer to the call that it began, if it does.
    pub(super) fn waits_since(&self) -> Option<Time> {
        self.came_at
            .filter(|_| self.begins && self.give_up_at.is_some())
    }

    pub(super) fn request(&self) -> &Request {
        match &self.machine {
            Machine::Invite(machine) => machine.request(),
            Machine::Other(machine) => machine.request(),
        }
    }

    pub(super) fn registers(&self, number: &Number) -> bool {
        self.call.is_none() && self.line == *number
    }

    pub(super) fn unbound_at(&self) -> Option<Time> {
        self.unbound_at
    }

    pub(super) fn note_unbound(&mut self, at: Time) {
        self.unbound_at = self.unbound_at.max(Some(at));
    }

    fn respond(&mut self, response: Response, now: Time) -> Vec<ServerAction> {
        if response.is_final() {
            self.give_up_at = None;
        }
        match &mut self.machine {
            Machine::Invite(machine) => machine.respond(response, now),
            Machine::Other(machine) => machine.respond(response, now),
        }
    }
}

impl Flow {
    /// A new call: the wake id is minted here, the caller hears 100 at once, the line decides the rest.
    pub(super) fn forward_invite(
        &mut self,
        now: Time,
        key: ServerKey,
        request: Request,
        line: Number,
        caller: Party,
        device: Option<DeviceId>,
    ) {
        let wake = WakeId::parse(&self.entropy.token()).expect("a token is a valid wake id");
        if !self.join_call(wake.as_str(), &line) {
            return self.refuse_with(&request, 503, "Too Many Calls", &[("Retry-After", "5")]);
        }
        self.name_dialog(wake.as_str(), &request);
        let row = ServerRow {
            machine: Machine::Invite(Box::new(ServerInvite::start(
                request.clone(),
                Transport::Reliable,
                now,
            ))),
            line: line.clone(),
            call: Some(wake.clone()),
            begins: true,
            give_up_at: Some(now + self.patience()),
            came_at: Some(now),
            unbound_at: None,
        };
        self.server.insert(key.as_str(), row);
        self.respond(now, key.as_str(), Response::for_request(&request, 100, ""));
        self.tell_line(
            now,
            &line,
            Some(&wake),
            FlowToLine::Invite {
                caller,
                device,
                request,
            },
        );
    }

    /// A request inside a dialog goes to the line that owns the call.
    pub(super) fn forward_in_dialog(
        &mut self,
        now: Time,
        key: ServerKey,
        request: Request,
        wake: &WakeId,
        line: &Number,
        from: Number,
    ) {
        if !self.join_call(wake.as_str(), line) {
            return self.refuse_with(&request, 503, "Too Many Calls", &[("Retry-After", "5")]);
        }
        let is_invite = request.method == Method::Invite;
        let machine = if is_invite {
            Machine::Invite(Box::new(ServerInvite::start(
                request.clone(),
                Transport::Reliable,
                now,
            )))
        } else {
            Machine::Other(Box::new(ServerNonInvite::start(
                request.clone(),
                Transport::Reliable,
            )))
        };
        let row = ServerRow {
            machine,
            line: line.clone(),
            call: Some(wake.clone()),
            begins: false,
            give_up_at: Some(
                now + if is_invite {
                    self.patience()
                } else {
                    ANSWER_BY
                },
            ),
            came_at: None,
            unbound_at: None,
        };
        self.server.insert(key.as_str(), row);
        if is_invite {
            self.respond(now, key.as_str(), Response::for_request(&request, 100, ""));
        }
        let msg = FlowToLine::InDialog {
            tx: Some(key.as_str().to_owned()),
            from: Some(from),
            request,
        };
        self.tell_line(now, line, Some(wake), msg);
    }

    /// Keeps a REGISTER until its line has answered.
    pub(super) fn hold_register(
        &mut self,
        now: Time,
        key: &ServerKey,
        request: Request,
        line: Number,
    ) {
        let row = ServerRow {
            machine: Machine::Other(Box::new(ServerNonInvite::start(
                request,
                Transport::Reliable,
            ))),
            line,
            call: None,
            begins: false,
            give_up_at: Some(now + ANSWER_BY),
            came_at: None,
            unbound_at: None,
        };
        self.server.insert(key.as_str(), row);
    }

    /// The same request again: its transaction knows.
    pub(super) fn received_again(&mut self, now: Time, key: &ServerKey, request: &Request) -> bool {
        let Some(row) = self.server.get_mut(key.as_str()) else {
            return false;
        };
        let actions = match &mut row.machine {
            Machine::Invite(machine) => machine.receive(request.clone(), now),
            Machine::Other(machine) => machine.receive(request),
        };
        self.server_actions(now, key.as_str(), actions);
        true
    }

    /// Was this the ACK of a failure that we sent?
    pub(super) fn ack_of_failure(&mut self, now: Time, key: &ServerKey, request: &Request) -> bool {
        let failed = |row: &ServerRow| match &row.machine {
            Machine::Invite(machine) => {
                matches!(
                    machine.state(),
                    ServerInviteState::Completed | ServerInviteState::Confirmed
                )
            }
            Machine::Other(_) => false,
        };
        self.server.get(key.as_str()).is_some_and(failed) && self.received_again(now, key, request)
    }

    /// Has this flow heard a 2xx from this line to an INVITE of that Call-ID?
    pub(super) fn was_answered(&self, line: &Number, ack: &Request) -> bool {
        self.server.values().any(|row| {
            let accepted = matches!(&row.machine, Machine::Invite(machine) if machine.state() == ServerInviteState::Accepted);
            accepted && row.line == *line && row.request().headers.call_id() == ack.headers.call_id()
        })
    }

    /// CANCEL (RFC 3261 §9.2): 200 for itself, and the line ends what it cancels.
    pub(super) fn cancel(&mut self, now: Time, request: Request) {
        let key = ServerKey::of_cancelled(&request).ok();
        let row = key.as_ref().and_then(|key| self.server.get(key.as_str()));
        let Some((row, key)) = row.zip(key.as_ref()) else {
            return self.refuse(&request, 481, "");
        };
        let pending = matches!(&row.machine, Machine::Invite(machine) if machine.state() == ServerInviteState::Proceeding);
        let (line, call, begins) = (row.line.clone(), row.call.clone(), row.begins);
        self.refuse(&request, 200, "");
        if pending {
            let reason = request.headers.get(HeaderName::Reason).map(str::to_owned);
            let msg = if begins {
                FlowToLine::Cancel { reason }
            } else {
                FlowToLine::CancelInDialog {
                    tx: key.as_str().to_owned(),
                }
            };
            self.tell_line(now, &line, call.as_ref(), msg);
        }
    }

    /// The edge's own answer.
    pub(super) fn answer(&mut self, now: Time, call: &str, tx: Option<String>, answer: &Answer) {
        let Some(key) = self.server_key(call, tx) else {
            return;
        };
        let Some(request) = self.server.get(&key).map(ServerRow::request) else {
            return;
        };
        let mut response = Response::for_request(request, answer.status, &answer.phrase)
            .with_to_tag(&answer.to_tag);
        if (101..300).contains(&answer.status) && request.method == Method::Invite {
            let contact =
                Uri::host(super::ingress::edge_host(&self.config)).with_param("transport", "ws");
            response
                .headers
                .push(HeaderName::Contact, format!("<{contact}>"));
        }
        if let Some((wake, state)) = &answer.wake {
            response
                .headers
                .push("Wakeline-Wake", format!("{wake};state={state}"));
        }
        for (name, value) in &answer.headers {
            response.headers.push(name.as_str(), value.as_str());
        }
        self.respond(now, &key, response);
    }

    /// A response of the far side.
    pub(super) fn relay_response(
        &mut self,
        now: Time,
        call: &str,
        tx: Option<String>,
        mut response: Response,
    ) {
        let Some(key) = self.server_key(call, tx) else {
            return;
        };
        if let Some(row) = self.server.get(&key) {
            // The far side answers the INVITE that was forked to it. Its caller may have repeated that INVITE over this
            // socket since, under a branch of its own.
            let vias = row.request().headers.get_all(HeaderName::Via);
            response.headers.remove(HeaderName::Via);
            response.headers.prepend(HeaderName::Via, vias.join(", "));
        }
        self.respond(now, &key, response);
    }

    /// The key of a transaction: its own, or that of the INVITE that began this call.
    fn server_key(&self, call: &str, tx: Option<String>) -> Option<String> {
        match tx {
            Some(key) => Some(key),
            None => self
                .server
                .iter()
                .find(|(_, row)| {
                    row.begins && row.call.as_ref().is_some_and(|wake| wake.as_str() == call)
                })
                .map(|(key, _)| key.to_owned()),
        }
    }

    pub(super) fn respond(&mut self, now: Time, key: &str, response: Response) {
        let patience = self.patience();
        let Some(row) = self.server.get_mut(key) else {
            return;
        };
        let bye = row.request().method == Method::Bye && response.is_final();
        let bye = bye.then(|| (row.line.clone(), row.request().clone()));
        let over = match (&row.call, row.request().method == Method::Bye, row.begins) {
            (Some(wake), true, _) if response.is_final() => Some(wake.as_str().to_owned()),
            (Some(wake), _, true) if response.status >= 300 => Some(wake.as_str().to_owned()),
            // Whoever asked inside of a dialog that is over has no part in it.
            (Some(wake), _, false) if response.status == 481 => Some(wake.as_str().to_owned()),
            _ => None,
        };
        if (101..200).contains(&response.status) && row.give_up_at.is_some() {
            row.give_up_at = Some(now + patience);
        }
        let actions = row.respond(response, now);
        self.server_actions(now, key, actions);
        if let (Some(wake), Some((line, bye))) = (&over, bye) {
            self.leave_dialog(wake, &line, &bye);
        } else if let Some(wake) = over {
            self.leave_call(&wake);
        }
    }

    pub(super) fn server_timeout(&mut self, now: Time) {
        for key in self
            .server
            .keys_where(|row| row.deadline().is_some_and(|at| at <= now))
        {
            let Some(row) = self.server.get_mut(&key) else {
                continue;
            };
            if row.give_up_at.is_some_and(|at| at <= now) {
                self.give_up(now, &key);
                continue;
            }
            let actions = match &mut row.machine {
                Machine::Invite(machine) => machine.timeout(now),
                Machine::Other(machine) => machine.timeout(now),
            };
            self.server_actions(now, &key, actions);
        }
    }

    /// The line has not answered: the page hears 408, and a call that may still ring somewhere is called off.
    fn give_up(&mut self, now: Time, key: &str) {
        let Some(row) = self.server.get(key) else {
            return;
        };
        let (line, call, begins) = (row.line.clone(), row.call.clone(), row.begins);
        let is_invite = row.request().method == Method::Invite;
        let response =
            Response::for_request(row.request(), 408, "").with_to_tag(&self.entropy.tag());
        self.respond(now, key, response);
        if is_invite {
            let msg = if begins {
                FlowToLine::Cancel { reason: None }
            } else {
                FlowToLine::CancelInDialog { tx: key.to_owned() }
            };
            self.tell_line(now, &line, call.as_ref(), msg);
        }
    }

    /// How long an INVITE waits for a word of its line: longer than any wake that goes as it should.
    fn patience(&self) -> Duration {
        let wake = &self.config.wake;
        wake.ready + wake.tap_grace + wake.ring + Duration::from_secs(30)
    }

    /// A line could not be reached: whoever waits for it hears so.
    pub(super) fn undeliverable(&mut self, now: Time, envelope: Envelope<FlowToLine>) {
        let key = match envelope.msg {
            FlowToLine::Response {
                tx,
                response: Some(response),
            } => {
                return self.answer_undeliverable(now, &envelope.to, &envelope.call, tx, &response);
            }
            FlowToLine::Invite { .. } => self.server_key(&envelope.call, None),
            FlowToLine::Register { tx, .. } | FlowToLine::InDialog { tx: Some(tx), .. } => Some(tx),
            _ => None,
        };
        let Some(key) = key else { return };
        let Some(request) = self.server.get(&key).map(ServerRow::request) else {
            return;
        };
        let response = Response::for_request(request, 503, "")
            .with_to_tag(&self.entropy.tag())
            .with(HeaderName::RetryAfter, "30");
        self.respond(now, &key, response);
    }

    pub(super) fn server_closed(&mut self) {
        for key in self.server.keys_where(|_| true) {
            self.server.remove(&key);
        }
    }

    fn server_actions(&mut self, now: Time, key: &str, actions: Vec<ServerAction>) {
        for action in actions {
            match action {
                ServerAction::Send(response) => {
                    self.effects.push(FlowOutput::Frame(response.to_bytes()))
                }
                // The ACK of a 2xx under its INVITE's branch: it goes the way of the dialog.
                ServerAction::Receive(request) => {
                    if let Some(row) = self.server.get(key) {
                        let to = line_object(&self.config.id, &row.line);
                        let call = row.call.as_ref().map_or(NO_CALL, WakeId::as_str).to_owned();
                        let from = self.sender(now, &request).map(|(party, _)| party.number);
                        self.outbox.send(
                            now,
                            &to,
                            &call,
                            FlowToLine::InDialog {
                                tx: None,
                                from,
                                request,
                            },
                        );
                    }
                }
                ServerAction::AckMissing => {}
                ServerAction::Ended => {
                    self.server.remove(key);
                }
            }
        }
    }
}

impl Flow {
    /// Does this flow hold the INVITE that began the call?
    pub(super) fn server_begins(&self, call: &str) -> bool {
        self.server_key(call, None).is_some()
    }
}
