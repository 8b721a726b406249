//! One alarm that also goes off on time in a hidden page: browsers slow a hidden page's own timers down to one a
//! minute, but not those of its workers (keepalive would come too late).

use crate::{listener::EventListener, timeout::Timeout};
use alloc::rc::Rc;
use core::cell::RefCell;
use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, MessageEvent, Url, Worker};

/// Each message sets the alarm anew (ms), or takes it away (negative).
const SCRIPT: &str =
    "let t;onmessage=e=>{clearTimeout(t);if(e.data>=0)t=setTimeout(()=>postMessage(0),e.data)}";

/// The alarm. Setting it replaces what was set before.
pub struct Alarm {
    ring: Rc<dyn Fn()>,
    worker: Option<(Worker, EventListener)>,
    fallback: RefCell<Option<Timeout>>,
}

impl Alarm {
    /// An alarm that calls `ring`.
    pub fn new(ring: impl Fn() + 'static) -> Self {
        let ring: Rc<dyn Fn()> = Rc::new(ring);
        let worker = start().map(|worker| {
            let ring = ring.clone();
            let listener = EventListener::new(&worker, "message", move |event| {
                if event.dyn_ref::<MessageEvent>().is_some() {
                    ring();
                }
            });
            (worker, listener)
        });
        Self {
            ring,
            worker,
            fallback: RefCell::new(None),
        }
    }

    /// It ticks in a worker (a page's policy may forbid one; its own timers are used then).
    pub fn in_worker(&self) -> bool {
        self.worker.is_some()
    }

    /// Rings once after this many milliseconds; never when `None`.
    pub fn set(&self, after: Option<u32>) {
        match &self.worker {
            Some((worker, _)) => {
                // Only a message that cannot be cloned fails; a number can.
                let _ = worker.post_message(&after.map_or(-1.0, f64::from).into());
            }
            None => {
                *self.fallback.borrow_mut() = after.map(|ms| {
                    let ring = self.ring.clone();
                    Timeout::new(ms, move || ring())
                });
            }
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if let Some((worker, _)) = &self.worker {
            worker.terminate();
        }
    }
}

fn start() -> Option<Worker> {
    let options = BlobPropertyBag::new();
    options.set_type("text/javascript");
    let script =
        Blob::new_with_str_sequence_and_options(&Array::of1(&SCRIPT.into()), &options).ok()?;
    let url = Url::create_object_url_with_blob(&script).ok()?;
    let worker = Worker::new(&url).ok();
    // The worker has its script; without one there is nothing to keep either.
    let _ = Url::revoke_object_url(&url);
    worker
}
