//! Call servers: FreeSWITCH, Kamailio, Asterisk, or whoever else sends the INVITE.

pub mod callback;
pub mod credentials;
pub mod identity;
pub mod registrar;
