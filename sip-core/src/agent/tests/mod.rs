//! Agents in virtual time: a tiny edge between them that registers and relays, over a network that loses and delays.

mod calls;
mod challenged;
mod dialing;
mod exchange;
mod faults;
mod flow;
mod net;
mod register;
mod servers;
mod session;
mod transfer;
