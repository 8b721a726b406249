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
const SECRETS: [&str; 2] = ["SITE_SECRETS", "EDGE_SECRET"];

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
            "dry run: the worker and the page bundle as they would be uploaded (build/deploy)"
        );
        return Ok(());
    }
    let Some(sites) = sites else {
        bail!(
            "which sites? Write sites.json like \
             [{{\"id\":\"example\",\"domain\":\"sip.example.com\",\"hosts\":[\"*\"],\"push\":{{\"subject\":\"mailto:you@example.com\"}}}}] \
             and run `cargo xtask deploy --sites sites.json`"
        );
    };
    signed_in(house)?;
    let config = with_database(house)?;
    cloud(
        house,
        &config,
        &["d1", "migrations", "apply", "DB", "--remote"],
        "migrating the database",
    )?;
    let fresh = missing_secrets(house, &config, &sites)?;
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
    let mut edge_secret = Value::Null;
    for site in sites.as_array().into_iter().flatten() {
        let made = secrets::generate(house)?;
        let id = site["id"].as_str().context("a site has no id")?;
        by_site[id] = made["site"].clone();
        edge_secret = made["edge_secret"].clone();
    }
    let mut fresh = json!({});
    for name in lacking {
        fresh[name] = match name {
            "EDGE_SECRET" => edge_secret.clone(),
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
}
