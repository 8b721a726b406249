//! `wasm-bindgen` and `wasm-bindgen-test-runner` as one tool whose version Cargo.lock pins.
//!
//! Kept apart from `xtask` because it takes minutes to build and most commands do not need it.
//! The first argument chooses: `bindgen …` or `test-runner …`; the rest is theirs.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    if args.len() < 2 {
        eprintln!("usage: wasm-tool bindgen|test-runner ARGS…");
        return ExitCode::from(2);
    }
    let tool = args.remove(1);
    let result = match tool.to_str() {
        Some("bindgen") => wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(args),
        Some("test-runner") => wasm_bindgen_cli::wasm_bindgen_test_runner::run_cli_with_args(args),
        _ => {
            eprintln!("wasm-tool: no tool named {tool:?}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wasm-tool: {error:#}");
            ExitCode::FAILURE
        }
    }
}
