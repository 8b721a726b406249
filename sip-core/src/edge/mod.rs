//! The edge: registrar and proxy with late forking, as pure state machines.
//!
//! Two kinds of objects share the work. A [`Flow`] owns one connection: it caps and authenticates
//! what arrives, and owns the transactions of its socket. A [`Line`] owns an address-of-record: its
//! devices, bindings, wakes, parked and established calls, missed calls. A call belongs to the
//! **callee's** line; the caller's side holds only its server transaction.
//!
//! Both are driven alike: `handle_input(now, input)`, then drain `poll_output()`, then call again at
//! `deadline()`. Each may be forgotten between any two inputs: whatever it must remember has left as
//! [`RowChange`]s in the same turn, and `restore` takes the rows back. They speak to each other in
//! numbered [`Envelope`]s.
//!
//! The driver's duties, per turn: apply the row changes, **then** send what left. Deliver each
//! envelope to the object named in `to`; feed `Delivered` once that object's turn is stored; do
//! nothing when it failed (the outbox tries again at its deadline).

pub mod callserver;
pub mod command;
pub mod config;
pub mod flow;
mod in_dialog;
pub mod line;
pub mod messages;
pub mod outbox;
pub mod record;
pub mod rows;
pub mod schema;

pub use crate::id;
pub use callserver::{AskWake, CallbackJob, Limited, ServerEvent, ServerWakeView};
pub use command::{
    Availability, BlockedView, CallRecord, DeviceView, DigestSecret, EndedBy, LineCommand,
    LineError, LineReply, MissedView, PushJob, PushKind, PushOutcome, Visibility, WakeView,
    Withheld,
};
pub use config::{EdgeLimits, SiteConfig};
pub use flow::{BearerError, Claims, Flow, FlowInput, FlowOutput, Verifier};
pub use id::{DeviceId, FlowToken, InvalidName, Number, SiteId, Uid, WakeId};
pub use line::{Line, LineInput, LineOutput, SERVER_CALL_REMEMBERED};
pub use messages::{FlowToLine, LineToFlow, Party, flow_object, line_object};
pub use outbox::{Envelope, EnvelopeId};
pub use record::{CallAsked, DeletedUser, LineState, PushNote, Record, RecordId, Step};
pub use rows::{Row, RowChange, RowError};
