//! Short names between wasm and its JavaScript.
//!
//! wasm-bindgen tells its imports apart by a hash of sixteen digits in each name. They stand in both files, and no
//! compression makes a hash shorter. wasm-opt gives them names of one or two letters and says which; its JavaScript
//! takes them over here.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, bail};

/// The pass that renames, and writes which name became which to its output.
pub const SHORTEN: &str = "--minify-imports-and-exports-and-modules";
/// The name that the pass gives to the one module of imports.
const MODULE: &str = "a";
/// How the JavaScript calls what the wasm exports.
const INSTANCE: &str = "wasm.";

/// wasm-bindgen's JavaScript for a wasm whose names were shortened as `said` by wasm-opt.
pub fn shorten(glue: &str, said: &str) -> Result<String> {
    // Lists `imports`, of module, name and short name, and `exports`, of name and short name.
    let renamed: HashMap<String, Vec<Vec<String>>> =
        serde_json::from_str(said).context("wasm-opt does not say what it renamed")?;
    let list = |of: &str| renamed.get(of).with_context(|| format!("no {of}"));
    let (mut imports, mut exports) = (HashMap::new(), HashMap::new());
    let mut modules = BTreeSet::new();
    for row in list("imports")? {
        let [module, name, short] = &row[..] else {
            bail!("an import is renamed in other words than expected: {row:?}");
        };
        modules.insert(module);
        imports.insert(name.as_str(), short);
    }
    for row in list("exports")? {
        let [name, short] = &row[..] else {
            bail!("an export is renamed in other words than expected: {row:?}");
        };
        exports.insert(name.as_str(), short);
    }
    let [module] = Vec::from_iter(modules)[..] else {
        bail!("the wasm does not import from one module, as what is shortened has one");
    };

    let mut text = String::with_capacity(glue.len());
    let mut given = 0;
    let mut rest = glue;
    while let Some(at) = rest.find(of_a_name) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.find(|c| !of_a_name(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let short = if text.ends_with(INSTANCE) {
            exports.get(name)
        } else if after.starts_with(": ") && text.ends_with("    ") {
            imports.get(name).inspect(|_| given += 1)
        } else {
            None
        };
        text.push_str(short.map_or(name, |short| short.as_str()));
        rest = after;
    }
    text.push_str(rest);
    if given != imports.len() {
        bail!(
            "the JavaScript gives {given} of {} imports of the wasm",
            imports.len()
        );
    }
    let import = format!("\"{module}\": ");
    if text.matches(&import).count() != 1 {
        bail!("the JavaScript does not name the module {module} once");
    }
    Ok(text.replace(&import, &format!("\"{MODULE}\": ")))
}

fn of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '$'
}

#[cfg(test)]
mod tests {
    use super::shorten;

    const GLUE: &str = r#"export function ask(a) { return wasm.core_ask(a) + wasm.memory.core_ask; }
    const import0 = {
        __wbg_heard_50c0: function(arg0) { return heard(arg0, wasm.core_ask_all); },
        __wbg_new_787b: typeof x === 'function' ? x : notDefined('__wbg_new_787b'),
    };
    return { "./core_bg.js": import0 };"#;

    #[test]
    fn both_sides_of_each_name_are_shortened() {
        let said = r#"{ "imports": [["./core_bg.js", "__wbg_heard_50c0", "$"], ["./core_bg.js", "__wbg_new_787b", "$a"]],
            "exports": [["core_ask", "A"], ["memory", "B"]] }"#;
        let short = shorten(GLUE, said).expect("all names are there");
        assert!(short.contains("return wasm.A(a) + wasm.B.core_ask;"));
        assert!(short.contains("  $: function(arg0) { return heard(arg0, wasm.core_ask_all); }"));
        assert!(short.contains("  $a: typeof x"));
        assert!(short.contains(r#"{ "a": import0 }"#));
    }

    #[test]
    fn an_import_that_is_not_given_is_found_when_it_is_built() {
        let said = r#"{ "imports": [["./core_bg.js", "__wbg_other_50c0", "$"]], "exports": [] }"#;
        let error = shorten(GLUE, said).expect_err("nobody gives it");
        assert!(error.to_string().contains("gives 0 of 1"));
    }
}
