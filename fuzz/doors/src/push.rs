//! What push services answer, and what a waiting line makes of it.

use std::collections::VecDeque;

use wakeline_edge::objects::push::outcome;
use wakeline_push::Answer;
use wakeline_sip::edge::{
    DeviceId, Envelope, FlowToLine, Line, LineCommand, LineInput, LineOutput, LineReply, Number,
    Party, PushJob, PushKind, Record, SiteConfig, SiteId, Uid, WakeId,
};
use wakeline_sip::entropy::Entropy;
use wakeline_sip::time::{Duration, Time};
use wakeline_sip::wire::{Limits, Message};

use crate::bytes::Bytes;

const START: Time = Time(1_800_000_000_000);
const WAKE: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const INVITE: &[u8] = b"INVITE sip:1002@example.test SIP/2.0\r\nVia: SIP/2.0/WSS a.invalid;branch=z9hG4bKa\r\n\
From: <sip:1001@example.test>;tag=a\r\nTo: <sip:1002@example.test>\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\nMax-Forwards: 69\r\n\
Contact: <sip:a@a.invalid;transport=ws>\r\nContent-Length: 0\r\n\r\n";
/// A day: no push service is taken at its word for longer.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Pushes of one call to two devices, replacements included.
const MAX_PUSHES: u32 = 128;

/// One call to a line with two sleeping devices, whose push services answer what the bytes say.
pub fn push(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut waiting = Waiting::new();
    while let Some(flags) = bytes.next() {
        let answer = answer(flags, &mut bytes, waiting.now);
        // Whatever is due first happens; now and then the driver is slow.
        if flags & 0x80 != 0 {
            waiting.pass(Duration::from_millis(u64::from(bytes.u16())));
        }
        waiting.answered(answer);
        if waiting.pushes == 0 {
            break;
        }
    }
    waiting.end();
}

fn answer(flags: u8, bytes: &mut Bytes<'_>, now: Time) -> Answer {
    if flags & 0x60 == 0x60 {
        return Answer::unreachable();
    }
    let status = match flags & 15 {
        0 => bytes.u16(),
        n => [
            201, 200, 404, 410, 413, 429, 406, 500, 503, 408, 400, 401, 403, 301, 202,
        ][usize::from(n) - 1],
    };
    let after = (flags & 16 != 0).then(|| bytes.text());
    let answer = Answer::of(status, after.as_deref(), now.as_millis());
    let pause = match answer {
        Answer::Retry { after } | Answer::SlowDown { after } => after,
        _ => None,
    };
    assert!(pause.is_none_or(|ms| ms <= DAY_MS), "a pause of {pause:?}");
    assert_eq!(answer.drops_subscription(), matches!(status, 404 | 410));
    assert!(!(answer.is_retryable() && answer.fault().is_some()));
    answer
}

/// The line of the callee.
struct Waiting {
    line: Line,
    now: Time,
    jobs: VecDeque<PushJob>,
    pushes: u32,
    recorded: u32,
}

impl Waiting {
    fn new() -> Self {
        let config = SiteConfig::new(SiteId::parse("demo").expect("a site"), "example.test");
        let number = Number::parse("1002").expect("a number");
        let line =
            Line::restore(config, number, Entropy::for_tests(1), Vec::new()).expect("no rows");
        let mut waiting = Self {
            line,
            now: START,
            jobs: VecDeque::new(),
            pushes: 0,
            recorded: 0,
        };
        let uid = Uid::parse("u2").expect("a uid");
        waiting.command(LineCommand::Provision {
            uid,
            display_name: "B".into(),
            secret: None,
            replace: false,
        });
        for n in 0..2 {
            let device = DeviceId::parse(&format!("00000000-0000-4000-8000-00000000000{n}"))
                .expect("a device");
            waiting.command(LineCommand::BindDevice {
                device,
                push: Some(format!("{n}")),
                public_key: None,
                label: None,
                lang: None,
            });
        }
        let Ok(Message::Request(request)) = Message::parse(INVITE, &Limits::DEFAULT) else {
            panic!("an INVITE")
        };
        let caller = Party {
            number: Number::parse("1001").expect("a number"),
            uid: Uid::parse("u1").expect("a uid"),
            display_name: "A".into(),
        };
        waiting.input(LineInput::Envelope(Envelope {
            from: "flow:demo:f1".into(),
            to: "line:demo:1002".into(),
            call: WAKE.into(),
            epoch: START,
            seq: 0,
            base: 0,
            asks: false,
            at: START,
            msg: FlowToLine::Invite {
                caller,
                device: None,
                request,
            },
        }));
        assert_eq!(waiting.pushes, 2, "both are invited");
        waiting
    }

    fn answered(&mut self, answer: Answer) {
        if self.jobs.is_empty() {
            self.due();
        }
        if let Some(job) = self.jobs.pop_front() {
            self.input(LineInput::PushResult {
                job: job.job,
                outcome: outcome(answer),
                provider: None,
            });
        }
    }

    fn due(&mut self) {
        if let Some(at) = self.line.deadline() {
            self.now = self.now.max(at);
            self.input(LineInput::Timeout);
        }
    }

    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..4096 {
            match self.line.deadline().filter(|at| *at <= end) {
                Some(_) => self.due(),
                None => {
                    self.now = end;
                    return;
                }
            }
        }
        panic!("a timer of the line spins");
    }

    /// Nobody comes: the wake ends once, in time, and nothing is pushed for ever.
    fn end(&mut self) {
        self.pass(Duration::from_secs(180));
        assert_eq!(self.recorded, 1, "the call is recorded once");
        let reply = self.command(LineCommand::Wake {
            wake: WakeId::parse(WAKE).expect("a wake"),
            device: None,
        });
        match reply {
            Some(LineReply::Wake { wake }) => {
                assert!(wake.state.is_final(), "it is over: {:?}", wake.state)
            }
            Some(LineReply::Refused { .. }) => {}
            other => panic!("unexpected {other:?}"),
        }
        assert!(
            self.jobs
                .iter()
                .all(|job| job.kind != PushKind::Invitation || job.expires_at <= self.now)
        );
        self.jobs.clear();
    }

    fn command(&mut self, command: LineCommand) -> Option<LineReply> {
        self.input(LineInput::Command {
            request: 1,
            command,
        })
    }

    fn input(&mut self, input: LineInput) -> Option<LineReply> {
        self.line.handle_input(self.now, input);
        let (mut reply, mut delivered, mut recorded) = (None, Vec::new(), Vec::new());
        while let Some(output) = self.line.poll_output() {
            match output {
                LineOutput::Push(job) => {
                    self.pushes += 1;
                    assert!(self.pushes <= MAX_PUSHES, "pushed again and again");
                    self.jobs.push_back(*job);
                }
                LineOutput::Send(envelope) => delivered.push(envelope.id()),
                LineOutput::Record(record) => {
                    recorded.push((matches!(*record, Record::Call(_)), record.id()))
                }
                LineOutput::Reply { reply: said, .. } => reply = Some(said),
                LineOutput::Answer(_)
                | LineOutput::Callback(_)
                | LineOutput::Changed(_)
                | LineOutput::Row(_) => {}
            }
        }
        for id in delivered {
            self.line.handle_input(self.now, LineInput::Delivered(id));
        }
        for (is_call, id) in recorded {
            self.recorded += u32::from(is_call);
            self.line.handle_input(self.now, LineInput::Recorded(id));
        }
        while self.line.poll_output().is_some() {}
        reply
    }
}
