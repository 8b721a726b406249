//! How many sequences, from which seed, and where a failing one is kept.

use std::cell::Cell;

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner,
};

use crate::judge::judge;
use crate::play::Play;
use crate::steps::{Case, Sky, case};

/// Steps of the longest sequence.
const LONGEST: usize = 28;
/// Sequences where nobody says how many: `cargo test` without optimisation.
const USUAL: u64 = 100;
/// Where the seeds of sequences that once failed are kept, below the package.
const REGRESSIONS: &str = "tests/model/regressions.txt";

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A runner for this share of all sequences.
fn runner(name: &str, percent: u64) -> TestRunner {
    let all = number("WAKELINE_SEQUENCES").unwrap_or(USUAL);
    let seed = number("WAKELINE_SEED").unwrap_or(20_261_122);
    let cases = u32::try_from(all * percent / 100).expect("a number of sequences");
    eprintln!("{name}: {cases} of WAKELINE_SEQUENCES={all} WAKELINE_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    for (to, from) in bytes[8..].iter_mut().zip(name.bytes()) {
        *to = from;
    }
    let config = Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(REGRESSIONS))),
        max_shrink_iters: 4_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// What a sequence that fails says, it says once, when it has been shrunk.
fn be_quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !PLAYING.get() {
                loud(panic);
            }
        }));
    });
}

thread_local! {
    static PLAYING: Cell<bool> = const { Cell::new(false) };
}

fn hold(case: &Case) -> Result<(), TestCaseError> {
    let case = case.clone();
    PLAYING.set(true);
    let played = std::panic::catch_unwind(move || {
        let mut play = Play::new(case);
        play.run();
        judge(&mut play);
    });
    PLAYING.set(false);
    played.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()));
        TestCaseError::fail(text.unwrap_or_default())
    })
}

fn all_hold(name: &str, percent: u64, strategy: impl Strategy<Value = Case>) {
    be_quiet();
    let ran = runner(name, percent).run(&strategy, |case| hold(&case));
    match ran {
        Ok(()) => {}
        Err(TestError::Fail(why, case)) => panic!("{why}\n{case:?}"),
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
}

#[test]
fn on_a_fair_network() {
    all_hold("fair", 50, case(Sky::Fair, LONGEST));
}

#[test]
fn on_a_network_that_delays_repeats_and_reorders() {
    all_hold("breezy", 25, case(Sky::Breezy, LONGEST));
}

#[test]
fn on_a_network_that_loses_a_fifth_as_well() {
    all_hold("stormy", 25, case(Sky::Stormy, LONGEST));
}
