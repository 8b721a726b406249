//! State as rows: what an object must remember is written in the turn that changed it.
//!
//! A [`Table`] keeps typed values in memory and remembers which of them were touched; flushing it
//! yields the rows to write. Restoring is the inverse. Values are JSON, so that an older worker's
//! rows can still be read when fields are added.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::{borrow::ToOwned, string::String, vec::Vec};
use serde::{Serialize, de::DeserializeOwned};

/// One stored row. `(table, key)` is its primary key inside one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The table it belongs to, e.g. `calls`.
    pub table: String,
    /// Its key inside the table.
    pub key: String,
    /// The value, JSON.
    pub value: String,
}

/// A change to the stored rows; applied by the driver before anything leaves the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowChange {
    /// Insert or replace the row.
    Store(Row),
    /// Remove the row if it exists.
    Delete {
        /// The table.
        table: String,
        /// The key inside the table.
        key: String,
    },
}

/// A row that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("row {table}/{key} cannot be read: {source}")]
pub struct RowError {
    /// The table.
    pub table: String,
    /// The key inside the table.
    pub key: String,
    /// Why.
    source: serde_json::Error,
}

/// Typed rows of one table.
#[derive(Debug)]
pub struct Table<V> {
    name: &'static str,
    rows: BTreeMap<String, V>,
    touched: BTreeSet<String>,
}

impl<V: Serialize + DeserializeOwned> Table<V> {
    /// An empty table.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            rows: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }

    /// Takes back a stored row; `false` if it belongs to another table.
    pub fn restore(&mut self, row: &Row) -> Result<bool, RowError> {
        if row.table != self.name {
            return Ok(false);
        }
        let value = serde_json::from_str(&row.value).map_err(|source| RowError {
            table: row.table.clone(),
            key: row.key.clone(),
            source,
        })?;
        self.rows.insert(row.key.clone(), value);
        Ok(true)
    }

    /// Reads a value.
    pub fn get(&self, key: &str) -> Option<&V> {
        self.rows.get(key)
    }

    /// Changes a value; it is written at the next flush.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut V> {
        let value = self.rows.get_mut(key)?;
        self.touched.insert(key.to_owned());
        Some(value)
    }

    /// Changes a value that matches; one that does not is not written.
    pub fn get_mut_if(&mut self, key: &str, matches: impl FnOnce(&V) -> bool) -> Option<&mut V> {
        if self.rows.get(key).is_some_and(matches) {
            self.get_mut(key)
        } else {
            None
        }
    }

    /// Adds or replaces a value.
    pub fn insert(&mut self, key: &str, value: V) {
        self.touched.insert(key.to_owned());
        self.rows.insert(key.to_owned(), value);
    }

    /// Removes a value.
    pub fn remove(&mut self, key: &str) -> Option<V> {
        let value = self.rows.remove(key)?;
        self.touched.insert(key.to_owned());
        Some(value)
    }

    /// Whether a value is there.
    pub fn contains(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All values in key order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &V)> {
        self.rows.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.rows.values()
    }

    /// The keys of the values that match.
    pub fn keys_where(&self, mut matches: impl FnMut(&V) -> bool) -> Vec<String> {
        self.rows
            .iter()
            .filter(|(_, value)| matches(value))
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Hands every change since the last flush to `write`.
    pub fn flush(&mut self, mut write: impl FnMut(RowChange)) {
        for key in core::mem::take(&mut self.touched) {
            let table = self.name.to_owned();
            write(match self.rows.get(&key) {
                Some(value) => RowChange::Store(Row {
                    table,
                    value: serde_json::to_string(value)
                        .expect("edge rows are plain data with string keys"),
                    key,
                }),
                None => RowChange::Delete { table, key },
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_touched_is_written() {
        let mut table: Table<u32> = Table::new("t");
        table.insert("a", 1);
        table.insert("b", 2);
        let mut changes = Vec::new();
        table.flush(|change| changes.push(change));
        assert_eq!(changes.len(), 2);

        let mut again: Table<u32> = Table::new("t");
        for change in &changes {
            let RowChange::Store(row) = change else {
                panic!("stored")
            };
            assert!(again.restore(row).unwrap());
        }
        changes.clear();
        *again.get_mut("a").unwrap() += 1;
        again.remove("b");
        again.remove("never there");
        again.flush(|change| changes.push(change));
        assert_eq!(
            changes,
            [
                RowChange::Store(Row {
                    table: "t".into(),
                    key: "a".into(),
                    value: "2".into()
                }),
                RowChange::Delete {
                    table: "t".into(),
                    key: "b".into()
                }
            ]
        );
    }
}
