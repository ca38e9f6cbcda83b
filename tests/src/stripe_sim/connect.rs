//! Connected accounts: each with data of its own, all told to the platform (docs.stripe.com/connect).

use serde_json::{Value, json};

use super::StripeSim;
use super::events::Event;
use super::objects::deleted;
use super::params::{Params, Problem};
use super::writes::{Answer, edit_metadata, metadata};

impl StripeSim {
    /// Lets another account connect to this platform; its data is at `other_account`.
    pub fn connect_account(&mut self, account: &str) {
        self.connected.insert(account.to_owned());
        let livemode = self.livemode;
        self.other_account(account, livemode).platform = true;
    }

    /// The account's owner takes the platform's access away (docs.stripe.com/connect/oauth-reference#post-deauthorize).
    pub fn deauthorize_account(&mut self, account: &str) {
        self.connected.remove(account);
        let livemode = self.livemode;
        let value = json!({"id": "ca_sim", "object": "application", "name": "Goodstanding"});
        self.other_account(account, livemode)
            .emit("account.application.deauthorized", value);
    }

    /// The events of connected accounts since the last call, each naming its account, as a Connect endpoint gets them.
    pub fn take_connect_events(&mut self) -> Vec<Event> {
        let mut fresh = Vec::new();
        for other in self.others.values_mut().filter(|other| other.platform) {
            fresh.extend(other.take_event_records());
        }
        fresh.sort_by_key(|event| event.created);
        fresh
    }

    /// docs.stripe.com/connect/authentication: only of accounts that are connected.
    pub(crate) fn may_act_for(&self, account: &str) -> Result<(), Problem> {
        if account == self.account || self.connected.contains(account) {
            return Ok(());
        }
        let text = format!(
            "The provided key does not have access to account '{account}' (or that account does not exist). \
             Application access may have been revoked."
        );
        Err(Problem::plain(
            403,
            "invalid_request_error",
            Some("account_invalid"),
            &text,
        ))
    }

    pub(crate) fn write_account(
        &mut self,
        method: &str,
        segments: &[&str],
        params: &Params<'_>,
    ) -> Answer {
        let livemode = self.livemode;
        match (method, segments) {
            ("POST", []) => {
                let id = self.next_id("acct_1");
                self.connect_account(&id);
                let other = self.other_account(&id, livemode);
                other.account_metadata = metadata(params);
                Ok(other.account_json())
            }
            ("POST", [id]) => {
                self.may_act_for(id)?;
                let other = self.other_account(id, livemode);
                let before = other.account_json();
                edit_metadata(&mut other.account_metadata, &params.hash("metadata"));
                let after = other.account_json();
                other.emit_change("account.updated", before, after.clone());
                Ok(after)
            }
            ("DELETE", [id]) => {
                self.may_act_for(id)?;
                self.deauthorize_account(id);
                Ok(deleted(id, "account"))
            }
            _ => Err(super::api::unrecognized(segments)),
        }
    }

    /// The account says nothing of its mode; `/v1/balance` does (docs.stripe.com/api/accounts/object, …/balance/balance_object).
    pub(crate) fn account_json(&self) -> Value {
        json!({
            "id": self.account, "object": "account", "business_profile": {"name": "Space", "url": null},
            "business_type": "non_profit", "capabilities": {}, "charges_enabled": true, "country": "US",
            "created": 1_400_000_000, "default_currency": "usd", "details_submitted": true,
            "email": "treasurer@example.org", "metadata": self.account_metadata, "payouts_enabled": true,
            "settings": {
                "branding": {"icon": null, "logo": null, "primary_color": null, "secondary_color": null},
                "card_payments": {"statement_descriptor_prefix": null, "statement_descriptor_prefix_kana": null, "statement_descriptor_prefix_kanji": null},
                "dashboard": {"display_name": "Space", "timezone": "Etc/UTC"},
                "payments": {"statement_descriptor": null, "statement_descriptor_kana": null, "statement_descriptor_kanji": null},
            },
            "type": "standard",
        })
    }
}
