//! A call that nobody makes. A browser compiles each function of wasm when it is called for the first time, so that the first
//! call of a page would wait for hundreds of them. A page that rests goes through a call beforehand: two agents of lines that
//! do not exist register, one calls the other, they talk, and part. No word of it leaves this file, and no time passes.

use super::{
    Agent, CallId, CallState, Command, Config, Event, FlowId, Input, MediaReply, MediaRequest,
    Output, Patience, Policy,
};
use crate::auth::Login;
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{HeaderName, Limits, Message, Method, Request, Response};
use alloc::{collections::VecDeque, string::String, vec::Vec};

/// Who calls, and who is called.
const LINES: [&str; 2] = ["sip:a@call.invalid", "sip:b@call.invalid"];

/// Nothing that is well takes so many; a fault does not turn for ever.
const MOST_STEPS: usize = 40;

const DESCRIPTION: &[u8] = b"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=sendrecv\r\n";

/// How servers ask for a proof: most by MD5 still (RFC 8760).
const CHALLENGE: &str = "Digest realm=\"call.invalid\",nonce=\"0\",algorithm=MD5,qop=\"auth\"";

/// What happens next to one of the two.
enum Step {
    Frame(Vec<u8>),
    Input(Input<'static>),
}

/// What happens to whom, in its order.
#[derive(Default)]
struct Steps(VecDeque<(usize, Step)>);

impl Steps {
    fn add(&mut self, side: usize, input: Input<'static>) {
        self.0.push_back((side, Step::Input(input)));
    }

    /// What a server makes of a frame: it registers, asks for a proof of calls, and relays.
    fn carry(&mut self, side: usize, frame: Vec<u8>) {
        let (to, frame) = match Message::parse(&frame, &Limits::DEFAULT) {
            Ok(Message::Request(request)) => match answer(&request) {
                Some(answer) => (side, answer.with_to_tag("s").to_bytes()),
                None => (1 - side, frame),
            },
            _ => (1 - side, frame),
        };
        self.0.push_back((to, Step::Frame(frame)));
    }
}

/// Goes through so many steps of a call, made and taken. Answers whether there are no more.
///
/// It begins anew each time. What was gone through before is compiled by then and takes no time worth speaking of, so that who goes a
/// step further each time keeps a page busy for no longer than that step.
pub fn rehearse(steps: usize) -> bool {
    steps >= MOST_STEPS || matches!(go(steps), None | Some((2, 2)))
}

/// How many have talked and parted after so many steps.
fn go(most: usize) -> Option<(usize, usize)> {
    let mut agents = Vec::new();
    let mut steps = Steps::default();
    for (side, line) in LINES.into_iter().enumerate() {
        let entropy = Entropy::from_seed([side as u8; 32]);
        agents.push(Agent::new(&config(line), entropy).ok()?);
        steps.add(side, Input::Command(Command::Start));
        steps.add(side, Input::Connected(FlowId::FIRST));
    }
    steps.add(0, Input::Command(call()));
    let (mut talked, mut parted) = (0, 0);
    for _ in 0..most {
        let Some((side, step)) = steps.0.pop_front() else {
            break;
        };
        let agent = &mut agents[side];
        let input = match step {
            Step::Frame(ref frame) => Input::Frame(FlowId::FIRST, frame),
            Step::Input(input) => input,
        };
        agent.handle_input(Time(0), input);
        loop {
            match agent.poll_output() {
                Output::Transmit(_, frame) => steps.carry(side, frame),
                Output::Media(call, request) => {
                    if let Some(reply) = reply(&request) {
                        steps.add(side, Input::Media(call, reply));
                    }
                }
                Output::Event(Event::Incoming(call, _)) => {
                    steps.add(side, Input::Command(Command::Alert(call)));
                    steps.add(side, Input::Command(Command::Answer(call)));
                }
                Output::Event(Event::Call(call, view)) => match view.state {
                    CallState::Active => {
                        talked += 1;
                        if side == 0 {
                            steps.add(side, Input::Command(Command::HangUp(call)));
                        }
                    }
                    CallState::Ended => parted += 1,
                    _ => {}
                },
                Output::Timeout(_) => break,
                _ => {}
            }
        }
    }
    Some((talked, parted))
}

fn config(line: &str) -> Config {
    Config {
        address_of_record: Pii(line.into()),
        display_name: Pii(String::new()),
        instance: String::new(),
        secure: true,
        user_agent: String::new(),
        token: None,
        login: Some(Login::with_password(String::new(), String::new())),
        patience: Patience::default(),
        policy: Policy::default(),
    }
}

fn call() -> Command {
    Command::Call {
        call: CallId(1),
        to: Pii("b".into()),
        headers: Vec::new(),
    }
}

/// What the server says to a request by itself.
fn answer(request: &Request) -> Option<Response> {
    let told = |name| request.headers.get(name);
    match request.method {
        Method::Register => Some(
            Response::for_request(request, 200, "")
                .with(HeaderName::Contact, told(HeaderName::Contact)?)
                .with(HeaderName::Expires, "600"),
        ),
        Method::Invite if told(HeaderName::ProxyAuthorization).is_none() => Some(
            Response::for_request(request, 407, "").with(HeaderName::ProxyAuthenticate, CHALLENGE),
        ),
        _ => None,
    }
}

fn reply(request: &MediaRequest) -> Option<MediaReply> {
    Some(match request {
        MediaRequest::CreateOffer | MediaRequest::CreateAnswer { .. } => {
            MediaReply::Local(Pii(DESCRIPTION.to_vec()))
        }
        MediaRequest::ApplyAnswer { .. } => MediaReply::Applied,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{MOST_STEPS, go, rehearse};
    use alloc::vec::Vec;

    #[test]
    fn both_sides_talk_and_part_step_by_step() {
        let all = (1..).find(|&steps| rehearse(steps)).expect("an end");
        assert!(all < MOST_STEPS, "they came to the end");
        assert_eq!(go(all), Some((2, 2)));
        let on_the_way: Vec<_> = (0..all).filter_map(go).collect();
        assert_eq!(on_the_way.len(), all, "both lines are lines");
        assert!(on_the_way.contains(&(2, 0)), "they talk before they part");
        assert!(
            on_the_way.is_sorted(),
            "each step is one more than those before it"
        );
    }

    #[test]
    fn nothing_is_left_to_do_afterwards() {
        assert_eq!(go(MOST_STEPS), Some((2, 2)));
        assert!(rehearse(usize::MAX));
    }
}
