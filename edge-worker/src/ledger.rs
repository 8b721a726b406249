//! D1: what lines leave there (`record` in the SIP core), what the site and the operator read of it, and how it ends.
//!
//! Everything here may come twice, late and out of order. Nothing here is in the path of a call.

use crate::error::{Answer, Failure};
use crate::metrics::{self, Stored};
use crate::names;
use crate::objects::line;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as B64};
use futures_util::future::join_all;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use sha2::{Digest, Sha256};
use wakeline_edge_api::{StoryPush, StoryStep, UserCall, UserProperty};
use wakeline_sip::edge::{
    CallAsked, CallRecord, DeletedUser, LineCommand, LineReply, LineState, Number, PushNote,
    Record, Step,
};
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, Env};

/// Other lines that are told of a deleted user at once.
const LINES_AT_ONCE: u64 = 40;
/// Rounds of that; a user who called more lines is finished by the record's next try.
const ROUNDS: usize = 12;
/// Rows that the daily clean-up deletes at once, and how often.
const SWEEP: u64 = 2000;
const SWEEPS: usize = 25;
/// Requests that the site reads at once.
const CALLS_SHOWN: u64 = 200;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// A deleted user's digest is kept until no record and no token of before can come any more.
const DELETED_KEPT_MS: u64 = 30 * DAY_MS;

/// The database.
pub struct Ledger {
    db: D1Database,
}

/// A call as the site's story of it begins.
#[derive(Debug, Deserialize)]
pub struct StoryRow {
    /// The line that was called; empty once its user was deleted.
    pub callee: String,
    /// When it was asked.
    pub started_at: f64,
    /// When it was over.
    pub ended_at: Option<f64>,
    /// How.
    pub outcome: Option<String>,
    /// By whom, when it was answered.
    pub ended_by: Option<String>,
    /// Why it expired, if it did.
    pub why: Option<String>,
    story: Option<String>,
}

impl StoryRow {
    /// Its steps and the answers of push services, once it is over.
    pub fn steps(&self) -> (Vec<StoryStep>, Vec<StoryPush>) {
        self.story
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }
}

fn number(n: u64) -> JsValue {
    JsValue::from_f64(n as f64)
}

fn text(s: &str) -> JsValue {
    JsValue::from_str(s)
}

fn optional<T>(value: Option<T>, to: impl FnOnce(T) -> JsValue) -> JsValue {
    value.map_or(JsValue::NULL, to)
}

/// A user in a table that must not name them.
fn digest(uid: &str) -> String {
    B64.encode(&Sha256::digest(format!("user:{uid}"))[..16])
}

/// `column`, or nothing when the user `who` was deleted at or after the time in `at`.
fn unless_deleted(column: &str, who: &str, at: &str) -> String {
    format!(
        "CASE WHEN EXISTS (SELECT 1 FROM deleted_users WHERE site = ?1 AND who = {who} AND deleted_at >= {at}) \
         THEN '' ELSE {column} END"
    )
}

/// What REST and the database show of a call's steps.
pub fn steps_of(steps: &[Step]) -> Vec<StoryStep> {
    let step = |s: &Step| StoryStep {
        at: s.at.as_millis(),
        device: s.device,
        state: s.state.as_str().to_owned(),
    };
    steps.iter().map(step).collect()
}

/// What REST and the database show of the answers of push services.
pub fn pushes_of(pushes: &[PushNote]) -> Vec<StoryPush> {
    let push = |p: &PushNote| StoryPush {
        at: p.at.as_millis(),
        device: p.device,
        provider: p.provider.clone(),
        answer: p.answer.clone(),
    };
    pushes.iter().map(push).collect()
}

type Done<T = ()> = worker::Result<T>;

impl Ledger {
    /// The binding `DB`.
    pub fn open(env: &Env) -> Answer<Self> {
        Ok(Self {
            db: env.d1("DB").map_err(Failure::Directory)?,
        })
    }

    fn prepare(&self, sql: &str, values: &[JsValue]) -> Done<D1PreparedStatement> {
        self.db.prepare(sql).bind(values)
    }

    async fn run(&self, sql: &str, values: &[JsValue]) -> Done {
        self.prepare(sql, values)?.run().await.map(drop)
    }

    async fn all<T: DeserializeOwned>(&self, sql: &str, values: &[JsValue]) -> Done<Vec<T>> {
        self.prepare(sql, values)?.all().await?.results()
    }

    /// Stores a record. Storing it again changes nothing.
    pub async fn store(&self, env: &Env, site: &str, record: &Record) -> Answer<()> {
        match record {
            Record::Asked(asked) => self.asked(site, asked).await,
            Record::Call(call) => self.call(site, call).await,
            Record::State(state) => self.state(site, state).await,
            Record::Deleted(user) => self.deleted(env, site, user).await,
        }
        .map_err(Failure::Directory)
    }

    async fn asked(&self, site: &str, asked: &CallAsked) -> Done {
        let sql = format!(
            "INSERT INTO calls (site, id, started_at, caller, caller_uid, callee, callee_uid) \
             VALUES (?1, ?2, ?3, {}, {}, {}, {}) ON CONFLICT DO NOTHING",
            unless_deleted("?4", "?8", "?3"),
            unless_deleted("?5", "?8", "?3"),
            unless_deleted("?6", "?9", "?3"),
            unless_deleted("?7", "?9", "?3"),
        );
        let (caller, callee) = (&asked.caller, &asked.callee);
        self.run(
            &sql,
            &[
                text(site),
                text(asked.wake.as_str()),
                number(asked.at.as_millis()),
                text(caller.number.as_str()),
                text(caller.uid.as_str()),
                text(callee.number.as_str()),
                text(callee.uid.as_str()),
                text(&digest(caller.uid.as_str())),
                text(&digest(callee.uid.as_str())),
            ],
        )
        .await
    }

    /// The call and what it adds to the counters, in one transaction: a record that comes twice counts once.
    async fn call(&self, site: &str, call: &CallRecord) -> Done {
        let ended_by = serde_json::to_value(call.ended_by)?;
        let withheld = serde_json::to_value(call.withheld)?;
        let counts = self.prepare(
            "INSERT INTO counters (site, name, labels, value) \
             SELECT ?1, json_extract(j.value, '$[0]'), json_extract(j.value, '$[1]'), json_extract(j.value, '$[2]') \
             FROM json_each(?2) AS j \
             WHERE NOT EXISTS (SELECT 1 FROM calls WHERE site = ?1 AND id = ?3 AND ended_at IS NOT NULL) \
             ON CONFLICT (site, name, labels) DO UPDATE SET value = value + excluded.value",
            &[
                text(site),
                text(&json!(metrics::of_call(call)).to_string()),
                text(call.wake.as_str()),
            ],
        )?;
        let sql = format!(
            "INSERT INTO calls (site, id, started_at, caller, caller_uid, callee, callee_uid, ringing_at, answered_at, \
             ended_at, outcome, device, ended_by, story, withheld, why) \
             VALUES (?1, ?2, ?3, {}, {}, {}, {}, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) \
             ON CONFLICT (site, id) DO UPDATE SET ringing_at = excluded.ringing_at, answered_at = excluded.answered_at, \
             ended_at = excluded.ended_at, outcome = excluded.outcome, device = excluded.device, \
             ended_by = excluded.ended_by, story = excluded.story, \
             withheld = excluded.withheld, why = excluded.why WHERE calls.ended_at IS NULL",
            unless_deleted("?4", "?8", "?3"),
            unless_deleted("?5", "?8", "?3"),
            unless_deleted("?6", "?9", "?3"),
            unless_deleted("?7", "?9", "?3"),
        );
        let (caller, callee) = (&call.caller, &call.callee);
        let story = json!([steps_of(&call.steps), pushes_of(&call.pushes)]).to_string();
        let row = self.prepare(
            &sql,
            &[
                text(site),
                text(call.wake.as_str()),
                number(call.started_at.as_millis()),
                text(caller.number.as_str()),
                text(caller.uid.as_str()),
                text(callee.number.as_str()),
                text(callee.uid.as_str()),
                text(&digest(caller.uid.as_str())),
                text(&digest(callee.uid.as_str())),
                optional(call.ringing_at, |t| number(t.as_millis())),
                optional(call.answered_at, |t| number(t.as_millis())),
                number(call.ended_at.as_millis()),
                text(call.outcome.as_str()),
                optional(call.device.as_ref(), |d| text(d.as_str())),
                optional(ended_by.as_str(), text),
                text(&story),
                optional(withheld.as_str(), text),
                optional(call.why, |why| text(why.as_str())),
            ],
        )?;
        self.db.batch(vec![counts, row]).await.map(drop)
    }

    async fn state(&self, site: &str, state: &LineState) -> Done {
        self.run(
            "INSERT INTO user_property (site, number, User_id, User_ip, User_netstate, changed_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6 \
             WHERE NOT EXISTS (SELECT 1 FROM deleted_users WHERE site = ?1 AND who = ?7 AND deleted_at >= ?6) \
             ON CONFLICT (site, number) DO UPDATE SET User_id = excluded.User_id, User_ip = excluded.User_ip, \
             User_netstate = excluded.User_netstate, changed_at = excluded.changed_at \
             WHERE excluded.changed_at >= user_property.changed_at",
            &[
                text(site),
                text(state.number.as_str()),
                text(state.uid.as_str()),
                optional(state.address.as_deref(), text),
                number(state.online.into()),
                number(state.at.as_millis()),
                text(&digest(state.uid.as_str())),
            ],
        )
        .await
    }

    /// Nothing names the user any longer: first what comes late, then other lines, then the rows here.
    async fn deleted(&self, env: &Env, site: &str, user: &DeletedUser) -> Done {
        let (num, uid, at) = (user.number.as_str(), user.uid.as_str(), user.at.as_millis());
        self.run(
            "INSERT INTO deleted_users (site, who, deleted_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET deleted_at = max(deleted_at, excluded.deleted_at)",
            &[text(site), text(&digest(uid)), number(at)],
        )
        .await?;
        let mut rounds = 0;
        while self.anonymise_calls_of(env, site, user).await? {
            rounds += 1;
            if rounds >= ROUNDS {
                return Err("a deleted user called more lines than one try can reach".into());
            }
        }
        let who = [text(site), text(num), text(uid), number(at)];
        for sql in [
            "UPDATE calls SET callee = '', callee_uid = '', device = NULL \
             WHERE site = ?1 AND callee = ?2 AND (callee_uid = ?3 OR callee_uid IS NULL) AND started_at <= ?4",
            "DELETE FROM user_property WHERE site = ?1 AND number = ?2 AND User_id = ?3 AND changed_at <= ?4",
            "DELETE FROM accounts WHERE site = ?1 AND number = ?2 AND uid = ?3 AND created_at <= ?4",
        ] {
            self.run(sql, &who).await?;
        }
        self.run(
            "DELETE FROM calls WHERE site = ?1 AND caller = '' AND callee = ''",
            &[text(site)],
        )
        .await
    }

    /// Some of the calls that the user made: their callees' lines are told, and the rows name nobody. False when none is left.
    async fn anonymise_calls_of(&self, env: &Env, site: &str, user: &DeletedUser) -> Done<bool> {
        #[derive(Deserialize)]
        struct Row {
            callee: String,
        }
        let who = [
            text(site),
            text(user.number.as_str()),
            text(user.uid.as_str()),
            number(user.at.as_millis()),
        ];
        let mut values = who.to_vec();
        values.push(number(LINES_AT_ONCE));
        let lines: Vec<Row> = self
            .all(
                "SELECT DISTINCT callee FROM calls WHERE site = ?1 AND caller = ?2 \
                 AND (caller_uid = ?3 OR caller_uid IS NULL) AND started_at <= ?4 LIMIT ?5",
                &values,
            )
            .await?;
        if lines.is_empty() {
            return Ok(false);
        }
        let told = lines.iter().map(|row| async {
            let Ok(callee) = Number::parse(&row.callee) else {
                return true; // the callee was deleted, too
            };
            if callee == user.number {
                return true; // its own line is asking
            }
            let command = LineCommand::Anonymise {
                uid: user.uid.clone(),
                number: user.number.clone(),
            };
            line::ask(env, site, &callee, None, command)
                .await
                .is_ok_and(|reply| reply == LineReply::Done)
        });
        if join_all(told).await.contains(&false) {
            return Err("a line could not be told of a deleted user".into());
        }
        let lines: Vec<_> = lines.into_iter().map(|row| row.callee).collect();
        let mut values = who.to_vec();
        values.push(text(&json!(lines).to_string()));
        self.run(
            "UPDATE calls SET caller = '', caller_uid = '' WHERE site = ?1 AND caller = ?2 \
             AND (caller_uid = ?3 OR caller_uid IS NULL) AND started_at <= ?4 \
             AND callee IN (SELECT value FROM json_each(?5))",
            &values,
        )
        .await?;
        Ok(true)
    }

    /// Every number that the user has or had a line on.
    pub async fn numbers_of(&self, site: &str, uid: &str) -> Answer<Vec<Number>> {
        #[derive(Deserialize)]
        struct Row {
            number: String,
        }
        let rows: Vec<Row> = self
            .all(
                "SELECT number FROM accounts WHERE site = ?1 AND uid = ?2 \
                 UNION SELECT number FROM user_property WHERE site = ?1 AND User_id = ?2 LIMIT 200",
                &[text(site), text(uid)],
            )
            .await
            .map_err(Failure::Directory)?;
        Ok(rows
            .iter()
            .filter_map(|row| Number::parse(&row.number).ok())
            .collect())
    }

    /// `user_property` of a user.
    pub async fn properties(&self, site: &str, uid: &str) -> Answer<Vec<UserProperty>> {
        self.all(
            // Who was never online has an account and nothing else.
            "SELECT User_id, number, User_ip, User_netstate, changed_at AS at FROM user_property \
             WHERE site = ?1 AND User_id = ?2 UNION ALL \
             SELECT uid, number, NULL, 0, created_at FROM accounts AS a WHERE site = ?1 AND uid = ?2 AND NOT EXISTS \
             (SELECT 1 FROM user_property AS p WHERE p.site = a.site AND p.number = a.number) ORDER BY number LIMIT 200",
            &[text(site), text(uid)],
        )
        .await
        .map_err(Failure::Directory)
    }

    /// `user_call` of a user, newest first.
    pub async fn calls(&self, site: &str, uid: &str) -> Answer<Vec<UserCall>> {
        self.all(
            "SELECT id, User_id, Callee_id, Call_date, Outcome FROM user_call \
             WHERE site = ?1 AND User_id = ?2 ORDER BY Call_date DESC LIMIT ?3",
            &[text(site), text(uid), number(CALLS_SHOWN)],
        )
        .await
        .map_err(Failure::Directory)
    }

    /// A call's row.
    pub async fn story(&self, site: &str, id: &str) -> Answer<Option<StoryRow>> {
        let rows: Vec<StoryRow> = self
            .all(
                "SELECT callee, started_at, ended_at, outcome, ended_by, why, story FROM calls WHERE site = ?1 AND id = ?2",
                &[text(site), text(id)],
            )
            .await
            .map_err(Failure::Directory)?;
        Ok(rows.into_iter().next())
    }

    /// What the operator's scraper reads.
    pub async fn metrics(&self, now: u64) -> Answer<String> {
        #[derive(Deserialize)]
        struct Counter {
            site: String,
            name: String,
            labels: String,
            value: f64,
        }
        #[derive(Deserialize)]
        struct Gauge {
            site: String,
            n: f64,
        }
        let read = async {
            let rows: Vec<Counter> = self
                .all(
                    "SELECT site, name, labels, value FROM counters ORDER BY site, name, labels",
                    &[],
                )
                .await?;
            let online: Vec<Gauge> = self
                .all(
                    "SELECT site, sum(User_netstate) AS n FROM user_property GROUP BY site",
                    &[],
                )
                .await?;
            let open: Vec<Gauge> = self
                .all(
                    "SELECT site, count(*) AS n FROM calls WHERE ended_at IS NULL AND started_at > ?1 GROUP BY site",
                    &[number(now.saturating_sub(DAY_MS))],
                )
                .await?;
            Done::Ok((rows, online, open))
        };
        let (rows, online, open) = read.await.map_err(Failure::Directory)?;
        let stored: Vec<_> = rows
            .into_iter()
            .map(|r| Stored {
                site: r.site,
                name: r.name,
                labels: r.labels,
                value: r.value,
            })
            .collect();
        let gauge = |rows: Vec<Gauge>| -> Vec<(String, u64)> {
            rows.into_iter().map(|g| (g.site, g.n as u64)).collect()
        };
        Ok(metrics::render(&stored, &gauge(online), &gauge(open)))
    }

    /// The daily clean-up: what is older than the site keeps it, and what nobody needs any more.
    pub async fn sweep(&self, site: &str, retention_days: u32, now: u64) -> Answer<u64> {
        #[derive(Deserialize)]
        struct Row {}
        let swept = async {
            let mut swept = 0;
            if retention_days > 0 {
                let before = now.saturating_sub(u64::from(retention_days) * DAY_MS);
                for _ in 0..SWEEPS {
                    let gone: Vec<Row> = self
                        .all(
                            "DELETE FROM calls WHERE site = ?1 AND id IN (SELECT id FROM calls \
                             WHERE site = ?1 AND started_at < ?2 LIMIT ?3) RETURNING id",
                            &[text(site), number(before), number(SWEEP)],
                        )
                        .await?;
                    swept += gone.len() as u64;
                    if (gone.len() as u64) < SWEEP {
                        break;
                    }
                }
            }
            self.run(
                "DELETE FROM deleted_users WHERE site = ?1 AND deleted_at < ?2",
                &[text(site), number(now.saturating_sub(DELETED_KEPT_MS))],
            )
            .await?;
            self.run(
                "DELETE FROM tries WHERE site = ?1 AND window_end <= ?2",
                &[text(site), number(now)],
            )
            .await?;
            Done::Ok(swept)
        };
        swept.await.map_err(Failure::Directory)
    }

    /// The database answers.
    pub async fn ping(&self) -> Answer<()> {
        self.run("SELECT 1 FROM calls LIMIT 1", &[])
            .await
            .map_err(Failure::Directory)
    }
}

/// The line of a story's callee.
pub fn line_of(row: &StoryRow) -> Option<Number> {
    Some(row.callee.as_str())
        .filter(|callee| names::is_number(callee))
        .and_then(|callee| Number::parse(callee).ok())
}
