//! Devices: bind, list, revoke. The binding is what wakes; it outlives the SIP registration.

use super::{ask_own_line, granted, json, unexpected};
use crate::access::{Caller, check_public_key};
use crate::call::Call;
use crate::error::{Answer, refuse, unauthorized};
use crate::names;
use crate::objects::line;
use crate::objects::push::StoredTarget;
use wakeline_edge_api::{
    AppProvider, AppTarget, BindDevice, Device, DeviceList, PushTarget, WebPushTarget, problem,
};
use wakeline_push::{App, Cid, Subscription, SubscriptionError, Target};
use wakeline_sip::edge::{DeviceId, DeviceView, LineCommand, LineReply};
use worker::Response;

/// `PUT /v1/devices/{device}`.
pub async fn bind(call: &Call) -> Answer {
    let device = path_device(call)?;
    if let Caller::Line(claims) = &call.caller
        && claims
            .dev
            .as_deref()
            .is_some_and(|dev| dev != device.as_str())
    {
        // Whether it is still good comes first: a revoked device hears no more than a stranger.
        ask_own_line(call, LineCommand::Account).await?;
        return Err(refuse(
            problem::FORBIDDEN,
            "This token belongs to another device: use its own.",
        ));
    }
    let wanted: BindDevice = call.json_or_default()?;
    let text = |s: &Option<String>, max| s.as_deref().is_none_or(|s| names::is_text(s, max));
    if !text(&wanted.label, 128) || !text(&wanted.lang, 35) {
        return Err(refuse(
            problem::BAD_REQUEST,
            "label has at most 128 octets, lang at most 35, none of them control characters.",
        ));
    }
    let public_key = match &wanted.public_key {
        Some(key) => {
            check_public_key(key)?;
            Some(serde_json::to_string(key).map_err(worker::Error::from)?)
        }
        None => None,
    };
    let push = wanted
        .push
        .map(|target| stored(call, &target))
        .transpose()?;
    let command = LineCommand::BindDevice {
        device,
        push,
        public_key,
        label: wanted.label,
        lang: wanted.lang,
    };
    match ask_own_line(call, command).await? {
        LineReply::Device { device, created } => {
            json(if created { 201 } else { 200 }, &view(device))
        }
        _ => Err(unexpected()),
    }
}

/// `PUT /v1/devices/{device}/push`: the service worker has a new subscription and no page to ask for a token.
pub async fn bind_push(call: &Call) -> Answer {
    let Caller::Device { number, device } = &call.caller else {
        return Err(unauthorized());
    };
    let push = stored(call, &call.json()?)?;
    let command = LineCommand::BindPush {
        device: device.clone(),
        push,
    };
    match granted(line::ask(&call.env, &call.site.id, number, None, command).await?)? {
        LineReply::Device { device, .. } => json(200, &view(device)),
        _ => Err(unexpected()),
    }
}

/// `GET /v1/devices`.
pub async fn list(call: &Call) -> Answer {
    match ask_own_line(call, LineCommand::ListDevices).await? {
        LineReply::Devices { devices } => json(
            200,
            &DeviceList {
                devices: devices.into_iter().map(view).collect(),
            },
        ),
        _ => Err(unexpected()),
    }
}

/// `DELETE /v1/devices/{device}`: its credential and its tokens are dead, it is not pushed.
pub async fn revoke(call: &Call) -> Answer {
    ask_own_line(
        call,
        LineCommand::RevokeDevice {
            device: path_device(call)?,
        },
    )
    .await?;
    Ok(Response::empty()?.with_status(204))
}

fn path_device(call: &Call) -> Answer<DeviceId> {
    Some(call.param(0))
        .filter(|d| names::is_device(d))
        .and_then(|d| DeviceId::parse(d).ok())
        .ok_or_else(|| refuse(problem::BAD_REQUEST, "A device is a lower-case UUID."))
}

/// The target with the page it belongs to, if it may be pushed to.
fn stored(call: &Call, target: &PushTarget) -> Answer<String> {
    let (target, vapid) = match target {
        // A page compares its subscription with the site's key before it sends it.
        PushTarget::WebPush(target) => (
            Target::WebPush(subscription(call, target)?),
            Some(call.site.vapid_keys()?.public_key()),
        ),
        PushTarget::App(target) => (app(call, target)?, None),
    };
    let origin = call
        .page_origin
        .clone()
        .unwrap_or_else(|| call.own_origin.clone());
    let target = StoredTarget {
        target,
        origin,
        vapid,
    };
    Ok(serde_json::to_string(&target).map_err(worker::Error::from)?)
}

fn subscription(call: &Call, target: &WebPushTarget) -> Answer<Subscription> {
    let WebPushTarget {
        endpoint,
        p256dh,
        auth,
        ..
    } = target;
    Subscription::parse(endpoint, p256dh, auth, &call.site.allow_list()?).map_err(|e| match e {
        SubscriptionError::Endpoint(e) => refuse(
            problem::ENDPOINT,
            format!("{e}. Subscribe at a push service on the site's allow list."),
        ),
        keys => refuse(problem::BAD_REQUEST, format!("{keys}.")),
    })
}

/// An app's client id, where the site has an account at its vendor.
fn app(call: &Call, target: &AppTarget) -> Answer<Target> {
    let cid = Cid::parse(&target.cid).map_err(|e| refuse(problem::BAD_REQUEST, format!("{e}.")))?;
    let target = match target.provider {
        AppProvider::Getui => Target::Getui(App { cid }),
        AppProvider::Unicloud => Target::Unicloud(App { cid }),
    };
    let name = target.kind();
    if call.site.vendors.provider(&target).is_none() {
        return Err(refuse(
            problem::ENDPOINT,
            format!(
                "This site has no account at {name}: its operator names one in SITES, push.{name}."
            ),
        ));
    }
    Ok(target)
}

fn view(device: DeviceView) -> Device {
    Device {
        id: device.id.to_string(),
        label: device.label.unwrap_or_default(),
        lang: device.lang.unwrap_or_default(),
        push: device
            .push
            .and_then(|stored| serde_json::from_str::<StoredTarget>(&stored).ok())
            .map(|stored| stored.target.kind().into()),
        has_credential: device.public_key.is_some(),
        registered: device.registered,
        created_at: device.bound_at.as_millis(),
        seen_at: device.seen_at.as_millis(),
    }
}
