//! What a call server in front of the edge may say to a line.

use super::{NUMBERS, World};
use crate::bytes::Bytes;
use wakeline_sip::edge::{AskWake, LineCommand, LineInput, Number, Party, ServerEvent, Uid};
use wakeline_sip::time::Duration;
use wakeline_sip::wake::Failure;

impl World {
    /// A call server asks for a wake, or says how its call goes on: late, twice, in any order.
    pub(super) fn call_server(&mut self, page: usize, kind: u8, bytes: &mut Bytes<'_>) {
        let server = ["pbx", "gw"][usize::from(kind & 64 != 0)].to_owned();
        let number = NUMBERS[page];
        if kind.is_multiple_of(4) {
            let caller = Number::parse("13800138000").expect("a number");
            let ask = AskWake {
                server,
                call: bytes.text(),
                caller: Party {
                    uid: Uid::parse(caller.as_str()).expect("a uid"),
                    number: caller,
                    display_name: String::new(),
                },
                ready: None,
                ring: Some(Duration::from_secs(u64::from(bytes.u8()))),
                callback: (kind & 32 != 0).then(|| "https://pbx.example/".to_owned()),
                limited: None,
            };
            return self.command(number, LineCommand::AskWake(Box::new(ask)));
        }
        let which = usize::from(bytes.u8());
        if self.wakes.is_empty() {
            return;
        }
        let (_, wake) = self.wakes[which % self.wakes.len()].clone();
        let event = match bytes.u8() % 7 {
            0 => ServerEvent::Invited,
            1 => ServerEvent::Ringing,
            2 => ServerEvent::Answered,
            3 => ServerEvent::Ended,
            4 => ServerEvent::Cancelled,
            5 => {
                let (known, version) = (wake, u64::from(bytes.u8()));
                let result = LineInput::CallbackResult {
                    wake: known,
                    version,
                    taken: kind & 16 != 0,
                };
                self.line(&format!("line:demo:{number}"), result);
                return;
            }
            _ => ServerEvent::Failed(Failure {
                status: bytes.u16(),
                reason: bytes.text(),
            }),
        };
        let command = LineCommand::ServerEvent {
            wake,
            server,
            event,
        };
        self.command(number, command);
    }
}
