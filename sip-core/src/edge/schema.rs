//! The versions of the stored rows, and the steps from each to the next.
//!
//! A field that may be missing needs no new version (rows are JSON, and read with defaults). A row that changes its key,
//! its table or its meaning does: then [`VERSION`] grows by one and [`migrate`] gets a step. The driver reads the version
//! beside the rows, applies the steps in the turn that first loads an object, and stores the result with the new version
//! in one transaction. An older worker refuses rows of a newer version: it would lose what it does not know.

use super::rows::{Row, RowChange};
use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Value, json};

/// The version that this worker writes.
pub const VERSION: u32 = 2;

/// Rows that cannot be brought to [`VERSION`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A newer worker wrote them.
    #[error("the rows are of version {0}, written by a newer worker: deploy that one again")]
    Newer(u32),
    /// No worker ever wrote that.
    #[error("the rows name no version that ever was: {0}")]
    Unknown(String),
    /// A row of an old version is not what that version wrote.
    #[error("row {table}/{key} of version {version} cannot be read")]
    Row {
        /// The version.
        version: u32,
        /// The table.
        table: String,
        /// Its key.
        key: String,
    },
}

/// Brings rows of the version `written` to [`VERSION`]: the rows as they are to be restored, and what has to be stored for
/// that.
pub fn migrate(
    written: &str,
    mut rows: Vec<Row>,
) -> Result<(Vec<Row>, Vec<RowChange>), SchemaError> {
    let version: u32 = written
        .parse()
        .ok()
        .filter(|version| *version > 0)
        .ok_or_else(|| SchemaError::Unknown(written.to_owned()))?;
    if version > VERSION {
        return Err(SchemaError::Newer(version));
    }
    let mut changes = Vec::new();
    if version < 2 {
        rows = records_of_one_kind(rows, &mut changes)?;
    }
    Ok((rows, changes))
}

/// 1 → 2. `records` held nothing but ended calls, by their wake; now there are several kinds, and the key names which.
fn records_of_one_kind(
    rows: Vec<Row>,
    changes: &mut Vec<RowChange>,
) -> Result<Vec<Row>, SchemaError> {
    let step = |row: Row| {
        if row.table != "records" {
            return Ok(row);
        }
        let unreadable = || SchemaError::Row {
            version: 1,
            table: row.table.clone(),
            key: row.key.clone(),
        };
        let mut value: Value = serde_json::from_str(&row.value).map_err(|_| unreadable())?;
        let record = value.get_mut("record").ok_or_else(unreadable)?;
        *record = json!({ "call": record.take() });
        let new = Row {
            table: row.table.clone(),
            key: format!("call:{}", row.key),
            value: value.to_string(),
        };
        changes.push(RowChange::Delete {
            table: row.table,
            key: row.key,
        });
        changes.push(RowChange::Store(new.clone()));
        Ok(new)
    };
    rows.into_iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_reads_its_own_version_as_it_stands_and_refuses_others() {
        let row = Row {
            table: "records".into(),
            key: "call:w".into(),
            value: "{}".into(),
        };
        let (rows, changes) = migrate("2", vec![row.clone()]).unwrap();
        assert_eq!((rows, changes), (vec![row.clone()], Vec::new()));
        assert_eq!(migrate("3", vec![]), Err(SchemaError::Newer(3)));
        for odd in ["0", "", "two", "-1"] {
            assert!(matches!(migrate(odd, vec![]), Err(SchemaError::Unknown(_))));
        }
        assert!(matches!(
            migrate("1", vec![row]),
            Err(SchemaError::Row { version: 1, .. })
        ));
    }
}
