//! The wake: one attempt to bring a line online for one call. Two levels, one pure state machine.
//!
//! ```text
//! per device: targeted → pushed → (shown) → opened → registered → ready → invited → ringing → answered
//!             or declined | busy | dropped | cancelled
//! per wake:   the furthest device while it lasts, then exactly one final state:
//!             answered | declined | busy | unanswered | expired | cancelled | unbound | unreachable | failed
//! ```
//!
//! The machine knows neither SIP nor push services: it is told [`Event`]s and answers with
//! [`Action`]s, and whoever leads a wake carries them out. It is stored whole between any two events.

mod event;
mod limits;
mod machine;
mod push;
mod state;
#[cfg(test)]
mod tests;

pub use event::{Action, Event, Quiet, ServerSaid, Target};
pub use limits::{DeclineScope, Limits};
pub use machine::Wake;
pub use push::PushOutcome;
pub use state::{DeviceState, Failure, WakeState, Why};

/// The words of a wake that was refused because its line wants no calls now.
pub const DO_NOT_DISTURB: &str = "do not disturb";
