//! Payments for a treasurer: by month and way, what they come to, and as a file; and who is let in for nothing.

use super::form::Form;
use super::look::Look;
use super::{see, shown};
use crate::money;
use crate::store::people;
use crate::web::Here;
use crate::web::books::{self, BookFilter, Total};
use crate::web::extract::{Asked, At, Body};
use crate::web::paying_nothing::{self, Part, Unpaid};
use crate::web::payments::{self, AnySource, Payment, PaymentFilter, Void};
use crate::web::problem::{Answer, Problem};
use crate::web::values::{Month, Remark};
use askama::Template;
use axum::Json;
use axum::response::Response;
use serde::Deserialize;
use shared::ids::PaymentId;
use std::collections::BTreeMap;

const LINES: i64 = 100;

#[derive(Template)]
#[template(path = "payments.html")]
struct Page {
    look: Look,
    month: String,
    source: &'static str,
    totals: Vec<Total>,
    payments: Vec<Payment>,
    names: BTreeMap<i64, String>,
    next: Option<String>,
}

impl Page {
    fn ways(&self) -> [(&'static str, String); 3] {
        AnySource::ALL.map(|source| (source.word(), self.look.source(source.word())))
    }

    fn sum(&self, total: &Total) -> String {
        money::in_words(total.amount, &total.currency)
    }

    fn amount(&self, payment: &Payment) -> String {
        let money = payment.amount.zip(payment.currency.as_ref());
        money.map_or(String::new(), |(amount, currency)| {
            money::in_words(amount, currency)
        })
    }

    fn name(&self, member: &i64) -> String {
        let name = self.names.get(member).cloned();
        name.unwrap_or_else(|| member.to_string())
    }

    fn may_void(&self, payment: &Payment) -> bool {
        self.look.may("payments.void") && payment.source != "stripe" && payment.voided_at.is_none()
    }
}

/// Which payments; what was left empty is not asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    #[serde(default)]
    month: String,
    #[serde(default)]
    source: String,
    before: Option<i64>,
}

impl Chosen {
    fn filter(&self) -> Answer<BookFilter> {
        let month = match self.month.as_str() {
            "" => None,
            text => {
                let month: Result<Month, _> = text.parse();
                Some(month.map_err(|valid| Problem::field("month", valid))?)
            }
        };
        let mut sources = AnySource::ALL.into_iter();
        Ok(BookFilter {
            source: sources.find(|source| source.word() == self.source),
            month,
        })
    }
}

/// The page.
pub async fn show(state: Here, look: Look, Asked(chosen): Asked<Chosen>) -> Answer<Response> {
    let filter = chosen.filter()?;
    let wanted = PaymentFilter {
        member: None,
        source: filter.source,
        month: filter.month.clone(),
        before: chosen.before,
        limit: Some(LINES),
    };
    let month = filter.month.as_ref().map_or("", Month::as_str).to_owned();
    let source = filter.source.map_or("", AnySource::word);
    let Json(totals) = books::totals(state.clone(), Asked(filter)).await?;
    let Json(found) = payments::list(state.clone(), Asked(wanted)).await?;
    let members = found.items.iter().filter_map(|payment| payment.member);
    let members = members.collect();
    let mut tx = state.app.store.begin_read().await?;
    let names = people::names(&mut tx, &state.app.organisation, &members).await?;
    Ok(shown(&Page {
        look,
        month,
        source,
        totals,
        payments: found.items,
        names,
        next: found.next,
    }))
}

/// The same as a file.
pub async fn file(state: Here, Asked(chosen): Asked<Chosen>) -> Answer<Response> {
    books::file(state, Asked(chosen.filter()?)).await
}

/// Why a payment does not count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Voided {
    reason: Remark,
}

/// Declares a payment by hand void.
pub async fn void(
    state: Here,
    look: Look,
    At(payment): At<PaymentId>,
    Form(Voided { reason }): Form<Voided>,
) -> Answer<Response> {
    let Json(payment) = payments::void(state, At(payment), Body(Void { reason })).await?;
    let to = match payment.member {
        Some(member) => format!("/admin/members/{member}"),
        None => "/admin/payments".to_owned(),
    };
    Ok(see(&look.to(&to)))
}

#[derive(Template)]
#[template(path = "paying_nothing.html")]
struct Nothing {
    look: Look,
    members: Vec<Unpaid>,
    next: Option<String>,
}

/// Who is let in for nothing.
pub async fn nothing(state: Here, look: Look, Asked(part): Asked<Part>) -> Answer<Response> {
    let Json(found) = paying_nothing::list(state, Asked(part)).await?;
    Ok(shown(&Nothing {
        look,
        members: found.items,
        next: found.next,
    }))
}
