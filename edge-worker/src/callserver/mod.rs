//! Call servers: FreeSWITCH, Kamailio, Asterisk, or whoever else sends the INVITE.

pub mod identity;
