//! wip
pub mod config; pub mod names; pub mod secret; pub mod token;
