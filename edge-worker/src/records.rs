//! D1: the directory of accounts, and the tries at sign-in. Nothing here is in the path of a wake.

use crate::error::{Answer, Failure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, Env};

/// The length of the window in which tries are counted.
const WINDOW_MS: u64 = 5 * 60 * 1000;

/// The database.
pub struct Records {
    db: D1Database,
}

/// A row of `accounts`.
#[derive(Deserialize)]
pub struct AccountRow {
    /// The site's id of the user.
    pub uid: String,
    /// For people.
    pub display_name: String,
    /// See `password`.
    pub verifier: String,
}

fn number(n: u64) -> JsValue {
    JsValue::from_f64(n as f64)
}

fn text(s: &str) -> JsValue {
    JsValue::from_str(s)
}

impl Records {
    /// The binding `DB`.
    pub fn open(env: &Env) -> Answer<Self> {
        Ok(Self {
            db: env.d1("DB").map_err(Failure::Directory)?,
        })
    }

    /// Adds an account; `false` when the number is taken.
    pub async fn add_account(
        &self,
        site: &str,
        num: &str,
        row: &AccountRow,
        now: u64,
    ) -> Answer<bool> {
        let added = async {
            self.db
                .prepare(
                    "INSERT INTO accounts (site, number, uid, display_name, verifier, created_at) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING uid",
                )
                .bind(&[
                    text(site),
                    text(num),
                    text(&row.uid),
                    text(&row.display_name),
                    text(&row.verifier),
                    number(now),
                ])?
                .first::<String>(Some("uid"))
                .await
        };
        Ok(added.await.map_err(Failure::Directory)?.is_some())
    }

    /// The account of a number.
    pub async fn account(&self, site: &str, num: &str) -> Answer<Option<AccountRow>> {
        let found = async {
            self.db
                .prepare("SELECT uid, display_name, verifier FROM accounts WHERE site = ?1 AND number = ?2")
                .bind(&[text(site), text(num)])?
                .first::<AccountRow>(None)
                .await
        };
        found.await.map_err(Failure::Directory)
    }

    /// Counts a try of `who` and says how many there were in this window, and when it ends.
    pub async fn count_try(&self, site: &str, who: &str, now: u64) -> Answer<(u64, u64)> {
        #[derive(Deserialize)]
        struct Row {
            count: f64,
            window_end: f64,
        }
        let counted = async {
            let clean = self
                .db
                .prepare("DELETE FROM tries WHERE window_end <= ?1")
                .bind(&[number(now)])?;
            let count = self
                .db
                .prepare(
                    "INSERT INTO tries (site, who, window_end, count) VALUES (?1, ?2, ?3, 1) \
                     ON CONFLICT DO UPDATE SET count = count + 1 RETURNING count, window_end",
                )
                .bind(&[text(site), text(&digest(who)), number(now + WINDOW_MS)])?;
            let results = self.db.batch(vec![clean, count]).await?;
            let row = results
                .last()
                .map(|r| r.results::<Row>())
                .transpose()?
                .and_then(|rows| rows.into_iter().next());
            row.ok_or_else(|| worker::Error::RustError("no row came back from tries".into()))
        };
        let row = counted.await.map_err(Failure::Directory)?;
        Ok((row.count as u64, row.window_end as u64))
    }

    /// Forgets the tries of `who`: the last one was right.
    pub async fn forget_tries(&self, site: &str, who: &str) -> Answer<()> {
        let forgotten = async {
            self.db
                .prepare("DELETE FROM tries WHERE site = ?1 AND who = ?2")
                .bind(&[text(site), text(&digest(who))])?
                .run()
                .await
        };
        forgotten.await.map(drop).map_err(Failure::Directory)
    }
}

/// Numbers and addresses are not kept for counting.
fn digest(who: &str) -> String {
    B64.encode(&Sha256::digest(who)[..16])
}
