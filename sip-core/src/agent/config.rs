//! Whose agent it is and how patient it is.

use crate::auth::Login;
use crate::pii::Pii;
use crate::time::Duration;
use alloc::string::String;

/// Everything that the agent is told once.
#[derive(Clone, Debug)]
pub struct Config {
    /// `sip:number@domain`.
    pub address_of_record: Pii<String>,
    /// The name that others see; may be empty.
    pub display_name: Pii<String>,
    /// The device's UUID: its `+sip.instance` (RFC 5626 §4.1).
    pub instance: String,
    /// The socket is encrypted: `WSS` in Via (RFC 7118 §5.2).
    pub secure: bool,
    /// What it calls itself.
    pub user_agent: String,
    /// The line's token (RFC 8898).
    pub token: Option<Pii<String>>,
    /// For servers that ask by digest.
    pub login: Option<Login>,
    /// How patient it is.
    pub patience: Patience,
    /// How it treats calls.
    pub policy: Policy,
}

/// How calls are treated.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whoever calls beyond this many calls hears that we are busy.
    pub calls: usize,
    /// The interval of session timers that is asked for, in seconds (RFC 4028); 0 asks for none.
    pub session: u32,
    /// A call that asks for it is answered without a person (RFC 5373). A microphone that strangers can open: off.
    pub auto_answer: bool,
    /// What stands is changed by UPDATE where the other side takes it (RFC 3311), not by re-INVITE.
    pub update: bool,
    /// A globally routable address is asked for and used as Contact (RFC 5627). Off: many a proxy that gives one does not
    /// route requests inside of a dialog to it.
    #[cfg(feature = "outbound")]
    pub gruu: bool,
    /// Ringing is said reliably to whoever can take it (RFC 3262); to whoever insists it is in any case.
    pub reliable: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            calls: 2,
            session: 1800,
            auto_answer: false,
            update: false,
            #[cfg(feature = "outbound")]
            gruu: false,
            reliable: false,
        }
    }
}

/// Limits of time.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// The life that is asked for a binding.
    pub expires: Duration,
    /// A socket that has not opened by then is given up.
    pub connect: Duration,
    /// A REGISTER without an answer by then means that the flow is dead. Far below Timer F: a caller waits.
    pub register: Duration,
    /// A quiet flow is asked for life this often (RFC 5626 §4.4.1).
    pub ping: Duration,
    /// And has this long to answer.
    pub pong: Duration,
    /// When the flow is in doubt it has only this long.
    pub pong_in_doubt: Duration,
    /// The first pause between two tries; doubled each time.
    pub retry_first: Duration,
    /// The longest pause.
    pub retry_most: Duration,
    /// The longest pause while a call waits for the flow.
    pub retry_urgent: Duration,
    /// A call that is not answered yet and whose flow is lost waits this long for a new one.
    pub rebind: Duration,
    /// A call that cannot be sent for want of a registration waits this long for one.
    pub unregistered: Duration,
    /// An unregister without an answer by then is given up.
    pub farewell: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            expires: Duration::from_secs(600),
            connect: Duration::from_secs(10),
            register: Duration::from_secs(5),
            ping: Duration::from_secs(25),
            pong: Duration::from_secs(10),
            pong_in_doubt: Duration::from_secs(2),
            retry_first: Duration::from_millis(500),
            retry_most: Duration::from_secs(30),
            retry_urgent: Duration::from_secs(1),
            rebind: Duration::from_secs(10),
            unregistered: Duration::from_secs(10),
            farewell: Duration::from_secs(1),
        }
    }
}
