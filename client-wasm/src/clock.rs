//! The page's clock: the machine's as it stood when the page was loaded, and steady from then on.
//!
//! `Date.now()` leaps when somebody sets the machine's clock: back, and no timer would fire for as long; forward, and every
//! call would be over. Times that are compared with the edge's are corrected by what the edge says, on this same clock.

use web_sys::Performance;

fn performance() -> Option<Performance> {
    web_sys::window()?.performance()
}

/// Milliseconds since the epoch. Never goes back, and never leaps while the page is awake.
pub fn now() -> u64 {
    performance().map_or_else(js_sys::Date::now, |p| p.time_origin() + p.now()) as u64
}

/// How far the machine's clock is from this one. It changes when the clock was set, and when a machine has slept that stops
/// the steady one meanwhile.
pub fn drift() -> i64 {
    js_sys::Date::now() as i64 - now() as i64
}
