//! An object's rows in SQLite: one table, one transaction a turn, and nothing left behind when there is nothing to remember.

use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use wakeline_sip::edge::{Row, RowChange};
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, Storage};

/// The version of the rows. A later worker that changes their meaning migrates from here.
const SCHEMA: &str = "1";

/// The rows of one object.
#[derive(Default)]
pub struct Rows {
    /// The table is there.
    table: Cell<bool>,
    /// What it holds besides the version: table and key.
    kept: RefCell<BTreeSet<(String, String)>>,
}

impl Rows {
    /// All rows. An object that never stored anything has no table, and asking does not make one.
    pub fn load(&self, storage: &Storage) -> Result<Vec<Row>> {
        #[derive(Deserialize)]
        struct Stored {
            tbl: String,
            key: String,
            value: String,
        }
        #[derive(Deserialize)]
        struct Table {}
        let sql = storage.sql();
        let tables = sql.exec(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'rows'",
            None,
        )?;
        self.kept.borrow_mut().clear();
        self.table.set(!tables.to_array::<Table>()?.is_empty());
        if !self.table.get() {
            return Ok(Vec::new());
        }
        let stored: Vec<Stored> = sql
            .exec("SELECT tbl, key, value FROM rows", None)?
            .to_array()?;
        let (schema, rows): (Vec<_>, Vec<_>) = stored.into_iter().partition(|r| r.tbl == "schema");
        if schema.iter().any(|row| row.value != SCHEMA) {
            return Err(Error::RustError(
                "the object's rows are of another version".into(),
            ));
        }
        let mut kept = self.kept.borrow_mut();
        let rows = rows.into_iter().map(|r| {
            kept.insert((r.tbl.clone(), r.key.clone()));
            Row {
                table: r.tbl,
                key: r.key,
                value: r.value,
            }
        });
        Ok(rows.collect())
    }

    /// Writes the changes of a turn: all of them, or none and an error. The platform lets nothing leave before they are durable.
    pub fn commit(&self, storage: &Storage, changes: Vec<RowChange>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        let noted = changes.iter().map(note).collect::<Vec<_>>();
        let (sql, table) = (storage.sql(), self.table.get());
        let write = Closure::once(move || -> std::result::Result<(), JsValue> {
            if !table {
                make_table(&sql)?;
            }
            Ok(changes
                .into_iter()
                .try_for_each(|change| write(&sql, change))?)
        });
        let raw: &JsValue = storage.as_raw().as_ref();
        let transaction: js_sys::Function =
            js_sys::Reflect::get(raw, &"transactionSync".into())?.dyn_into()?;
        transaction.call1(raw, write.as_ref())?;
        self.table.set(true);
        let mut kept = self.kept.borrow_mut();
        for (key, stays) in noted {
            if stays {
                kept.insert(key);
            } else {
                kept.remove(&key);
            }
        }
        Ok(())
    }

    /// Gives the storage back when there is nothing in it worth keeping; true when it was.
    pub fn give_back(&self, storage: &Storage) -> Result<bool> {
        if !self.table.get() || !self.kept.borrow().is_empty() {
            return Ok(false);
        }
        // Not awaited: it is done in this turn, and what follows starts from nothing.
        let _deleted = storage.as_raw().delete_all()?;
        self.table.set(false);
        Ok(true)
    }
}

/// Which row a change is about, and whether it is there afterwards.
fn note(change: &RowChange) -> ((String, String), bool) {
    match change {
        RowChange::Store(row) => ((row.table.clone(), row.key.clone()), true),
        RowChange::Delete { table, key } => ((table.clone(), key.clone()), false),
    }
}

fn make_table(sql: &SqlStorage) -> Result<()> {
    sql.exec(
        "CREATE TABLE IF NOT EXISTS rows (tbl TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, \
         PRIMARY KEY (tbl, key)) WITHOUT ROWID",
        None,
    )?;
    sql.exec(
        "INSERT OR IGNORE INTO rows (tbl, key, value) VALUES ('schema', '', ?1)",
        vec![SCHEMA.into()],
    )?;
    Ok(())
}

fn write(sql: &SqlStorage, change: RowChange) -> Result<()> {
    match change {
        RowChange::Store(row) => sql.exec(
            "INSERT OR REPLACE INTO rows (tbl, key, value) VALUES (?1, ?2, ?3)",
            vec![row.table.into(), row.key.into(), row.value.into()],
        )?,
        RowChange::Delete { table, key } => sql.exec(
            "DELETE FROM rows WHERE tbl = ?1 AND key = ?2",
            vec![table.into(), key.into()],
        )?,
    };
    Ok(())
}
