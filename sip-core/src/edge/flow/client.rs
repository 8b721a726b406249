//! Requests to the page that wait for its answer: the client transactions of the socket.

use super::ingress::edge_host;
use super::{Flow, FlowOutput};
use crate::edge::in_dialog::in_dialog;
use crate::edge::messages::FlowToLine;
use crate::id::{DeviceId, Number};
use crate::time::{Duration, Time};
use crate::transaction::{
    ClientAction, ClientInvite, ClientInviteState, ClientKey, ClientNonInvite, Transport,
};
use crate::wire::{HeaderName, Method, NameAddr, Reason, Request, Response, Uri, Via};
use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};
use serde::{Deserialize, Serialize};

/// INVITEs without any answer that one socket's frozen page may still find.
const MAX_ABANDONED: usize = 16;

/// One client transaction and who waits for it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ClientRow {
    machine: Machine,
    /// The line object.
    line: String,
    call: String,
    waits: Waits,
    /// Timer C (RFC 3261 §16.7): an INVITE that rings longer than any line lets it is cancelled here, should the line
    /// never be heard of again.
    #[serde(default)]
    rings_until: Option<Time>,
    /// When the request was sent.
    #[serde(default)]
    sent_at: Option<Time>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Machine {
    Invite(Box<ClientInvite>),
    Other(Box<ClientNonInvite>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Waits {
    /// The line, under its own name for the transaction.
    Line { tx: String },
    /// The line wants to know whether this device lives.
    Probe { device: DeviceId },
    /// Nobody: a CANCEL.
    Nobody,
}

impl ClientRow {
    pub(super) fn deadline(&self) -> Option<Time> {
        match &self.machine {
            Machine::Invite(machine) if machine.state() == ClientInviteState::Proceeding => {
                machine.deadline().or(self.rings_until)
            }
            Machine::Invite(machine) => machine.deadline(),
            Machine::Other(machine) => machine.deadline(),
        }
    }

    /// The row of an INVITE without any answer, as it stays behind when nobody waits for it any longer: should the page
    /// thaw and ring, it is cancelled. And whether it had been called off before.
    fn abandoned(&self) -> Option<(Self, bool)> {
        let Machine::Invite(machine) = &self.machine else {
            return None;
        };
        if machine.state() != ClientInviteState::Calling {
            return None;
        }
        let reason = Reason::sip(408, "Nobody waits any longer");
        let row = Self {
            machine: Machine::Invite(Box::new(machine.as_ref().clone().abandoned(&[reason]))),
            line: self.line.clone(),
            call: self.call.clone(),
            waits: self.waits.clone(),
            rings_until: None,
            sent_at: self.sent_at,
        };
        Some((row, machine.is_cancelled()))
    }

    /// Since when its page rings, if it does and nobody has taken the call back.
    pub(super) fn rings_since(&self) -> Option<Time> {
        match &self.machine {
            Machine::Invite(machine)
                if machine.state() == ClientInviteState::Proceeding && !machine.is_cancelled() =>
            {
                self.sent_at
            }
            _ => None,
        }
    }

    fn is_kept(&self) -> bool {
        matches!(&self.machine, Machine::Invite(machine)
            if machine.state() == ClientInviteState::Calling && machine.deadline().is_none())
    }

    pub(super) fn request(&self) -> &Request {
        match &self.machine {
            Machine::Invite(machine) => machine.request(),
            Machine::Other(machine) => machine.request(),
        }
    }
}

/// The number of a line object.
fn owner(line: &str) -> Option<Number> {
    Number::parse(line.rsplit(':').next()?).ok()
}

fn row_key(key: &ClientKey) -> String {
    format!("{}|{}", key.branch, key.method)
}

/// A request to whoever gave this 2xx, in the name of its caller.
fn back_to(answer: &Response, method: Method, cseq: u32) -> Option<Request> {
    let headers = &answer.headers;
    let target = headers.contact().ok()??.uri;
    let (from, to) = (headers.get(HeaderName::From)?, headers.get(HeaderName::To)?);
    let call_id = headers.call_id().ok()?;
    Some(in_dialog(method, target, from, to, call_id, cseq))
}

impl Flow {
    /// Sends a request of the line; the page answers to our Via.
    pub(super) fn send_request(
        &mut self,
        now: Time,
        line: &str,
        call: &str,
        tx: Option<String>,
        request: Request,
    ) {
        let mut request = request;
        let via = Via::new("WS", edge_host(&self.config), self.entropy.branch());
        request.headers.prepend(HeaderName::Via, via.to_string());
        let Some(tx) = tx else {
            self.effects.push(FlowOutput::Frame(request.to_bytes()));
            return;
        };
        let room = self.client.len() < self.config.edge.max_transactions
            && owner(line).is_some_and(|number| self.join_call(call, &number));
        if !room {
            self.outbox
                .send(now, line, call, FlowToLine::Response { tx, response: None });
            return;
        }
        self.start(now, line, call, Waits::Line { tx }, request);
    }

    /// Asks whether the page behind a contact lives (RFC 3261 §11).
    pub(super) fn probe(
        &mut self,
        now: Time,
        line: &str,
        call: &str,
        device: DeviceId,
        contact: &str,
        number: &Number,
    ) {
        let Ok(target) = contact.parse::<Uri>().map(Uri::without_headers) else {
            return;
        };
        if self.client.len() >= self.config.edge.max_transactions {
            return;
        }
        let via = Via::new("WS", edge_host(&self.config), self.entropy.branch());
        let from = NameAddr::new(Uri::host(edge_host(&self.config))).with_tag(self.entropy.tag());
        let to = NameAddr::new(Uri::sip(number.as_str(), self.config.domain.clone()));
        let call_id = self.entropy.call_id();
        let request = Request::new(Method::Options, target, &via, &from, &to, &call_id, 1);
        self.start(now, line, call, Waits::Probe { device }, request);
    }

    /// Cancels a pending INVITE of the line.
    pub(super) fn send_cancel(&mut self, now: Time, line: &str, tx: &str, reason: &str) {
        let named = |row: &ClientRow| {
            row.line == line && matches!(&row.waits, Waits::Line { tx: own } if own == tx)
        };
        let reasons: Vec<Reason> = reason.parse().into_iter().collect();
        for key in self.client.keys_where(named) {
            let Some(row) = self.client.get_mut(&key) else {
                continue;
            };
            if let Machine::Invite(machine) = &mut row.machine {
                let actions = machine.cancel(&reasons, now);
                self.client_actions(now, &key, actions);
            }
        }
    }

    /// A response of the page; one that belongs to no transaction is dropped (RFC 3261 §16.7 step 1 would have it
    /// forwarded, but every request of ours has its transaction).
    pub(super) fn response(&mut self, now: Time, response: Response) {
        let Ok(key) = ClientKey::of_response(&response) else {
            return;
        };
        let key = row_key(&key);
        let Some(row) = self.client.get_mut(&key) else {
            return;
        };
        let actions = match &mut row.machine {
            Machine::Invite(machine) => machine.receive(response, now),
            Machine::Other(machine) => machine.receive(response, now),
        };
        self.client_actions(now, &key, actions);
    }

    /// The page has answered a call, and its line could not be told for so long that nobody waits any longer. User
    /// agents end a call whose answer is not confirmed by themselves (RFC 3261 §13.3.1.4); a page that does not must
    /// not be left in a call that there is not.
    pub(super) fn answer_undeliverable(
        &mut self,
        now: Time,
        line: &str,
        call: &str,
        tx: String,
        response: &Response,
    ) {
        let Some(invite) = response
            .headers
            .cseq()
            .ok()
            .filter(|cseq| cseq.method == Method::Invite && response.is_success())
        else {
            return;
        };
        if let (Some(ack), Some(bye)) = (
            back_to(response, Method::Ack, invite.number),
            back_to(response, Method::Bye, invite.number + 1),
        ) {
            let reason = Reason::sip(408, "The answer was not confirmed").to_string();
            self.send_request(now, line, call, None, ack);
            let own = self.entropy.text(16);
            self.send_request(
                now,
                line,
                call,
                Some(own),
                bye.with(HeaderName::Reason, reason),
            );
        }
        // Should the line be there again, its branch is not one that may still answer.
        self.outbox
            .send(now, line, call, FlowToLine::Response { tx, response: None });
    }

    pub(super) fn client_timeout(&mut self, now: Time) {
        let mut kept = self.client.values().filter(|row| row.is_kept()).count();
        for key in self
            .client
            .keys_where(|row| row.deadline().is_some_and(|at| at <= now))
        {
            let Some(row) = self.client.get_mut(&key) else {
                continue;
            };
            if kept < MAX_ABANDONED
                && let Some((row, is_cancelled)) = row.abandoned()
            {
                kept += 1;
                // Whoever called it off expects no answer, and learns of a late one.
                if !is_cancelled {
                    self.client_heard(now, &key, None);
                }
                self.client.insert(&key, row);
                continue;
            }
            let actions = match &mut row.machine {
                Machine::Invite(machine) if machine.deadline().is_none() => {
                    row.rings_until = None;
                    machine.cancel(&[Reason::sip(408, "It has rung for too long")], now)
                }
                Machine::Invite(machine) => machine.timeout(now),
                Machine::Other(machine) => machine.timeout(now),
            };
            self.client_actions(now, &key, actions);
        }
    }

    /// The socket is gone: whoever waits is told, and nothing is sent.
    pub(super) fn client_closed(&mut self, now: Time) {
        for key in self.client.keys_where(|_| true) {
            if let Some(ClientRow {
                line,
                call,
                waits: Waits::Line { tx },
                ..
            }) = self.client.remove(&key)
            {
                self.outbox.send(
                    now,
                    &line,
                    &call,
                    FlowToLine::Response { tx, response: None },
                );
            }
        }
    }

    fn start(&mut self, now: Time, line: &str, call: &str, waits: Waits, request: Request) {
        let Ok(key) = ClientKey::of_request(&request) else {
            return;
        };
        let key = row_key(&key);
        let (machine, actions) = if request.method == Method::Invite {
            let (machine, actions) = ClientInvite::start(request, Transport::Reliable, now);
            (Machine::Invite(Box::new(machine)), actions)
        } else {
            let (machine, actions) = ClientNonInvite::start(request, Transport::Reliable, now);
            (Machine::Other(Box::new(machine)), actions)
        };
        let rings_until = matches!(machine, Machine::Invite(_)).then(|| now + self.longest_ring());
        let row = ClientRow {
            machine,
            line: line.to_owned(),
            call: call.to_owned(),
            waits,
            rings_until,
            sent_at: Some(now),
        };
        self.client.insert(&key, row);
        self.client_actions(now, &key, actions);
    }

    /// Longer than a wake that goes as it should rings: its ring limit counts once until 180 and once from then.
    fn longest_ring(&self) -> Duration {
        self.config.wake.ring * 2 + Duration::from_secs(30)
    }

    fn client_actions(&mut self, now: Time, key: &str, actions: Vec<ClientAction>) {
        for action in actions {
            match action {
                ClientAction::Send(request) => {
                    self.effects.push(FlowOutput::Frame(request.to_bytes()))
                }
                ClientAction::Cancel(request) => {
                    if let Some((line, call)) = self
                        .client
                        .get(key)
                        .map(|row| (row.line.clone(), row.call.clone()))
                    {
                        self.start(now, &line, &call, Waits::Nobody, request);
                    }
                }
                ClientAction::Receive(response) => self.client_heard(now, key, Some(response)),
                ClientAction::TimedOut => self.client_heard(now, key, None),
                ClientAction::Ended => {
                    self.client.remove(key);
                }
            }
        }
    }

    fn client_heard(&mut self, now: Time, key: &str, response: Option<Response>) {
        let Some(row) = self.client.get(key) else {
            return;
        };
        let (line, call) = (row.line.clone(), row.call.clone());
        let is_final = response.as_ref().is_none_or(Response::is_final);
        let request = row.request().clone();
        let begins = request.headers.to().is_ok_and(|to| to.tag().is_none());
        let is_bye = request.method == Method::Bye;
        let over = match request.method {
            Method::Bye => is_final,
            Method::Invite => {
                begins
                    && response
                        .as_ref()
                        .is_none_or(|response| response.status >= 300)
            }
            // Its page has no such dialog (any longer).
            _ => response
                .as_ref()
                .is_some_and(|response| response.status == 481),
        };
        match &row.waits {
            Waits::Line { tx } => {
                let tx = tx.clone();
                let response = response.map(|mut response| {
                    response.headers.remove_first_value(HeaderName::Via);
                    response
                });
                self.outbox
                    .send(now, &line, &call, FlowToLine::Response { tx, response });
                // A BYE ends both sides of a call; a failed branch only that of the callee, who may call itself.
                if over && is_bye {
                    match owner(&line) {
                        Some(number) => self.leave_dialog(&call, &number, &request),
                        None => self.leave_call(&call),
                    }
                } else if over && !self.server_begins(&call) {
                    self.leave_call(&call);
                }
            }
            // Any answer at all is a sign of life, even a refusal.
            Waits::Probe { device } => {
                if response.is_some() {
                    let device = device.clone();
                    self.life_answered();
                    self.outbox
                        .send(now, &line, &call, FlowToLine::Alive { device });
                }
            }
            Waits::Nobody => {}
        }
    }
}
