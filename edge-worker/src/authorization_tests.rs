//! Every route has its row in `authorization.json`, what the router's table says of it agrees, and `docs/authorization.md` is what
//! both of them make. `tests/edge/authorization.test.mjs` asserts each cell against the worker itself.

use super::*;
use serde_json::Value;
use std::fmt::Write;

const MATRIX: &str = include_str!("authorization.json");
/// Set it to write the document instead of comparing it.
const WRITE: &str = "WAKELINE_WRITE_DOCS";

fn matrix() -> Value {
    serde_json::from_str(MATRIX).unwrap()
}

/// Names in the order of the file: `serde_json` would sort them.
fn names_in_order(section: &str) -> Vec<String> {
    let body = MATRIX
        .split_once(&format!("\"{section}\": {{"))
        .unwrap()
        .1
        .split("\n  }")
        .next()
        .unwrap();
    body.lines()
        .filter_map(|line| line.trim().strip_prefix('"')?.split_once("\":"))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn key(route: &Route) -> String {
    format!("{} {}", route.method, route.path)
}

fn cells(matrix: &Value, section: &str, row: &str) -> Vec<String> {
    let cells = matrix[section][row].as_array();
    cells.map_or_else(Vec::new, |cells| {
        let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), Into::into);
        cells.iter().map(text).collect()
    })
}

#[test]
fn every_route_says_who_may_call_it() {
    let matrix = matrix();
    let columns = names_in_order("callers").len();
    for route in ROUTES {
        let row = cells(&matrix, "routes", &key(route));
        assert_eq!(
            row.len(),
            columns,
            "{}: put a row with {columns} cells into edge-worker/src/authorization.json",
            key(route)
        );
    }
    let routes: Vec<_> = ROUTES.iter().map(key).collect();
    for row in names_in_order("routes") {
        assert!(routes.contains(&row), "{row}: there is no such route");
    }
    for method in names_in_order("sip") {
        assert_eq!(cells(&matrix, "sip", &method).len(), columns, "{method}");
    }
}

#[test]
fn what_a_route_asks_for_is_what_its_row_says() {
    let matrix = matrix();
    let columns = names_in_order("callers");
    for route in ROUTES {
        let may: &[&str] = match route.access {
            Access::Anyone => continue,
            Access::SiteKey => &["site key"],
            Access::OperatorKey => &["operator"],
            Access::Token => &["same user", "other user"],
            Access::TokenOrCapability => &["same user", "other user", "capability"],
            Access::WakeParty => &["same user", "other user", "capability", "call server"],
            Access::RenewSignature | Access::PushSignature => &["same user"],
            Access::CallServer(_) => &["call server"],
        };
        let row = cells(&matrix, "routes", &key(route));
        for (column, cell) in columns.iter().zip(row) {
            let refused = matches!(cell.as_str(), "401" | "403");
            assert_eq!(
                refused,
                !may.contains(&column.as_str()),
                "{} for {column}: {cell}",
                key(route)
            );
        }
    }
}

fn needs(access: Access) -> &'static str {
    match access {
        Access::Anyone => "nothing",
        Access::SiteKey => "the site's key",
        Access::OperatorKey => "the operator's key",
        Access::Token => "a token",
        Access::TokenOrCapability => "a token, or this wake's capability",
        Access::WakeParty => "a token, this wake's capability, or its call server's secret",
        Access::RenewSignature | Access::PushSignature => "the device credential",
        Access::CallServer(None) => "a call server's secret",
        Access::CallServer(Some(_)) => "a call server's secret and the right",
    }
}

fn draw() -> String {
    let matrix = matrix();
    let columns = names_in_order("callers");
    let mut text = String::from(
        "# Who may do what\n\n\
         Generated from `edge-worker/src/authorization.json` and the router's table by `cargo xtask docs`; the test run asserts that it is\n\
         fresh, and every cell against the real worker (`tests/edge/authorization.test.mjs`).\n\n\
         All of them aim at what belongs to one line: its devices, its wake, its call.\n\n",
    );
    for column in &columns {
        let words = matrix["callers"][column].as_str().unwrap();
        writeln!(text, "- **{column}**: {words}").unwrap();
    }
    text.push_str(
        "\nA number is the status of the answer. *own*: the caller is answered about itself, and nothing of the line shows. Where a wake is not\n\
         the caller's, 404 says no more than of one that does not exist.\n\n## REST\n\n",
    );
    let head = |text: &mut String, first: &str| {
        writeln!(text, "| {first} | {} |", columns.join(" | ")).unwrap();
        writeln!(
            text,
            "|{}",
            "---|".repeat(first.matches('|').count() + 1 + columns.len())
        )
        .unwrap();
    };
    let row = |text: &mut String, first: &str, cells: Vec<String>| {
        let cells: Vec<_> = cells.iter().map(|c| c.replace("own", "*own*")).collect();
        writeln!(text, "| {first} | {} |", cells.join(" | ")).unwrap();
    };
    head(&mut text, "route | asks for");
    for route in ROUTES {
        let key = key(route);
        let first = format!("`{}` | {}", key.replace("{}", "{id}"), needs(route.access));
        row(&mut text, &first, cells(&matrix, "routes", &key));
    }
    text.push_str(
        "\n`GET /sip` is the WebSocket: whoever opens it proves itself by REGISTER, below; the upgrade asks for a page of the site and for the\n\
         subprotocol `sip`.\n\n## SIP\n\n\
         Each caller registers first, as well as it can, then sends the request from its own socket: INVITE in the line's name, the others\n\
         inside the line's call (CANCEL for its INVITE). *passed* and *dropped*: ACK has no answer.\n\n",
    );
    head(&mut text, "method");
    for method in names_in_order("sip") {
        row(&mut text, &method, cells(&matrix, "sip", &method));
    }
    text
}

#[test]
fn the_document_is_fresh() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/authorization.md");
    let drawn = draw();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(file, drawn).unwrap();
        return;
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        kept == drawn,
        "docs/authorization.md is not fresh: run `cargo xtask docs`"
    );
}
