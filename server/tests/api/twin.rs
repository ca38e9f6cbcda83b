//! A few rows of an account at Stripe, with the troubles that a test wants: what was asked and under which key is kept.

use async_trait::async_trait;
use serde_json::{Value, json};
use server::billing::client::{Hints, Method, Request, Stripe, StripeError, judged};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

/// What happens to the next change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is not made, and answered with this status.
    Refused(u16),
    /// It is not made, and no answer comes.
    LostBefore,
    /// It is made, and no answer comes.
    LostAfter,
}

#[derive(Default)]
pub struct Rows {
    pub prices: BTreeMap<String, Value>,
    pub customers: BTreeMap<String, Value>,
    pub subscriptions: BTreeMap<String, Value>,
    pub invoices: Vec<Value>,
    pub schedules: BTreeMap<String, Value>,
    /// What changed balances, newest first, with whose.
    pub movements: Vec<(String, Value)>,
    pub codes: Vec<Value>,
    pub coupons: BTreeMap<String, Value>,
    pub troubles: VecDeque<Trouble>,
    /// Paths that the key may not write to.
    pub forbidden: Vec<String>,
    /// Every change that was asked for.
    pub changes: Vec<Request>,
    /// Answers by idempotency key.
    pub answered: BTreeMap<String, (u16, Value)>,
}

#[derive(Clone, Default)]
pub struct Twin(Arc<Mutex<Rows>>);

fn list(rows: Vec<Value>, request: &Request) -> (u16, Value) {
    let after = param(request, "starting_after");
    let from = rows
        .iter()
        .position(|row| after.is_some_and(|after| row["id"] == *after));
    let from = from.map_or(0, |at| at + 1);
    let page: Vec<Value> = rows.iter().skip(from).take(100).cloned().collect();
    let more = rows.len() > from + page.len();
    (
        200,
        json!({"object": "list", "data": page, "has_more": more}),
    )
}

pub fn param<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let found = request.params.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

fn refusal(status: u16, message: &str) -> (u16, Value) {
    let error = json!({"type": "invalid_request_error", "message": message, "param": "currency"});
    (status, json!({"error": error}))
}

fn missing(message: &str) -> (u16, Value) {
    let error =
        json!({"type": "invalid_request_error", "code": "resource_missing", "message": message});
    (404, json!({"error": error}))
}

impl Rows {
    fn lives(&self, customer: &str) -> bool {
        let row = self.customers.get(customer);
        row.is_some_and(|row| row["deleted"] != true)
    }

    fn read(&self, request: &Request, path: &[&str]) -> (u16, Value) {
        let one = |rows: &BTreeMap<String, Value>, id: &str| match rows.get(id) {
            Some(row) => (200, row.clone()),
            None => missing("No such thing"),
        };
        match path {
            ["account"] => (200, json!({"id": "acct_1", "object": "account"})),
            ["prices"] => {
                let active = json!(param(request, "active") == Some("true"));
                let rows = self.prices.values().filter(|row| row["active"] == active);
                list(rows.cloned().collect(), request)
            }
            ["prices", id] => one(&self.prices, id),
            ["subscriptions"] => list(self.subscriptions.values().cloned().collect(), request),
            ["invoices"] => {
                let customer = param(request, "customer");
                let rows = self.invoices.iter();
                let rows = rows.filter(|row| customer.is_none_or(|id| row["customer"] == *id));
                list(rows.cloned().collect(), request)
            }
            ["invoices", id] => {
                let row = self.invoices.iter().find(|row| row["id"] == **id);
                row.map_or_else(|| missing("No such invoice"), |row| (200, row.clone()))
            }
            ["customers"] => list(self.customers.values().cloned().collect(), request),
            ["customers", id] => one(&self.customers, id),
            ["subscriptions", id] => one(&self.subscriptions, id),
            ["subscription_schedules", id] => one(&self.schedules, id),
            ["customers", id, "balance_transactions"] if !self.lives(id) => {
                missing("No such customer")
            }
            ["customers", id, "balance_transactions"] => {
                let rows = self.movements.iter().filter(|(whose, _)| whose == id);
                list(rows.map(|(_, row)| row.clone()).collect(), request)
            }
            ["promotion_codes"] => {
                let code = param(request, "code");
                let rows = self.codes.iter();
                let rows = rows.filter(|row| code.is_none_or(|code| row["code"] == *code));
                list(rows.cloned().collect(), request)
            }
            _ => refusal(404, "Unrecognized request URL"),
        }
    }

    fn write(&mut self, request: &Request, path: &[&str]) -> (u16, Value) {
        let text = |name: &str| param(request, name).unwrap_or_default().to_owned();
        let number = |name: &str| text(name).parse::<i64>().unwrap_or_default();
        match path {
            ["prices", id] => {
                let row = self.prices.get_mut(*id).expect("a price");
                if let Some(nickname) = param(request, "nickname") {
                    row["nickname"] = json!(nickname);
                }
                if let Some(x) = param(request, "metadata[membertype]") {
                    row["metadata"]["membertype"] = json!(x);
                }
                (200, row.clone())
            }
            ["customers", id, "balance_transactions"] if !self.lives(id) => {
                missing("No such customer")
            }
            ["customers", id, "balance_transactions"] => {
                let customer = self.customers.get_mut(*id).expect("it lives");
                if customer["currency"] != text("currency") {
                    return refusal(400, "The currency does not match the customer's");
                }
                let balance = customer["balance"].as_i64().expect("a number") + number("amount");
                customer["balance"] = json!(balance);
                let id_of = format!("cbtxn_{}", self.movements.len() + 1);
                let card = text("metadata[goodstanding_gift_card]");
                let row = json!({"id": id_of, "amount": number("amount"), "metadata": {"goodstanding_gift_card": card}});
                self.movements.insert(0, ((*id).to_owned(), row.clone()));
                (200, row)
            }
            ["billing_portal", "sessions"] => {
                let url = format!("https://billing.stripe.com/p/session/{}", text("customer"));
                (200, json!({"object": "billing_portal.session", "url": url}))
            }
            ["invoices", "create_preview"] => {
                let lines = json!([{"description": "Unused time", "amount": -1500}, {"description": "Remaining time", "amount": 4000}]);
                (
                    200,
                    json!({"amount_due": 2500, "total": 2500, "currency": "eur", "lines": {"data": lines}}),
                )
            }
            ["subscriptions", id] => {
                let Some(row) = self.subscriptions.get_mut(*id) else {
                    return missing("No such subscription");
                };
                if request.method == Method::Delete {
                    row["status"] = json!("canceled");
                    return (200, row.clone());
                }
                if let Some(ends) = param(request, "cancel_at_period_end") {
                    row["cancel_at_period_end"] = json!(ends == "true");
                    return (200, row.clone());
                }
                row["items"]["data"][0]["price"] =
                    json!({"id": text("items[0][price]"), "object": "price"});
                (200, row.clone())
            }
            ["subscription_schedules"] => {
                let from = text("from_subscription");
                let row = self.subscriptions.get_mut(&from).expect("a subscription");
                if !row["schedule"].is_null() {
                    return refusal(400, "It has a schedule");
                }
                let id = format!("sub_sched_{}", self.schedules.len() + 1);
                row["schedule"] = json!(id);
                let items =
                    json!([{"price": row["items"]["data"][0]["price"]["id"], "quantity": 2}]);
                let phase = json!({"start_date": 1_767_000_000, "end_date": 1_769_600_000, "items": items,
                    "discounts": [{"coupon": null, "discount": "di_1", "promotion_code": null}]});
                let made = json!({"id": id, "end_behavior": "release", "phases": [phase]});
                self.schedules.insert(id, made.clone());
                (200, made)
            }
            ["subscription_schedules", id, "release"] => {
                self.schedules.remove(*id);
                for row in self.subscriptions.values_mut() {
                    if row["schedule"] == **id {
                        row["schedule"] = Value::Null;
                    }
                }
                (200, json!({"id": id}))
            }
            ["subscription_schedules", id] => {
                let row = self.schedules.get_mut(*id).expect("a schedule");
                let next = json!({"items": [{"price": text("phases[1][items][0][price]")}]});
                row["phases"].as_array_mut().expect("phases").push(next);
                (200, row.clone())
            }
            ["coupons"] => {
                let id = format!("coupon_{}", self.coupons.len() + 1);
                let row = json!({"id": id, "object": "coupon", "name": text("name"), "duration": text("duration"),
                    "percent_off": param(request, "percent_off").map(|_| number("percent_off")),
                    "amount_off": param(request, "amount_off").map(|_| number("amount_off")),
                    "currency": param(request, "currency")});
                self.coupons.insert(id, row.clone());
                (200, row)
            }
            ["promotion_codes"] => {
                let coupon = self
                    .coupons
                    .get(&text("promotion[coupon]"))
                    .expect("a coupon");
                let row = json!({"id": format!("promo_{}", self.codes.len() + 1), "code": text("code"), "active": true,
                    "times_redeemed": 0, "max_redemptions": param(request, "max_redemptions").map(|_| number("max_redemptions")),
                    "promotion": {"type": "coupon", "coupon": coupon}});
                self.codes.insert(0, row.clone());
                (200, row)
            }
            _ => refusal(404, "Unrecognized request URL"),
        }
    }

    fn change(&mut self, request: &Request, path: &[&str]) -> Option<(u16, Value)> {
        self.changes.push(request.clone());
        if self
            .forbidden
            .iter()
            .any(|start| request.path.starts_with(start))
        {
            return Some(refusal(
                403,
                "The provided key does not have the required permissions",
            ));
        }
        let trouble = self.troubles.pop_front();
        match trouble {
            Some(Trouble::Refused(status)) => return Some(refusal(status, "No")),
            Some(Trouble::LostBefore) => return None,
            Some(Trouble::LostAfter) | None => {}
        }
        let key = request.key.clone().expect("a key");
        let answer = match self.answered.get(&key) {
            Some(answer) => answer.clone(),
            None => self.write(request, path),
        };
        self.answered.insert(key, answer.clone());
        (trouble != Some(Trouble::LostAfter)).then_some(answer)
    }
}

impl Twin {
    pub fn rows(&self) -> MutexGuard<'_, Rows> {
        self.0.lock().expect("not poisoned")
    }

    /// Every later change meets the same trouble.
    pub fn always(&self, trouble: Trouble) {
        self.rows().troubles = std::iter::repeat_n(trouble, 50).collect();
    }

    pub fn price(&self, id: &str, change: Value) {
        let mut row = json!({"id": id, "object": "price", "active": true, "nickname": null, "metadata": {}, "currency": "eur",
            "unit_amount": 4000, "recurring": {"interval": "month", "interval_count": 1},
            "product": {"id": format!("prod_of_{id}"), "object": "product", "name": "Membership", "metadata": {}, "active": true}});
        for (field, value) in change.as_object().expect("fields") {
            row[field] = value.clone();
        }
        self.rows().prices.insert(id.to_owned(), row);
    }

    /// The keys under which changes of a path were asked for.
    pub fn keys(&self, path: &str) -> Vec<String> {
        let rows = self.rows();
        let those = rows.changes.iter().filter(|change| change.path == path);
        those.filter_map(|change| change.key.clone()).collect()
    }
}

#[async_trait]
impl Stripe for Twin {
    fn livemode(&self) -> Option<bool> {
        Some(false)
    }

    async fn call(&self, request: Request) -> Result<Value, StripeError> {
        let path: Vec<&str> = request.path.trim_start_matches("/v1/").split('/').collect();
        let mut rows = self.rows();
        let answer = match request.method {
            Method::Get => Some(rows.read(&request, &path)),
            Method::Post | Method::Delete => rows.change(&request, &path),
        };
        let Some((status, body)) = answer else {
            return Err(StripeError::Unreachable {
                path: request.path.clone(),
                why: "it did not answer in time",
            });
        };
        judged(
            &request.path,
            status,
            Hints::default(),
            body.to_string().as_bytes(),
        )
    }
}
