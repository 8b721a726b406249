//! One tab of a browser profile leads: it holds a Web Lock. The others wait for the lock, or steal it.

use crate::{page, problem::Problem};
use alloc::rc::Rc;
use core::cell::RefCell;
use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortController;

#[wasm_bindgen]
extern "C" {
    /// `LockManager`, which web-sys holds to be unstable.
    type Locks;
    #[wasm_bindgen(method, catch)]
    fn request(
        this: &Locks,
        name: &str,
        options: &Object,
        granted: &Function,
    ) -> Result<Promise, JsValue>;
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
    pub fn held(release: Function, ended: Promise, stolen: impl FnOnce() + 'static) -> Self {
        // The request itself ends when the lock is let go, or fails when it is taken away.
        page::beside(async move {
            if JsFuture::from(ended).await.is_err() {
                stolen();
            }
        });
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
    let Some(locks) = locks() else {
        // A browser without locks: each tab is alone.
        let release = Closure::once_into_js(|| {}).unchecked_into();
        return Ok(Some(Lead { release }));
    };
    let options = Object::new();
    let set = |key: &str, value: &JsValue| {
        let _ = Reflect::set(&options, &key.into(), value);
    };
    match claim {
        Claim::IfFree => set("ifAvailable", &JsValue::TRUE),
        Claim::Steal => set("steal", &JsValue::TRUE),
        Claim::Wait => {
            if let Some(waiting) = waiting {
                set("signal", &waiting.0.signal());
            }
        }
    }

    let release: Rc<RefCell<Option<Function>>> = Rc::default();
    let mut answered = None;
    let granted = Promise::new(&mut |resolve, _| answered = Some(resolve));
    let keep = release.clone();
    let on_granted = Closure::once_into_js(move |lock: JsValue| -> JsValue {
        let held = if lock.is_null() {
            JsValue::UNDEFINED
        } else {
            // The lock is held until this promise is resolved.
            Promise::new(&mut |done, _| *keep.borrow_mut() = Some(done)).into()
        };
        if let Some(answered) = answered {
            let _ = answered.call0(&JsValue::UNDEFINED);
        }
        held
    });
    let ended = locks
        .request(name, &options, on_granted.unchecked_ref())
        .map_err(|e| Problem::from_js(&e))?;
    JsFuture::from(Promise::race(&Array::of2(&granted, &ended)))
        .await
        .map_err(|e| Problem::from_js(&e))?;
    let Some(release) = release.take() else {
        return Ok(None);
    };
    Ok(Some(Lead::held(release, ended, stolen)))
}

fn locks() -> Option<Locks> {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    locks.is_object().then(|| locks.unchecked_into())
}
