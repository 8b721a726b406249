//! One tab of a browser profile leads: it holds a Web Lock. The others wait for the lock, or steal it. How it is asked for is a
//! script's matter (`js/core/leader.js`).

use crate::problem::{Problem, settled};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use web_sys::AbortController;

#[wasm_bindgen(module = "/js/core/leader.js")]
extern "C" {
    // Throws nothing; it is caught because what takes only objects would be no function of the glue's own.
    #[wasm_bindgen(catch)]
    fn held(ended: &Promise, tell: &JsValue) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = claim)]
    fn claim_lock(
        name: &str,
        if_available: bool,
        steal: bool,
        waiting: Option<&AbortController>,
        tell: &JsValue,
    ) -> Promise;
}

/// How to come by the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// Only if nobody has it.
    IfFree,
    /// When it is free: after all who waited before.
    Wait,
    /// Now, whoever has it.
    Steal,
}

/// The lock, held until dropped or stolen.
pub struct Lead {
    release: Function,
}

impl Lead {
    /// A lock that is held already until `release` is called; `ended` is its request, which fails when it is stolen.
    pub fn held(release: Function, ended: &Promise, stolen: impl FnOnce() + 'static) -> Self {
        let _ = held(ended, &told(stolen));
        Self { release }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

/// Stops a [`Claim::Wait`] when dropped.
#[derive(Clone)]
pub struct Waiting(AbortController);

impl Waiting {
    /// A claim that can be given up.
    pub fn new() -> Result<Self, Problem> {
        AbortController::new()
            .map(Self)
            .map_err(|e| Problem::from_js(&e))
    }

    /// Gives the claim up.
    pub fn give_up(&self) {
        self.0.abort();
    }
}

/// Claims the lock of this name; `stolen` is called if another tab takes it away later. `None` when it was not to be had.
pub async fn claim(
    name: &str,
    claim: Claim,
    waiting: Option<&Waiting>,
    stolen: impl FnOnce() + 'static,
) -> Result<Option<Lead>, Problem> {
    let lock = claim_lock(
        name,
        claim == Claim::IfFree,
        claim == Claim::Steal,
        waiting.map(|waiting| &waiting.0),
        &told(stolen),
    );
    let release = settled(lock).await?.dyn_into().ok();
    Ok(release.map(|release| Lead { release }))
}

fn told(stolen: impl FnOnce() + 'static) -> JsValue {
    Closure::once_into_js(move |taken: bool| {
        if taken {
            stolen();
        }
    })
}
