//! The demo's lines: made once, with passwords that live and die with the edge's storage.

use std::fs;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Edge, http, secrets, storage};
use crate::house::House;

/// A line to sign in with.
#[derive(Debug)]
pub struct Line {
    /// Its number.
    pub number: String,
    /// Its password.
    pub password: String,
}

const LINES: [(&str, &str); 2] = [("1001", "Ada"), ("1002", "Grace")];

/// Makes the two lines unless they are there.
pub fn ensure(house: &House, edge: &Edge) -> Result<Vec<Line>> {
    let file = storage(house).join("lines.json");
    let kept: Value = fs::read_to_string(&file)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_else(|| json!({}));
    let mut passwords = kept.clone();
    let mut lines = Vec::new();
    for (number, _) in LINES {
        let password = match kept[number].as_str() {
            Some(password) => password.to_owned(),
            None => secrets::password(house)?,
        };
        passwords[number] = json!(password);
        lines.push(Line {
            number: number.to_owned(),
            password,
        });
    }
    if passwords != kept {
        // Kept before the accounts are made: a password must never be lost.
        fs::write(&file, passwords.to_string())?;
    }
    let key = secrets::api_key(house)?;
    for (line, (_, name)) in lines.iter().zip(LINES) {
        let body =
            json!({ "number": line.number, "password": line.password, "display_name": name });
        let answer = http::post(edge.port(), "/v1/accounts", &key, &body.to_string())
            .with_context(|| format!("cannot make line {}", line.number))?;
        if !matches!(answer.status, 201 | 409) {
            bail!(
                "line {} could not be made: {} {}",
                line.number,
                answer.status,
                answer.body
            );
        }
    }
    Ok(lines)
}
