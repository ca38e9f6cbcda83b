//! The OpenID provider at which people with rights may sign in.

use super::given::{
    Given, OIDC_ACR, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_ISSUER, OIDC_NAME, PUBLIC_URL,
};
use super::{Result, is_private_on_the_way};
use crate::oidc::provider::Settings;
use reqwest::Url;

impl Given {
    pub(super) fn provider(&self) -> Result<Option<Settings>> {
        let Some(issuer) = self.get(&OIDC_ISSUER).map(str::trim) else {
            let others = [&OIDC_CLIENT_ID, &OIDC_CLIENT_SECRET, &OIDC_NAME, &OIDC_ACR];
            return match others.iter().find(|other| self.get(other).is_some()) {
                Some(other) => Err(self.wrong(
                    other,
                    "it is for an OpenID provider: set OIDC_ISSUER too, or leave it out",
                )),
                None => Ok(None),
            };
        };
        let host = is_issuer(issuer).ok_or_else(|| {
            let problem = "it is the provider's https:// address, without ? and #";
            self.wrong(&OIDC_ISSUER, problem)
        })?;
        if self.get(&PUBLIC_URL).is_none() {
            let problem = "OIDC_ISSUER needs to know where the provider sends people back to: the address they use";
            return Err(self.wrong(&PUBLIC_URL, problem));
        }
        let given = |setting| {
            let text = self.get(setting).map(str::trim);
            let problem = "OIDC_ISSUER needs it: the provider gives it to whom is registered there";
            text.ok_or_else(|| self.wrong(setting, problem))
        };
        Ok(Some(Settings {
            issuer: issuer.to_owned(),
            client: given(&OIDC_CLIENT_ID)?.to_owned(),
            secret: given(&OIDC_CLIENT_SECRET)?.to_owned().into(),
            name: self.get(&OIDC_NAME).map_or(host, str::to_owned),
            acr: self.get(&OIDC_ACR).map(str::to_owned),
        }))
    }
}

/// The host of a provider's address; without TLS only on this machine.
fn is_issuer(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let private = matches!(url.scheme(), "https" | "http") && is_private_on_the_way(text);
    let bare = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    let host = url.host_str().filter(|_| private && bare)?;
    Some(host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_on_this_machine_a_provider_is_asked_without_tls() {
        for good in [
            "https://login.example.org",
            "https://login.example.org/realms/club/",
            "http://127.0.0.1:9400",
            "http://localhost",
        ] {
            assert!(is_issuer(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "login.example.org",
            "http://login.example.org",
            "http://localhost.example.org",
            "ftp://login.example.org",
            "https://login.example.org?a=b",
            "https://login.example.org/#a",
            "https://me@login.example.org",
        ] {
            assert!(is_issuer(bad).is_none(), "{bad}");
        }
    }
}
