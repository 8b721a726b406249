//! What may happen in a sequence, and how likely it is.

use proptest::collection::vec;
use proptest::prelude::*;
use wakeline_sip::wake::DeclineScope;

use crate::page::Temper;

/// One thing that somebody does, or that befalls somebody. Numbers choose among who is there at that moment, so that a
/// sequence stays one when parts of it are taken away.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A new call to the line that sleeps; caller 2 is a device of that line itself.
    Call { caller: usize },
    /// The caller gives up its `nth` call that has no end yet.
    Cancel { nth: usize },
    /// The caller's socket breaks.
    CallerCut { caller: usize, noticed_ms: u64 },
    /// A caller whose socket broke comes back and repeats its INVITE.
    CallerBack { caller: usize },
    /// The caller of an answered call hangs up.
    CallerHangsUp { nth: usize },
    /// A device that talks hangs up.
    DeviceHangsUp { device: usize },
    /// What the push service says next.
    PushSays(PushSaid),
    /// A page or its service worker reports on one of the wakes it knows, 0 being the newest.
    Report {
        device: usize,
        wake: usize,
        what: What,
    },
    /// Tapped: opened, registers (over a new socket or its old one), and says ready once it is registered.
    Tap {
        device: usize,
        wake: usize,
        anew: bool,
    },
    /// The page is opened by hand, over a new socket.
    Open { device: usize },
    /// The page comes back over a new socket, with its calls.
    Return { device: usize },
    /// The page registers again over the socket it has.
    Refresh { device: usize },
    /// The page's socket breaks or the page is killed.
    Cut { device: usize, noticed_ms: u64 },
    /// The tab is frozen: it reads nothing.
    Freeze { device: usize },
    /// The tab goes on and reads what has come.
    Thaw { device: usize },
    /// A device that rings gives its final answer.
    Answer {
        device: usize,
        nth: usize,
        status: u16,
    },
    /// How the device treats the next INVITEs.
    Temper { device: usize, temper: Temper },
    /// The device is revoked.
    Revoke { device: usize },
    /// The network between an object and all others breaks: the line's, or a page's flow.
    CutOff { whose: usize },
    /// It is whole again.
    Whole,
}

#[derive(Clone, Copy, Debug)]
pub enum What {
    Shown,
    Opened,
    Ready,
    Decline,
}

#[derive(Clone, Copy, Debug)]
pub enum PushSaid {
    Gone,
    Refused,
    Throttled(u32),
    Busy,
    /// It hangs: the driver never says what became of it.
    Nothing,
}

/// How the network between the objects is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sky {
    /// Each message arrives once, in order.
    Fair,
    /// Messages are late, repeated and overtake each other.
    Breezy,
    /// A fifth of them is lost as well, acknowledgements too.
    Stormy,
}

#[derive(Clone)]
pub struct Case {
    pub seed: u64,
    pub sky: Sky,
    pub decline: DeclineScope,
    /// Which devices have a push target, and which have a page open in the beginning.
    pub pushable: [bool; 3],
    pub open: [bool; 3],
    /// A user agent that is none of ours is registered as well.
    pub foreign: bool,
    pub beats: Vec<(Step, u64)>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(
            f,
            "seed {} {:?} decline {:?} pushable {:?} open {:?} foreign {}",
            self.seed, self.sky, self.decline, self.pushable, self.open, self.foreign
        )?;
        for (step, then) in &self.beats {
            writeln!(f, "  {step:?}, then {then} ms")?;
        }
        Ok(())
    }
}

fn device() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0..2usize, 2 => Just(2usize), 1 => Just(3usize)]
}

fn nth() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0usize), 1 => 1..3usize]
}

fn noticed() -> impl Strategy<Value = u64> {
    prop_oneof![3 => Just(1u64), 1 => 1..3_000u64, 1 => 3_000..40_000u64]
}

fn temper() -> impl Strategy<Value = Temper> {
    prop_oneof![
        6 => Just(Temper::Ring),
        1 => Just(Temper::Answer),
        1 => Just(Temper::Busy),
        1 => Just(Temper::Decline),
        1 => Just(Temper::Try),
        1 => Just(Temper::Refuse),
    ]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![3 => Just(What::Shown), 3 => Just(What::Opened), 3 => Just(What::Ready), 1 => Just(What::Decline)]
}

fn push_said() -> impl Strategy<Value = PushSaid> {
    prop_oneof![
        Just(PushSaid::Gone),
        Just(PushSaid::Refused),
        (0..30u32).prop_map(PushSaid::Throttled),
        Just(PushSaid::Busy),
        Just(PushSaid::Nothing),
    ]
}

fn status() -> impl Strategy<Value = u16> {
    prop_oneof![8 => Just(200u16), 2 => Just(486u16), 2 => Just(603u16), 1 => Just(480u16), 1 => Just(302u16), 1 => Just(487u16), 1 => Just(500u16)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        7 => prop_oneof![5 => 0..2usize, 1 => Just(2usize)].prop_map(|caller| Step::Call { caller }),
        3 => nth().prop_map(|nth| Step::Cancel { nth }),
        1 => (0..2usize, noticed()).prop_map(|(caller, noticed_ms)| Step::CallerCut { caller, noticed_ms }),
        2 => (0..2usize).prop_map(|caller| Step::CallerBack { caller }),
        1 => nth().prop_map(|nth| Step::CallerHangsUp { nth }),
        1 => device().prop_map(|device| Step::DeviceHangsUp { device }),
        2 => push_said().prop_map(Step::PushSays),
        5 => (device(), nth(), what()).prop_map(|(device, wake, what)| Step::Report { device, wake, what }),
        6 => (device(), nth(), any::<bool>()).prop_map(|(device, wake, anew)| Step::Tap { device, wake, anew }),
        2 => device().prop_map(|device| Step::Open { device }),
        1 => device().prop_map(|device| Step::Return { device }),
        1 => device().prop_map(|device| Step::Refresh { device }),
        2 => (device(), noticed()).prop_map(|(device, noticed_ms)| Step::Cut { device, noticed_ms }),
        1 => device().prop_map(|device| Step::Freeze { device }),
        2 => device().prop_map(|device| Step::Thaw { device }),
        7 => (device(), nth(), status()).prop_map(|(device, nth, status)| Step::Answer { device, nth, status }),
        2 => (device(), temper()).prop_map(|(device, temper)| Step::Temper { device, temper }),
        1 => (0..3usize).prop_map(|device| Step::Revoke { device }),
    ]
}

/// Time until the next step: often none at all, so that things cross; sometimes past a deadline.
fn wait() -> impl Strategy<Value = u64> {
    prop_oneof![
        3 => Just(0u64),
        3 => 1..12u64,
        4 => 12..400u64,
        3 => 400..2_500u64,
        2 => 2_500..8_000u64,
        1 => 8_000..25_000u64,
    ]
}

pub fn case(sky: Sky, longest: usize) -> impl Strategy<Value = Case> {
    let scope = prop_oneof![3 => Just(DeclineScope::Line), 1 => Just(DeclineScope::Device)];
    let open = prop_oneof![1 => Just([false, false, false]), 1 => any::<[bool; 3]>()];
    let pushable = prop_oneof![2 => Just([true, true, true]), 1 => any::<[bool; 3]>()];
    let cut_off = prop_oneof![1 => (0..6usize).prop_map(|whose| Step::CutOff { whose }), 2 => Just(Step::Whole)];
    let any_step = prop_oneof![40 => step(), 1 => cut_off];
    let beats = vec((any_step, wait()), 1..=longest);
    (
        any::<u64>(),
        scope,
        pushable,
        open,
        prop::bool::weighted(0.2),
        beats,
    )
        .prop_map(
            move |(seed, decline, pushable, open, foreign, beats)| Case {
                seed,
                sky,
                decline,
                pushable,
                open,
                foreign,
                beats,
            },
        )
}
