//! What payers and members are to be told: each cause once, however often and in whatever order it comes.

use super::letters::{self, Content, Letter, Reader};
use super::trip::Statement;
use super::{Result, Tx, on};
use serde::{Deserialize, Serialize};
use shared::ids::{AccountId, MemberId, OrganisationId};
use shared::time::Timestamp;

/// Something to tell a payer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom: `cus_…`
    pub customer: String,
    /// What.
    pub kind: NoticeKind,
    /// The invoice, subscription or session it is about; one notice for each.
    pub subject: String,
}

/// What a payer or a member is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The first payment is on its way and opens nothing yet.
    PaymentPending,
    /// A first payment that was on its way failed: try again.
    FirstPaymentFailed,
    /// A renewal could not be collected: check the card.
    PaymentFailed,
    /// The bank wants the payer to confirm a payment.
    ActionRequired,
    /// The trial ends soon.
    TrialEnds,
    /// The membership ends at a date set beforehand.
    EndsOn,
    /// An upgrade waits for its payment.
    UpgradeWaiting,
    /// An upgrade was not paid in time; the old plan goes on.
    UpgradeLapsed,
    /// What was paid by hand is used up soon.
    PaymentEnds,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::PaymentPending,
        Self::FirstPaymentFailed,
        Self::PaymentFailed,
        Self::ActionRequired,
        Self::TrialEnds,
        Self::EndsOn,
        Self::UpgradeWaiting,
        Self::UpgradeLapsed,
        Self::PaymentEnds,
    ];

    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PaymentPending => "payment_pending",
            Self::FirstPaymentFailed => "first_payment_failed",
            Self::PaymentFailed => "payment_failed",
            Self::ActionRequired => "action_required",
            Self::TrialEnds => "trial_ends",
            Self::EndsOn => "ends_on",
            Self::UpgradeWaiting => "upgrade_waiting",
            Self::UpgradeLapsed => "upgrade_lapsed",
            Self::PaymentEnds => "payment_ends",
        }
    }
}

/// Keeps a notice and writes to its payer, unless it is kept already.
pub fn put(
    tx: &mut Tx,
    (organisation, account): (&OrganisationId, AccountId),
    notice: &Notice,
    cause: &str,
    now: Timestamp,
) {
    let payer = Reader::Payer(account, notice.customer.clone());
    write_of(tx, organisation, (payer, notice.kind, &notice.subject), now);
    let sql = "INSERT INTO notices (account, customer, kind, subject, cause, made_at) VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (account, kind, subject) DO NOTHING";
    let write = Statement::new(sql)
        .bind(account.0)
        .bind(notice.customer.as_str())
        .bind(notice.kind.word())
        .bind(notice.subject.as_str())
        .bind(cause)
        .bind(now.0);
    tx.later(write);
}

/// Writes a letter of a notice.
fn write_of(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (reader, notice, subject): (Reader, NoticeKind, &str),
    now: Timestamp,
) {
    let letter = Letter {
        reader,
        content: Content::Notice {
            notice,
            subject: subject.to_owned(),
        },
        cause: subject,
        secret: None,
    };
    letters::put(tx, organisation, letter, now);
}

/// Keeps a notice for a member that is about no customer of Stripe's and writes to the member, unless it is kept already.
pub fn put_for(
    tx: &mut Tx,
    organisation: &OrganisationId,
    (member, kind, subject): (MemberId, NoticeKind, &str),
    cause: &str,
    now: Timestamp,
) {
    write_of(
        tx,
        organisation,
        (Reader::Member(member), kind, subject),
        now,
    );
    let sql = "INSERT INTO notices (account, customer, member, kind, subject, cause, made_at) \
               SELECT MIN(a.id), '', $2, $3, $4, $5, $6 FROM accounts a WHERE a.organisation = $1 \
               ON CONFLICT (account, kind, subject) DO NOTHING";
    let write = Statement::new(sql)
        .bind(organisation.as_str())
        .bind(member.0)
        .bind(kind.word())
        .bind(subject)
        .bind(cause)
        .bind(now.0);
    tx.later(write);
}

/// A notice for the interface.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct NoticeRow {
    /// Our number.
    pub id: i64,
    /// `cus_…`; none if it is about no customer.
    pub customer: Option<String>,
    /// Whose; none while the customer belongs to nobody.
    pub member: Option<i64>,
    /// What.
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// The event, the deed or the clock that brought it.
    pub cause: String,
    /// When, in milliseconds since 1970.
    pub made_at: i64,
}

/// Notices of an account, and those that are about no customer, newest first.
pub async fn list(
    tx: &mut Tx,
    organisation: &OrganisationId,
    account: AccountId,
    (before, limit): (i64, i64),
) -> Result<Vec<NoticeRow>> {
    let sql = "SELECT n.id, NULLIF(n.customer, '') AS customer, COALESCE(n.member, c.member) AS member, n.kind, \
               n.subject, n.cause, n.made_at FROM notices n JOIN accounts a ON a.id = n.account \
               LEFT JOIN customers c ON c.account = n.account AND c.id = n.customer \
               WHERE a.organisation = $1 AND (n.account = $2 OR n.customer = '') AND n.id < $3 \
               ORDER BY n.id DESC LIMIT $4";
    Ok(
        on!(tx, c => sqlx::query_as(sql).bind(organisation.as_str()).bind(account.0).bind(before).bind(limit)
            .fetch_all(c).await?),
    )
}
