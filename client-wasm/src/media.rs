//! The media of one call: microphone, peer connection, the other side's stream. DTLS-SRTP, Opus.
//!
//! The microphone is asked for when an offer or answer is wanted, and let go when the call's media is closed, even if
//! the browser grants it only afterwards. Opening it takes its time, in which connection, offer and candidates are made where the person
//! has allowed it for good. No description leaves before it is there: nobody is rung by a page without a voice.

use crate::{
    listener::EventListener,
    once, page,
    problem::Problem,
    types::{PhonePort, Sound},
};
use alloc::rc::Rc;
use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};
use core::cell::{Cell, RefCell};
use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    MediaStream, MediaStreamTrack, MediaStreamTrackState, RtcConfiguration, RtcPeerConnection,
    RtcPeerConnectionState, RtcRtpSender, RtcSdpType, RtcSessionDescriptionInit, RtcSignalingState,
    RtcTrackEvent,
};

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

/// The media of one call.
#[derive(Clone)]
pub struct Media(Rc<Inner>);

struct Inner {
    /// `RTCConfiguration.iceServers` of the connections to come.
    ice_servers: RefCell<JsValue>,
    /// The page has a hand in the connections of this call, and asks for its microphone.
    maker: (PhonePort, String),
    tell: Box<dyn Fn(MediaEvent)>,
    peer: RefCell<Option<Peer>>,
    microphone: RefCell<Option<Microphone>>,
    /// It is being opened.
    opening: Cell<bool>,
    /// No microphone is asked for.
    listens: Cell<bool>,
    remote: RefCell<Option<MediaStream>>,
    muted: Cell<bool>,
    held: Cell<bool>,
    /// The path was there, and is not.
    broken: Cell<bool>,
    /// The next offer is for another path.
    restarts: Cell<bool>,
    closed: Cell<bool>,
}

/// A microphone that was given to us.
struct Microphone {
    stream: MediaStream,
    /// Tell when it is taken away.
    _listeners: Vec<EventListener>,
}

/// A microphone that was asked for.
enum Asked {
    Had(MediaStream),
    For(JsFuture),
}

/// A voice that is on its way into the connection.
type Voiced = once::Told<Result<(), Problem>>;

/// One `RTCPeerConnection` with what listens to it.
struct Peer {
    connection: RtcPeerConnection,
    /// The far side's certificate; another one means another far page.
    fingerprint: String,
    _listeners: [EventListener; 2],
    over: Over,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.connection.close();
        self.over.tell();
    }
}

/// A connection is closed. What was asked of it is then never settled by the browser (WebRTC §4.4.1.5), and whoever waits for it would
/// wait, with all that is held, as long as the page lives.
struct Over {
    told: Promise,
    tell: Option<Function>,
}

impl Over {
    fn new() -> Self {
        let mut tell = None;
        let told = Promise::new(&mut |resolve, _| tell = Some(resolve));
        Self { told, tell }
    }

    fn tell(&self) {
        if let Some(tell) = &self.tell {
            // Null is what no question to a connection is answered by.
            let _ = tell.call1(&JsValue::UNDEFINED, &JsValue::NULL);
        }
    }
}

impl Media {
    /// Media that has touched neither microphone nor network yet.
    pub fn new(
        ice_servers: JsValue,
        listens: bool,
        maker: (PhonePort, String),
        tell: impl Fn(MediaEvent) + 'static,
    ) -> Self {
        Self(Rc::new(Inner {
            ice_servers: RefCell::new(ice_servers),
            maker,
            tell: Box::new(tell),
            peer: RefCell::new(None),
            microphone: RefCell::new(None),
            opening: Cell::new(false),
            listens: Cell::new(listens),
            remote: RefCell::new(None),
            muted: Cell::new(false),
            held: Cell::new(false),
            broken: Cell::new(false),
            restarts: Cell::new(false),
            closed: Cell::new(false),
        }))
    }

    /// Our offer, candidates included: those worth waiting for, or (`trickles`) those that are there at once.
    pub async fn offer(&self, trickles: Option<bool>) -> Result<String, Problem> {
        let (connection, voiced) = match self.connection() {
            // A later offer changes the connection that stands, with or without a microphone.
            Some(connection) => (connection, None),
            None => self.begin().await.map(|(it, voiced)| (it, Some(voiced)))?,
        };
        if self.0.restarts.take() {
            call(&connection, "restartIce", &Array::new());
        }
        let offer = self.asked(connection.create_offer()).await?;
        let set = connection.set_local_description(offer.unchecked_ref());
        self.asked(set).await?;
        let described = self.gathered(&connection, trickles).await?;
        if let Some(voiced) = voiced {
            voiced.await.unwrap_or(Err(Problem::Gone))?;
        }
        Ok(described)
    }

    /// Our answer to an offer, candidates included. A re-offer by a page that was reloaded (another certificate) is
    /// answered from a fresh connection, for not every browser restarts DTLS on a living one.
    pub async fn answer(&self, offer: &str, trickles: Option<bool>) -> Result<String, Problem> {
        // A call that has lost its microphone answers a later offer without.
        let listens = self.0.listens.get() || self.sound().silent;
        let microphone = match listens {
            true => None,
            false => Some(self.ask().await?),
        };
        let known = self.connection().filter(|_| self.knows(offer));
        let (connection, fresh) = match known {
            Some(connection) => (connection, false),
            None => match self.connect(false) {
                Ok(connection) => (connection, true),
                Err(problem) => return self.without(problem, microphone).await,
            },
        };
        let described = self.describe(&connection, RtcSdpType::Offer, offer).await;
        let microphone = match microphone {
            Some(asked) => self.given(asked).await.map(Some),
            None => Ok(None),
        };
        let microphone = match described.and(microphone) {
            Ok(microphone) => microphone.filter(|_| fresh),
            Err(problem) => {
                if fresh {
                    self.renew();
                    self.0.remote.take();
                }
                return Err(problem);
            }
        };
        if let Some(microphone) = microphone {
            add_tracks(&connection, &microphone);
        }
        if fresh || listens {
            // Also where there is no microphone: one that comes later is sent without a new offer.
            self.direct();
        }
        let answer = self.asked(connection.create_answer()).await?;
        let set = connection.set_local_description(answer.unchecked_ref());
        self.asked(set).await?;
        self.gathered(&connection, trickles).await
    }

    /// Takes the answer to our offer.
    pub async fn accept(&self, answer: &str) -> Result<(), Problem> {
        let connection = self.connection().ok_or(Problem::Gone)?;
        let taken = self.describe(&connection, RtcSdpType::Answer, answer).await;
        // One that was heard early is the answer already (RFC 3261 §13.2.1).
        let stands = connection.signaling_state() == RtcSignalingState::Stable;
        taken.or_else(|problem| {
            if stands && self.knows(answer) {
                Ok(())
            } else {
                Err(problem)
            }
        })
    }

    /// Hears the other side before it has answered. Firefox connects nothing by a provisional answer: there it is the answer.
    pub async fn hear_early(&self, answer: &str) -> Result<(), Problem> {
        if !page::connects_early() {
            return self.accept(answer).await;
        }
        let connection = self.connection().ok_or(Problem::Gone)?;
        self.describe(&connection, RtcSdpType::Pranswer, answer)
            .await
    }

    /// Takes more candidates of the other side.
    pub fn take_candidates(&self, fragment: &str) {
        if let Some(connection) = self.connection() {
            self.0.maker.0.candidates(&connection, fragment);
        }
    }

    /// Back to what was agreed before a description that the other side refused or called off.
    pub async fn roll_back(&self) -> Result<(), Problem> {
        let connection = self.connection().ok_or(Problem::Gone)?;
        let back = RtcSessionDescriptionInit::new(RtcSdpType::Rollback);
        match connection.signaling_state() {
            RtcSignalingState::HaveLocalOffer => {
                let back = connection.set_local_description(&back);
                self.asked(back).await.map(drop)
            }
            RtcSignalingState::HaveRemoteOffer => {
                let back = connection.set_remote_description(&back);
                self.asked(back).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// The next offer is for another path of the same connection.
    pub fn restart(&self) {
        self.0.restarts.set(true);
    }

    /// Servers for another path are wanted: ours is lost, or the other side offers another one, which it may have lost unseen by us.
    pub fn wants_servers(&self, offer: Option<&str>) -> bool {
        let other = |offer: &str| {
            let before = self
                .connection()
                .and_then(|it| it.current_remote_description());
            before.is_some_and(|before| {
                line(offer, "a=ice-ufrag:") != line(&before.sdp(), "a=ice-ufrag:")
            })
        };
        self.0.restarts.get() || self.0.broken.get() || offer.is_some_and(other)
    }

    /// The path that is looked for next may go by these servers. Where none could be had, those before may still do.
    pub fn reconfigure(&self, ice_servers: JsValue) {
        if ice_servers.is_undefined() {
            return;
        }
        if let Some(connection) = self.connection() {
            // What it was made with must be said again as it was, or nothing is taken (WebRTC §4.4.1.6).
            let configuration = connection.get_configuration();
            configuration.set_ice_servers(&ice_servers);
            call(&connection, "setConfiguration", &Array::of1(&configuration));
        }
        self.0.ice_servers.replace(ice_servers);
    }

    /// The next offer is for a connection of its own.
    pub fn renew(&self) {
        self.0.peer.take();
    }

    /// Sends silence, or the microphone again.
    pub fn mute(&self, on: bool) {
        self.0.muted.set(on);
        self.speak();
    }

    /// Neither speaks nor listens, or both again; said in the descriptions that follow (RFC 3264 §8.4).
    pub fn hold(&self, on: bool) {
        self.0.held.set(on);
        self.speak();
        self.direct();
    }

    fn speak(&self) {
        let on = self.speaks();
        if let Some(microphone) = &*self.0.microphone.borrow() {
            for track in tracks(&microphone.stream) {
                track.set_enabled(on);
            }
        }
    }

    fn speaks(&self) -> bool {
        !self.0.muted.get() && !self.0.held.get()
    }

    fn direct(&self) {
        if let Some(connection) = self.connection() {
            self.0.maker.0.direct(&connection, self.0.held.get());
        }
    }

    /// What becomes of the microphone's sound.
    pub fn sound(&self) -> Sound {
        Sound {
            muted: self.0.muted.get(),
            // Before there is a connection nothing is missed yet.
            silent: self.0.peer.borrow().is_some()
                && self.0.microphone.borrow().is_none()
                && !self.0.opening.get(),
            broken: self.0.broken.get(),
        }
    }

    /// Takes the microphone anew, perhaps another one, and sends it in the place that the call has for it: nothing is
    /// negotiated. The one before is heard until then, and stays if no other is given.
    pub async fn use_microphone(&self) -> Result<(), Problem> {
        self.0.listens.set(false);
        let before = self.0.microphone.borrow().as_ref().map(|m| same(&m.stream));
        let microphone = self.given(self.open(true)).await?;
        let sent = self.send(&microphone).await;
        if let Some(before) = before {
            stop(&before);
        }
        sent
    }

    /// Sends it in the place that the connection has for it.
    async fn send(&self, microphone: &MediaStream) -> Result<(), Problem> {
        let connection = self.connection().ok_or(Problem::Gone)?;
        let track = tracks(microphone).next().ok_or(Problem::Gone)?;
        // The place of video does not take it.
        let mut replaced = Err(Problem::Gone);
        for sender in connection.get_senders().iter() {
            let sender: RtcRtpSender = sender.unchecked_into();
            if sender.track().as_ref() == Some(&track) {
                // It was put there ahead.
                return Ok(());
            }
            if replaced.is_err() {
                replaced = self.asked(sender.replace_track(Some(&track))).await;
            }
        }
        replaced.map(drop)
    }

    /// The connection of a call that is placed, and the voice that comes into it. Where the person has to be asked for the microphone no
    /// candidates are looked for before the answer: browsers hide a machine's addresses until then.
    async fn begin(&self) -> Result<(RtcPeerConnection, Voiced), Problem> {
        let asked = self.ask().await?;
        if self.0.closed.get() {
            return self.without(Problem::Gone, Some(asked)).await;
        }
        let connection = match self.connect(true) {
            Ok(connection) => connection,
            Err(problem) => return self.without(problem, Some(asked)).await,
        };
        self.0.maker.0.voice(&connection);
        self.direct();
        let (tell, voiced) = once::channel();
        let media = self.clone();
        // By itself: a microphone is let go also when nobody waits for it any more.
        page::beside(async move {
            let sent = match media.given(asked).await {
                Ok(microphone) => media.send(&microphone).await,
                Err(problem) => Err(problem),
            };
            tell.tell(sent);
        });
        Ok((connection, voiced))
    }

    /// There is no connection to send a microphone on: it comes first, so that it is let go with the call.
    async fn without<T>(&self, problem: Problem, asked: Option<Asked>) -> Result<T, Problem> {
        if let Some(asked) = asked {
            let _ = self.given(asked).await;
        }
        Err(problem)
    }

    /// The other side's stream.
    pub fn remote(&self) -> Option<MediaStream> {
        self.0.remote.borrow().clone()
    }

    /// The connection itself, while there is one.
    pub fn peer(&self) -> Option<RtcPeerConnection> {
        self.connection()
    }

    /// Lets the microphone and the connection go.
    pub fn close(&self) {
        self.0.closed.set(true);
        self.0.peer.take();
        if let Some(microphone) = self.0.microphone.take() {
            stop(&microphone.stream);
        }
    }

    fn connection(&self) -> Option<RtcPeerConnection> {
        self.0.peer.borrow().as_ref().map(|p| p.connection.clone())
    }

    /// The microphone that there is, or one that is being opened from now on. A person who has to be asked, or has refused, is waited for.
    async fn ask(&self) -> Result<Asked, Problem> {
        if let Some(microphone) = &*self.0.microphone.borrow() {
            return Ok(Asked::Had(same(&microphone.stream)));
        }
        let asked = self.open(false);
        match js(self.0.maker.0.granted()).await?.is_falsy() {
            true => self.given(asked).await.map(Asked::Had),
            false => Ok(asked),
        }
    }

    /// One that the page has opened for this call already, unless it is to be `anew`.
    fn open(&self, anew: bool) -> Asked {
        let (port, call) = &self.0.maker;
        self.0.opening.set(true);
        // From now on somebody hears when it is refused.
        Asked::For(JsFuture::from(port.microphone(call, anew)))
    }

    async fn given(&self, asked: Asked) -> Result<MediaStream, Problem> {
        let opening = match asked {
            Asked::Had(microphone) => return Ok(microphone),
            Asked::For(opening) => opening,
        };
        let mut given = opening.await;
        let gone = |it: &JsValue| ended(it.unchecked_ref());
        if !self.0.closed.get() && given.as_ref().is_ok_and(gone) {
            // Pulled out, or forbidden, before anybody listened: what may be had now is given, or refused with a word.
            let (port, call) = &self.0.maker;
            given = JsFuture::from(port.microphone(call, true)).await;
        }
        self.0.opening.set(false);
        let stream: MediaStream = given.map_err(|e| Problem::from_js(&e))?.unchecked_into();
        if self.0.closed.get() {
            stop(&stream);
            return Err(Problem::Gone);
        }
        for track in tracks(&stream) {
            track.set_enabled(self.speaks());
        }
        let listeners = tracks(&stream).map(|track| {
            let weak = Rc::downgrade(&self.0);
            // Unplugged, or forbidden in the middle of the call. Our own stopping of it says nothing.
            EventListener::new(&track, "ended", move |_| {
                if let Some(inner) = weak.upgrade() {
                    inner.microphone.take();
                    (inner.tell)(MediaEvent::Silent);
                }
            })
        });
        *self.0.microphone.borrow_mut() = Some(Microphone {
            _listeners: listeners.collect(),
            stream: same(&stream),
        });
        Ok(stream)
    }

    /// A new connection in place of the one before, which is offered or answers.
    fn connect(&self, offers: bool) -> Result<RtcPeerConnection, Problem> {
        let configuration = configuration(&self.0.ice_servers.borrow());
        let (port, call) = &self.0.maker;
        let connection = port.connect(&configuration, call, offers);
        let connection = connection.map_err(|e| Problem::from_js(&e))?;
        self.0.broken.set(false);
        let weak = Rc::downgrade(&self.0);
        let on_track = EventListener::new(&connection, "track", move |event| {
            let (Some(inner), Some(event)) = (weak.upgrade(), event.dyn_ref::<RtcTrackEvent>())
            else {
                return;
            };
            let stream = event
                .streams()
                .get(0)
                .dyn_into::<MediaStream>()
                .or_else(|_| {
                    let stream = MediaStream::new()?;
                    stream.add_track(&event.track());
                    Ok::<_, JsValue>(stream)
                });
            // Video that comes apart from the sound does not take its place.
            let sounds = |stream: &MediaStream| tracks(stream).next().is_some();
            if let Some(stream) = stream.ok().filter(sounds) {
                *inner.remote.borrow_mut() = Some(stream);
                (inner.tell)(MediaEvent::Stream);
            }
        });
        let (weak, watched) = (Rc::downgrade(&self.0), connection.clone());
        let on_state = EventListener::new(&connection, "connectionstatechange", move |_| {
            let Some(inner) = weak.upgrade() else { return };
            let event = match watched.connection_state() {
                RtcPeerConnectionState::Connected => MediaEvent::Connected,
                RtcPeerConnectionState::Disconnected => MediaEvent::Faltering,
                RtcPeerConnectionState::Failed => MediaEvent::Failed,
                _ => return,
            };
            inner.broken.set(event != MediaEvent::Connected);
            (inner.tell)(event);
        });
        let peer = Peer {
            connection: connection.clone(),
            fingerprint: String::new(),
            _listeners: [on_track, on_state],
            over: Over::new(),
        };
        self.0.peer.replace(Some(peer));
        Ok(connection)
    }

    /// The far side of the connection that stands is the one of this description.
    fn knows(&self, sdp: &str) -> bool {
        let peer = self.0.peer.borrow();
        peer.as_ref()
            .is_some_and(|p| p.fingerprint == fingerprint(sdp))
    }

    /// What the connection that stands was asked, unless it is closed meanwhile.
    async fn asked(&self, promise: Promise) -> Result<JsValue, Problem> {
        let over = self.0.peer.borrow().as_ref().map(|p| p.over.told.clone());
        let over = over.ok_or(Problem::Gone)?;
        let answer = js(Promise::race(&Array::of2(&promise, &over))).await?;
        match answer.is_null() {
            true => Err(Problem::Gone),
            false => Ok(answer),
        }
    }

    async fn describe(
        &self,
        connection: &RtcPeerConnection,
        kind: RtcSdpType,
        sdp: &str,
    ) -> Result<(), Problem> {
        let description = RtcSessionDescriptionInit::new(kind);
        description.set_sdp(sdp);
        self.asked(connection.set_remote_description(&description))
            .await?;
        if let Some(peer) = &mut *self.0.peer.borrow_mut() {
            peer.fingerprint = fingerprint(sdp);
        }
        Ok(())
    }

    /// The local description once the candidates are in it that are worth waiting for.
    async fn gathered(
        &self,
        connection: &RtcPeerConnection,
        trickles: Option<bool>,
    ) -> Result<String, Problem> {
        let (port, call) = &self.0.maker;
        self.asked(port.gathered(connection, call, trickles))
            .await?;
        let local = connection.local_description();
        local.map(|d| d.sdp()).ok_or(Problem::Gone)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(microphone) = self.microphone.take() {
            stop(&microphone.stream);
        }
    }
}

/// Another handle of the same stream. Its own method `clone` is the browser's, and makes new tracks: a second microphone
/// that nobody mutes or stops.
fn same(stream: &MediaStream) -> MediaStream {
    Clone::clone(stream)
}

fn configuration(ice_servers: &JsValue) -> RtcConfiguration {
    let configuration = RtcConfiguration::new();
    if !ice_servers.is_undefined() {
        configuration.set_ice_servers(ice_servers);
    }
    configuration
}

/// A method that not every browser has; what it throws is no reason to end a call.
fn call(on: &JsValue, name: &str, arguments: &Array) {
    let method = Reflect::get(on, &name.into()).unwrap_or_default();
    if let Some(method) = method.dyn_ref::<js_sys::Function>() {
        let _ = method.apply(on, arguments);
    }
}

async fn js(promise: Promise) -> Result<JsValue, Problem> {
    JsFuture::from(promise)
        .await
        .map_err(|e| Problem::from_js(&e))
}

fn tracks(stream: &MediaStream) -> impl Iterator<Item = MediaStreamTrack> {
    stream
        .get_audio_tracks()
        .into_iter()
        .map(JsCast::unchecked_into)
}

fn ended(stream: &MediaStream) -> bool {
    tracks(stream).any(|track| track.ready_state() == MediaStreamTrackState::Ended)
}

fn stop(stream: &MediaStream) {
    tracks(stream).for_each(|track| track.stop());
}

fn add_tracks(connection: &RtcPeerConnection, stream: &MediaStream) {
    for track in tracks(stream) {
        connection.add_track_0(&track, stream);
    }
}

/// The certificate of a description: each of its streams names the same.
fn fingerprint(sdp: &str) -> String {
    line(sdp, "a=fingerprint:").to_owned()
}

/// The first line of a description that begins so, or nothing.
fn line<'a>(sdp: &'a str, name: &str) -> &'a str {
    sdp.lines()
        .find(|line| line.starts_with(name))
        .unwrap_or_default()
}
