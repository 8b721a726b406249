//! Set-up: what a command needs, found or installed, and said so.

pub mod apt;
pub mod asterisk;
pub mod node;
pub mod python;
pub mod rust;
