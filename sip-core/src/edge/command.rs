//! What the REST routes ask of a line object, and what it answers: one shared enum, no route strings.

use super::callserver::{AskWake, Limited, ServerEvent, ServerWakeView};
use super::messages::Party;
use super::record::{PushNote, Step};
use crate::id::{DeviceId, Number, Uid, WakeId};
use crate::time::Time;
pub use crate::wake::PushOutcome;
use crate::wake::{DeviceState, WakeState, Why};
use alloc::{boxed::Box, string::String, vec::Vec};
use serde::{Deserialize, Serialize};

/// A command for a line. The driver has already checked who may give it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineCommand {
    /// Creates the line, or with `replace` changes what is known of it.
    Provision {
        /// The user.
        uid: Uid,
        /// The name to show to those who are called.
        display_name: String,
        /// What digest compares with; `None` for lines that only use tokens.
        secret: Option<DigestSecret>,
        /// Overwrite an existing line instead of answering [`LineError::Exists`].
        replace: bool,
    },
    /// A valid token speaks for this line: provisions it when it is new. Answered with `Account`.
    /// Refused with `Revoked` when the token's device was revoked.
    Attest {
        /// The user of the token.
        uid: Uid,
        /// The name in the token.
        display_name: Option<String>,
        /// The device in the token.
        device: Option<DeviceId>,
        /// When the token was signed; `None` for the site's own word.
        #[serde(default)]
        issued_at: Option<Time>,
    },
    /// Who is this line? Answered with `Account`.
    Account,
    /// Binds a device or changes it. Idempotent. Answered with `Device`.
    BindDevice {
        /// The device.
        device: DeviceId,
        /// Its push target as the driver understands it (opaque JSON here); `None` leaves the stored one.
        push: Option<String>,
        /// Its credential's public key (opaque JSON); `None` leaves the stored one.
        public_key: Option<String>,
        /// A name for people.
        label: Option<String>,
        /// Language for notifications.
        lang: Option<String>,
    },
    /// The device's subscription changed (from its service worker). Answered with `Device`.
    BindPush {
        /// The device.
        device: DeviceId,
        /// The new target.
        push: String,
    },
    /// All devices that are not revoked. Answered with `Devices`.
    ListDevices,
    /// One device with its public key, to check its credential. Answered with `Device`; `Revoked`, `UnknownDevice`.
    Device {
        /// The device.
        device: DeviceId,
    },
    /// Revokes a device: its credential and tokens are dead, it is not pushed. Answered with `Done`.
    RevokeDevice {
        /// The device.
        device: DeviceId,
    },
    /// What waits: wakes that are not final, and missed calls. Answered with `Waiting`.
    Waiting,
    /// The state of a wake, also after its end. Answered with `Wake`.
    /// A device that asks by its invitation must still be bound.
    Wake {
        /// The wake.
        wake: WakeId,
        /// Whose invitation asks, if one does.
        #[serde(default)]
        device: Option<DeviceId>,
    },
    /// The notification was shown. Answered with `Wake`, also when it is over.
    Shown {
        /// The wake.
        wake: WakeId,
        /// Where.
        device: DeviceId,
    },
    /// The notification was tapped, or the page opened. Answered with `Wake`, also when it is over.
    Opened {
        /// The wake.
        wake: WakeId,
        /// Where.
        device: DeviceId,
    },
    /// It was tapped, and the page says what keeps it from going on. Answered with `Wake`, also when it is over.
    Hindered {
        /// The wake.
        wake: WakeId,
        /// Where.
        device: DeviceId,
        /// What keeps it.
        why: Why,
    },
    /// The page has registered and can take the call: INVITE it now.
    /// `NotRegistered` when no binding of that device was renewed since the call began; `Over(Wake)`.
    Ready {
        /// The wake.
        wake: WakeId,
        /// Where.
        device: DeviceId,
    },
    /// A call server asks for a wake; once for each of its call ids while that is remembered. Answered with `ServerWake`;
    /// `Limited`, `UnknownLine`.
    AskWake(Box<AskWake>),
    /// A call server asks how its wake stands. Answered with `ServerWake`; `UnknownWake` for another's.
    ServerWake {
        /// The wake.
        wake: WakeId,
        /// The call server.
        server: String,
    },
    /// A call server says how its call goes on; late and repeated words change nothing. Answered as `ServerWake`.
    ServerEvent {
        /// The wake.
        wake: WakeId,
        /// The call server.
        server: String,
        /// What happened.
        event: ServerEvent,
    },
    /// What a voice gateway has to know before it chooses a way. Answered with `Reach`.
    Reach,
    /// Below which signal this line's mobile is not tried; `None`: the site's. Answered with `Reach`.
    SetThreshold {
        /// dBm.
        dbm: Option<i16>,
    },
    /// The user declined. Answered with `Wake`; `Over(Wake)`.
    Decline {
        /// The wake.
        wake: WakeId,
        /// Where.
        device: DeviceId,
    },
    /// Missed calls, newest first. Answered with `Missed`.
    Missed,
    /// Marks missed calls as seen. Answered with `Missed`.
    MissedSeen {
        /// Which; those that are not there are ignored.
        ids: Vec<WakeId>,
    },
    /// Is somebody there? Answered with `Presence`; `UnknownLine` for whoever may not know.
    Presence {
        /// The line that looks; `None` for the line itself and the site.
        viewer: Option<Number>,
    },
    /// Who may look up the line's state. Answered with `Presence`.
    SetVisibility {
        /// Who.
        visibility: Visibility,
    },
    /// How a call has gone until now, for the site. Answered with `Story`.
    Story {
        /// The call.
        wake: WakeId,
    },
    /// The line's user is deleted, everywhere. Answered with `Done`.
    DeleteUser,
    /// Another user was deleted: what this line remembers of them names nobody any longer. Answered with `Done`.
    Anonymise {
        /// Who.
        uid: Uid,
        /// The line that was theirs.
        number: Number,
    },
    /// Blocks a caller, or changes the name that is kept with it. Idempotent. Answered with `Blocked`.
    Block {
        /// Who.
        number: Number,
        /// The name it went by, to recognise it in the list.
        display_name: String,
    },
    /// Lets a caller through again; one that is not blocked is no error. Answered with `Blocked`.
    Unblock {
        /// Who.
        number: Number,
    },
    /// Who is blocked. Answered with `Blocked`.
    Blocked,
    /// Switches do-not-disturb. Idempotent. Answered with `DoNotDisturb`.
    SetDoNotDisturb {
        /// On or off.
        on: bool,
    },
    /// Is it on? Answered with `DoNotDisturb`.
    DoNotDisturb,
}

/// H(user:realm:password) for each digest algorithm (RFC 8760); the realm is the site's domain.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestSecret {
    /// Lower-case hex, SHA-256.
    pub sha256: String,
    /// Lower-case hex, MD5; for user agents that know nothing better.
    pub md5: Option<String>,
}

impl core::fmt::Debug for DigestSecret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DigestSecret(…)")
    }
}

/// The answer to a [`LineCommand`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineReply {
    /// It was done.
    Done,
    /// Who the line is.
    Account {
        /// The line.
        party: Party,
        /// Whether this command created it.
        created: bool,
    },
    /// One device.
    Device {
        /// The device.
        device: DeviceView,
        /// Whether this command created it.
        created: bool,
    },
    /// All devices.
    Devices {
        /// The devices, oldest first.
        devices: Vec<DeviceView>,
    },
    /// What waits.
    Waiting {
        /// Wakes that are not final.
        wakes: Vec<WakeView>,
        /// Missed calls, newest first.
        missed: Vec<MissedView>,
    },
    /// A wake.
    Wake {
        /// The wake.
        wake: WakeView,
    },
    /// A wake of a call server.
    ServerWake {
        /// The wake.
        wake: Box<ServerWakeView>,
        /// Whether this command began it.
        created: bool,
    },
    /// What a voice gateway has to know.
    Reach {
        /// The user.
        uid: Uid,
        /// It has a device that a call wakes.
        wakeable: bool,
        /// The line's own threshold, dBm.
        threshold: Option<i16>,
    },
    /// Missed calls, newest first.
    Missed {
        /// The calls.
        missed: Vec<MissedView>,
    },
    /// Whether somebody is there.
    Presence {
        /// What a caller can expect.
        availability: Availability,
        /// Who may know.
        visibility: Visibility,
    },
    /// How a call has gone until now.
    Story {
        /// Where it stands.
        state: WakeState,
        /// What its devices reached.
        steps: Vec<Step>,
        /// What push services said.
        pushes: Vec<PushNote>,
    },
    /// Who is blocked, newest first.
    Blocked {
        /// The callers.
        callers: Vec<BlockedView>,
    },
    /// Do-not-disturb.
    DoNotDisturb {
        /// Since when it is on.
        since: Option<Time>,
    },
    /// Refused.
    Refused {
        /// Why.
        error: LineError,
    },
}

/// What a caller can expect of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It is registered now.
    Online,
    /// It is not, but has a device that a call wakes.
    Asleep,
    /// Nothing of it could ring.
    Offline,
}

/// Who may look up a line's state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Every line of the site that is not blocked.
    #[default]
    Everyone,
    /// Only the line itself.
    Nobody,
}

/// Why a line refused a command.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LineError {
    /// There is no such line.
    #[error("the line does not exist")]
    UnknownLine,
    /// The line exists already.
    #[error("the line exists already")]
    Exists,
    /// The line belongs to another user.
    #[error("the line belongs to another user")]
    OtherUser,
    /// There is no such device, or wake.
    #[error("the line does not know this device")]
    UnknownDevice,
    /// The device was revoked.
    #[error("the device was revoked")]
    Revoked,
    /// There is no such wake.
    #[error("the line does not know this wake")]
    UnknownWake,
    /// The device has not registered since the call began.
    #[error("the device has not registered since the call began")]
    NotRegistered,
    /// The wake has ended.
    #[error("the wake has ended")]
    Over(Box<WakeView>),
    /// Too many devices on this line.
    #[error("the line has too many devices")]
    TooManyDevices,
    /// As many callers are blocked as may be.
    #[error("the line has blocked as many callers as it may")]
    TooManyBlocked,
    /// A limit of calls is reached.
    #[error("{}", .0.phrase)]
    Limited(Limited),
    /// A text is longer than the line stores.
    #[error("a text of the command is too long")]
    TooLong,
}

/// A device as its line knows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceView {
    /// The device.
    pub id: DeviceId,
    /// Its push target, if it has one.
    pub push: Option<String>,
    /// Its credential's public key, if it has one.
    pub public_key: Option<String>,
    /// A name for people.
    pub label: Option<String>,
    /// Language for notifications.
    pub lang: Option<String>,
    /// When it was bound first.
    pub bound_at: Time,
    /// When it was last heard of.
    pub seen_at: Time,
    /// Whether it is registered now.
    pub registered: bool,
}

/// A wake as REST shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WakeView {
    /// Its id.
    pub id: WakeId,
    /// Where it stands.
    pub state: WakeState,
    /// Who calls.
    pub caller: Party,
    /// When the call began.
    pub created_at: Time,
    /// When it ends by itself.
    pub expires_at: Time,
    /// Why it expired, if it did.
    #[serde(default)]
    pub why: Option<Why>,
    /// Each device's state.
    pub devices: Vec<(DeviceId, DeviceState)>,
    /// What each device reached, and when; the story of the wake.
    pub steps: Vec<(DeviceId, DeviceState, Time)>,
}

/// A missed call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MissedView {
    /// The wake it was.
    pub id: WakeId,
    /// Who called.
    pub caller: Party,
    /// When.
    pub at: Time,
    /// How it ended.
    pub outcome: WakeState,
    /// Whether somebody has looked at it.
    pub seen: bool,
}

/// A caller who is blocked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockedView {
    /// The caller's number.
    pub number: Number,
    /// The name it went by.
    pub display_name: String,
    /// Since when.
    pub at: Time,
}

/// Why a call was kept from its callee.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withheld {
    /// The callee has blocked the caller. Nobody but the callee's own side may learn of it.
    Blocked,
    /// The callee wanted no calls.
    DoNotDisturb,
}

/// What is pushed to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushKind {
    /// Somebody calls.
    Invitation,
    /// Nobody answered in time.
    Missed,
    /// The caller gave up.
    Cancelled,
    /// Answered on another device.
    Elsewhere,
    /// Declined on another device.
    Declined,
}

/// A push that the driver shall send. It reports with `LineInput::PushResult`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PushJob {
    /// Names this job towards the line.
    pub job: String,
    /// What it says.
    pub kind: PushKind,
    /// The wake.
    pub wake: WakeId,
    /// The line that is called.
    pub number: Number,
    /// The device.
    pub device: DeviceId,
    /// Where to push, as given by `BindDevice`.
    pub target: String,
    /// Language of the device.
    pub lang: Option<String>,
    /// Who calls.
    pub caller: Party,
    /// When the call began.
    pub issued_at: Time,
    /// When the invitation ends by itself.
    pub expires_at: Time,
    /// Counts the pushes of this kind to this device, from 1.
    pub attempt: u32,
    /// Seconds the push service may keep it.
    pub ttl_s: u32,
    /// Missed calls not seen yet, for the badge.
    pub badge: u32,
}

/// The record of one call, for D1. Keyed by `wake`; sending it twice is harmless.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// The call.
    pub wake: WakeId,
    /// Who called.
    pub caller: Party,
    /// Who was called; the uid is missing when the line does not exist.
    pub callee: Party,
    /// When the INVITE came.
    pub started_at: Time,
    /// When a page first rang.
    pub ringing_at: Option<Time>,
    /// When it was answered.
    pub answered_at: Option<Time>,
    /// When it was over.
    pub ended_at: Time,
    /// How the wake ended.
    pub outcome: WakeState,
    /// Which device answered.
    pub device: Option<DeviceId>,
    /// Who ended an answered call.
    pub ended_by: Option<EndedBy>,
    /// What its devices reached, and when.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// What push services said.
    #[serde(default)]
    pub pushes: Vec<PushNote>,
    /// Why it was kept from the callee.
    #[serde(default)]
    pub withheld: Option<Withheld>,
    /// Why it expired, if it did.
    #[serde(default)]
    pub why: Option<Why>,
}

/// Who ended an answered call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller hung up.
    Caller,
    /// The callee hung up.
    Callee,
    /// The edge ended it: a party was lost.
    Edge,
}
