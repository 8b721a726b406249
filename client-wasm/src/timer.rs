//! One alarm that also goes off on time in a hidden page. How is a script's matter (`js/core/alarm.js`).

use wasm_bindgen::prelude::*;

type Ring = Closure<dyn Fn()>;

#[wasm_bindgen(module = "/js/core/alarm.js")]
extern "C" {
    #[wasm_bindgen(js_name = Alarm)]
    type Script;
    #[wasm_bindgen(constructor, js_class = "Alarm")]
    fn new(ring: &Ring) -> Script;
    #[wasm_bindgen(method, getter, js_name = inWorker)]
    fn in_worker(this: &Script) -> bool;
    #[wasm_bindgen(method)]
    fn set(this: &Script, after: Option<u32>);
    #[wasm_bindgen(method)]
    fn close(this: &Script);
}

/// The alarm. Setting it replaces what was set before.
pub struct Alarm {
    script: Script,
    _ring: Ring,
}

impl Alarm {
    /// An alarm that calls `ring`.
    pub fn new(ring: impl Fn() + 'static) -> Self {
        let ring = Ring::new(ring);
        Self {
            script: Script::new(&ring),
            _ring: ring,
        }
    }

    /// It ticks in a worker.
    pub fn in_worker(&self) -> bool {
        self.script.in_worker()
    }

    /// Rings once after this many milliseconds; never when `None`.
    pub fn set(&self, after: Option<u32>) {
        self.script.set(after);
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.script.close();
    }
}
