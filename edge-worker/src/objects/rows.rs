//! An object's rows in SQLite: one table, one transaction a turn, and nothing left behind when there is nothing to remember.

use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use wakeline_sip::edge::{Row, RowChange, schema};
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, Storage};

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
        let (version, rows): (Vec<_>, Vec<_>) = stored.into_iter().partition(|r| r.tbl == "schema");
        let rows = rows.into_iter().map(|r| {
            let row = Row {
                table: r.tbl,
                key: r.key,
                value: r.value,
            };
            let place = (row.table.clone(), row.key.clone());
            self.kept.borrow_mut().insert(place);
            row
        });
        let rows = rows.collect();
        let Some(version) = version.first() else {
            return Ok(rows);
        };
        let (rows, changes) =
            schema::migrate(&version.value, rows).map_err(|e| Error::RustError(e.to_string()))?;
        if version.value != schema::VERSION.to_string() {
            worker::console_log!(
                "event=migrated from={} to={} rows={}",
                version.value,
                schema::VERSION,
                changes.len()
            );
            self.write_all(storage, changes, true)?;
        }
        Ok(rows)
    }

    /// Writes the changes of a turn: all of them, or none and an error. The platform lets nothing leave before they are durable.
    pub fn commit(&self, storage: &Storage, changes: Vec<RowChange>) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        self.write_all(storage, changes, false)
    }

    /// In one transaction; with `migrated` the version becomes the present one in it.
    fn write_all(&self, storage: &Storage, changes: Vec<RowChange>, migrated: bool) -> Result<()> {
        let noted = changes.iter().map(note).collect::<Vec<_>>();
        let (sql, table) = (storage.sql(), self.table.get());
        let write = Closure::once(move || -> std::result::Result<(), JsValue> {
            if !table {
                make_table(&sql)?;
            }
            if migrated {
                set_version(&sql)?;
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
    set_version(sql)
}

fn set_version(sql: &SqlStorage) -> Result<()> {
    sql.exec(
        "INSERT OR REPLACE INTO rows (tbl, key, value) VALUES ('schema', '', ?1)",
        vec![schema::VERSION.to_string().into()],
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
