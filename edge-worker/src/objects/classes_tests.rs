//! The Durable Object classes are written down in several places; a class that one of them lacks is missed at the first call only.

const OBJECTS: &[&str] = &[
    include_str!("flow.rs"),
    include_str!("line.rs"),
    include_str!("meter.rs"),
    include_str!("vendor.rs"),
];

/// What stands between `before` and the first `after` of each line that has both.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let mut found: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(before)?.1.split_once(after))
        .map(|(name, _)| name)
        .collect();
    found.sort_unstable();
    found
}

/// The quoted names of a line that has `key`.
fn quoted<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let mut found: Vec<&str> = text
        .lines()
        .filter(|line| line.trim_start().starts_with(key))
        .flat_map(|line| line.split(['"', '\'']).skip(1).step_by(2))
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn every_place_names_the_same_classes() {
    let here: Vec<&str> = OBJECTS
        .iter()
        .flat_map(|file| {
            let (_, after) = file.split_once("#[durable_object]").expect("an object");
            between(after, "pub struct ", " {").into_iter().take(1)
        })
        .collect();
    assert_eq!(
        here,
        ["FlowObject", "LineObject", "MeterObject", "VendorObject"]
    );

    let entry = include_str!("../../js/entry.js");
    assert_eq!(between(entry, "export const ", " = durable("), here);
    assert_eq!(between(entry, " = durable(\"", "\")"), here);

    let wrangler = include_str!("../../../wrangler.toml");
    assert_eq!(quoted(wrangler, "class_name"), here);
    assert_eq!(
        quoted(wrangler, "new_sqlite_classes"),
        here,
        "each has a migration, once"
    );

    let tests = include_str!("../../../tests/lib/edge.mjs");
    assert_eq!(quoted(tests, "const CLASSES"), here);
    let counting = include_str!("../../../tests/bench/edge/counting.mjs");
    assert_eq!(between(counting, "export const ", " ="), here);

    let mut bindings = quoted(wrangler, "name");
    bindings.retain(|name| *name != "wakeline");
    let tested: Vec<&str> = tests
        .lines()
        .find_map(|line| line.strip_prefix("const CLASSES = {"))
        .expect("the classes of the tests")
        .split([' ', ','])
        .filter_map(|word| word.strip_suffix(':'))
        .collect();
    assert_eq!(tested, bindings, "as deployed, as tested");
}

#[test]
fn no_file_of_this_folder_holds_an_object_that_is_not_looked_at() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/objects");
    let objects = std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|file| std::fs::read_to_string(file.ok()?.path()).ok())
        .filter(|text| text.lines().any(|line| line == "#[durable_object]"));
    assert_eq!(objects.count(), OBJECTS.len());
}
