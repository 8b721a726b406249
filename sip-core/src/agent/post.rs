//! What all machines of the agent write through, and the loose ends that outlive the call they belong to.

use alloc::string::String;
use alloc::{borrow::ToOwned, boxed::Box, collections::VecDeque, vec::Vec};

use super::config::Policy;
use super::digests::Digests;
use super::event::{CallId, Event};
use super::flow::{Bound, FlowId, SEVERAL};
use super::identity::Identity;
use super::invite::{Invite, InviteNews};
use super::io::{MediaRequest, Output};
use super::proof::{Asked, Proof};
use super::transfer::Target;
use crate::auth::Login;
use crate::dialog::{Dialog, DialogId};
use crate::entropy::Entropy;
use crate::time::{Duration, Time};
use crate::transaction::{
    ClientAction, ClientKey, ClientNonInvite, ServerAction, ServerInvite, ServerInviteState,
    ServerKey, Transport,
};
use crate::wire::{HeaderName, Message, Method, Request, Response, Text};

/// Loose ends of one kind are not kept beyond this many: the oldest is forgotten.
const LOOSE_ENDS: usize = 64;
/// Requests that wait for their answer: a page may subscribe to the state of all of its colleagues at once.
const REQUESTS: usize = 512;
/// For so long the edge may still wait for the caller of an INVITE, or not know yet that its flow is gone.
const TAKE_BACK: Duration = Duration::from_secs(60);

/// Who we are, what time it is, and what is to go out.
#[derive(Debug)]
pub struct Post {
    /// The time of the present input.
    pub now: Time,
    /// Who we are.
    pub me: Identity,
    /// What we prove it with.
    proof: Proof,
    /// Randomness.
    pub entropy: Entropy,
    /// The tag of our side in the first dialog that is asked of us, where it was given away before ([`super::Opening`]).
    pub promised: Option<String>,
    /// The flows that are registered.
    bound: Bound,
    /// Those that were on the socket that they have: they carry what belongs to calls, whatever became of their registration.
    open: Bound,
    /// The flow that the present input came on: what answers it goes back there.
    pub here: FlowId,
    /// What is to go out.
    pub out: VecDeque<Output>,
    /// Requests that wait for their answer, what for, and on which flow.
    requests: Vec<(ClientNonInvite, Purpose, FlowId)>,
    /// A call was told of last by a server that is no edge: an INVITE that is repeated rings there once more.
    pub no_edge: bool,
    /// What became of those that someone wants to know of.
    pub replies: VecDeque<Reply>,
    /// What became of those beside calls.
    #[cfg(feature = "beside")]
    pub returned: VecDeque<super::beside::Returned>,
    /// Whom the other side of a call wants us to call.
    pub referred: Option<(CallId, Target)>,
    /// How calls are treated.
    pub policy: Policy,
    /// BYEs that wait for a flow.
    farewells: Vec<Dialog>,
    /// Our INVITEs whose call is answered or over.
    invites: Vec<Invite>,
    /// Refused INVITEs that wait for their ACK.
    refused: Vec<ServerInvite>,
    /// INVITEs without an answer that nobody wants any more, and whose CANCEL found no flow: they are taken back on the next one. The edge
    /// knows them there when they are repeated, and gives a lost caller some time, in which it would ring for nobody.
    strays: Vec<(Request, Time)>,
}

impl Post {
    /// With nothing to send.
    pub fn new(me: Identity, proof: Proof, entropy: Entropy, policy: Policy) -> Self {
        Self {
            now: Time::ZERO,
            me,
            proof,
            entropy,
            promised: None,
            bound: Bound::default(),
            open: Bound::default(),
            here: FlowId::FIRST,
            out: VecDeque::new(),
            requests: Vec::new(),
            no_edge: false,
            replies: VecDeque::new(),
            #[cfg(feature = "beside")]
            returned: VecDeque::new(),
            referred: None,
            policy,
            farewells: Vec::new(),
            invites: Vec::new(),
            refused: Vec::new(),
            strays: Vec::new(),
        }
    }

    /// What requests are proven with from now on.
    pub fn set_login(&mut self, login: Login) {
        self.proof.set_login(login);
    }

    /// A flow is registered.
    pub const fn registered(&self) -> bool {
        !self.bound.is_empty()
    }

    /// This one was, on the socket that it has.
    pub const fn is_open(&self, flow: FlowId) -> bool {
        self.open.has(flow)
    }

    /// The flow for what may go on any: the first that is registered.
    pub fn best(&self) -> FlowId {
        let best = self.bound.first().or(self.open.first());
        best.unwrap_or(self.here)
    }

    /// Puts a message on the wire: a request on the best flow; what answers, and ACK does, where the present input came from.
    pub fn send(&mut self, message: impl Into<Message>) {
        let message = message.into();
        let flow = match &message {
            Message::Request(request) if request.method != Method::Ack => self.best(),
            _ => self.here,
        };
        self.send_on(flow, message);
    }

    /// Puts it on this flow.
    pub fn send_on(&mut self, flow: FlowId, message: impl Into<Message>) {
        let frame = message.into().to_bytes();
        self.out.push_back(Output::Transmit(flow, frame));
    }

    /// Asks something of the media of a call.
    pub fn media(&mut self, call: CallId, request: MediaRequest) {
        self.out.push_back(Output::Media(call, request));
    }

    /// Carries out what a server transaction wants sent; the rest is for its user.
    pub fn serve(&mut self, flow: FlowId, actions: Vec<ServerAction>) {
        for action in actions {
            if let ServerAction::Send(response) = action {
                self.send_on(flow, response);
            }
        }
    }

    /// Asks inside of a dialog whether it still stands. The edge learns from it on which flow this side is now.
    pub fn probe(&mut self, call: CallId, dialog: &mut Dialog) {
        let via = self.me.via(&mut self.entropy);
        let request = dialog
            .request(Method::Options, &via)
            .with(HeaderName::Contact, self.me.contact());
        self.ask(request, Purpose::Call(call, Ask::Probe));
    }

    /// Ends a dialog, now or when there is a flow again.
    pub fn bye(&mut self, mut dialog: Dialog) {
        if self.open.is_empty() {
            push(&mut self.farewells, dialog);
            return;
        }
        let kept = dialog.clone();
        let via = self.me.via(&mut self.entropy);
        let request = dialog.request(Method::Bye, &via);
        self.ask(request, Purpose::Bye(Box::new(kept)));
    }

    /// The request as it goes out again, if this response is a challenge that can be answered.
    pub fn challenged(&mut self, request: &Request, response: &Response) -> Option<Request> {
        self.challenged_by(request, response, false)
    }

    /// The same; `near` if none but our own server can have said it.
    pub fn challenged_by(
        &mut self,
        request: &Request,
        response: &Response,
        near: bool,
    ) -> Option<Request> {
        let entropy = &mut self.entropy;
        let (again, news) = self
            .proof
            .challenged(request, response, near, &self.me, entropy)?;
        if let Some(asked) = news {
            self.out.push_back(Output::Event(Event::Asked(asked)));
        }
        Some(again)
    }

    /// It is known how servers ask for proof of calls.
    pub fn expect(&mut self, asked: Asked) {
        self.proof.expect(asked);
    }

    /// The credentials of a REGISTER.
    pub fn prove_register(&mut self, digests: &mut Digests, login: &Login, register: &mut Request) {
        self.proof
            .prove_register(digests, login, register, &mut self.entropy);
    }

    /// The registrar has taken the answers to its challenges.
    pub fn register_proven(&mut self, digests: &Digests) {
        self.proof.registered(digests);
    }

    /// A response says how the next request is proven.
    pub(super) fn told(&mut self, headers: &crate::wire::Headers) {
        self.proof.told(headers);
    }

    /// Proves who asks before anyone wants to know, where it is known what will be asked.
    pub fn authorize(&mut self, request: &mut Request) {
        self.proof.authorize(request, &mut self.entropy);
    }

    /// Sends a request that is no INVITE. What becomes of it is told in [`Post::replies`].
    pub fn ask(&mut self, mut request: Request, purpose: Purpose) {
        self.authorize(&mut request);
        self.start(request, purpose);
    }

    /// Sends a request that is proven already.
    pub fn start(&mut self, request: Request, purpose: Purpose) {
        self.start_on(self.best(), request, purpose);
    }

    /// Sends it on this flow.
    pub(super) fn start_on(&mut self, flow: FlowId, request: Request, purpose: Purpose) {
        let (transaction, actions) = ClientNonInvite::start(request, Transport::Reliable, self.now);
        if self.requests.len() == REQUESTS {
            self.requests.remove(0);
        }
        self.requests.push((transaction, purpose, flow));
        for action in actions {
            if let ClientAction::Send(request) = action {
                self.send_on(flow, request);
            }
        }
    }

    /// Acknowledges a 2xx in its dialog.
    pub fn acknowledge(
        &mut self,
        dialog: &Dialog,
        invite: &Request,
        response: &Response,
    ) -> Option<Request> {
        self.proof.told(&response.headers);
        let via = self.me.via(&mut self.entropy);
        let mut ack = dialog.ack(invite.headers.cseq().ok()?.number, &via);
        Self::prove_as(&mut ack, invite);
        self.send(ack.clone());
        Some(ack)
    }

    /// Sends the ACK of a 2xx that has waited for our answer. Whenever that 2xx comes again, it goes out again.
    pub fn acknowledge_late(&mut self, id: &DialogId, ack: Request) {
        self.send(ack.clone());
        let waits = |i: &&mut Invite| i.promised.as_ref() == Some(id);
        if let Some(invite) = self.invites.iter_mut().find(waits) {
            invite.promised = None;
            push(&mut invite.acknowledged, (id.clone(), ack));
        }
    }

    /// Keeps an INVITE of ours whose call needs it no more: late answers are acknowledged and, if they make a dialog that
    /// nobody wants, ended.
    pub fn let_go(&mut self, invite: Invite) {
        push(&mut self.invites, invite);
    }

    /// An INVITE whose flow is gone is to be taken back on the next one, if that comes soon.
    pub fn take_back_later(&mut self, invite: Request) {
        let until = self.now + TAKE_BACK;
        push(&mut self.strays, (invite, until));
    }

    /// Keeps a refused INVITE until its ACK.
    pub fn let_refused_go(&mut self, transaction: ServerInvite) {
        if transaction.state() == ServerInviteState::Completed {
            push(&mut self.refused, transaction);
        }
    }

    /// Refuses an INVITE.
    pub fn refuse(&mut self, mut transaction: ServerInvite, response: Response) {
        let tag = self.entropy.tag();
        let actions = transaction.respond(response.with_to_tag(&tag), self.now);
        self.serve(self.here, actions);
        self.let_refused_go(transaction);
    }

    /// An ACK, or an INVITE again, of a refused INVITE?
    pub fn refused_again(&mut self, request: &Request) -> bool {
        let Ok(key) = ServerKey::of(request) else {
            return false;
        };
        let now = self.now;
        let Some(transaction) = self
            .refused
            .iter_mut()
            .find(|t| ServerKey::of(t.request()).as_ref() == Ok(&key))
        else {
            return false;
        };
        let actions = transaction.receive(request.clone(), now);
        self.serve(self.here, actions);
        self.refused
            .retain(|t| t.state() != ServerInviteState::Terminated);
        true
    }

    /// Carries out what one of our INVITE transactions wants; gives the responses for its user.
    pub fn invite_actions(&mut self, flow: FlowId, actions: Vec<ClientAction>) -> Vec<InviteNews> {
        let mut news = Vec::new();
        for action in actions {
            match action {
                ClientAction::Send(request) => self.send_on(flow, request),
                // Nobody may challenge it (RFC 3261 §22.1).
                ClientAction::Cancel(request) => self.start_on(flow, request, Purpose::Cancel),
                ClientAction::Receive(response) => news.push(InviteNews::Response(response)),
                ClientAction::TimedOut => news.push(InviteNews::TimedOut),
                ClientAction::Ended => news.push(InviteNews::Ended),
            }
        }
        news
    }

    /// A response to one of the loose ends?
    pub fn response(&mut self, key: &ClientKey, response: &Response) -> bool {
        let now = self.now;
        if let Some(at) = self
            .requests
            .iter()
            .position(|(t, _, _)| of(t.request(), key))
        {
            let actions = self.requests[at].0.receive(response.clone(), now);
            if actions.contains(&ClientAction::Ended) {
                let (transaction, purpose, flow) = self.requests.remove(at);
                let request = transaction.request();
                match self.other_flow(flow, response) {
                    Some(other) if !matches!(purpose, Purpose::Cancel) => {
                        let again = self.anew(request.clone());
                        self.start_on(other, again, purpose);
                    }
                    _ => self.replied(request, purpose, Some(response.clone())),
                }
            }
            return true;
        }
        let Some(at) = self
            .invites
            .iter()
            .position(|i| of(i.transaction.request(), key))
        else {
            return false;
        };
        let mut invite = self.invites.remove(at);
        let actions = invite.transaction.receive(response.clone(), now);
        let mut ended = false;
        for news in self.invite_actions(invite.flow, actions) {
            match news {
                InviteNews::Response(response) if response.is_success() => {
                    if let Some(dialog) = invite.answered(self, &response) {
                        // Nobody waits for this answer: the call is over, or another branch has it (RFC 3261 §13.2.2.4).
                        self.bye(dialog);
                    }
                }
                InviteNews::Response(_) => {}
                InviteNews::TimedOut | InviteNews::Ended => ended = true,
            }
        }
        if !ended {
            push(&mut self.invites, invite);
        }
        true
    }

    fn replied(&mut self, request: &Request, purpose: Purpose, response: Option<Response>) {
        if let Some(response) = &response {
            self.proof.told(&response.headers);
        }
        // A probe that is challenged has had its answer: the far side is there.
        let again = match purpose {
            Purpose::Cancel | Purpose::Call(_, Ask::Probe) => None,
            _ => response
                .as_ref()
                .and_then(|response| self.challenged(request, response)),
        };
        match purpose {
            Purpose::Call(call, ask) => self.replies.push_back(Reply {
                call,
                ask,
                response,
                again,
            }),
            #[cfg(feature = "beside")]
            Purpose::Beside(errand) => self.returned.push_back(super::beside::Returned {
                errand,
                response,
                again,
            }),
            Purpose::Bye(dialog) => match (again, response) {
                (Some(again), _) => self.start(again, Purpose::Bye(dialog)),
                // Who is not registered may not be heard.
                (
                    None,
                    Some(Response {
                        status: 401 | 403, ..
                    }),
                ) if !self.registered() => {
                    push(&mut self.farewells, *dialog);
                }
                _ => {}
            },
            Purpose::Cancel => {}
        }
    }

    /// The same request outside of any dialog, once more (RFC 3261 §8.1.3.5).
    pub fn again(&mut self, request: &Request) -> Request {
        let via = self.me.via(&mut self.entropy);
        crate::dialog::numbered(request, &via)
    }

    /// The ACK proves what its INVITE proved: nobody may challenge it (RFC 3261 §22.1).
    pub fn prove_as(ack: &mut Request, invite: &Request) {
        for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
            if let Some(credentials) = invite.headers.get_bytes(name) {
                ack.headers.set(name, credentials);
            }
        }
    }

    /// The flow is registered: what waited for one goes out.
    pub fn flow_registered(&mut self, flow: FlowId) {
        self.bound.set(flow, true);
        self.open.set(flow, true);
        self.flush();
    }

    /// It is not, although its socket stands.
    pub fn unbind(&mut self, flow: FlowId) {
        self.bound.set(flow, false);
    }

    /// None is any more: what is lost from now on goes nowhere else.
    pub fn unbind_all(&mut self) {
        self.bound = Bound::default();
        self.open = self.bound;
    }

    /// Nothing is waited for.
    pub fn is_at_rest(&self) -> bool {
        self.requests.is_empty() && !self.invites.iter().any(Invite::is_open)
    }

    fn flush(&mut self) {
        for dialog in core::mem::take(&mut self.farewells) {
            self.bye(dialog);
        }
        for (request, until) in core::mem::take(&mut self.strays) {
            if self.now < until {
                // By its branch (RFC 3261 §9.2), wherever it comes from.
                self.start(request.cancel(), Purpose::Cancel);
            }
            if self.now < until && !self.no_edge {
                Invite::again(request, self).cancel(self, None);
            }
        }
    }

    /// The flow is gone with all its transactions. Another one takes them over; a BYE waits for the next one otherwise.
    pub fn flow_lost(&mut self, lost: FlowId) {
        self.bound.set(lost, false);
        self.open.set(lost, false);
        if self.here == lost {
            self.here = self.best();
        }
        for invite in core::mem::take(&mut self.invites) {
            if invite.flow != lost {
                self.invites.push(invite);
            } else if invite.transaction.is_cancelled()
                && invite.is_open()
                && invite.within.is_none()
            {
                self.take_back_later(invite.transaction.request().clone());
            }
        }
        if !self.registered() {
            self.refused.clear();
        }
        for (transaction, purpose, flow) in core::mem::take(&mut self.requests) {
            match purpose {
                purpose if flow != lost => self.requests.push((transaction, purpose, flow)),
                Purpose::Bye(dialog) => push(&mut self.farewells, *dialog),
                Purpose::Cancel => {}
                // Whoever has it already knows it again by Call-ID, tag and CSeq (RFC 3261 §8.2.2.2).
                purpose if SEVERAL && self.registered() => {
                    let again = self.anew(transaction.request().clone());
                    self.ask(again, purpose);
                }
                purpose => self.replied(transaction.request(), purpose, None),
            }
        }
        if SEVERAL && self.registered() {
            self.flush();
        }
    }

    /// Where a request goes that failed for its flow (RFC 5626 §11.2): it was not delivered, and nobody hears it twice. Each flow is
    /// tried once.
    pub fn other_flow(&self, failed: FlowId, response: &Response) -> Option<FlowId> {
        self.bound.after(failed).filter(|_| response.status == 430)
    }

    /// The same request as a new transaction: same Call-ID, tag and CSeq.
    pub(super) fn anew(&mut self, mut request: Request) -> Request {
        request.headers.remove_first_value(HeaderName::Via);
        let via = self.me.via(&mut self.entropy);
        request.headers.prepend(HeaderName::Via, via.to_text());
        request
    }

    /// When [`Post::timeout`] is to be called.
    pub fn deadline(&self) -> Option<Time> {
        let requests = self.requests.iter().filter_map(|(t, _, _)| t.deadline());
        let invites = self.invites.iter().filter_map(|i| i.transaction.deadline());
        let refused = self.refused.iter().filter_map(ServerInvite::deadline);
        requests.chain(invites).chain(refused).min()
    }

    /// Time has passed.
    pub fn timeout(&mut self) {
        let now = self.now;
        let mut at = 0;
        while at < self.requests.len() {
            if self.requests[at]
                .0
                .timeout(now)
                .contains(&ClientAction::Ended)
            {
                let (transaction, purpose, _) = self.requests.remove(at);
                self.replied(transaction.request(), purpose, None);
            } else {
                at += 1;
            }
        }
        self.invites
            .retain_mut(|i| !i.transaction.timeout(now).contains(&ClientAction::Ended));
        let mut refused = core::mem::take(&mut self.refused);
        refused.retain_mut(|t| {
            let actions = t.timeout(now);
            let ended = actions.contains(&ServerAction::Ended);
            self.serve(self.here, actions);
            !ended
        });
        self.refused = refused;
    }
}

/// What a request of ours is for.
#[derive(Debug)]
pub enum Purpose {
    /// Takes an INVITE back.
    Cancel,
    /// Ends this dialog; sent again on another flow if this one is lost.
    Bye(Box<Dialog>),
    /// Belongs to this call, which is told of the answer.
    Call(CallId, Ask),
    /// Belongs to no call.
    #[cfg(feature = "beside")]
    Beside(super::beside::Errand),
}

/// What a call asked for.
#[derive(Debug)]
pub enum Ask {
    /// Whether its dialog still stands.
    Probe,
    /// That the session goes on, or changes: UPDATE.
    Update,
    /// That a provisional response is taken for received.
    Prack,
    /// That it hears a digit.
    Info,
    /// That it knows more candidates.
    Candidates,
    /// That it calls someone else.
    Refer,
    /// That it knows how that went.
    Notify,
}

/// What became of a request of a call.
#[derive(Debug)]
pub struct Reply {
    /// Whose.
    pub call: CallId,
    /// What for.
    pub ask: Ask,
    /// The final response; none if it never came, or the flow is gone.
    pub response: Option<Response>,
    /// The request as it goes out again: the response was a challenge that can be answered.
    pub again: Option<Request>,
}

pub(super) fn of(request: &Request, key: &ClientKey) -> bool {
    ClientKey::of_request(request).as_ref() == Ok(key)
}

pub(super) fn push<T>(list: &mut Vec<T>, item: T) {
    if list.len() == LOOSE_ENDS {
        list.remove(0);
    }
    list.push(item);
}

/// The wake and its state, as the edge tells them in `Wakeline-Wake`; a call server may pass only headers with `X-`.
pub fn wake_of(message: &crate::wire::Headers) -> (Option<String>, Option<String>) {
    let told = message.get("Wakeline-Wake");
    let Some(text) = told.or_else(|| message.get("X-Wakeline-Wake")) else {
        return (None, None);
    };
    let mut parts = text.split(';').map(str::trim);
    let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
    let state = parts
        .find_map(|p| p.strip_prefix("state="))
        .map(str::to_owned);
    (id, state)
}

/// The body, if it is SDP.
pub fn sdp_of(headers: &crate::wire::Headers, body: &[u8]) -> Option<Vec<u8>> {
    let sdp = !body.is_empty() && headers.content_type().as_deref() == Some(super::identity::SDP);
    sdp.then(|| body.to_vec())
}
