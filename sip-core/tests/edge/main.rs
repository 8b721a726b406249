//! The edge in virtual time: scripted pages, every object evicted between any two inputs, one file per behaviour.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "the model uses the rest of it")]
mod page;
#[allow(
    dead_code,
    reason = "the agents' tests and the model use the rest of this world"
)]
mod sim;

mod abuse;
mod another_user;
mod answered;
mod asked;
mod browser_restarted;
mod caller_lost;
mod callserver;
mod cancelled;
mod chaos;
mod declined;
mod deleted;
mod frozen_tab;
mod hindered;
mod identity;
mod in_the_call;
mod line_unreachable;
mod never_tapped;
mod old_rows;
mod opened_by_hand;
mod pn;
mod presence;
mod push_troubles;
mod ready;
mod records;
mod registrar;
mod reliable;
mod revoked;
mod silent_page;
mod storms;
mod strangers;
mod tapped_too_late;
mod two_callers;
mod two_devices;
mod unanswered;
mod unbound_and_unknown;
mod withheld;
