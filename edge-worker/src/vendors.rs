//! A site's accounts at the push services of vendors: what `SITES` (`push.getui`, `push.unicloud`) and `SITE_SECRETS` say of them,
//! checked, and made into what can push.

use crate::config::{ConfigError, PushPolicy};
use crate::secret::{Secret, paired};
use serde::Deserialize;
use serde_json::{Map, Value};
use wakeline_push::{AllowList, Getui, GetuiMessage, Provider, Target, Unicloud};

/// Longest settings of phone vendors that are sent with each push.
const MAX_OPTIONS: usize = 2048;

/// `push.getui` of a site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetuiPolicy {
    /// The app's id.
    pub app_id: String,
    /// The app's key; it is in every installation of the app.
    pub app_key: String,
    /// Another data centre's address, below `getui.com`.
    #[serde(default)]
    pub api: Option<String>,
    /// What an app that is in touch gets.
    #[serde(default)]
    pub message: GetuiMessage,
    /// The Android package of a uni-app app.
    #[serde(default)]
    pub android_package: Option<String>,
    /// What the phone vendors want to be told: `push_channel.android.ups.options`.
    #[serde(default)]
    pub options: Map<String, Value>,
}

/// `push.unicloud` of a site.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnicloudPolicy {
    /// The cloud function's URL.
    pub url: String,
}

/// `getui` of a site's secrets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GetuiSecret {
    /// Signs the sign-in.
    pub master_secret: Secret<String>,
}

/// `unicloud` of a site's secrets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnicloudSecret {
    /// Held by the cloud function too.
    pub key: Secret<String>,
}

/// A site's accounts.
#[derive(Debug, Clone, Default)]
pub struct Vendors {
    getui: Option<Getui>,
    unicloud: Option<Unicloud>,
}

impl Vendors {
    /// Those that are named in both places.
    pub fn build(
        site: &str,
        push: &PushPolicy,
        getui: Option<GetuiSecret>,
        unicloud: Option<UnicloudSecret>,
    ) -> Result<Self, ConfigError> {
        let key = |what| ConfigError::Key {
            site: site.to_owned(),
            what,
        };
        let getui = paired(
            push.getui.as_ref(),
            getui,
            "push.getui needs getui.master_secret in SITE_SECRETS",
            "SITE_SECRETS has getui, but SITES has no push.getui with app_id and app_key",
        )
        .and_then(|both| {
            both.map(|(policy, secret)| account(policy, secret, push.loopback))
                .transpose()
        })
        .map_err(key)?;
        let unicloud = paired(
            push.unicloud.as_ref(),
            unicloud,
            "push.unicloud needs unicloud.key in SITE_SECRETS",
            "SITE_SECRETS has unicloud, but SITES has no push.unicloud with url",
        )
        .and_then(|both| {
            both.map(|(policy, secret)| function(policy, secret, push.loopback))
                .transpose()
        })
        .map_err(key)?;
        Ok(Self { getui, unicloud })
    }

    /// Who reaches this device; none where the site has no account, or the device is a browser.
    pub fn provider(&self, target: &Target) -> Option<&dyn Provider> {
        match target {
            Target::WebPush(_) | Target::Bare(_) => None,
            Target::Getui(_) => self.getui.as_ref().map(|it| it as &dyn Provider),
            Target::Unicloud(_) => self.unicloud.as_ref().map(|it| it as &dyn Provider),
        }
    }

    /// The account with this name.
    pub fn named(&self, name: &str) -> Option<&dyn Provider> {
        let all = [
            self.getui.as_ref().map(|it| it as &dyn Provider),
            self.unicloud.as_ref().map(|it| it as &dyn Provider),
        ];
        all.into_iter().flatten().find(|it| it.name() == name)
    }
}

fn account(
    policy: &GetuiPolicy,
    secret: GetuiSecret,
    loopback: bool,
) -> Result<Getui, &'static str> {
    let id = |text: &str, more: &[u8]| {
        (1..=128).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
    };
    if !id(&policy.app_id, b"")
        || !id(&policy.app_key, b"")
        || !id(secret.master_secret.expose(), b"")
    {
        return Err(
            "push.getui: app_id, app_key and master_secret are letters and digits, as Getui's console shows them",
        );
    }
    if policy
        .android_package
        .as_ref()
        .is_some_and(|p| !id(p, b"._") || !p.contains('.'))
    {
        return Err(
            "push.getui.android_package is not the name of an Android package, such as com.example.app",
        );
    }
    if serde_json::to_string(&policy.options).map_or(0, |text| text.len()) > MAX_OPTIONS {
        return Err("push.getui.options has more than 2048 octets");
    }
    let api = policy.api.as_deref().unwrap_or(Getui::API);
    Getui::new(
        api,
        &Getui::hosts().with_loopback(loopback),
        &policy.app_id,
        policy.app_key.clone(),
        secret.master_secret.expose().clone(),
    )
    .map(|getui| {
        getui
            .with_message(policy.message)
            .with_android_package(policy.android_package.clone())
            .with_options(policy.options.clone())
    })
    .map_err(|_| "push.getui.api is not an https address below getui.com, without port, query and credentials")
}

fn function(
    policy: &UnicloudPolicy,
    secret: UnicloudSecret,
    loopback: bool,
) -> Result<Unicloud, &'static str> {
    const WHAT: &str = "push.unicloud.url is not an https address with a host name, without port, query and credentials";
    if secret.key.expose().len() < 32 {
        return Err(
            "unicloud.key in SITE_SECRETS has less than 32 characters: use 32 random octets",
        );
    }
    // The operator names the host itself: it is the list. An address or a port it still may not be.
    let host = policy.url.split('/').nth(2).unwrap_or_default();
    let allow = match AllowList::new([host]) {
        Ok(list) => list,
        // 127.0.0.1:port: what follows says whether that may be.
        Err(_) => AllowList::new::<&str>([]).map_err(|_| WHAT)?,
    };
    Unicloud::new(
        &policy.url,
        &allow.with_loopback(loopback),
        secret.key.expose().clone(),
    )
    .map_err(|_| WHAT)
}
