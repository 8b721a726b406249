//! An object's rows in SQLite: one table, one transaction a turn, and nothing left behind when there is nothing to remember.

use serde::Deserialize;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use wakeline_sip::edge::{Row, RowChange, schema};
use worker::wasm_bindgen::closure::Closure;
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::{Error, Result, SqlStorage, SqlStorageValue, Storage};

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

    /// All or nothing; with `migrated` the version becomes the present one with it.
    fn write_all(&self, storage: &Storage, changes: Vec<RowChange>, migrated: bool) -> Result<()> {
        let noted = changes.iter().map(note).collect::<Vec<_>>();
        let sql = storage.sql();
        let mut statements = statements(changes);
        if !self.table.get() || migrated || statements.len() > 1 {
            let table = self.table.get();
            let write = Closure::once(move || -> std::result::Result<(), JsValue> {
                if !table {
                    make_table(&sql)?;
                }
                if migrated {
                    set_version(&sql)?;
                }
                Ok(statements
                    .into_iter()
                    .try_for_each(|(text, values)| sql.exec(&text, values).map(drop))?)
            });
            let raw: &JsValue = storage.as_raw().as_ref();
            let transaction: js_sys::Function =
                js_sys::Reflect::get(raw, &"transactionSync".into())?.dyn_into()?;
            transaction.call1(raw, write.as_ref())?;
        } else if let Some((text, values)) = statements.pop() {
            // A statement alone is a transaction already.
            sql.exec(&text, values)?;
        }
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

/// A statement and what it is about.
type Statement = (String, Vec<SqlStorageValue>);

/// Rows that one statement writes: the platform takes a hundred values in one.
const ROWS_AT_ONCE: usize = 32;

/// The changes of a turn in as few statements as may be: a statement costs more than the rows that it writes. A turn names
/// each row once, so that their order does not matter.
fn statements(changes: Vec<RowChange>) -> Vec<Statement> {
    let (mut stored, mut deleted) = (Vec::new(), Vec::new());
    for change in changes {
        match change {
            RowChange::Store(row) => {
                stored.push(vec![row.table.into(), row.key.into(), row.value.into()]);
            }
            RowChange::Delete { table, key } => deleted.push(vec![table.into(), key.into()]),
        }
    }
    let mut all = in_lots(deleted, |rows| {
        let places = vec!["(?, ?)"; rows].join(", ");
        format!("DELETE FROM rows WHERE (tbl, key) IN (VALUES {places})")
    });
    all.extend(in_lots(stored, |rows| {
        let places = vec!["(?, ?, ?)"; rows].join(", ");
        format!("INSERT OR REPLACE INTO rows (tbl, key, value) VALUES {places}")
    }));
    all
}

fn in_lots(mut rows: Vec<Vec<SqlStorageValue>>, text: impl Fn(usize) -> String) -> Vec<Statement> {
    let mut all = Vec::new();
    while !rows.is_empty() {
        let lot = rows.split_off(rows.len().saturating_sub(ROWS_AT_ONCE));
        all.push((text(lot.len()), lot.into_iter().flatten().collect()));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(stored: usize, deleted: usize) -> Vec<RowChange> {
        let name = |n: usize| n.to_string();
        let store = |n| {
            RowChange::Store(Row {
                table: "t".into(),
                key: name(n),
                value: "{}".into(),
            })
        };
        let delete = |n| RowChange::Delete {
            table: "u".into(),
            key: name(n),
        };
        (0..stored)
            .map(store)
            .chain((0..deleted).map(delete))
            .collect()
    }

    #[test]
    fn a_turn_is_one_statement_for_what_is_stored_and_one_for_what_goes() {
        assert!(statements(Vec::new()).is_empty());
        assert_eq!(statements(changes(1, 0)).len(), 1);
        let both = statements(changes(3, 2));
        let values: Vec<_> = both.iter().map(|(_, values)| values.len()).collect();
        assert_eq!(values, [4, 9]);
        for (text, values) in both {
            assert_eq!(text.matches('?').count(), values.len(), "{text}");
        }
    }

    #[test]
    fn no_statement_has_more_values_than_the_platform_takes_and_none_is_left_out() {
        let all = statements(changes(100, 70));
        assert!(all.iter().all(|(_, values)| values.len() <= 100));
        let values: usize = all.iter().map(|(_, values)| values.len()).sum();
        assert_eq!(values, 100 * 3 + 70 * 2);
    }
}
