//! `deploy`: the edge and the page to a Cloudflare account; `--dry-run` stops before the network.
//!
//! A deploy makes the database and the secrets that are missing and never touches a secret that is
//! there: replacing the VAPID keys would silence every device that has subscribed.

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
const SECRETS: [&str; 3] = ["SITE_SECRETS", "EDGE_SECRET", "OPERATOR_KEY"];

/// What the command line asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// Everything short of the network.
    pub dry_run: bool,
    /// The sites to serve, as JSON; see ARCHITECTURE.md, Configuration.
    pub sites: Option<PathBuf>,
}

/// Builds and deploys.
pub fn deploy(house: &House, options: &Options) -> Result<()> {
    let sites = options.sites.as_deref().map(read_sites).transpose()?;
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
        for step in plan(house)? {
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
    upload(house, &sites)
}

/// What a deploy does, in order; each step is nothing where it was done before.
fn plan(house: &House) -> Result<Vec<String>> {
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
            "make the secrets that the worker lacks of: {}; one that is there is never replaced",
            SECRETS.join(", ")
        ),
        "upload worker and page; sockets are cut and come back by themselves, each after a pause of its own".to_owned(),
    ])
}

/// The part that talks to Cloudflare. Done twice it changes nothing the second time but the version.
fn upload(house: &House, sites: &Value) -> Result<()> {
    signed_in(house)?;
    let config = with_database(house)?;
    cloud(
        house,
        &config,
        &["d1", "migrations", "apply", "DB", "--remote"],
        "migrating the database",
    )?;
    let fresh = missing_secrets(house, &config, sites)?;
    let mut task = wrangler(house)
        .args(["deploy", "--config"])
        .arg(&config)
        .args(["--var", &format!("SITES:{sites}")])
        .limit(LIMIT);
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

fn read_sites(file: &Path) -> Result<Value> {
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

/// A file with the secrets that the worker lacks; `None` when it has them all.
fn missing_secrets(house: &House, config: &Path, sites: &Value) -> Result<Option<PathBuf>> {
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
    let lacking: Vec<&str> = if first {
        SECRETS.to_vec()
    } else {
        SECRETS
            .into_iter()
            .filter(|name| !text.contains(&format!("\"{name}\"")))
            .collect()
    };
    if lacking.is_empty() {
        return Ok(None);
    }
    let mut by_site = json!({});
    let (mut edge_secret, mut operator_key) = (Value::Null, Value::Null);
    for site in sites.as_array().into_iter().flatten() {
        let made = secrets::generate(house)?;
        let id = site["id"].as_str().context("a site has no id")?;
        by_site[id] = made["site"].clone();
        edge_secret = made["edge_secret"].clone();
        operator_key = made["operator_key"].clone();
    }
    let mut fresh = json!({});
    for name in lacking {
        fresh[name] = match name {
            "EDGE_SECRET" => edge_secret.clone(),
            "OPERATOR_KEY" => operator_key.clone(),
            _ => Value::String(by_site.to_string()),
        };
    }
    let file = house.state("deploy-secrets.json");
    secrets::write_private(&file, &fresh.to_string())?;
    println!(
        "  new secrets for: {}",
        fresh.as_object().map_or(0, serde_json::Map::len)
    );
    Ok(Some(file))
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
        upload(&house, &sites()).unwrap();
        let first = account(&house);
        let names: Vec<_> = first.iter().map(|(name, _)| name.as_str()).collect();
        let wanted = [
            "EDGE_SECRET",
            "OPERATOR_KEY",
            "SITE_SECRETS",
            "applied",
            "config",
            "database",
        ];
        assert_eq!(names, wanted);
        let of = |name: &str| &first.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(of("config").contains("11111111-2222-3333-4444-555555555555"));
        assert!(of("applied").lines().count() >= 2);
        let secrets: Value = serde_json::from_str(of("SITE_SECRETS")).unwrap();
        let key = |site: &str| {
            secrets[site]["vapid"]["public_key"]
                .as_str()
                .map(str::to_owned)
        };
        assert!(key("one").is_some() && key("one") != key("two"));
        assert!(of("EDGE_SECRET").len() >= 32 && of("OPERATOR_KEY").len() >= 32);

        upload(&house, &sites()).unwrap();
        assert_eq!(account(&house), first, "twice in a row changes nothing");
        assert_eq!(asked(&house, "d1 create"), 1);
        assert_eq!(asked(&house, "deploy"), 2);
        assert!(!house.state("deploy-secrets.json").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_secret_that_is_missing_is_made_without_touching_the_others() {
        let house = house("missing");
        upload(&house, &sites()).unwrap();
        let before = account(&house);
        // As it is after the update to the version that knows an operator.
        fs::remove_file(house.path("account/secrets/OPERATOR_KEY")).unwrap();
        upload(&house, &sites()).unwrap();
        let after = account(&house);
        for name in ["SITE_SECRETS", "EDGE_SECRET"] {
            let of = |kept: &[(String, String)]| kept.iter().find(|(n, _)| n == name).cloned();
            assert_eq!(of(&before), of(&after), "{name}");
        }
        assert!(after.iter().any(|(name, _)| name == "OPERATOR_KEY"));
        assert!(!house.path("account/replaced").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn a_deploy_that_fails_leaves_no_secret_lying_about_and_the_next_one_goes_through() {
        let house = house("fails");
        fs::create_dir_all(house.path("account")).unwrap();
        fs::write(house.path("account/refuses"), "").unwrap();
        assert!(upload(&house, &sites()).is_err());
        assert!(!house.state("deploy-secrets.json").exists());
        fs::remove_file(house.path("account/refuses")).unwrap();
        upload(&house, &sites()).unwrap();
        assert!(!house.path("account/replaced").exists());
        fs::remove_dir_all(house.root()).unwrap();
    }

    #[test]
    fn secrets_that_cannot_be_listed_stop_the_deploy() {
        let house = house("unlisted");
        upload(&house, &sites()).unwrap();
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
        let refused = upload(&house, &sites()).unwrap_err().to_string();
        assert!(refused.contains("cannot tell which secrets"), "{refused}");
        assert_eq!(asked(&house, "deploy"), 1);
        fs::remove_dir_all(house.root()).unwrap();
    }
}
