//! The books for a treasurer: what payments come to, and all of them as a file.

use super::extract::Asked;
use super::payments::{AnySource, wanted};
use super::problem::{Answer, Problem};
use super::values::{Moment, Month};
use super::{Here, State};
use crate::money;
use crate::store::ledger::{self, PaymentRow};
use crate::store::people;
use axum::Json;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// So many payments are in memory at once.
const PART: i64 = 1000;

/// Which payments.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BookFilter {
    /// Only that came this way.
    #[param(inline)]
    pub source: Option<AnySource>,
    /// Only of this month, like `2026-12`, by the clock of the organisation's first location.
    #[param(value_type = Option<String>)]
    pub month: Option<Month>,
}

/// What payments of one currency and way come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct Total {
    /// ISO 4217, lower case.
    pub currency: String,
    /// `stripe`, `cash` or `transfer`.
    pub source: String,
    /// How many.
    pub count: i64,
    /// Minor units.
    pub amount: i64,
}

/// What payments come to, by currency and way; those that are void or of an unknown amount do not count
#[utoipa::path(get, path = "/api/v1/payments/totals", tag = "billing", params(BookFilter),
    responses((status = OK, body = Vec<Total>), Problem))]
pub async fn totals(state: Here, Asked(filter): Asked<BookFilter>) -> Answer<Json<Vec<Total>>> {
    let mut tx = state.app.store.begin_read().await?;
    let wanted = wanted(&state, &mut tx, None, filter.source, filter.month.as_ref()).await?;
    let rows = ledger::totals(&mut tx, &state.app.organisation, wanted).await?;
    let total = |(currency, source, count, amount)| Total {
        currency,
        source,
        count,
        amount,
    };
    Ok(Json(rows.into_iter().map(total).collect()))
}

/// Payments as comma-separated values (RFC 4180), oldest first, amounts with a point
#[utoipa::path(get, path = "/api/v1/payments.csv", tag = "billing", params(BookFilter),
    responses((status = OK, content_type = "text/csv", body = String), Problem))]
pub async fn file(state: Here, Asked(filter): Asked<BookFilter>) -> Answer<Response> {
    let rows = all(&state, &filter).await?;
    let mut tx = state.app.store.begin_read().await?;
    let members = rows.iter().filter_map(|row| row.member).collect();
    let names = people::names(&mut tx, &state.app.organisation, &members).await?;
    let text = written(&rows, &names).map_err(|_| Problem::fault())?;
    let month = filter.month.as_ref().map_or("all", Month::as_str);
    let attached = format!("attachment; filename=\"payments-{month}.csv\"");
    let headers = [
        (CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, attached),
    ];
    Ok((headers, text).into_response())
}

/// All of them, oldest first.
async fn all(state: &State, filter: &BookFilter) -> Answer<Vec<PaymentRow>> {
    let mut tx = state.app.store.begin_read().await?;
    let wanted = wanted(state, &mut tx, None, filter.source, filter.month.as_ref()).await?;
    let (mut rows, mut before) = (Vec::new(), i64::MAX);
    loop {
        let part = ledger::list(&mut tx, &state.app.organisation, wanted, before, PART).await?;
        let Some(last) = part.last() else { break };
        before = last.id;
        rows.extend(part);
    }
    rows.reverse();
    Ok(rows)
}

const COLUMNS: [&str; 15] = [
    "id",
    "paid_at",
    "source",
    "member",
    "name",
    "customer",
    "invoice",
    "membership",
    "amount",
    "currency",
    "reason",
    "from",
    "until",
    "note",
    "voided_at",
];

fn written(rows: &[PaymentRow], names: &BTreeMap<i64, String>) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for row in rows {
        writer.write_record(cells(row, names))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn cells(row: &PaymentRow, names: &BTreeMap<i64, String>) -> [String; 15] {
    let at = |at: Option<i64>| at.map_or(String::new(), |at| Moment::of(at).0.to_string());
    let text = |text: &Option<String>| plain(text.as_deref().unwrap_or_default());
    let money = row.money();
    let amount = money.map(|(amount, currency)| money::digits(amount, currency));
    let name = row.member.and_then(|member| names.get(&member));
    [
        row.id.to_string(),
        at(Some(row.paid_at)),
        row.source.clone(),
        row.member
            .map_or(String::new(), |member| member.to_string()),
        plain(name.map_or("", String::as_str)),
        text(&row.customer),
        text(&row.invoice),
        text(&row.membership),
        amount.unwrap_or_default(),
        money.map_or(String::new(), |(_, currency)| currency.to_uppercase()),
        plain(&row.reason),
        at(row.period_from),
        at(row.period_until),
        plain(&row.note),
        at(row.voided_at),
    ]
}

/// What a spreadsheet takes for a formula becomes text (owasp.org, "CSV Injection").
fn plain(text: &str) -> String {
    let text = text.replace(['\r', '\n'], " ");
    if text.starts_with(['=', '+', '-', '@', '\t']) {
        format!("'{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_text_and_no_formulas() {
        let row = PaymentRow {
            id: 7,
            source: "cash".to_owned(),
            member: Some(1),
            customer: None,
            invoice: None,
            membership: Some("5".to_owned()),
            amount: 4050,
            currency: "eur".to_owned(),
            reason: "recorded by hand".to_owned(),
            period_from: Some(0),
            period_until: None,
            paid_at: 0,
            note: "=1+1, \"twice\"\nsee there".to_owned(),
            anchor_at: None,
            voided_at: None,
            void_reason: None,
        };
        let names = BTreeMap::from([(1, "@da".to_owned())]);
        let text = written(&[row], &names).expect("written");
        let text = String::from_utf8(text).expect("text");
        let line = text.split("\r\n").nth(1).expect("a line");
        assert_eq!(
            line,
            "7,1970-01-01T00:00:00Z,cash,1,'@da,,,5,40.50,EUR,recorded by hand,1970-01-01T00:00:00Z,,\
             \"'=1+1, \"\"twice\"\" see there\","
        );
    }
}
