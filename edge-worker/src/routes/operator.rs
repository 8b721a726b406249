//! What an operator looks at: health, and counters without identities.

use super::json;
use crate::call::Call;
use crate::error::Answer;
use crate::ledger::Ledger;
use crate::objects::line;
use std::cell::RefCell;
use wakeline_edge_api::Health;
use wakeline_sip::edge::{LineCommand, Number};
use worker::Response;

/// A health that was checked this short a time ago is still told: strangers may ask as often as they like.
const FRESH_MS: u64 = 5000;
/// The line that is asked; it is nobody's, and keeps no row.
const PROBED: &str = "healthz";

thread_local! {
    static LAST: RefCell<Option<(u64, String, Health)>> = const { RefCell::new(None) };
}

/// `GET /healthz`.
pub async fn health(call: &Call) -> Answer {
    let site = &call.site.id;
    let last = LAST.with_borrow(Clone::clone);
    let fresh = |(at, of, _): &(u64, String, Health)| of == site && call.now < *at + FRESH_MS;
    let health = match last.filter(fresh) {
        Some((_, _, health)) => health,
        None => {
            let health = check(call).await;
            LAST.set(Some((call.now, site.clone(), health.clone())));
            health
        }
    };
    json(code(&health), &health)
}

/// Whoever balances or alarms looks at this alone.
fn code(health: &Health) -> u16 {
    if health.status == "failing" { 503 } else { 200 }
}

async fn check(call: &Call) -> Health {
    let storage = match Number::parse(PROBED) {
        Ok(number) => {
            let probe = LineCommand::Presence { viewer: None };
            line::ask(&call.env, &call.site.id, &number, None, probe)
                .await
                .is_ok()
        }
        Err(_) => false,
    };
    let database = match Ledger::open(&call.env) {
        Ok(ledger) => ledger.ping().await.is_ok(),
        Err(_) => false,
    };
    // That this code runs proves that they were parsed; that the pair is one is proven by the first push.
    let keys = call.site.vapid_keys().is_ok() && !call.site.signing_keys.is_empty();
    told(storage, database, keys)
}

/// Without storage or keys no call is served; without D1 calls go on.
fn told(storage: bool, database: bool, keys: bool) -> Health {
    let word = |good: bool| if good { "ok" } else { "failing" }.to_owned();
    let status = match (storage && keys, database) {
        (false, _) => "failing",
        (true, false) => "degraded",
        (true, true) => "ok",
    };
    Health {
        status: status.to_owned(),
        storage: word(storage),
        database: word(database),
        keys: word(keys),
    }
}

/// `GET /v1/metrics`, by the operator's key: every site of the deployment.
pub async fn metrics(call: &Call) -> Answer {
    let text = Ledger::open(&call.env)?.metrics(call.now).await?;
    let response = Response::ok(text)?;
    response
        .headers()
        .set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::{code, told};

    #[test]
    fn only_what_calls_need_makes_the_edge_unwell() {
        for (storage, database, keys, status, answer) in [
            (true, true, true, "ok", 200),
            (true, false, true, "degraded", 200),
            (false, true, true, "failing", 503),
            (true, true, false, "failing", 503),
            (false, false, false, "failing", 503),
        ] {
            let health = told(storage, database, keys);
            assert_eq!((health.status.as_str(), code(&health)), (status, answer));
            let words = [health.storage, health.database, health.keys];
            let expected =
                [storage, database, keys].map(|good| if good { "ok" } else { "failing" });
            assert_eq!(words, expected);
        }
    }
}
