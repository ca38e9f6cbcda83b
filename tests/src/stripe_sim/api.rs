//! The REST interface: keys, failures, idempotency, reading, listing, expanding.

use serde_json::{Value, json};

use super::StripeSim;
use super::calendar::DAY;
use super::model::{InvoiceStatus, Status};
use super::objects::list;
use super::params::{Params, Problem};
use super::render::{Shape, render};

/// The request headers that matter.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    /// `Idempotency-Key`
    pub idempotency_key: Option<String>,
    /// `Stripe-Version`
    pub stripe_version: Option<String>,
    /// `Authorization`, whole
    pub authorization: Option<String>,
    /// `Stripe-Account`
    pub stripe_account: Option<String>,
}

impl Headers {
    /// Headers with that API key and nothing else.
    pub fn with_key(key: &str) -> Self {
        Self {
            authorization: Some(format!("Bearer {key}")),
            ..Self::default()
        }
    }
}

type Answer = Result<Value, Problem>;

impl StripeSim {
    /// Lets a key in: `sk_…` or `rk_…`, belonging to `account`; if that is another account, it shows that account's data.
    pub fn add_key(&mut self, key: &str, account: &str) {
        self.keys.insert(key.to_owned(), account.to_owned());
    }

    /// Takes a key back.
    pub fn revoke_key(&mut self, key: &str) {
        self.keys.remove(key);
    }

    /// Takes a permission from a restricted key: every path that begins with `prefix`, such as `/v1/account`.
    pub fn forbid(&mut self, key: &str, prefix: &str) {
        self.forbidden.insert((key.to_owned(), prefix.to_owned()));
    }

    /// The data of another account, or of this account's other mode, that one of the keys belongs to.
    pub fn other_account(&mut self, account: &str, livemode: bool) -> &mut StripeSim {
        let now = self.now;
        self.others
            .entry(format!("{account}/{livemode}"))
            .or_insert_with(|| StripeSim::new(account, livemode, now))
    }

    /// Answers the next `times` requests with that status: 429, 500, 503, …
    pub fn fail_next(&mut self, status: u16, times: u32) {
        self.failures.push((status, times));
    }

    /// While on, every request fails with 503.
    pub fn set_outage(&mut self, on: bool) {
        self.outage = on;
    }

    /// One request to the REST interface; `path` begins with `/v1/` and carries no query.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        params: &[(String, String)],
        headers: Headers,
    ) -> (u16, Value) {
        self.requests += 1;
        match self.authenticate(path, &headers) {
            Err(problem) => (problem.status, problem.body()),
            Ok(None) => self.serve(method, path, params, &headers),
            Ok(Some((account, livemode))) => self
                .other_account(&account, livemode)
                .serve(method, path, params, &headers),
        }
    }

    fn authenticate(
        &mut self,
        path: &str,
        headers: &Headers,
    ) -> Result<Option<(String, bool)>, Problem> {
        if self.outage {
            return Err(Problem::plain(503, "api_error", None, "Stripe is down."));
        }
        if let Some((status, times)) = self.failures.first_mut() {
            let status = *status;
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.failures.remove(0);
            }
            return Err(failure(status));
        }
        let unauthorized =
            |message: &str| Problem::plain(401, "invalid_request_error", None, message);
        let key = headers
            .authorization
            .as_deref()
            .and_then(|value| value.strip_prefix("Bearer "))
            .ok_or_else(|| unauthorized("You did not provide an API key."))?;
        let account = self
            .keys
            .get(key)
            .cloned()
            .ok_or_else(|| unauthorized("Invalid API Key provided."))?;
        let denied = self
            .forbidden
            .iter()
            .any(|(who, prefix)| who == key && path.starts_with(prefix.as_str()));
        if denied {
            let text = "The provided key does not have the required permissions for this endpoint.";
            return Err(Problem::plain(
                403,
                "invalid_request_error",
                Some("more_permissions_required"),
                text,
            ));
        }
        let livemode = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        let account = headers.stripe_account.clone().unwrap_or(account);
        let ours = account == self.account && livemode == self.livemode;
        Ok((!ours).then_some((account, livemode)))
    }

    fn serve(
        &mut self,
        method: &str,
        path: &str,
        params: &[(String, String)],
        headers: &Headers,
    ) -> (u16, Value) {
        let shape = match headers.stripe_version.as_deref().map(Shape::of_version) {
            None => self.shape,
            Some(Some(shape)) => shape,
            Some(None) => {
                let problem = Problem::plain(
                    400,
                    "invalid_request_error",
                    None,
                    "Invalid Stripe API version.",
                );
                return (problem.status, problem.body());
            }
        };
        let fingerprint = format!("{method} {path} {params:?}");
        let key = headers.idempotency_key.clone().filter(|_| method == "POST");
        if let Some((first, status, body)) = key.as_ref().and_then(|key| self.answered.get(key)) {
            // docs.stripe.com/api/idempotent_requests
            if *first == fingerprint {
                return (*status, body.clone());
            }
            let text = "Keys for idempotent requests can only be used with the same parameters they were first used with.";
            return (
                400,
                Problem::plain(400, "idempotency_error", None, text).body(),
            );
        }
        let request = self.next_id("req_");
        self.current_request =
            (method != "GET").then(|| (request, headers.idempotency_key.clone()));
        let answer = self.route(method, path, &Params(params), shape);
        self.current_request = None;
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(problem) => (problem.status, problem.body()),
        };
        if let Some(key) = key {
            self.answered
                .insert(key, (fingerprint, status, body.clone()));
        }
        (status, body)
    }

    fn route(&mut self, method: &str, path: &str, params: &Params<'_>, shape: Shape) -> Answer {
        let segments: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
        let expand: Vec<String> = params
            .array("expand")
            .iter()
            .map(|path| (*path).to_owned())
            .collect();
        for path in &expand {
            // docs.stripe.com/expand#how-it-works
            if path.split('.').count() > 4 {
                let text =
                    format!("You cannot expand more than 4 levels of a property. Property: {path}");
                return Err(Problem {
                    code: Some("property_expansion_max_depth"),
                    ..Problem::invalid(text, "expand")
                });
            }
        }
        let full = if method == "GET" {
            self.read(&segments, params)?
        } else {
            self.write(method, &segments, params)?
        };
        let mut shown = if full["object"] == "event" || full["url"] == "/v1/events" {
            full
        } else {
            render(&full, shape)
        };
        for path in &expand {
            let steps: Vec<&str> = path.split('.').collect();
            self.expand(&mut shown, &steps, path, shape)?;
        }
        Ok(shown)
    }

    fn expand(
        &self,
        value: &mut Value,
        steps: &[&str],
        whole: &str,
        shape: Shape,
    ) -> Result<(), Problem> {
        if let Value::Array(items) = value {
            return items
                .iter_mut()
                .try_for_each(|item| self.expand(item, steps, whole, shape));
        }
        if let Value::String(id) = value {
            match self.object(id) {
                Some(object) => *value = render(&object, shape),
                None => {
                    return Err(Problem::invalid(
                        format!("This property cannot be expanded ({whole})."),
                        "expand",
                    ));
                }
            }
        }
        let Some((step, rest)) = steps.split_first() else {
            return Ok(());
        };
        if value.is_null() {
            return Ok(());
        }
        if *step == "payments" && value["object"] == "invoice" {
            value["payments"] = self.invoice_payments(value["id"].as_str().unwrap_or_default());
            return Ok(());
        }
        match value.get_mut(*step) {
            Some(inner) => self.expand(inner, rest, whole, shape),
            None => Err(Problem::invalid(
                format!("This property cannot be expanded ({whole})."),
                "expand",
            )),
        }
    }

    /// docs.stripe.com/api/invoice-payment
    fn invoice_payments(&self, invoice: &str) -> Value {
        let row = self.invoices.must(invoice);
        let data = row.charge.iter().map(|charge| {
            json!({
                "id": charge.replacen("ch_", "inpay_", 1), "object": "invoice_payment", "amount_paid": row.amount_paid,
                "amount_requested": row.amount_due, "created": row.created, "currency": row.currency,
                "invoice": row.id, "is_default": true, "livemode": self.livemode,
                "payment": {"payment_intent": charge.replacen("ch_", "pi_", 1), "type": "payment_intent"},
                "status": if row.status == InvoiceStatus::Paid { "paid" } else { "open" },
                "status_transitions": {"canceled_at": null, "paid_at": row.paid_at},
            })
        });
        list(
            &format!("/v1/invoices/{invoice}/payments"),
            data.collect(),
            false,
        )
    }

    fn read(&self, segments: &[&str], params: &Params<'_>) -> Answer {
        match segments {
            ["account"] => Ok(self.account_json()),
            ["accounts", id] if *id == self.account => Ok(self.account_json()),
            ["balance"] => Ok(
                json!({"object": "balance", "livemode": self.livemode, "available": [], "pending": []}),
            ),
            ["subscriptions"] => self.list_subscriptions(params),
            ["invoices"] => self.list_invoices(params),
            ["customers"] => self.list_customers(params),
            ["events"] => self.list_events(params),
            ["prices"] => self.list_prices(params, false),
            ["plans"] => self.list_prices(params, true),
            ["products"] => {
                let rows = self.products.iter().filter(|row| !row.deleted);
                page(
                    "/v1/products",
                    rows.map(|row| self.product_json(row)).collect(),
                    params,
                )
            }
            ["charges"] => {
                let customer = params.filled("customer");
                let rows = self
                    .charges
                    .iter()
                    .filter(|row| customer.is_none_or(|id| row.customer == id));
                page(
                    "/v1/charges",
                    rows.map(|row| self.charge_json(row)).collect(),
                    params,
                )
            }
            ["refunds"] => {
                let charge = params.filled("charge");
                let rows = self
                    .refunds
                    .iter()
                    .filter(|row| charge.is_none_or(|id| row.charge == id));
                page(
                    "/v1/refunds",
                    rows.map(|row| self.refund_json(row)).collect(),
                    params,
                )
            }
            ["disputes"] => page(
                "/v1/disputes",
                self.disputes
                    .iter()
                    .map(|row| self.dispute_json(row))
                    .collect(),
                params,
            ),
            ["customers", id, "balance_transactions"] => {
                let customer = self.living_customer(id)?;
                let rows = self.balance_transactions.of(&customer);
                let data = rows.map(|row| self.balance_transaction_json(row)).collect();
                page(
                    &format!("/v1/customers/{id}/balance_transactions"),
                    data,
                    params,
                )
            }
            ["invoices", id, "lines"] => {
                let row = self
                    .invoices
                    .get(id)
                    .ok_or_else(|| Problem::missing("invoice", id))?;
                let lines = self.invoice_json(row)["lines"]["data"]
                    .as_array()
                    .cloned()
                    .unwrap_or_default();
                page(
                    &format!("/v1/invoices/{id}/lines"),
                    lines.into_iter().rev().collect(),
                    params,
                )
            }
            ["events", id] => {
                let event = self
                    .events
                    .iter()
                    .find(|event| event.id == *id && !self.forgotten(event.created));
                let event = event.ok_or_else(|| Problem::missing("event", id))?;
                Ok(event.body(event.shape, self.livemode))
            }
            ["plans", id] => {
                let row = self.prices.get(id).filter(|row| !row.deleted);
                row.map(|row| self.plan_json(row))
                    .ok_or_else(|| Problem::missing("plan", id))
            }
            [kind, id] => self.read_one(kind, id),
            _ => Err(unrecognized(segments)),
        }
    }

    fn read_one(&self, kind: &str, id: &str) -> Answer {
        let object = match kind {
            "subscriptions" => "subscription",
            "invoices" => "invoice",
            "customers" => "customer",
            "products" => "product",
            "prices" => "price",
            "charges" => "charge",
            "refunds" => "refund",
            "disputes" => "dispute",
            _ => return Err(unrecognized(&[kind, id])),
        };
        self.object(id)
            .filter(|value| value["object"] == object)
            .filter(|value| object != "product" || value["deleted"] != true)
            .ok_or_else(|| Problem::missing(object, id))
    }

    fn account_json(&self) -> Value {
        json!({
            "id": self.account, "object": "account", "business_profile": {"name": "Space", "url": null},
            "business_type": "non_profit", "capabilities": {}, "charges_enabled": true, "country": "US",
            "created": 1_400_000_000, "default_currency": "usd", "details_submitted": true,
            "email": "treasurer@example.org", "livemode": self.livemode, "metadata": {}, "payouts_enabled": true,
            "settings": {"dashboard": {"display_name": "Space", "timezone": "Etc/UTC"}}, "type": "standard",
        })
    }

    pub(crate) fn living_customer(&self, id: &str) -> Result<String, Problem> {
        let row = self.customers.get(id).filter(|row| !row.deleted);
        row.map(|row| row.id.clone())
            .ok_or_else(|| Problem::missing("customer", id))
    }

    /// docs.stripe.com/api/subscriptions/list: canceled ones only on demand.
    fn list_subscriptions(&self, params: &Params<'_>) -> Answer {
        let wanted = params.filled("status");
        let price = params.filled("price").or(params.filled("plan"));
        let rows: Box<dyn Iterator<Item = _>> = match params.filled("customer") {
            Some(customer) => {
                // A customer that never was is an error; one that is deleted is not.
                self.customers
                    .get(customer)
                    .ok_or_else(|| Problem::missing("customer", customer))?;
                Box::new(self.subscriptions.of(customer))
            }
            None => Box::new(self.subscriptions.iter()),
        };
        let data = rows
            .filter(|row| match wanted {
                Some("all") => true,
                Some("ended") => row.status.is_terminal(),
                Some(status) => row.status.as_str() == status,
                None => row.status != Status::Canceled,
            })
            .filter(|row| {
                price.is_none_or(|price| row.items.iter().any(|item| item.price == price))
            })
            .filter(|row| in_range(row.created, params))
            .map(|row| self.subscription_json(row))
            .collect();
        page("/v1/subscriptions", data, params)
    }

    fn list_invoices(&self, params: &Params<'_>) -> Answer {
        let subscription = params.filled("subscription");
        let customer = params.filled("customer").or_else(|| {
            subscription
                .and_then(|id| self.subscriptions.get(id))
                .map(|row| row.customer.as_str())
        });
        let rows: Box<dyn Iterator<Item = _>> = match customer {
            Some(customer) => Box::new(self.invoices.of(customer)),
            None => Box::new(self.invoices.iter()),
        };
        let data = rows
            .filter(|row| subscription.is_none_or(|id| row.subscription.as_deref() == Some(id)))
            .filter(|row| {
                params
                    .filled("status")
                    .is_none_or(|status| row.status.as_str() == status)
            })
            .filter(|row| in_range(row.created, params))
            .map(|row| self.invoice_json(row))
            .collect();
        page("/v1/invoices", data, params)
    }

    fn list_customers(&self, params: &Params<'_>) -> Answer {
        // docs.stripe.com/api/customers/list: the mail address is compared case-sensitively.
        let email = params.filled("email");
        let rows = self.customers.iter().filter(|row| !row.deleted);
        let data = rows
            .filter(|row| email.is_none_or(|email| row.email.as_deref() == Some(email)))
            .filter(|row| in_range(row.created, params))
            .map(|row| self.customer_json(row))
            .collect();
        page("/v1/customers", data, params)
    }

    fn list_prices(&self, params: &Params<'_>, as_plans: bool) -> Answer {
        let active = params.flag("active")?;
        let keys = params.array("lookup_keys");
        let data = self
            .prices
            .iter()
            .filter(|row| !row.deleted && active.is_none_or(|active| row.active == active))
            .filter(|row| {
                params
                    .filled("product")
                    .is_none_or(|product| row.product == product)
            })
            .filter(|row| {
                keys.is_empty()
                    || row
                        .lookup_key
                        .as_deref()
                        .is_some_and(|key| keys.contains(&key))
            })
            .map(|row| {
                if as_plans {
                    self.plan_json(row)
                } else {
                    self.price_json(row)
                }
            })
            .collect();
        page(
            if as_plans { "/v1/plans" } else { "/v1/prices" },
            data,
            params,
        )
    }

    /// docs.stripe.com/api/events: kept for 30 days, each in the API version of its creation.
    fn forgotten(&self, created: i64) -> bool {
        created < self.now - 30 * DAY
    }

    fn list_events(&self, params: &Params<'_>) -> Answer {
        let types = params.array("types");
        if types.len() > 20 {
            return Err(Problem::invalid(
                "You may only specify up to 20 types.",
                "types",
            ));
        }
        let delivered = params.flag("delivery_success")?;
        let start = self
            .events
            .partition_point(|event| self.forgotten(event.created));
        let wanted = |kind: &str| {
            let one = params
                .filled("type")
                .is_none_or(|pattern| matches(pattern, kind));
            one && (types.is_empty() || types.contains(&kind))
        };
        let chosen: Vec<_> = self
            .events
            .iter()
            .skip(start)
            .filter(|event| wanted(&event.kind) && in_range(event.created, params))
            .filter(|event| {
                delivered.is_none_or(|delivered| event.delivered.unwrap_or(true) == delivered)
            })
            .collect();
        let ids: Vec<&str> = chosen.iter().map(|event| event.id.as_str()).collect();
        let (range, has_more) = window(&ids, params)?;
        let data = chosen.get(range).unwrap_or_default().iter().rev();
        let data = data
            .map(|event| event.body(event.shape, self.livemode))
            .collect();
        Ok(list("/v1/events", data, has_more))
    }
}

fn failure(status: u16) -> Problem {
    match status {
        429 => Problem::plain(
            429,
            "invalid_request_error",
            Some("rate_limit"),
            "Request rate limit exceeded.",
        ),
        401 => Problem::plain(
            401,
            "invalid_request_error",
            None,
            "Invalid API Key provided.",
        ),
        _ => Problem::plain(status, "api_error", None, "An unknown error occurred."),
    }
}

pub(crate) fn unrecognized(segments: &[&str]) -> Problem {
    let text = format!("Unrecognized request URL (/v1/{}).", segments.join("/"));
    Problem::plain(404, "invalid_request_error", None, &text)
}

fn matches(pattern: &str, kind: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == kind, |prefix| kind.starts_with(prefix))
}

fn in_range(created: i64, params: &Params<'_>) -> bool {
    let bound = |name: &str| {
        params
            .filled(name)
            .and_then(|value| value.parse::<i64>().ok())
    };
    bound("created").is_none_or(|at| created == at)
        && bound("created[gte]").is_none_or(|at| created >= at)
        && bound("created[gt]").is_none_or(|at| created > at)
        && bound("created[lte]").is_none_or(|at| created <= at)
        && bound("created[lt]").is_none_or(|at| created < at)
}

/// One page of rows that come oldest first; shown newest first (docs.stripe.com/api/pagination).
fn page(url: &str, rows: Vec<Value>, params: &Params<'_>) -> Answer {
    let ids: Vec<&str> = rows
        .iter()
        .map(|row| row["id"].as_str().unwrap_or_default())
        .collect();
    let (range, has_more) = window(&ids, params)?;
    let data = rows
        .get(range)
        .unwrap_or_default()
        .iter()
        .rev()
        .cloned()
        .collect();
    Ok(list(url, data, has_more))
}

fn window(ids: &[&str], params: &Params<'_>) -> Result<(std::ops::Range<usize>, bool), Problem> {
    let limit = params.number("limit")?.unwrap_or(10);
    let limit = usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=100).contains(limit))
        .ok_or_else(|| Problem::invalid("This value must be between 1 and 100.", "limit"))?;
    let place = |name: &str| {
        params
            .filled(name)
            .map(|id| {
                let at = ids.iter().rposition(|candidate| *candidate == id);
                at.ok_or_else(|| Problem {
                    status: 400,
                    ..Problem::missing("object", id)
                })
            })
            .transpose()
    };
    match (place("starting_after")?, place("ending_before")?) {
        (Some(_), Some(_)) => Err(Problem::invalid(
            "Only one of starting_after and ending_before.",
            "ending_before",
        )),
        (None, Some(newer_than)) => {
            let end = (newer_than + 1 + limit).min(ids.len());
            Ok((newer_than + 1..end, end < ids.len()))
        }
        (older_than, None) => {
            let end = older_than.unwrap_or(ids.len());
            let start = end.saturating_sub(limit);
            Ok((start..end, start > 0))
        }
    }
}
