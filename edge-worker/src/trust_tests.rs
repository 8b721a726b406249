//! `docs/trust.md` and `docs/ends.md` name the tests that prove what is promised: each of them is there.

use std::path::Path;

#[test]
fn every_test_that_the_table_of_trust_names_is_there() {
    each_is_there("docs/trust.md");
}

#[test]
fn every_test_that_the_table_of_ends_names_is_there() {
    each_is_there("docs/ends.md");
}

fn each_is_there(document: &str) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let table = std::fs::read_to_string(root.join(document)).expect(document);
    let rows: Vec<&str> = table
        .lines()
        .filter(|l| l.starts_with("| "))
        .skip(1)
        .collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        let mut named = 0;
        for link in row.split('[').skip(1) {
            let Some((name, rest)) = link.split_once("](../") else {
                continue;
            };
            let (file, _) = rest.split_once(')').expect("a link ends");
            let text =
                std::fs::read_to_string(root.join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            // As it stands in a string of JavaScript.
            let quoted = name.replace('\'', "\\'");
            let is_there = |name: &str| {
                text.contains(&format!("'{name}"))
                    || text.contains(&format!("`{name}"))
                    || text.contains(&format!("fn {name}("))
            };
            assert!(
                is_there(name) || is_there(&quoted),
                "{file} has no test {name:?}"
            );
            named += 1;
        }
        assert!(named > 0, "nothing proves: {row}");
    }
}
