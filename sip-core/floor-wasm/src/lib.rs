//! The agent behind a driver that does nothing of its own: everything can be told to it, and what it sends comes out. What is built of
//! this is the least that SIP costs a page before anything of a browser is driven; nothing runs it. Read by `tests/bench/client/size.mjs`.
#![cfg(target_arch = "wasm32")]
#![no_std]

extern crate alloc;

use alloc::{string::String, vec::Vec};
use core::panic::PanicInfo;
use rlsf::SmallGlobalTlsf;
use wakeline_sip::{
    agent::{
        Agent, CallId, Command, Config, FlowId, Input, MediaReply, Output, Path, Patience, Policy,
    },
    auth::Login,
    entropy::Entropy,
    pii::Pii,
    time::Time,
};
use wasm_bindgen::prelude::*;

#[global_allocator]
static MEMORY: SmallGlobalTlsf = SmallGlobalTlsf::new();

#[panic_handler]
fn trap(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// An agent, and its clock.
#[wasm_bindgen]
pub struct Core(Agent, Time);

#[wasm_bindgen]
impl Core {
    /// Of this line; `ways` is whether each way of treating calls that is off by itself is on.
    pub fn of(address: String, secret: String, seed: u32, ways: bool) -> Option<Core> {
        let config = Config {
            address_of_record: Pii(address.clone()),
            display_name: Pii(address.clone()),
            instance: address.clone(),
            secure: ways,
            user_agent: address.clone(),
            token: ways.then(|| Pii(secret.clone())),
            login: Some(Login::with_password(address, secret)),
            patience: Patience::default(),
            policy: Policy {
                auto_answer: ways,
                update: ways,
                reliable: ways,
                ..Policy::default()
            },
        };
        let entropy = Entropy::from_seed([seed as u8; 32]);
        let agent = Agent::new(&config, entropy).ok()?;
        Some(Self(agent, Time(0)))
    }

    /// Something happened at a time, to a call or to none.
    pub fn input(&mut self, now: u32, what: u8, call: u32, text: String, on: bool) {
        self.1 = Time(now.into());
        let id = CallId(call.into());
        let octets = || Pii(text.clone().into_bytes());
        let words = || Pii(text.clone());
        let headers = Vec::from([(text.clone(), text.clone())]);
        let input = match what {
            0 => Input::Connected(FlowId::FIRST),
            1 => Input::Disconnected(FlowId::FIRST),
            2 => Input::Frame(FlowId::FIRST, text.as_bytes()),
            3 => Input::Timeout,
            4 => Input::Online(on),
            5 => Input::Woken,
            6 => Input::Media(id, MediaReply::Local(octets())),
            7 => Input::Media(id, MediaReply::Applied),
            8 => Input::Media(id, MediaReply::Failed),
            _ => Input::Command(match what {
                9 => Command::Start,
                10 => Command::Stop,
                11 => Command::Abandon,
                12 => Command::Token(words()),
                13 => Command::Login(Login::with_ha1(text.clone(), text)),
                14 => Command::Register,
                15 => Command::Call {
                    call: id,
                    to: words(),
                    headers,
                },
                16 => Command::Alert(id),
                17 => Command::Answer(id),
                18 => Command::Reject(id),
                19 => Command::HangUp(id),
                20 => Command::Hold(id, on),
                21 => Command::Offer(id),
                22 => Command::Record(id, on),
                23 => Command::Candidates(id, octets()),
                24 => Command::Dtmf(id, text),
                25 => Command::Transfer(id, words()),
                26 => Command::TransferTo(id, CallId(self.1.0)),
                27 => Command::Path(id, Path::Open),
                _ => Command::Path(id, Path::Lost),
            }),
        };
        self.0.handle_input(self.1, input);
    }

    /// What it sends next; a word about anything else that it wants, and nothing when it waits.
    pub fn output(&mut self) -> Option<Vec<u8>> {
        Some(match self.0.poll_output() {
            Output::Transmit(_, frame) => frame,
            Output::Media(..) => Vec::from(*b"media"),
            Output::Event(_) => Vec::from(*b"event"),
            Output::Connect(_) | Output::Disconnect(_) => Vec::from(*b"socket"),
            Output::Timeout(_) => return None,
        })
    }
}
