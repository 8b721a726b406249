//! Agents in virtual time: a tiny edge between them that registers and relays, over a network that loses and delays.

mod ahead;
mod bends;
#[cfg(feature = "beside")]
mod beside;
#[cfg(feature = "beside")]
mod beside_called_faults;
#[cfg(feature = "beside")]
mod beside_faults;
mod called_faults;
mod calls;
mod challenged;
mod dialing;
mod digest;
mod exchange;
mod faults;
mod flow;
#[cfg(feature = "outbound")]
mod flows;
mod kept;
mod net;
mod opening;
mod overtaken;
mod path;
mod proven_ahead;
mod record;
mod register;
mod servers;
mod session;
mod transfer;
mod trickle;
mod two_challengers;
