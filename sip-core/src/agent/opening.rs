//! The first words of an agent, written before it lives: a page that is opened by a tap says them while its core is
//! still being compiled.
//!
//! An agent does the same for the same configuration, seed and inputs. So nothing is handed over but the seed: the agent
//! of the opened page is fed what has happened since, each thing at its own time, and says by itself what was said.

use super::Agent;
use super::config::Config;
use super::io::{Command, Input, Output};
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{Limits, Message};

/// A REGISTER to be sent once, on a flow of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The frame. It carries the line's token.
    pub frame: Pii<Vec<u8>>,
    /// What its response will hold and no other frame: the branch of its transaction.
    pub branch: String,
}

impl Opening {
    /// What an agent of this configuration and seed says as soon as its first socket is open; none if it says nothing.
    pub fn of(config: &Config, seed: [u8; 32]) -> Option<Self> {
        let mut agent = Agent::new(config, Entropy::from_seed(seed)).ok()?;
        for input in [Input::Command(Command::Start), Input::Connected] {
            agent.handle_input(Time(0), input);
        }
        let frame = loop {
            match agent.poll_output() {
                Output::Transmit(frame) => break frame,
                Output::Timeout(_) => return None,
                _ => {}
            }
        };
        let register = Message::parse(&frame, &Limits::DEFAULT).ok()?;
        let via = register.into_request()?.headers.top_via().ok()?;
        Some(Self {
            frame: Pii(frame),
            branch: via.branch()?.to_owned(),
        })
    }
}
