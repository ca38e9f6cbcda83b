//! Members, their cards, what was derived of them, and the ledger of what they paid.

use super::many::{list, parts, rows};
use super::pins::SealedPin;
use super::trip::Statement;
use super::{Connection, Result, StoreError, Tx, json, on, search, to_json};
use shared::concerns::Concern;
use shared::facts::Invoice;
use shared::ids::{AccountId, CardId, Holder, MemberId, OrganisationId};
use shared::receipts::Occasion;
use shared::standing::{Outlook, Standing};
use shared::time::Timestamp;
use std::collections::BTreeSet;

/// A member's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Whose member.
    pub organisation: OrganisationId,
    /// As doors know the person.
    pub holder: Holder,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
    /// What must be typed after a card where a zone asks for it.
    pub pin: Option<SealedPin>,
    /// As last derived.
    pub standing: Option<Standing>,
    /// When the clock changes it next.
    pub next_change: Option<Timestamp>,
    /// What a human should look at, as last derived.
    pub concerns: BTreeSet<Concern>,
}

/// A member's standing as last derived.
pub async fn standing(tx: &mut Tx, member: MemberId) -> Result<Option<Standing>> {
    let sql = "SELECT standing FROM members WHERE id = $1";
    let row: Option<Option<String>> =
        on!(tx, c => sqlx::query_scalar(sql).bind(member.0).fetch_optional(c).await?);
    let text = row.ok_or(missing(member))?;
    text.map(|text| json(&text, "members", "standing", member))
        .transpose()
}

/// That a member does not exist.
pub(crate) fn missing(member: MemberId) -> StoreError {
    StoreError::Missing {
        table: "members",
        row: member.to_string(),
    }
}

/// Locks members, in the order of their numbers, whatever order they are named in.
pub fn lock_all(tx: &mut Tx, members: &[MemberId]) {
    // A SQLite transaction that writes holds the whole file already.
    if let Connection::Sqlite(_) = tx.connection {
        return;
    }
    let mut ids: Vec<i64> = members.iter().map(|member| member.0).collect();
    ids.sort_unstable();
    for part in parts(&ids) {
        let sql = format!(
            "SELECT id FROM members WHERE id IN ({}) ORDER BY id FOR UPDATE",
            list(1, part.len())
        );
        tx.later(
            part.iter()
                .copied()
                .fold(Statement::new(sql), Statement::bind),
        );
    }
}

/// Makes a member.
pub async fn create(
    tx: &mut Tx,
    organisation: &OrganisationId,
    new: &NewMember<'_>,
    now: Timestamp,
) -> Result<MemberId> {
    let sql = "INSERT INTO members (organisation, holder, name, mail, mail_folded, keyholder, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let id: i64 = on!(tx, c => sqlx::query_scalar(sql)
        .bind(organisation.as_str()).bind(new.holder.0).bind(new.name).bind(new.mail).bind(new.mail.map(fold))
        .bind(i64::from(new.keyholder)).bind(now.0)
        .fetch_one(c).await?);
    search::index(tx, organisation, MemberId(id), (new.name, new.mail));
    Ok(MemberId(id))
}

/// Removes a member who was made for a payment that turned out to be somebody else's, if nothing else hangs on it.
pub async fn forget_if_empty(tx: &mut Tx, member: MemberId) -> Result<()> {
    let sql = "SELECT (SELECT COUNT(*) FROM cards WHERE member = $1) + (SELECT COUNT(*) FROM loans WHERE member = $1) + (SELECT COUNT(*) FROM customers WHERE member = $1) \
               + (SELECT COUNT(*) FROM coverage WHERE member = $1) + (SELECT COUNT(*) FROM payments WHERE member = $1) \
               + (SELECT COUNT(*) FROM grants WHERE member = $1) + (SELECT COUNT(*) FROM holds WHERE member = $1) \
               + (SELECT COUNT(*) FROM inductions WHERE member = $1) + (SELECT COUNT(*) FROM member_notes WHERE member = $1) \
               + (SELECT COUNT(*) FROM erasures WHERE member = $1) + (SELECT COUNT(*) FROM plan_changes WHERE member = $1) \
               + (SELECT COUNT(*) FROM gift_cards WHERE member = $1) \
               + (SELECT COUNT(*) FROM members WHERE id = $1 AND pin_since IS NOT NULL)";
    let held: i64 = on!(tx, c => sqlx::query_scalar(sql).bind(member.0).fetch_one(c).await?);
    if held == 0 {
        for sql in [
            "DELETE FROM terms WHERE member = $1",
            // Whoever signed in meanwhile is signed out.
            "DELETE FROM member_sessions WHERE member = $1",
            "DELETE FROM members WHERE id = $1",
        ] {
            on!(tx, c => sqlx::query(sql).bind(member.0).execute(c).await?.rows_affected());
        }
    }
    Ok(())
}

/// What a member begins with.
#[derive(Debug, Clone, Copy)]
pub struct NewMember<'a> {
    /// As doors will know the person; random.
    pub holder: Holder,
    /// The name, for staff.
    pub name: &'a str,
    /// The mail address.
    pub mail: Option<&'a str>,
    /// Exempt from lockdown and staleness.
    pub keyholder: bool,
}

/// A mail address as it is compared.
#[must_use]
pub fn fold(mail: &str) -> String {
    mail.trim().to_lowercase()
}

/// Members with a mail address, two at most.
pub async fn by_mail(
    tx: &mut Tx,
    organisation: &OrganisationId,
    mail: &str,
) -> Result<Vec<MemberId>> {
    let sql =
        "SELECT id FROM members WHERE organisation = $1 AND mail_folded = $2 ORDER BY id LIMIT 2";
    let rows: Vec<i64> = on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).bind(fold(mail)).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Whether the organisation has this member.
pub async fn exists(tx: &mut Tx, organisation: &OrganisationId, member: MemberId) -> Result<bool> {
    let sql = "SELECT id FROM members WHERE organisation = $1 AND id = $2";
    let row: Option<i64> = on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).bind(member.0).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Whether there is this member.
pub async fn is_there(tx: &mut Tx, member: MemberId) -> Result<bool> {
    let sql = "SELECT id FROM members WHERE id = $1";
    let row: Option<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(member.0).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Members of an organisation who have no customer at Stripe.
pub async fn without_customer(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM members m WHERE organisation = $1 \
               AND NOT EXISTS (SELECT 1 FROM customers c WHERE c.member = m.id) ORDER BY id";
    let rows: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Members of an organisation.
pub async fn all(tx: &mut Tx, organisation: &OrganisationId) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM members WHERE organisation = $1 ORDER BY id";
    let rows: Vec<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(organisation.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Members of an organisation whose standing the clock changes now, earliest first.
pub async fn due(
    tx: &mut Tx,
    organisation: &OrganisationId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<MemberId>> {
    let sql = "SELECT id FROM members WHERE next_change <= $1 AND organisation = $2 ORDER BY next_change, id LIMIT $3";
    let rows: Vec<i64> = on!(tx, c => sqlx::query_scalar(sql).bind(now.0).bind(organisation.as_str()).bind(limit)
        .fetch_all(c).await?);
    Ok(rows.into_iter().map(MemberId).collect())
}

/// Writes what was derived of members.
pub fn put_outlooks(tx: &mut Tx, derived: &[(MemberId, &Outlook)]) {
    for part in parts(derived) {
        let sql = format!(
            "UPDATE members SET standing = v.column2, next_change = v.column3, concerns = v.column4 \
             FROM (VALUES {}) AS v WHERE members.id = v.column1",
            rows(1, part.len(), 4)
        );
        let write = |write: Statement, (member, outlook): &(MemberId, &Outlook)| {
            write
                .bind(member.0)
                .bind(to_json(&outlook.standing))
                .bind(outlook.next.map(|at| at.0))
                .bind(to_json(&outlook.concerns))
        };
        tx.later(part.iter().fold(Statement::new(sql), write));
    }
}

/// A card of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Our id.
    pub id: CardId,
    /// Its number, sealed.
    pub uid_sealed: Vec<u8>,
    /// Whether it counts.
    pub state: CardRow,
    /// Since when.
    pub since: Timestamp,
    /// When it opens nothing any more, if it is a fob that is lent.
    pub lent_until: Option<Timestamp>,
}

/// Whether a card counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CardRow {
    /// It does.
    Ok,
    /// Reported lost.
    Lost,
    /// Given back.
    Returned,
}

impl CardRow {
    pub(super) fn read(word: &str, card: i64) -> Result<Self> {
        let known = [Self::Ok, Self::Lost, Self::Returned];
        known
            .into_iter()
            .find(|known| known.word() == word)
            .ok_or(StoreError::Row {
                table: "cards",
                row: card.to_string(),
                column: "state",
            })
    }

    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Lost => "lost",
            Self::Returned => "returned",
        }
    }
}

/// Whether a member has a card, whatever its state.
pub async fn has_card(tx: &mut Tx, member: MemberId) -> Result<bool> {
    let sql = "SELECT id FROM cards WHERE member = $1 LIMIT 1";
    let row: Option<i64> =
        on!(tx, c => sqlx::query_scalar(sql).bind(member.0).fetch_optional(c).await?);
    Ok(row.is_some())
}

/// Every member that a customer's objects may concern.
pub async fn concerned(
    tx: &mut Tx,
    account: AccountId,
    customer: &str,
) -> Result<BTreeSet<MemberId>> {
    let found = super::mirror::customer(tx, account, customer).await?;
    Ok(found.map(|row| row.concerned()).unwrap_or_default())
}

/// Records a paid invoice in the ledger; news of the same invoice changes the row, never adds one.
pub fn book(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
    customer: &str,
    invoice: &Invoice,
    paid_at: Timestamp,
) {
    let booking = Booking {
        account,
        customer: customer.to_owned(),
        invoice: invoice.clone(),
        paid_at,
    };
    book_all(tx, organisation, &[booking]);
}

/// A paid invoice for the ledger.
#[derive(Debug, Clone)]
pub struct Booking {
    /// Of which account.
    pub account: AccountId,
    /// Whose.
    pub customer: String,
    /// What was paid.
    pub invoice: Invoice,
    /// When, if the invoice does not say.
    pub paid_at: Timestamp,
}

/// Records paid invoices in the ledger, each invoice named once; news of a booked one changes its row.
pub fn book_all(tx: &mut Tx, organisation: &OrganisationId, bookings: &[Booking]) {
    for part in parts(bookings) {
        let row = |row: usize| {
            let place = |column: usize| 2 + row * 9 + column;
            format!(
                "($1, 'stripe', {}, (SELECT member FROM customers WHERE account = ${} AND id = ${}), {}, '')",
                list(place(0), 3),
                place(0),
                place(2),
                list(place(3), 6),
            )
        };
        let sql = format!(
            "INSERT INTO payments (organisation, source, account, invoice, customer, member, amount, currency, reason, \
             period_from, period_until, paid_at, note) VALUES {} \
             ON CONFLICT (account, invoice) DO UPDATE SET amount = excluded.amount, reason = excluded.reason, \
             period_from = excluded.period_from, period_until = excluded.period_until, \
             paid_at = CASE WHEN excluded.paid_at < payments.paid_at THEN excluded.paid_at ELSE payments.paid_at END, \
             member = COALESCE(payments.member, excluded.member) \
             WHERE excluded.paid_at < payments.paid_at \
             OR payments.member IS NULL AND excluded.member IS NOT NULL \
             OR (payments.amount, payments.reason, payments.period_from, payments.period_until) \
             IS DISTINCT FROM (excluded.amount, excluded.reason, excluded.period_from, excluded.period_until)",
            (0..part.len()).map(row).collect::<Vec<String>>().join(", ")
        );
        let write = |write: Statement, booking: &Booking| {
            let Booking {
                account,
                customer,
                invoice,
                paid_at,
            } = booking;
            write
                .bind(account.0)
                .bind(invoice.id.as_str())
                .bind(customer.as_str())
                .bind(invoice.amount_paid)
                .bind(invoice.currency.as_str())
                .bind(ledger_reason(invoice))
                .bind(invoice.lines.iter().map(|line| line.from.0).min())
                .bind(invoice.lines.iter().map(|line| line.to.0).max())
                .bind(invoice.paid_at.unwrap_or(*paid_at).0)
        };
        let statement = Statement::new(sql).bind(organisation.as_str());
        tx.later(part.iter().fold(statement, write));
    }
}

/// Why an invoice was paid, or why nothing had to be.
fn ledger_reason(invoice: &Invoice) -> &'static str {
    match (invoice.free(), invoice.occasion()) {
        (Some(free), _) => free.word(),
        (None, Occasion::First) => "first payment",
        (None, Occasion::Renewal) => "renewal",
        (None, Occasion::Change) => "change of plan",
        (None, Occasion::Other) => "invoice",
    }
}
