//! The REST interface: reading and listing.

use serde_json::{Value, json};

use super::StripeSim;
use super::calendar::DAY;
use super::model::Status;
use super::objects::list;
use super::params::{Params, Problem};
use super::table::Row;

type Answer = Result<Value, Problem>;

impl StripeSim {
    pub(crate) fn read(&self, segments: &[&str], params: &Params<'_>) -> Answer {
        match segments {
            ["account"] => Ok(self.account_json()),
            ["accounts", id] if *id == self.account => Ok(self.account_json()),
            ["accounts", id] => {
                let other = format!("{id}/{}", self.livemode);
                let other = self.others.get(&other).filter(|other| other.platform);
                other
                    .map(Self::account_json)
                    .ok_or_else(|| Problem::missing("account", id))
            }
            ["accounts"] => {
                let others = self.others.values().filter(|other| other.platform);
                page(
                    "/v1/accounts",
                    others.map(Self::account_json).collect(),
                    params,
                )
            }
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
            ["customers", id, "balance_transactions"] => {
                let customer = self.living_customer(id)?;
                let rows = self.balance_transactions.of(&customer);
                let rows = rows.filter(|row| in_range(row.created, params));
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
            ["invoices", id, "payments"] => {
                self.invoices
                    .get(id)
                    .ok_or_else(|| Problem::missing("invoice", id))?;
                Ok(self.invoice_payments(id))
            }
            [kind, id] => self.read_one(kind, id, params),
            _ => self.read_other(segments, params),
        }
    }

    fn read_one(&self, kind: &str, id: &str, params: &Params<'_>) -> Answer {
        let object = match kind {
            "subscriptions" => "subscription",
            "invoices" => "invoice",
            "customers" => "customer",
            "products" => "product",
            "prices" => "price",
            _ => return self.read_other(&[kind, id], params),
        };
        self.object(id)
            .filter(|value| value["object"] == object)
            .filter(|value| object != "product" || value["deleted"] != true)
            .ok_or_else(|| Problem::missing(object, id))
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
        let rows: Vec<_> = rows
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
            .collect();
        page_of("/v1/subscriptions", &rows, params, |row| {
            self.subscription_json(row)
        })
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
        let rows: Vec<_> = rows
            .filter(|row| subscription.is_none_or(|id| row.subscription.as_deref() == Some(id)))
            .filter(|row| {
                params
                    .filled("status")
                    .is_none_or(|status| row.status.as_str() == status)
            })
            .filter(|row| in_range(row.created, params))
            .collect();
        page_of("/v1/invoices", &rows, params, |row| self.invoice_json(row))
    }

    fn list_customers(&self, params: &Params<'_>) -> Answer {
        // docs.stripe.com/api/customers/list: the mail address is compared case-sensitively.
        let email = params.filled("email");
        let rows = self.customers.iter().filter(|row| !row.deleted);
        let rows: Vec<_> = rows
            .filter(|row| email.is_none_or(|email| row.email.as_deref() == Some(email)))
            .filter(|row| in_range(row.created, params))
            .collect();
        page_of("/v1/customers", &rows, params, |row| {
            self.customer_json(row)
        })
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
pub(crate) fn page(url: &str, rows: Vec<Value>, params: &Params<'_>) -> Answer {
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

/// The same of rows of which only those on the page are drawn.
fn page_of<T: Row>(
    url: &str,
    rows: &[&T],
    params: &Params<'_>,
    draw: impl Fn(&T) -> Value,
) -> Answer {
    let ids: Vec<&str> = rows.iter().map(|row| row.id()).collect();
    let (range, has_more) = window(&ids, params)?;
    let shown = rows.get(range).unwrap_or_default().iter().rev();
    Ok(list(url, shown.map(|row| draw(row)).collect(), has_more))
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
