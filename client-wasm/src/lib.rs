//! The driver of `sip-core` in a web page: what JavaScript calls, what the browser gives, and no decision of its own that
//! the core could make.
//!
//! | module | what it owns |
//! |---|---|
//! | [`session`] | the line's token, the device's credential, requests under `/v1` |
//! | [`store`], [`device`], [`rest`] | IndexedDB, WebCrypto, `fetch` |
//! | [`socket`], [`timer`] | the WebSocket; an alarm that a hidden page does not slow down |
//! | [`media`] | microphone and peer connection of one call |
//! | [`leader`] | one tab of a browser profile leads |

pub mod device;
pub mod leader;
pub mod media;
pub mod problem;
pub mod rest;
pub mod session;
pub mod socket;
pub mod store;
pub mod timer;
