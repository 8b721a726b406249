//! The media of one call: microphone, peer connection, the other side's stream. How the browser is asked for them is a script's matter
//! (`js/core/media.js`), and so is what is waited for.

use crate::{
    plain::{FromPlain, plain_object, plain_words},
    types::{PhonePort, Sound},
};
use alloc::{rc::Rc, string::String};
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use web_sys::{MediaStream, RtcPeerConnection};

/// What the media of a call tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaEvent {
    /// The other side's stream is there.
    Stream,
    /// Packets can flow.
    Connected,
    /// The microphone was taken away.
    Silent,
    /// No packets for a while.
    Faltering,
    /// No path between the two sides, or it is lost.
    Failed,
}

plain_words!(MediaEvent {
    Stream: "stream",
    Connected: "connected",
    Silent: "silent",
    Faltering: "faltering",
    Failed: "failed",
});

plain_object!(Sound {
    muted: "muted",
    silent: "silent",
    broken: "broken",
});

type Tell = Closure<dyn Fn(JsValue)>;

#[wasm_bindgen(module = "/js/core/media.js")]
extern "C" {
    #[wasm_bindgen(js_name = Media)]
    type Script;
    #[wasm_bindgen(constructor, js_class = "Media")]
    fn new(
        port: &PhonePort,
        call: &str,
        ice_servers: &JsValue,
        listens: bool,
        tell: &Tell,
    ) -> Script;
    #[wasm_bindgen(method, getter)]
    fn peer(this: &Script) -> Option<RtcPeerConnection>;
    #[wasm_bindgen(method, getter)]
    fn remote(this: &Script) -> Option<MediaStream>;
    #[wasm_bindgen(method, getter)]
    fn sound(this: &Script) -> JsValue;
    #[wasm_bindgen(method)]
    fn offer(this: &Script, trickles: Option<bool>) -> Promise;
    #[wasm_bindgen(method)]
    fn answer(this: &Script, offer: &str, trickles: Option<bool>) -> Promise;
    #[wasm_bindgen(method)]
    fn accept(this: &Script, answer: &str) -> Promise;
    #[wasm_bindgen(method, js_name = hearEarly)]
    fn hear_early(this: &Script, answer: &str);
    #[wasm_bindgen(method, js_name = takeCandidates)]
    fn take_candidates(this: &Script, fragment: &str);
    #[wasm_bindgen(method, js_name = rollBack)]
    fn roll_back(this: &Script);
    #[wasm_bindgen(method)]
    fn restart(this: &Script);
    #[wasm_bindgen(method, js_name = wantsServers)]
    fn wants_servers(this: &Script, offer: Option<&str>) -> bool;
    #[wasm_bindgen(method)]
    fn reconfigure(this: &Script, ice_servers: &JsValue);
    #[wasm_bindgen(method)]
    fn renew(this: &Script);
    #[wasm_bindgen(method)]
    fn mute(this: &Script, on: bool);
    #[wasm_bindgen(method)]
    fn hold(this: &Script, on: bool);
    #[wasm_bindgen(method, js_name = useMicrophone)]
    fn use_microphone(this: &Script) -> Promise;
    #[wasm_bindgen(method)]
    fn close(this: &Script);
}

/// The media of one call. Clones share it; it is closed with the last one.
#[derive(Clone)]
pub struct Media(Rc<Inner>);

struct Inner {
    script: Script,
    _tell: Tell,
}

impl Media {
    /// Media that has touched neither microphone nor network yet. The page has a hand in the connections of this call, and asks for its
    /// microphone.
    pub fn new(
        ice_servers: &JsValue,
        listens: bool,
        (port, call): (PhonePort, String),
        tell: impl Fn(MediaEvent) + 'static,
    ) -> Self {
        let tell = Tell::new(move |word| {
            if let Some(event) = MediaEvent::from_plain(&word) {
                tell(event);
            }
        });
        Self(Rc::new(Inner {
            script: Script::new(&port, &call, ice_servers, listens, &tell),
            _tell: tell,
        }))
    }

    /// Our offer, candidates included: those worth waiting for, or (`trickles`) those that are there at once.
    pub fn offer(&self, trickles: Option<bool>) -> Promise {
        self.0.script.offer(trickles)
    }

    /// Our answer to an offer, candidates included.
    pub fn answer(&self, offer: &str, trickles: Option<bool>) -> Promise {
        self.0.script.answer(offer, trickles)
    }

    /// Takes the answer to our offer.
    pub fn accept(&self, answer: &str) -> Promise {
        self.0.script.accept(answer)
    }

    /// Hears the other side before it has answered, where that can be.
    pub fn hear_early(&self, answer: &str) {
        self.0.script.hear_early(answer);
    }

    /// Takes more candidates of the other side.
    pub fn take_candidates(&self, fragment: &str) {
        self.0.script.take_candidates(fragment);
    }

    /// Back to what was agreed before a description that the other side refused or called off.
    pub fn roll_back(&self) {
        self.0.script.roll_back();
    }

    /// The next offer is for another path of the same connection.
    pub fn restart(&self) {
        self.0.script.restart();
    }

    /// Servers for another path are wanted: ours is lost, or the other side offers another one.
    pub fn wants_servers(&self, offer: Option<&str>) -> bool {
        self.0.script.wants_servers(offer)
    }

    /// The path that is looked for next may go by these servers, if there are any.
    pub fn reconfigure(&self, ice_servers: &JsValue) {
        self.0.script.reconfigure(ice_servers);
    }

    /// The next offer is for a connection of its own.
    pub fn renew(&self) {
        self.0.script.renew();
    }

    /// Sends silence, or the microphone again.
    pub fn mute(&self, on: bool) {
        self.0.script.mute(on);
    }

    /// Neither speaks nor listens, or both again.
    pub fn hold(&self, on: bool) {
        self.0.script.hold(on);
    }

    /// What becomes of the microphone's sound.
    pub fn sound(&self) -> Sound {
        Sound::from_plain(&self.0.script.sound()).unwrap_or_default()
    }

    /// Takes the microphone anew, perhaps another one.
    pub fn use_microphone(&self) -> Promise {
        self.0.script.use_microphone()
    }

    /// The other side's stream.
    pub fn remote(&self) -> Option<MediaStream> {
        self.0.script.remote()
    }

    /// The connection itself, while there is one.
    pub fn peer(&self) -> Option<RtcPeerConnection> {
        self.0.script.peer()
    }

    /// Lets the microphone and the connection go. Nothing is told any more.
    pub fn close(&self) {
        self.0.script.close();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.script.close();
    }
}
