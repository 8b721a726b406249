//! The edge worker: REST under `/v1`, SIP over WebSocket under `/sip`, and the objects behind them.
//!
//! This file is the only router. [`ROUTES`] is a plain table, tested natively: method, path, who may call ([`Access`]), and
//! the route's name; [`answer`] has one arm per name. There is no route without an `Access`, and none runs before it is proven.
//! (Neither axum nor the crate's `Router`: a table and a match of twenty routes need no 185 or 106 kB of wasm, and neither of
//! them can say who may call.)
//!
//! Rooms: `routes` (REST), `objects` (flow and line, one Durable Object each), `records` and `ledger` (D1), `metrics`, `access`, `token`, `password`
//! (who is who), `config`, `error`.

pub mod access;
pub mod call;
pub mod callserver;
pub mod config;
pub mod error;
pub mod ledger;
pub mod metrics;
pub mod names;
pub mod objects;
pub mod outgoing;
pub mod password;
pub mod records;
pub mod routes;
pub mod secret;
pub mod throttle;
pub mod token;
pub mod turn;
pub mod vendors;
pub mod webcrypto;

use access::{Access, Caller};
use call::Call;
use callserver::identity::Right;
use error::{Answer, not_found, refuse};
use routes::{
    accounts, blocked, callservers, devices, do_not_disturb, gateway, operator, presence, public,
    server_wakes, sip, tokens, users, wakes,
};
use wakeline_edge_api::problem;
use worker::{Context, Env, Method, Request, Response, ScheduleContext, ScheduledEvent, event};

/// One row of [`ROUTES`].
struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    name: Name,
}

/// The routes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    CreateAccount,
    ShowAccount,
    SignIn,
    MintToken,
    RenewToken,
    BindDevice,
    BindPush,
    ListDevices,
    RevokeDevice,
    Waiting,
    ShowWake,
    Shown,
    Opened,
    Ready,
    Decline,
    Missed,
    MissedSeen,
    Presence,
    OwnPresence,
    SetPresence,
    DeleteAccount,
    ShowUser,
    UserCalls,
    DeleteUser,
    Story,
    Metrics,
    ListBlocked,
    Block,
    Unblock,
    DoNotDisturb,
    SetDoNotDisturb,
    Vapid,
    Ice,
    CallServer,
    AskWake,
    ServerEvent,
    GatewayCall,
    SetThreshold,
    Health,
    Sip,
}

const fn route(method: Method, path: &'static str, access: Access, name: Name) -> Route {
    Route {
        method,
        path,
        access,
        name,
    }
}

const ROUTES: &[Route] = &[
    route(
        Method::Post,
        "/v1/accounts",
        Access::SiteKey,
        Name::CreateAccount,
    ),
    route(Method::Get, "/v1/account", Access::Token, Name::ShowAccount),
    route(Method::Post, "/v1/sessions", Access::Anyone, Name::SignIn),
    route(Method::Post, "/v1/tokens", Access::SiteKey, Name::MintToken),
    route(
        Method::Post,
        "/v1/tokens/renew",
        Access::RenewSignature,
        Name::RenewToken,
    ),
    route(
        Method::Put,
        "/v1/devices/{}",
        Access::Token,
        Name::BindDevice,
    ),
    route(
        Method::Put,
        "/v1/devices/{}/push",
        Access::PushSignature,
        Name::BindPush,
    ),
    route(Method::Get, "/v1/devices", Access::Token, Name::ListDevices),
    route(
        Method::Delete,
        "/v1/devices/{}",
        Access::Token,
        Name::RevokeDevice,
    ),
    route(Method::Get, "/v1/waiting", Access::Token, Name::Waiting),
    route(
        Method::Get,
        "/v1/wakes/{}",
        Access::WakeParty,
        Name::ShowWake,
    ),
    route(
        Method::Post,
        "/v1/wakes/{}/shown",
        Access::TokenOrCapability,
        Name::Shown,
    ),
    route(
        Method::Post,
        "/v1/wakes/{}/opened",
        Access::TokenOrCapability,
        Name::Opened,
    ),
    route(
        Method::Post,
        "/v1/wakes/{}/ready",
        Access::Token,
        Name::Ready,
    ),
    route(
        Method::Post,
        "/v1/wakes/{}/decline",
        Access::TokenOrCapability,
        Name::Decline,
    ),
    route(Method::Get, "/v1/missed", Access::Token, Name::Missed),
    route(
        Method::Post,
        "/v1/missed/seen",
        Access::Token,
        Name::MissedSeen,
    ),
    route(
        Method::Get,
        "/v1/presence/{}",
        Access::Token,
        Name::Presence,
    ),
    route(
        Method::Get,
        "/v1/presence",
        Access::Token,
        Name::OwnPresence,
    ),
    route(
        Method::Put,
        "/v1/presence",
        Access::Token,
        Name::SetPresence,
    ),
    route(
        Method::Delete,
        "/v1/account",
        Access::Token,
        Name::DeleteAccount,
    ),
    route(Method::Get, "/v1/users/{}", Access::SiteKey, Name::ShowUser),
    route(
        Method::Get,
        "/v1/users/{}/calls",
        Access::SiteKey,
        Name::UserCalls,
    ),
    route(
        Method::Delete,
        "/v1/users/{}",
        Access::SiteKey,
        Name::DeleteUser,
    ),
    route(
        Method::Get,
        "/v1/calls/{}/story",
        Access::SiteKey,
        Name::Story,
    ),
    route(
        Method::Get,
        "/v1/metrics",
        Access::OperatorKey,
        Name::Metrics,
    ),
    route(Method::Get, "/v1/blocked", Access::Token, Name::ListBlocked),
    route(Method::Put, "/v1/blocked/{}", Access::Token, Name::Block),
    route(
        Method::Delete,
        "/v1/blocked/{}",
        Access::Token,
        Name::Unblock,
    ),
    route(
        Method::Get,
        "/v1/do-not-disturb",
        Access::Token,
        Name::DoNotDisturb,
    ),
    route(
        Method::Put,
        "/v1/do-not-disturb",
        Access::Token,
        Name::SetDoNotDisturb,
    ),
    route(Method::Get, "/v1/vapid", Access::Anyone, Name::Vapid),
    route(Method::Get, "/v1/ice", Access::Token, Name::Ice),
    route(
        Method::Get,
        "/v1/call-server",
        Access::CallServer(None),
        Name::CallServer,
    ),
    route(
        Method::Post,
        "/v1/wakes",
        Access::CallServer(Some(Right::Wake)),
        Name::AskWake,
    ),
    route(
        Method::Post,
        "/v1/wakes/{}/events",
        Access::CallServer(Some(Right::Wake)),
        Name::ServerEvent,
    ),
    route(
        Method::Post,
        "/v1/gateway/calls",
        Access::CallServer(Some(Right::Gateway)),
        Name::GatewayCall,
    ),
    route(
        Method::Put,
        "/v1/gateway/thresholds/{}",
        Access::SiteKey,
        Name::SetThreshold,
    ),
    route(Method::Get, "/healthz", Access::Anyone, Name::Health),
    // The socket proves itself by its REGISTER; one that does not is closed by its flow object.
    route(Method::Get, "/sip", Access::Anyone, Name::Sip),
];

async fn answer(name: Name, call: &Call) -> Answer {
    match name {
        Name::CreateAccount => accounts::create(call).await,
        Name::ShowAccount => accounts::show(call).await,
        Name::SignIn => accounts::sign_in(call).await,
        Name::MintToken => tokens::mint(call).await,
        Name::RenewToken => tokens::renew(call).await,
        Name::BindDevice => devices::bind(call).await,
        Name::BindPush => devices::bind_push(call).await,
        Name::ListDevices => devices::list(call).await,
        Name::RevokeDevice => devices::revoke(call).await,
        Name::Waiting => wakes::waiting(call).await,
        Name::ShowWake => match &call.caller {
            Caller::CallServer(server) => server_wakes::show(call, server).await,
            _ => wakes::show(call).await,
        },
        Name::Shown => wakes::report(call, wakes::Report::Shown).await,
        Name::Opened => wakes::report(call, wakes::Report::Opened).await,
        Name::Ready => wakes::report(call, wakes::Report::Ready).await,
        Name::Decline => wakes::report(call, wakes::Report::Decline).await,
        Name::Missed => wakes::missed(call).await,
        Name::MissedSeen => wakes::missed_seen(call).await,
        Name::ListBlocked => blocked::list(call).await,
        Name::Block => blocked::block(call).await,
        Name::Unblock => blocked::unblock(call).await,
        Name::DoNotDisturb => do_not_disturb::show(call).await,
        Name::SetDoNotDisturb => do_not_disturb::set(call).await,
        Name::Vapid => public::vapid(call),
        Name::Ice => public::ice(call).await,
        Name::CallServer => callservers::show(call),
        Name::AskWake => server_wakes::ask(call).await,
        Name::ServerEvent => server_wakes::event(call).await,
        Name::GatewayCall => gateway::decide(call).await,
        Name::SetThreshold => gateway::set_threshold(call).await,
        Name::Presence => presence::show(call).await,
        Name::OwnPresence => presence::own(call).await,
        Name::SetPresence => presence::set(call).await,
        Name::DeleteAccount => users::delete_own(call).await,
        Name::ShowUser => users::show(call).await,
        Name::UserCalls => users::calls(call).await,
        Name::DeleteUser => users::delete(call).await,
        Name::Story => users::story(call).await,
        Name::Metrics => operator::metrics(call).await,
        Name::Health => operator::health(call).await,
        Name::Sip => Err(refuse(
            problem::UPGRADE,
            "Open a WebSocket with the subprotocol sip here.",
        )),
    }
}

/// What a path holds in the `{}` of `pattern`, if it fits.
fn fit(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut params = Vec::new();
    let mut parts = path.split('/');
    for wanted in pattern.split('/') {
        let part = parts.next()?;
        match wanted {
            "{}" if !part.is_empty() => params.push(part.to_owned()),
            _ if wanted == part => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some(params)
}

/// The rows whose path fits.
fn rows_for(path: &str) -> impl Iterator<Item = (&'static Route, Vec<String>)> {
    ROUTES
        .iter()
        .filter_map(move |r| fit(r.path, path).map(|params| (r, params)))
}

/// The worker's one entry.
#[event(fetch)]
async fn fetch(mut req: Request, env: Env, _ctx: Context) -> worker::Result<Response> {
    let mut origin = None;
    let answered = handle(&mut req, env, &mut origin).await;
    let upgraded = matches!(&answered, Ok(response) if response.status_code() == 101);
    let response = answered.or_else(error::Failure::into_response)?;
    if upgraded {
        Ok(response)
    } else {
        decorate(response, origin.as_deref())
    }
}

/// Once a day: what is older than its site keeps it is deleted. Lines delete their own missed calls by their alarms.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _ctx: ScheduleContext) {
    if let Err(failure) = sweep(&env).await {
        // Logged there; tomorrow is another day.
        drop(failure.into_problem());
    }
}

async fn sweep(env: &Env) -> Answer<()> {
    let (config, now) = (call::config(env)?, call::now());
    let ledger = ledger::Ledger::open(env)?;
    for site in config.sites() {
        let swept = ledger.sweep(&site.id, site.retention_days, now).await?;
        worker::console_log!("event=swept site={} calls={swept}", site.id);
    }
    Ok(())
}

async fn handle(req: &mut Request, env: Env, cors: &mut Option<String>) -> Answer {
    let now = call::now();
    let config = call::config(&env)?;
    let url = req.url()?;
    let header = |name: &str| req.headers().get(name).ok().flatten();
    let host = url
        .host_str()
        .map(|h| url.port().map_or(h.to_owned(), |p| format!("{h}:{p}")))
        .unwrap_or_default();
    let site = config.site_for_host(&host).ok_or_else(not_found)?.clone();
    let own_origin = url.origin().ascii_serialization();
    let path = url.path();
    if rows_for(path).next().is_none() {
        return Err(not_found());
    }
    let page_origin = header("Origin");
    if let Some(origin) = &page_origin {
        if !site.allows_origin(origin, &own_origin) {
            return Err(refuse(
                problem::FORBIDDEN,
                "This page's origin is not one of the site's: add it to its origins.",
            ));
        }
        *cors = Some(origin.clone());
    }
    // As it was sent: the worker crate takes a method that it does not know for GET.
    let method = req.inner().method();
    if method == Method::Options.as_ref() {
        return preflight(path);
    }
    let Some((route, params)) = rows_for(path).find(|(r, _)| r.method.as_ref() == method) else {
        return method_not_allowed(path);
    };
    if route.name == Name::Sip {
        return sip::upgrade(req, &env, &site).await;
    }
    let mut call = Call {
        env,
        site,
        now,
        own_origin,
        page_origin,
        method,
        target: url.query().map_or(path.into(), |q| format!("{path}?{q}")),
        ip: header("CF-Connecting-IP").unwrap_or_else(|| "local".into()),
        authorization: header("Authorization").unwrap_or_default(),
        params,
        body: call::read_body(req).await?,
        caller: Caller::Anyone,
        config,
    };
    call.caller = access::prove(route.access, &call).await?;
    answer(route.name, &call).await
}

fn methods(path: &str) -> String {
    rows_for(path)
        .map(|(r, _)| r.method.to_string())
        .collect::<Vec<_>>()
        .join(", ")
}

/// 405 with `Allow` (RFC 9110 §15.5.6).
fn method_not_allowed(path: &str) -> Answer {
    let allowed = methods(path);
    let refusal = refuse(problem::METHOD, format!("Use {allowed}."));
    let response = refusal.into_response()?;
    response.headers().set("Allow", &allowed)?;
    Ok(response)
}

/// CORS preflight (Fetch standard, §3.3): the origin was checked before.
fn preflight(path: &str) -> Answer {
    let response = Response::empty()?.with_status(204);
    let headers = response.headers();
    headers.set("Access-Control-Allow-Methods", &methods(path))?;
    headers.set(
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type",
    )?;
    headers.set("Access-Control-Max-Age", "7200")?;
    Ok(response)
}

/// Headers of every answer. The page's own are in `www/public/_headers`.
fn decorate(response: Response, origin: Option<&str>) -> worker::Result<Response> {
    let headers = response.headers();
    headers.set("Cache-Control", "no-store")?;
    headers.set("X-Content-Type-Options", "nosniff")?;
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; frame-ancestors 'none'",
    )?;
    headers.set("Referrer-Policy", "no-referrer")?;
    headers.set("Strict-Transport-Security", "max-age=31536000")?;
    headers.set("Vary", "Origin")?;
    if let Some(origin) = origin {
        headers.set("Access-Control-Allow-Origin", origin)?;
        headers.set("Access-Control-Expose-Headers", "Retry-After")?;
    }
    Ok(response)
}

#[cfg(test)]
mod authorization_tests;
#[cfg(test)]
mod deploy_docs_tests;
#[cfg(test)]
mod openapi_tests;
#[cfg(test)]
mod trust_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_one_pattern_only() {
        assert_eq!(
            fit("/v1/wakes/{}/shown", "/v1/wakes/abc/shown"),
            Some(vec!["abc".into()])
        );
        for path in [
            "/v1/wakes//shown",
            "/v1/wakes/abc",
            "/v1/wakes/abc/shown/",
            "/v1/wakes/a/b/shown",
            "/v2/wakes/abc/shown",
        ] {
            assert_eq!(fit("/v1/wakes/{}/shown", path), None, "{path}");
        }
    }

    #[test]
    fn each_name_has_one_route_and_each_route_its_own_place() {
        for (i, a) in ROUTES.iter().enumerate() {
            for b in &ROUTES[i + 1..] {
                assert_ne!(a.name, b.name);
                assert!(a.method != b.method || a.path != b.path, "{} twice", a.path);
            }
        }
    }

    #[test]
    fn what_anyone_may_call_is_known_by_name() {
        let open: Vec<_> = ROUTES
            .iter()
            .filter(|r| r.access == Access::Anyone)
            .map(|r| r.path)
            .collect();
        assert_eq!(open, ["/v1/sessions", "/v1/vapid", "/healthz", "/sip"]);
    }
}
