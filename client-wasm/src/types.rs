//! What crosses to TypeScript: the declarations are generated from here.

use crate::plain::{ToPlain, plain_object, plain_words};
use alloc::string::{String, ToString};
use js_sys::Promise;
use serde::{Deserialize, Serialize};
use tsify::Tsify;
use wakeline_sip::agent;
use wasm_bindgen::prelude::*;
use web_sys::{RtcConfiguration, RtcPeerConnection};

/// Where the device stands with its edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum RegistrationState {
    /// On the way to the first registration.
    Connecting,
    /// The edge has confirmed it.
    Registered,
    /// It was registered; the flow is lost or in doubt.
    Reconnecting,
    /// The edge said no.
    Refused,
    /// The machine has no network.
    Offline,
    /// The phone was closed, or its user signed out.
    Closed,
}

/// The true registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// Where it stands.
    pub state: RegistrationState,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub reason: Option<String>,
    /// When the next try begins, ms since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub retry_at: Option<u64>,
}

impl From<agent::Registration> for Registration {
    fn from(registration: agent::Registration) -> Self {
        use agent::Registration as From;
        let (state, reason, retry_at) = match registration {
            From::Offline => (RegistrationState::Offline, None, None),
            From::Connecting => (RegistrationState::Connecting, None, None),
            From::Registered => (RegistrationState::Registered, None, None),
            From::Reconnecting { retry_at } => (RegistrationState::Reconnecting, None, retry_at),
            From::Refused { status, retry_at } => (
                RegistrationState::Refused,
                Some(status.to_string()),
                retry_at,
            ),
            From::Closed => (RegistrationState::Closed, None, None),
        };
        Self {
            state,
            reason,
            retry_at: retry_at.map(|t| t.as_millis()),
        }
    }
}

/// Which part a tab plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It holds the line's flow.
    Leading,
    /// It shows what the leading tab does.
    Following,
}

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The other side called.
    In,
    /// We called.
    Out,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum CallState {
    /// Out: the microphone is being asked for.
    New,
    /// Out: on its way to the edge.
    Calling,
    /// Out: the other line is being woken.
    Waking,
    /// Out: the other side alerts.
    Ringing,
    /// In: waits for the user.
    Incoming,
    /// Answered, sound under way.
    Connecting,
    /// Both sides have agreed.
    Active,
    /// Over.
    Ended,
}

/// How far the furthest device of the other line has come while it is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum WakeStage {
    /// A push service took the invitation.
    Pushed,
    /// A notification is on a screen.
    Shown,
    /// It was opened.
    Opened,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Someone hung up after it was answered.
    Hungup,
    /// Declined, here or on another device.
    Declined,
    /// The other side was in a call.
    Busy,
    /// It rang, nobody came.
    Unanswered,
    /// Nobody opened the page in time.
    Expired,
    /// It was opened in time, but the edge refused its registration.
    Refused,
    /// It was opened in time, but could not register.
    Unregistered,
    /// It registered in time, but never said that it can take the call.
    Unready,
    /// It could take the call, but never rang.
    Unrung,
    /// The caller gave up.
    Cancelled,
    /// Another device of this line took it.
    Elsewhere,
    /// The line has no device.
    Unbound,
    /// No such line, or not one that may be called.
    Unknown,
    /// No device could be reached.
    Unreachable,
    /// The user of the line wants no calls now.
    Quiet,
    /// Too many calls of late.
    Limited,
    /// A connection was lost for too long, ours or theirs.
    Lost,
    /// Anything else.
    Failed,
}

/// Who ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// This page.
    Local,
    /// The other side, or the edge.
    Remote,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CallEnd {
    /// How.
    pub outcome: Outcome,
    /// The SIP status behind it; 0 when there was none.
    pub status: u16,
    /// The edge's or the other side's words; may be empty.
    pub reason: String,
    /// Who ended it.
    pub by: By,
    /// When limited: seconds until another try may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub retry_after: Option<u32>,
}

/// The other side. Data, never markup.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct Remote {
    /// Its number.
    pub number: String,
    /// Its name; empty when none was given.
    pub display_name: String,
}

/// A call as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct CallView {
    /// This page's id of the call.
    pub id: String,
    /// The wake it belongs to, as the edge named it.
    pub wake: Option<String>,
    /// Who called.
    pub direction: Direction,
    /// The other side.
    pub remote: Remote,
    /// How far it has come.
    pub state: CallState,
    /// While waking: how far the other side has come.
    pub stage: Option<WakeStage>,
    /// How it ended.
    pub end: Option<CallEnd>,
    /// Silence is being sent.
    pub muted: bool,
    /// This side holds it.
    #[serde(default)]
    pub held: bool,
    /// The other side holds it.
    #[serde(default)]
    pub remote_held: bool,
    /// The other side shows video, or will if this call is taken.
    #[serde(default)]
    pub video: bool,
    /// The other side records it.
    #[serde(default)]
    pub recorded: bool,
    /// The other side shows that this side records it.
    #[serde(default)]
    pub recording_told: bool,
    /// The call whose place it takes, after a transfer.
    #[serde(default)]
    pub replaces: Option<String>,
    /// The other side hears nothing: the microphone was taken away, or the call was answered without one.
    pub silent: bool,
    /// Its sound has lost its path; another one is looked for.
    #[serde(default)]
    pub broken: bool,
    /// The edge has lost the other side; it may come back.
    pub lost: bool,
    /// When it was answered, ms since the epoch.
    pub answered_at: Option<u64>,
}

/// What becomes of the microphone's sound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sound {
    /// The user wants silence.
    pub muted: bool,
    /// There is no microphone.
    pub silent: bool,
    /// The path is gone; another one is looked for.
    pub broken: bool,
}

impl CallView {
    /// The agent's view with what the driver adds.
    pub fn of(id: agent::CallId, view: agent::CallView, sound: Sound) -> Self {
        Self {
            id: id.0.to_string(),
            wake: view.wake,
            direction: match view.direction {
                agent::Direction::In => Direction::In,
                agent::Direction::Out => Direction::Out,
            },
            remote: Remote {
                number: view.remote.number.into_inner(),
                display_name: view.remote.display_name.into_inner(),
            },
            state: match view.state {
                agent::CallState::New => CallState::New,
                agent::CallState::Calling => CallState::Calling,
                agent::CallState::Waking => CallState::Waking,
                agent::CallState::Ringing => CallState::Ringing,
                agent::CallState::Incoming => CallState::Incoming,
                agent::CallState::Connecting => CallState::Connecting,
                agent::CallState::Active => CallState::Active,
                agent::CallState::Ended => CallState::Ended,
            },
            stage: view.stage.map(|stage| match stage {
                agent::Stage::Pushed => WakeStage::Pushed,
                agent::Stage::Shown => WakeStage::Shown,
                agent::Stage::Opened => WakeStage::Opened,
            }),
            end: view.end.map(|end| CallEnd {
                retry_after: match end.outcome {
                    agent::Outcome::Limited(seconds) if seconds > 0 => Some(seconds),
                    _ => None,
                },
                outcome: outcome(end.outcome),
                status: end.status,
                reason: end.reason,
                by: match end.by {
                    agent::By::Local => By::Local,
                    agent::By::Remote => By::Remote,
                },
            }),
            muted: sound.muted,
            silent: sound.silent,
            broken: sound.broken,
            held: view.held,
            remote_held: view.remote_held,
            video: view.video,
            recorded: view.recorded,
            recording_told: view.recording_told,
            replaces: view.replaces.map(|id| id.0.to_string()),
            lost: view.lost,
            answered_at: view.answered_at.map(|t| t.as_millis()),
        }
    }
}

fn outcome(outcome: agent::Outcome) -> Outcome {
    match outcome {
        agent::Outcome::HungUp => Outcome::Hungup,
        agent::Outcome::Declined => Outcome::Declined,
        agent::Outcome::Busy => Outcome::Busy,
        agent::Outcome::Unanswered => Outcome::Unanswered,
        agent::Outcome::Expired => Outcome::Expired,
        agent::Outcome::Refused => Outcome::Refused,
        agent::Outcome::Unregistered => Outcome::Unregistered,
        agent::Outcome::Unready => Outcome::Unready,
        agent::Outcome::Unrung => Outcome::Unrung,
        agent::Outcome::Cancelled => Outcome::Cancelled,
        agent::Outcome::Elsewhere => Outcome::Elsewhere,
        agent::Outcome::Unbound => Outcome::Unbound,
        agent::Outcome::Unknown => Outcome::Unknown,
        agent::Outcome::Unreachable => Outcome::Unreachable,
        agent::Outcome::Quiet => Outcome::Quiet,
        agent::Outcome::Limited(_) => Outcome::Limited,
        agent::Outcome::Lost => Outcome::Lost,
        agent::Outcome::Failed => Outcome::Failed,
    }
}

/// What became of a wake that this page was opened for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Tsify)]
pub struct WakeProgress {
    /// The wake.
    pub wake: String,
    /// How far we are with it.
    pub state: WakingState,
    /// Its final state when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub outcome: Option<String>,
    /// Why it expired, in the edge's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub why: Option<String>,
    /// What keeps this page from going on. It keeps trying.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[tsify(optional)]
    pub hindered: Option<Hindrance>,
}

/// What keeps a page that was opened for a wake from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum Hindrance {
    /// The edge refused its registration.
    Refused,
    /// Its registration gets no answer.
    Unregistered,
    /// Its "ready" gets no answer.
    Unready,
    /// The edge cannot be asked at all.
    Unreachable,
}

/// How far a page is with a wake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum WakingState {
    /// It proves its registration.
    Registering,
    /// The edge knows that it is ready; the INVITE is on its way.
    Ready,
    /// Too late, or refused.
    Over,
}

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Tsify)]
#[serde(rename_all = "lowercase")]
pub enum CallChange {
    /// It is new.
    Added,
    /// It has come further.
    State,
    /// Its sound changed: a stream, mute.
    Media,
    /// It is over.
    Ended,
}

#[wasm_bindgen(typescript_custom_section)]
const PORT: &str = r#"
/** What the core tells its page. */
export interface PhonePort {
  registration(registration: Registration): void;
  role(role: Role): void;
  waking(progress: WakeProgress): void;
  call(view: CallView, change: CallChange): void;
  /** Something about a call that is no state of it: a digit, the progress of a transfer, a refusal. */
  news(call: string, what: 'digit' | 'transfer' | 'refused', detail: string, status: number): void;
  /** Makes the connection of a call, one that `offers` or one that answers. */
  connect(configuration: RTCConfiguration, call: string, offers: boolean): RTCPeerConnection;
  /** The microphone for a call: one that is open for it already, unless it is to be taken `anew`. */
  microphone(call: string, anew: boolean): Promise<MediaStream>;
  /** Whether the microphone may be had without asking the person. */
  granted(): Promise<boolean>;
  /** Makes the place of our voice in an offer: what is spoken there may come later. */
  voice(connection: RTCPeerConnection): void;
  /** Resolves when the candidates are there that are worth waiting for. `trickles`: the other side takes more of them later, if that is known. */
  gathered(connection: RTCPeerConnection, call: string, trickles: boolean | undefined): Promise<void>;
  /** Takes more candidates of the other side (`application/trickle-ice-sdpfrag`). */
  candidates(connection: RTCPeerConnection, fragment: string): void;
  /** Says which way each stream of a connection goes. */
  direct(connection: RTCPeerConnection, held: boolean): void;
  /** Something beside calls; only the whole client has that. */
  beside(news: unknown): void;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// What the core tells its page; implemented by the TypeScript entry.
    #[wasm_bindgen(typescript_type = "PhonePort")]
    #[derive(Clone)]
    pub type PhonePort;
    #[wasm_bindgen(method)]
    pub(crate) fn registration(this: &PhonePort, registration: JsValue);
    #[wasm_bindgen(method)]
    pub(crate) fn role(this: &PhonePort, role: JsValue);
    #[wasm_bindgen(method)]
    pub(crate) fn waking(this: &PhonePort, progress: JsValue);
    #[wasm_bindgen(method)]
    pub(crate) fn call(this: &PhonePort, view: JsValue, change: JsValue);
    #[wasm_bindgen(method, catch)]
    pub(crate) fn connect(
        this: &PhonePort,
        configuration: &RtcConfiguration,
        call: &str,
        offers: bool,
    ) -> Result<RtcPeerConnection, JsValue>;
    #[wasm_bindgen(method)]
    pub(crate) fn microphone(this: &PhonePort, call: &str, anew: bool) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn granted(this: &PhonePort) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn voice(this: &PhonePort, connection: &RtcPeerConnection);
    #[wasm_bindgen(method)]
    pub(crate) fn gathered(
        this: &PhonePort,
        connection: &RtcPeerConnection,
        call: &str,
        trickles: Option<bool>,
    ) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn candidates(this: &PhonePort, connection: &RtcPeerConnection, fragment: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn direct(this: &PhonePort, connection: &RtcPeerConnection, held: bool);
    #[wasm_bindgen(method)]
    #[cfg(feature = "beside")]
    pub(crate) fn beside(this: &PhonePort, news: JsValue);
    #[wasm_bindgen(method)]
    pub(crate) fn news(this: &PhonePort, call: &str, what: &str, detail: &str, status: u16);
}

/// A plain value for JavaScript. Members that are not there become `null`, as declared.
pub fn js(value: &impl ToPlain) -> JsValue {
    value.to_plain()
}

plain_words!(RegistrationState {
    Connecting: "connecting",
    Registered: "registered",
    Reconnecting: "reconnecting",
    Refused: "refused",
    Offline: "offline",
    Closed: "closed",
});
plain_object!(Registration {
    state: "state", reason: "reason" known, retry_at: "retryAt" known,
});
plain_words!(Role {
    Leading: "leading",
    Following: "following",
});
plain_words!(Direction {
    In: "in",
    Out: "out",
});
plain_words!(CallState {
    New: "new",
    Calling: "calling",
    Waking: "waking",
    Ringing: "ringing",
    Incoming: "incoming",
    Connecting: "connecting",
    Active: "active",
    Ended: "ended",
});
plain_words!(WakeStage {
    Pushed: "pushed",
    Shown: "shown",
    Opened: "opened",
});
plain_words!(Outcome {
    Hungup: "hungup",
    Declined: "declined",
    Busy: "busy",
    Unanswered: "unanswered",
    Expired: "expired",
    Refused: "refused",
    Unregistered: "unregistered",
    Unready: "unready",
    Unrung: "unrung",
    Cancelled: "cancelled",
    Elsewhere: "elsewhere",
    Unbound: "unbound",
    Unknown: "unknown",
    Unreachable: "unreachable",
    Quiet: "quiet",
    Limited: "limited",
    Lost: "lost",
    Failed: "failed",
});
plain_words!(By {
    Local: "local",
    Remote: "remote",
});
plain_object!(CallEnd {
    outcome: "outcome", status: "status", reason: "reason", by: "by", retry_after: "retryAfter" known,
});
plain_object!(Remote {
    number: "number",
    display_name: "displayName",
});
plain_object!(CallView {
    id: "id",
    wake: "wake",
    direction: "direction",
    remote: "remote",
    state: "state",
    stage: "stage",
    end: "end",
    muted: "muted",
    held: "held",
    remote_held: "remoteHeld",
    video: "video",
    recorded: "recorded",
    recording_told: "recordingTold",
    replaces: "replaces",
    silent: "silent",
    broken: "broken",
    lost: "lost",
    answered_at: "answeredAt",
});
plain_object!(WakeProgress {
    wake: "wake", state: "state", outcome: "outcome" known, why: "why" known, hindered: "hindered" known,
});
plain_words!(Hindrance {
    Refused: "refused",
    Unregistered: "unregistered",
    Unready: "unready",
    Unreachable: "unreachable",
});
plain_words!(WakingState {
    Registering: "registering",
    Ready: "ready",
    Over: "over",
});
plain_words!(CallChange {
    Added: "added",
    State: "state",
    Media: "media",
    Ended: "ended",
});
