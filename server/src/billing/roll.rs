//! The roll of members that an organisation has already, as a table of comma-separated values (RFC 4180).

use crate::money;
use crate::store::members::fold;
use shared::card::CardUid;
use shared::ids::MembershipTypeId;
use std::collections::{BTreeMap, BTreeSet};

/// The columns; all but the name may be left out or left empty.
const COLUMNS: [&str; 8] = [
    "name",
    "mail",
    "customer",
    "cards",
    "membership",
    "paid_until",
    "amount",
    "currency",
];

/// A member of the roll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where it stands in the file.
    pub line: u64,
    /// The name.
    pub name: String,
    /// The mail address.
    pub mail: Option<String>,
    /// `cus_…`
    pub customer: Option<String>,
    /// Numbers of cards.
    pub cards: Vec<CardUid>,
    /// What was paid by hand.
    pub paid: Option<Paid>,
}

/// What was paid by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paid {
    /// What for.
    pub membership: MembershipTypeId,
    /// The last day it was paid for.
    pub until: jiff::civil::Date,
    /// How much, in minor units, and in which currency (ISO 4217, lower case); none: the roll does not say.
    pub money: Option<(i64, String)>,
}

/// What is wrong with a line; it never repeats what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Wrong {
    /// Which line, counted from 1.
    pub line: u64,
    /// What, and what would be valid.
    pub what: String,
}

impl Wrong {
    /// Something is wrong with a line.
    pub fn at(line: u64, what: impl Into<String>) -> Self {
        let what = what.into();
        Self { line, what }
    }
}

/// Reads the whole roll; if anything is wrong anywhere, all that is wrong and nothing else.
pub fn read(text: &[u8]) -> Result<Vec<Row>, Vec<Wrong>> {
    let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let semicolons = first.contains(&b';') && !first.contains(&b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(if semicolons { b';' } else { b',' })
        .trim(csv::Trim::All)
        .from_reader(text);
    let columns = columns(&mut reader).map_err(|wrong| vec![wrong])?;
    let (mut rows, mut wrong) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) => match row(&record, &columns) {
                Ok(row) => rows.push(row),
                Err(what) => wrong.extend(what),
            },
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                let what = "It does not have as many fields as the first line, or is not UTF-8.";
                wrong.push(Wrong::at(line, what));
            }
        }
    }
    wrong.extend(doubled(&rows));
    wrong.sort_by_key(|wrong| wrong.line);
    if wrong.is_empty() {
        Ok(rows)
    } else {
        Err(wrong)
    }
}

fn columns(reader: &mut csv::Reader<&[u8]>) -> Result<BTreeMap<&'static str, usize>, Wrong> {
    let known = COLUMNS.join(", ");
    let header = reader
        .headers()
        .map_err(|_| Wrong::at(1, "The first line is not UTF-8 text."))?;
    let mut columns = BTreeMap::new();
    for (at, written) in header.iter().enumerate() {
        let column = COLUMNS.iter().find(|known| **known == written);
        let column = column
            .ok_or_else(|| Wrong::at(1, format!("Column {} is not one of {known}.", at + 1)))?;
        if columns.insert(*column, at).is_some() {
            return Err(Wrong::at(1, format!("The column {column} is there twice.")));
        }
    }
    if columns.contains_key("name") {
        Ok(columns)
    } else {
        Err(Wrong::at(
            1,
            format!("The first line names the columns: name, and others of {known}."),
        ))
    }
}

fn plain(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// Whether a text may be a mail address.
pub(super) fn is_mail(mail: &str) -> bool {
    let parts: Vec<&str> = mail.split('@').collect();
    parts.len() == 2
        && parts.iter().all(|part| !part.is_empty())
        && plain(mail, 254)
        && !mail.contains(char::is_whitespace)
}

fn row(
    record: &csv::StringRecord,
    columns: &BTreeMap<&'static str, usize>,
) -> Result<Row, Vec<Wrong>> {
    let line = record.position().map_or(0, csv::Position::line);
    let mut wrong = Vec::new();
    let field = |column: &str| {
        let text = record.get(*columns.get(column)?)?;
        (!text.is_empty()).then(|| text.to_owned())
    };
    let mut check = |good: bool, what: &str| {
        if !good {
            wrong.push(Wrong::at(line, what));
        }
    };
    let name = field("name").unwrap_or_default();
    check(
        !name.is_empty() && plain(&name, 200),
        "The name has 1 to 200 characters.",
    );
    let mail = field("mail");
    check(
        mail.iter().all(|mail| is_mail(mail)),
        "The mail address needs one `@` and no spaces.",
    );
    let customer = field("customer");
    let is_id = |id: &String| plain(id, 255) && !id.contains(char::is_whitespace);
    check(
        customer.iter().all(is_id),
        "The customer is an id of Stripe's, like cus_….",
    );
    let numbers = field("cards").unwrap_or_default();
    let cards: Vec<Option<CardUid>> = numbers
        .split_whitespace()
        .map(|number| CardUid::parse(number).ok())
        .collect();
    let what = "Cards are hexadecimal numbers as a reader shows them, with spaces between.";
    check(cards.iter().all(Option::is_some), what);
    let cards: Vec<CardUid> = cards.into_iter().flatten().collect();
    let written = (field("amount"), field("currency"));
    let money = match &written {
        (None, None) => None,
        (Some(amount), Some(code)) => {
            let currency = money::currency(code);
            let amount = currency
                .as_ref()
                .and_then(|currency| money::read(amount, currency));
            let what = "How much was paid: an amount like 40.00, and a currency like eur.";
            check(amount.is_some(), what);
            amount.zip(currency)
        }
        (Some(_), None) | (None, Some(_)) => {
            check(false, "amount and currency belong together.");
            None
        }
    };
    let (membership, until) = (field("membership"), field("paid_until"));
    let paid = match (&membership, &until) {
        (None, None) => {
            let what = "amount and currency are of what was paid by hand: it needs membership and paid_until.";
            check(written == (None, None), what);
            None
        }
        (Some(membership), Some(until)) => {
            let membership = MembershipTypeId::new(membership.as_str()).ok();
            let until = until.parse::<jiff::civil::Date>().ok();
            let what = "Paid by hand: a membership type and the last day, like 2026-12-31.";
            check(membership.is_some() && until.is_some(), what);
            membership.zip(until).map(|(membership, until)| Paid {
                membership,
                until,
                money,
            })
        }
        (Some(_), None) | (None, Some(_)) => {
            check(
                false,
                "membership and paid_until belong together: what was paid by hand, and to which day.",
            );
            None
        }
    };
    let found_again = mail.is_some() || customer.is_some() || !cards.is_empty();
    check(
        found_again,
        "It needs a mail address, a customer or a card, by which the member is found again.",
    );
    if wrong.is_empty() {
        Ok(Row {
            line,
            name,
            mail,
            customer,
            cards,
            paid,
        })
    } else {
        Err(wrong)
    }
}

/// What two lines name.
fn doubled(rows: &[Row]) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let (mut mails, mut customers) = (BTreeMap::new(), BTreeMap::new());
    let mut cards: Vec<(&CardUid, u64)> = Vec::new();
    for row in rows {
        let mut same = BTreeSet::new();
        if let Some(mail) = &row.mail {
            same.extend(
                mails
                    .insert(fold(mail), row.line)
                    .map(|line| (line, "mail address")),
            );
        }
        if let Some(customer) = &row.customer {
            same.extend(
                customers
                    .insert(customer, row.line)
                    .map(|line| (line, "customer")),
            );
        }
        for card in &row.cards {
            let before = cards.iter().find(|(other, _)| *other == card);
            same.extend(before.map(|(_, line)| (*line, "card")));
            cards.push((card, row.line));
        }
        for (line, what) in same {
            wrong.push(Wrong::at(
                row.line,
                format!("The same {what} stands in line {line}."),
            ));
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roll_is_read_whole() {
        let text = "\u{feff}name,mail,customer,cards,membership,paid_until\n\
                    \"Lovelace, Ada\",ada@example.org,cus_1,04A1B2C3 04A1B2C4,,\n\
                    Ben,,,04B1B2C3,5,2026-12-31\n";
        let rows = read(text.as_bytes()).expect("good");
        assert_eq!((rows[0].name.as_str(), rows[0].line), ("Lovelace, Ada", 2));
        assert_eq!(
            (rows[0].cards.len(), rows[0].customer.as_deref()),
            (2, Some("cus_1"))
        );
        let paid = rows[1].paid.clone().expect("paid");
        assert_eq!(
            (paid.membership.as_str(), paid.until.to_string(), paid.money),
            ("5", "2026-12-31".to_owned(), None)
        );
        let rows = read(b"mail;name\nada@example.org;Ada\n").expect("good");
        assert_eq!(rows[0].mail.as_deref(), Some("ada@example.org"));
    }

    #[test]
    fn how_much_was_paid_is_read_with_its_currency_or_not_at_all() {
        let line = |paid: &str| {
            let text = format!(
                "name,mail,membership,paid_until,amount,currency\nBen,b@example.org,{paid}\n"
            );
            let rows = read(text.as_bytes()).ok()?;
            Some(rows[0].paid.clone()?.money)
        };
        let said = |amount: i64, currency: &str| Some(Some((amount, currency.to_owned())));
        assert_eq!(line("5,2026-12-31,40.00,EUR"), said(4000, "eur"));
        assert_eq!(line("5,2026-12-31,0,eur"), said(0, "eur"));
        assert_eq!(line("5,2026-12-31,,"), Some(None));
        for wrong in [
            "5,2026-12-31,40,",
            "5,2026-12-31,,eur",
            "5,2026-12-31,40.5,eur",
            "5,2026-12-31,40,xxx",
            ",,40,eur",
        ] {
            assert_eq!(line(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_by_its_line_and_never_repeated() {
        let text = "name,mail,customer,cards,membership,paid_until\n\
                    ,secret,,,,\n\
                    Ben,ben@example.org,cus_1,zz,5,\n\
                    Cleo,BEN@example.org,cus_1,,,\n\
                    Dora,,,,,\n\
                    Eve\n";
        let wrong = read(text.as_bytes()).expect_err("wrong");
        let lines: Vec<u64> = wrong.iter().map(|wrong| wrong.line).collect();
        assert_eq!(lines, [2, 2, 3, 3, 5, 6]);
        assert!(
            wrong
                .iter()
                .all(|wrong| !wrong.to_string().contains("secret"))
        );
        let text = "name,mail\nBen,ben@example.org\nCleo,BEN@example.org\n";
        assert_eq!(
            read(text.as_bytes()),
            Err(vec![Wrong::at(
                3,
                "The same mail address stands in line 2."
            )])
        );
        assert_eq!(read(b"name,email\n").expect_err("wrong")[0].line, 1);
        assert_eq!(read(b"").expect_err("wrong")[0].line, 1);
    }
}
