//! The first words of an agent, written before it lives: a page that is opened by a tap says them while its core is
//! still being compiled.
//!
//! An agent does the same for the same configuration, seed and inputs. So nothing is handed over but the seed: the agent
//! of the opened page is fed what has happened since, each thing at its own time, and says by itself what was said. Its
//! side of the first dialog has a tag that is drawn ahead, so that "180 Ringing" can be said without it, too.

use super::Agent;
use super::config::Config;
use super::flow::FlowId;
use super::io::{Command, Input, Output};
use crate::entropy::Entropy;
use crate::pii::Pii;
use crate::time::Time;
use crate::wire::{Limits, Message, ParseError};
use alloc::{borrow::ToOwned, string::String, vec::Vec};

/// A REGISTER to be sent once, on a flow of its own, and what is needed to say that the call behind it rings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The frame. It carries the line's token.
    pub frame: Pii<Vec<u8>>,
    /// What its response will hold and no other frame: the branch of its transaction.
    pub branch: String,
    /// Our tag in the dialog of the first call that comes on this flow.
    pub tag: String,
    /// What follows in our 180 behind the headers that are copied from the INVITE, to its end.
    pub ringing: String,
}

impl Opening {
    /// The agent that goes on with what the opening of this configuration and seed has said. It has not started.
    pub fn agent(config: &Config, seed: [u8; 32]) -> Result<Agent, ParseError> {
        let mut agent = Agent::new(config, Entropy::from_seed(seed))?;
        agent.post.promised = Some(agent.post.entropy.tag());
        Ok(agent)
    }

    /// What that agent says as soon as its first socket is open; none if it says nothing.
    pub fn of(config: &Config, seed: [u8; 32]) -> Option<Self> {
        let mut agent = Self::agent(config, seed).ok()?;
        for input in [
            Input::Command(Command::Start),
            Input::Connected(FlowId::FIRST),
        ] {
            agent.handle_input(Time(0), input);
        }
        let frame = loop {
            match agent.poll_output() {
                Output::Transmit(_, frame) => break frame,
                Output::Timeout(_) => return None,
                _ => {}
            }
        };
        let register = Message::parse(&frame, &Limits::DEFAULT).ok()?;
        let register = register.into_request()?;
        let tag = agent.post.promised?;
        // Whatever the request: what is ours stands behind what is copied.
        let ringing = agent.post.me.in_dialog(&register, 180, &tag).to_bytes();
        let ringing = String::from_utf8(ringing).ok()?;
        let mut lines = ringing.match_indices('\n').map(|(end, _)| end + 1);
        let ours = lines.find(|at| ringing[*at..].starts_with("Contact: "))?;
        Some(Self {
            branch: register.headers.top_via().ok()?.branch()?.to_owned(),
            ringing: ringing.get(ours..)?.to_owned(),
            frame: Pii(frame),
            tag,
        })
    }
}
