//! `deploy`: the edge and the page to a Cloudflare account; `--dry-run` stops before the network.
//!
//! A deploy makes the database and the secrets that are missing and never touches a secret that is
//! there: replacing the VAPID keys would silence every device that has subscribed. Each site has a secret of its own
//! (`keys_binding` of the worker), so that one that is added later gets its keys without the others' being touched.
//!
//! Cloudflare shows no secret again, and somebody must know a site's key: what is made is kept on this machine before it is uploaded.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::build::{Part, build};
use crate::edge::{secrets, wrangler};
use crate::house::House;
use crate::process::Task;

const LIMIT: Duration = Duration::from_secs(600);
const DATABASE: &str = "wakeline";
/// What wrangler.toml holds in place of a deployment's own database.
const PLACEHOLDER: &str = "00000000-0000-0000-0000-000000000000";
const EDGE_SECRET: &str = "EDGE_SECRET";
const OPERATOR_KEY: &str = "OPERATOR_KEY";
/// What an operator writes; see `--secrets`.
const SITE_SECRETS: &str = "SITE_SECRETS";
/// What every site needs, from a deploy or from an operator.
const KEYS: [&str; 3] = ["api_keys", "signing_keys", "vapid"];

/// What the command line asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// Everything short of the network.
    pub dry_run: bool,
    /// The sites to serve, as JSON; see ARCHITECTURE.md, Configuration.
    pub sites: Option<PathBuf>,
    /// What an operator adds for each site (call servers' secrets, `sip_secret`, …), as JSON. It goes up in the same step as the sites
    /// that want it, for a worker with the one and not the other refuses both; it replaces what was there.
    pub secrets: Option<PathBuf>,
}

/// Builds and deploys.
pub fn deploy(house: &House, options: &Options) -> Result<()> {
    let sites = options.sites.as_deref().map(read_json).transpose()?;
    let added = options.secrets.as_deref().map(read_json).transpose()?;
    build(house, &Part::ALL)?;
    if options.dry_run {
        let out = house.path("build/deploy");
        wrangler(house)
            .args(["deploy", "--dry-run", "--outdir"])
            .arg(&out)
            .limit(LIMIT)
            .run_quietly("checking the deployment")?;
        println!(
            "dry run: the worker and the page bundle as they would be uploaded (build/deploy). A deploy would then"
        );
        for step in plan(house, sites.as_ref())? {
            println!("  - {step}");
        }
        return Ok(());
    }
    let Some(sites) = sites else {
        bail!(
            "which sites? Write sites.json like \
             [{{\"id\":\"example\",\"domain\":\"sip.example.com\",\"hosts\":[\"*\"],\"push\":{{\"subject\":\"mailto:you@example.com\"}}}}] \
             and run `cargo xtask deploy --sites sites.json`"
        );
    };
    upload(house, &sites, added.as_ref())
}

/// What a deploy does, in order; each step is nothing where it was done before.
fn plan(house: &House, sites: Option<&Value>) -> Result<Vec<String>> {
    let mut migrations: Vec<String> = fs::read_dir(house.path("edge-worker/migrations"))?
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    migrations.sort_unstable();
    Ok(vec![
        format!("make the database \"{DATABASE}\", unless the account has it"),
        format!(
            "apply the migrations that it lacks of: {}",
            migrations.join(", ")
        ),
        format!(
            "make the secrets that the worker lacks of: {}; one that is there is never replaced, and what is made is kept in .wakeline/deployed",
            match sites {
                Some(sites) => secrets_of(sites)?.join(", "),
                None => format!("{EDGE_SECRET}, {OPERATOR_KEY}, SITE_KEYS_… for each site"),
            }
        ),
        format!(
            "upload worker and page, and point {} at them; sockets are cut and come back by themselves, each after a pause of its own",
            match sites.map(hosts_of) {
                Some(hosts) if !hosts.is_empty() => hosts.join(", "),
                _ => "the hosts of the sites".to_owned(),
            }
        ),
    ])
}

/// The part that talks to Cloudflare. Done twice it changes nothing the second time but the version.
fn upload(house: &House, sites: &Value, added: Option<&Value>) -> Result<()> {
    secrets_of(sites)?;
    signed_in(house)?;
    let config = with_database(house)?;
    cloud(
        house,
        &config,
        &["d1", "migrations", "apply", "DB", "--remote"],
        "migrating the database",
    )?;
    let fresh = fresh_secrets(house, &config, sites, added)?;
    let mut task = wrangler(house)
        .args(["deploy", "--config"])
        .arg(&config)
        .args(["--var", &format!("SITES:{sites}")])
        .limit(LIMIT);
    for host in hosts_of(sites) {
        task = task.args(["--domain", host]);
    }
    if let Some(file) = &fresh {
        task = task.arg("--secrets-file").arg(file);
    }
    let deployed = task.run_quietly("deploying");
    if let Some(file) = &fresh {
        // Only Cloudflare keeps them.
        fs::remove_file(file)?;
    }
    for line in deployed?
        .lines
        .iter()
        .filter(|line| line.contains("https://"))
    {
        println!("{}", line.trim());
    }
    Ok(())
}

fn read_json(file: &Path) -> Result<Value> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not JSON", file.display()))
}

fn signed_in(house: &House) -> Result<()> {
    if env::var_os("CLOUDFLARE_API_TOKEN").is_some() {
        return Ok(());
    }
    let known = wrangler(house)
        .arg("whoami")
        .limit(Duration::from_secs(60))
        .run(|_| ())?;
    let text = known.lines.join("\n");
    if !known.success() || text.contains("not authenticated") {
        bail!(
            "no Cloudflare credentials: set CLOUDFLARE_API_TOKEN (Workers Scripts, D1: edit), \
             or run `npx wrangler login`; `cargo xtask deploy --dry-run` needs none"
        );
    }
    Ok(())
}

/// A copy of wrangler.toml, beside it so that its paths hold, that names this account's database.
fn with_database(house: &House) -> Result<PathBuf> {
    let id = match database_id(house)? {
        Some(id) => id,
        None => {
            cloud(
                house,
                &house.path("wrangler.toml"),
                &["d1", "create", DATABASE],
                "making the database",
            )?;
            database_id(house)?.context("the database was made but is not listed")?
        }
    };
    let text = fs::read_to_string(house.path("wrangler.toml"))?;
    let config = house.path("wrangler.deploy.toml");
    fs::write(&config, text.replace(PLACEHOLDER, &id))?;
    Ok(config)
}

fn database_id(house: &House) -> Result<Option<String>> {
    let text = wrangler(house)
        .args(["d1", "list", "--json"])
        .ask()
        .context("the databases of the account cannot be listed")?;
    Ok(id_in(&text))
}

fn id_in(list: &str) -> Option<String> {
    let list: Value = serde_json::from_str(list.get(list.find('[')?..)?).ok()?;
    let ours = list
        .as_array()?
        .iter()
        .find(|entry| entry["name"] == DATABASE)?;
    Some(ours["uuid"].as_str()?.to_owned())
}

/// The secrets that a deployment of `sites` needs.
fn secrets_of(sites: &Value) -> Result<Vec<String>> {
    let mut names = vec![EDGE_SECRET.to_owned(), OPERATOR_KEY.to_owned()];
    for site in sites.as_array().context("sites.json is not a list")? {
        let id = site["id"].as_str().context("a site has no id")?;
        names.push(keys_binding(id)?);
    }
    Ok(names)
}

/// The names under which the sites are found, where a site says which: they are pointed at the worker. What `*` takes is the operator's
/// to lead there, and a name of Cloudflare's leads there by itself.
fn hosts_of(sites: &Value) -> Vec<&str> {
    let lists = sites.as_array().into_iter().flatten();
    let hosts = lists.flat_map(|site| site["hosts"].as_array().into_iter().flatten());
    hosts
        .filter_map(Value::as_str)
        .filter(|host| *host != "*" && !host.ends_with(".workers.dev"))
        .collect()
}

/// What the worker looks for (`keys_binding` in `edge-worker/src/config.rs`).
fn keys_binding(id: &str) -> Result<String> {
    let good = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if !(1..=32).contains(&id.len()) || !id.bytes().all(good) {
        bail!("site id {id:?} is not 1 to 32 of a-z, 0-9 and -");
    }
    Ok(format!(
        "SITE_KEYS_{}",
        id.to_ascii_uppercase().replace('-', "_")
    ))
}

/// A file with the secrets that the worker lacks, and with what the operator adds; `None` when there is nothing to say.
fn fresh_secrets(
    house: &House,
    config: &Path,
    sites: &Value,
    added: Option<&Value>,
) -> Result<Option<PathBuf>> {
    let listed = wrangler(house)
        .args(["secret", "list", "--format", "json", "--config"])
        .arg(config)
        .limit(Duration::from_secs(60))
        .run(|_| ())?;
    let text = listed.lines.join("\n");
    // Before the first deploy there is no worker to have secrets. Any other failure stops us: secrets
    // that may be there must not be replaced.
    let first = text.contains("10007") || text.contains("does not exist");
    if !listed.success() && !first {
        bail!("cannot tell which secrets the worker has: {}", text.trim());
    }
    let has = |name: &str| !first && text.contains(&format!("\"{name}\""));
    let mut lacking = secrets_of(sites)?;
    lacking.retain(|name| !has(name));
    let mut fresh = json!({});
    if let Some(added) = added {
        check_added(sites, added, |name| has(SITE_SECRETS) && !has(name))?;
        fresh[SITE_SECRETS] = Value::String(added.to_string());
    }
    if !lacking.is_empty() {
        make(house, config, &lacking, &mut fresh)?;
    }
    if fresh.as_object().is_none_or(serde_json::Map::is_empty) {
        return Ok(None);
    }
    let file = house.state("deploy-secrets.json");
    secrets::write_private(&file, &fresh.to_string())?;
    Ok(Some(file))
}

/// What an operator adds is for sites that there are. `hidden` says that the keys of a site may stand in the secret that is about to be
/// replaced, where nobody can look.
fn check_added(sites: &Value, added: &Value, hidden: impl Fn(&str) -> bool) -> Result<()> {
    let by_site = added
        .as_object()
        .context("the secrets are a JSON object by site")?;
    let list = sites.as_array().context("sites.json is not a list")?;
    for id in by_site.keys() {
        if !list.iter().any(|site| site["id"] == id.as_str()) {
            bail!("the secrets name a site {id:?} that sites.json does not");
        }
    }
    for site in list {
        let id = site["id"].as_str().unwrap_or_default();
        let whole = KEYS.iter().all(|key| !added[id][key].is_null());
        if hidden(&keys_binding(id)?) && !whole {
            bail!(
                "{SITE_SECRETS} of the deployment may hold the only keys of site {id:?}, and would be replaced: put its {} into the secrets, too",
                KEYS.join(", ")
            );
        }
    }
    Ok(())
}

/// Makes what is lacking, keeps it here, and puts it where it goes up.
fn make(house: &House, config: &Path, lacking: &[String], fresh: &mut Value) -> Result<()> {
    let (kept_in, mut kept) = kept(house, config)?;
    for name in lacking {
        if kept[name].is_null() {
            let made = secrets::generate(house)?;
            kept[name] = match name.as_str() {
                EDGE_SECRET => made["edge_secret"].clone(),
                OPERATOR_KEY => made["operator_key"].clone(),
                _ => made["site"].clone(),
            };
        }
        // A secret is text.
        fresh[name] = match &kept[name] {
            Value::String(text) => Value::String(text.clone()),
            keys => Value::String(keys.to_string()),
        };
    }
    // In one step: the file may hold the only copy of what was made before.
    let next = kept_in.with_extension("next");
    secrets::write_private(&next, &format!("{kept:#}\n"))?;
    fs::rename(&next, &kept_in)?;
    println!("  new secrets: {}", lacking.join(", "));
    println!(
        "  kept in {}: your backend needs api_keys of it, and nobody can read them from Cloudflare again",
        kept_in.display()
    );
    Ok(())
}

/// What deploys of this database have made, and where that is kept. A deploy that failed is tried again with the same.
fn kept(house: &House, config: &Path) -> Result<(PathBuf, Value)> {
    let text = fs::read_to_string(config)?;
    let id = text.lines().find_map(|line| {
        let value = line.trim().strip_prefix("database_id")?;
        Some(value.trim_matches([' ', '=', '"']).to_owned())
    });
    let id = id.context("wrangler.toml names no database")?;
    let folder = house.state("deployed");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{id}.json"));
    if !file.exists() {
        return Ok((file, json!({})));
    }
    let kept = serde_json::from_str(&fs::read_to_string(&file)?);
    let kept = kept.with_context(|| {
        format!(
            "{} holds the only copy of secrets and is not JSON any more: put it right or away",
            file.display()
        )
    })?;
    Ok((file, kept))
}

fn cloud(house: &House, config: &Path, args: &[&str], label: &str) -> Result<()> {
    let task: Task = wrangler(house).args(args).arg("--config").arg(config);
    task.limit(LIMIT).run_quietly(label)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_found_by_name_behind_whatever_wrangler_prints_first() {
        let text = r#"banner
[{"uuid":"1","name":"other"},{"uuid":"2","name":"wakeline"}]"#;
        assert_eq!(id_in(text).as_deref(), Some("2"));
        assert_eq!(id_in("[]"), None);
    }

    /// A stand-in for wrangler (a fake: no Cloudflare is asked). It keeps what an account would keep, and writes down what
    /// it was asked.
    const FAKE: &str = r#"#!/bin/sh
account="$(dirname "$0")/../../account"
mkdir -p "$account"
echo "$*" >> "$account/asked"
case "$*" in
whoami*) echo "logged in" ;;
"d1 list"*) cat "$account/database" 2>/dev/null || echo "[]" ;;
"d1 create"*)
  [ -f "$account/database" ] && { echo "a database of this name exists" >&2; exit 1; }
  echo '[{"uuid":"11111111-2222-3333-4444-555555555555","name":"wakeline"}]' > "$account/database" ;;
"d1 migrations apply"*)
  for file in edge-worker/migrations/*.sql; do
    grep -qxF "$file" "$account/applied" 2>/dev/null || echo "$file" >> "$account/applied"
  done ;;
"secret list"*)
  [ -f "$account/worker" ] || { echo "This Worker does not exist on your account. [code: 10007]" >&2; exit 1; }
  printf '['; comma=; for file in "$account"/secrets/*; do
    [ -f "$file" ] && { printf '%s{"name":"%s","type":"secret_text"}' "$comma" "$(basename "$file")"; comma=,; }
  done; echo ']' ;;
deploy*)
  [ -f "$account/refuses" ] && { echo "the upload failed" >&2; exit 1; }
  mkdir -p "$account/secrets"
  while [ $# -gt 0 ]; do
    [ "$1" = --secrets-file ] && node -e '
      const fs = require("fs"), [file, folder] = process.argv.slice(1);
      for (const [name, value] of Object.entries(JSON.parse(fs.readFileSync(file, "utf8")))) {
        if (fs.existsSync(`${folder}/${name}`)) fs.appendFileSync(`${folder}/../replaced`, name + "\n");
        fs.writeFileSync(`${folder}/${name}`, value);
      }' "$2" "$account/secrets"
    [ "$1" = --config ] && cp "$2" "$account/config"
    shift
  done
  echo deployed >> "$account/worker"
  echo "https://wakeline.example.workers.dev" ;;
*) echo "the stand-in knows nothing of: $*" >&2; exit 1 ;;
esac
"#;

    /// A house with the files that a deploy reads, and the stand-in.
    fn house(name: &str) -> House {
        use std::os::unix::fs::PermissionsExt;
        let root = env::temp_dir().join(format!("wakeline-deploy-{name}-{}", std::process::id()));
        let own = House::find().unwrap();
        for folder in ["node_modules/.bin", ".wakeline", "edge-worker/migrations"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::copy(own.path("wrangler.toml"), root.join("wrangler.toml")).unwrap();
        for entry in fs::read_dir(own.path("edge-worker/migrations"))
            .unwrap()
            .flatten()
        {
            let to = root.join("edge-worker/migrations").join(entry.file_name());
            fs::copy(entry.path(), to).unwrap();
        }
        let fake = root.join("node_modules/.bin/wrangler");
        fs::write(&fake, FAKE).unwrap();
        fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
        House::at(root)
    }

    /// Everything that the account keeps, but for the list of what was asked and the versions.
    fn account(house: &House) -> Vec<(String, String)> {
        let mut kept = Vec::new();
        for folder in ["account", "account/secrets"] {
            for entry in fs::read_dir(house.path(folder)).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                if entry.path().is_file() && name != "asked" && name != "worker" {
                    kept.push((name, fs::read_to_string(entry.path()).unwrap()));
                }
            }
        }
        kept.sort();
        kept
    }

    fn asked(house: &House, what: &str) -> usize {
        let asked = fs::read_to_string(house.path("account/asked")).unwrap();
        asked.lines().filter(|line| line.starts_with(what)).count()
    }

    fn sites() -> Value {
        json!([{ "id": "one", "domain": "one.example" }, { "id": "two", "domain": "two.example" }])
    }

    #[test]
    fn the_first_deploy_makes_everything_and_the_second_replaces_nothing() {
        let house = house("twice");
        upload(&house, &sites(), None).unwrap();
        let first = account(&house);
        let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
        let wanted = [
            "EDGE_SECRET",
            "OPERATOR_KEY",
            "SITE_KEYS_ONE",
            "SITE_KEYS_TWO",
            "applied",
            "config",
            "database",
        ];
        assert_eq!(names, wanted);
        let of = |name: &str| &first.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(of("config").contains("11111111-2222-3333-4444-555555555555"));
        assert!(of("applied").lines().count() >= 2);
        let keys = |name: &str| serde_json::from_str::<Value>(of(name)).unwrap();
        let (one, two) = (keys("SITE_KEYS_ONE"), keys("SITE_KEYS_TWO"));
        for key in ["api_keys", "signing_keys", "vapid"] {
            assert!(!one[key].is_null() && one[key] != two[key], "{key}");
        }
        // Whoever deployed knows them, and nobody else on this machine.
        let kept = house.state("deployed/11111111-2222-3333-4444-555555555555.json");
        let known: Value = serde_json::from_str(&fs::read_to_string(&kept).unwrap()).unwrap();
        assert_eq!(known["SITE_KEYS_ONE"], one);
        assert_eq!(known["OPERATOR_KEY"], of("OPERATOR_KEY").as_str());
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&kept).unwrap().permissions());
        assert_eq!(mode & 0o077, 0);
        assert!(of("EDGE_SECRET").len() >= 32 && of("OPERATOR_KEY").len() >= 32);

        upload(&house, &sites(), None).unwrap();
        assert_eq!(account(&house), first, "twice in a row changes nothing");
        assert_eq!(asked(&house, "d1 create"), 1);
        assert_eq!(asked(&house, "deploy"), 2);
        assert!(!house.state("deploy-secrets.json").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_secret_that_is_missing_is_made_without_touching_the_others() {
        let house = house("missing");
        upload(&house, &sites(), None).unwrap();
        let before = account(&house);
        // As it is after the update to the version that knows an operator.
        fs::remove_file(house.path("account/secrets/OPERATOR_KEY")).unwrap();
        upload(&house, &sites(), None).unwrap();
        let after = account(&house);
        for name in ["SITE_KEYS_ONE", "SITE_KEYS_TWO", "EDGE_SECRET"] {
            let of = |kept: &[(String, String)]| kept.iter().find(|(n, _)| n == name).cloned();
            assert_eq!(of(&before), of(&after), "{name}");
        }
        assert!(after.iter().any(|(name, _)| name == "OPERATOR_KEY"));
        assert!(!house.path("account/replaced").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_site_that_is_added_later_gets_keys_and_the_others_keep_theirs() {
        let house = house("added");
        upload(&house, &sites(), None).unwrap();
        let before = account(&house);
        let mut more = sites();
        let list = more.as_array_mut().unwrap();
        list.push(json!({ "id": "the-third", "domain": "three.example" }));
        // One is no longer served: its keys stay, should it come back.
        list.remove(0);
        upload(&house, &more, None).unwrap();
        let after = account(&house);
        assert!(!house.path("account/replaced").exists());
        for kept in &before {
            assert!(after.contains(kept), "{} is as it was", kept.0);
        }
        let third = after.iter().find(|(name, _)| name == "SITE_KEYS_THE_THIRD");
        let third: Value = serde_json::from_str(&third.unwrap().1).unwrap();
        assert!(third["vapid"]["public_key"].is_string());

        // On a machine that made none of them it is the same.
        fs::remove_dir_all(house.state("deployed")).unwrap();
        upload(&house, &more, None).unwrap();
        assert_eq!(account(&house), after);
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn what_an_operator_adds_goes_up_with_the_sites_and_touches_no_key() {
        let house = house("operator");
        let added = json!({ "one": { "sip_secret": "of the operator" } });
        upload(&house, &sites(), Some(&added)).unwrap();
        let before = account(&house);
        let of = |kept: &[(String, String)], name: &str| {
            let found = kept.iter().find(|(n, _)| n == name).unwrap();
            found.1.clone()
        };
        let up: Value = serde_json::from_str(&of(&before, SITE_SECRETS)).unwrap();
        assert_eq!(up, added);
        let kept = house.state("deployed/11111111-2222-3333-4444-555555555555.json");
        assert!(
            !fs::read_to_string(kept)
                .unwrap()
                .contains("of the operator")
        );
        // Not said again, it stays.
        upload(&house, &sites(), None).unwrap();
        assert_eq!(account(&house), before);
        upload(&house, &sites(), Some(&json!({}))).unwrap();
        let after = account(&house);
        assert_eq!(of(&after, SITE_SECRETS), "{}");
        for name in ["SITE_KEYS_ONE", "SITE_KEYS_TWO", EDGE_SECRET, OPERATOR_KEY] {
            assert_eq!(of(&before, name), of(&after, name), "{name}");
        }
        let wrong = upload(&house, &sites(), Some(&json!({ "three": {} })));
        assert!(wrong.unwrap_err().to_string().contains("three"));
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn keys_that_may_stand_in_the_operators_secret_are_not_thrown_away_with_it() {
        let house = house("before");
        upload(&house, &sites(), None).unwrap();
        // As an earlier version left it: the keys of all sites in one secret, which the worker reads first.
        let old = house.path("account/secrets/SITE_SECRETS");
        fs::write(&old, "{}").unwrap();
        for name in ["ONE", "TWO"] {
            fs::remove_file(house.path(&format!("account/secrets/SITE_KEYS_{name}"))).unwrap();
        }
        let asked_before = asked(&house, "deploy");
        let added = json!({ "one": { "sip_secret": "x" } });
        let refused = upload(&house, &sites(), Some(&added)).unwrap_err();
        assert!(refused.to_string().contains("only keys"), "{refused}");
        assert_eq!(asked(&house, "deploy"), asked_before);
        // Left alone, it is left alone.
        upload(&house, &sites(), None).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "{}");
        assert!(!house.path("account/replaced").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn the_names_of_the_sites_are_pointed_at_the_worker_and_no_others() {
        let house = house("hosts");
        let mut sites = sites();
        sites[0]["hosts"] = json!(["phone.example.com", "wakeline.me.workers.dev"]);
        sites[1]["hosts"] = json!(["sip.example.com", "*"]);
        upload(&house, &sites, None).unwrap();
        let asked = fs::read_to_string(house.path("account/asked")).unwrap();
        let deploy = asked.lines().find(|line| line.starts_with("deploy"));
        let named: Vec<_> = deploy
            .unwrap()
            .split("--domain ")
            .skip(1)
            .filter_map(|rest| rest.split(' ').next())
            .collect();
        assert_eq!(named, ["phone.example.com", "sip.example.com"]);
        let plan = plan(&House::find().unwrap(), Some(&sites)).unwrap();
        assert!(
            plan.iter()
                .any(|step| step.contains("phone.example.com, sip.example.com"))
        );
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_site_whose_id_is_none_is_refused_before_anything_is_made() {
        let house = house("id");
        for sites in [
            json!([{ "id": "A b" }]),
            json!([{ "id": "" }]),
            json!([{ "id": "a".repeat(33) }]),
            json!([{}]),
            json!({ "id": "one" }),
        ] {
            assert!(upload(&house, &sites, None).is_err(), "{sites}");
        }
        assert!(!house.path("account/secrets").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_deploy_that_fails_leaves_no_secret_lying_about_and_the_next_one_goes_through() {
        let house = house("fails");
        fs::create_dir_all(house.path("account")).unwrap();
        fs::write(house.path("account/refuses"), "").unwrap();
        assert!(upload(&house, &sites(), None).is_err());
        assert!(!house.state("deploy-secrets.json").exists());
        let kept = house.state("deployed/11111111-2222-3333-4444-555555555555.json");
        let made = fs::read_to_string(&kept).unwrap();
        fs::remove_file(house.path("account/refuses")).unwrap();
        upload(&house, &sites(), None).unwrap();
        assert_eq!(fs::read_to_string(&kept).unwrap(), made, "the same again");
        assert!(!house.path("account/replaced").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn secrets_that_cannot_be_listed_stop_the_deploy() {
        let house = house("unlisted");
        upload(&house, &sites(), None).unwrap();
        let fake = house.node_bin("wrangler");
        let text = fs::read_to_string(&fake).unwrap();
        fs::write(
            &fake,
            text.replace(
                "\"secret list\"*)",
                "\"secret list\"*) echo 'a gateway failed' >&2; exit 1;;\n\"no more\"*)",
            ),
        )
        .unwrap();
        let refused = upload(&house, &sites(), None).unwrap_err().to_string();
        assert!(refused.contains("cannot tell which secrets"), "{refused}");
        assert_eq!(asked(&house, "deploy"), 1);
        fs::remove_dir_all(house.root()).unwrap();
    }
}
