//! Ways of a line at a SIP server that a page may ask for: in which order servers are tried, and how calls are treated.

use crate::{device, problem::Problem, server::Server};
use serde::Deserialize;
use wakeline_sip::{
    agent::{MOST_FLOWS, Weighted, order},
    entropy::Entropy,
};
use wasm_bindgen::JsValue;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Ways {
    weights: Option<Vec<Weight>>,
    auto_answer: Option<bool>,
    gruu: Option<bool>,
    reliable: Option<bool>,
    update: Option<bool>,
    session_seconds: Option<u32>,
    calls: Option<u32>,
    flows: Option<f64>,
}

#[derive(Deserialize)]
struct Weight {
    priority: u16,
    weight: u16,
}

/// The server as the page wants it.
pub fn on(mut server: Server, ways: JsValue) -> Result<Server, Problem> {
    if ways.is_undefined() || ways.is_null() {
        return Ok(server);
    }
    let ways: Ways = serde_wasm_bindgen::from_value(ways).map_err(|_| Problem::Garbled)?;
    if let Some(weights) = &ways.weights {
        if weights.len() != server.urls.len() {
            return Err(wrong("each server has a weight, or none has"));
        }
        let weighted: Vec<_> = weights
            .iter()
            .map(|&Weight { priority, weight }| Weighted { priority, weight })
            .collect();
        let places = order(&weighted, &mut Entropy::from_seed(device::random()?));
        server.urls = places
            .into_iter()
            .filter_map(|at| server.urls.get(at).cloned())
            .collect();
    }
    if let Some(flows) = ways.flows {
        let whole = flows as u8;
        if f64::from(whole) != flows || whole == 0 || whole > MOST_FLOWS {
            return Err(wrong("a line has 1 to 4 flows"));
        }
        if usize::from(whole) > server.urls.len() {
            return Err(wrong(
                "each flow has a server: one that takes several is named as often",
            ));
        }
        server.flows = whole;
    }
    let policy = &mut server.policy;
    policy.auto_answer = ways.auto_answer.unwrap_or(policy.auto_answer);
    policy.gruu = ways.gruu.unwrap_or(policy.gruu);
    policy.reliable = ways.reliable.unwrap_or(policy.reliable);
    policy.update = ways.update.unwrap_or(policy.update);
    policy.session = ways.session_seconds.unwrap_or(policy.session);
    if let Some(calls) = ways.calls {
        policy.calls = usize::try_from(calls).unwrap_or(usize::MAX).max(1);
    }
    Ok(server)
}

fn wrong(message: &str) -> Problem {
    Problem::Browser {
        name: "SyntaxError".into(),
        message: message.into(),
    }
}
