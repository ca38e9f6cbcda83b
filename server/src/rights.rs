//! Who may do what: five roles, and one table of everything that can be asked of the server.

use crate::attention::Resolution;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What somebody is to an organisation's server.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, and who else may.
    Owner,
    /// Members, money, rules and doors.
    Admin,
    /// Members and money.
    Treasurer,
    /// Members and cards, and a door for somebody who stands before it.
    FrontDesk,
    /// Sees, and changes nothing.
    ReadOnly,
}

use Role::{Admin, FrontDesk, Owner, ReadOnly, Treasurer};

impl Role {
    /// Every role, the one with most rights first.
    pub const ALL: [Self; 5] = [Owner, Admin, Treasurer, FrontDesk, ReadOnly];

    /// The word in the database and in addresses.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Owner => "owner",
            Admin => "admin",
            Treasurer => "treasurer",
            FrontDesk => "front_desk",
            ReadOnly => "read_only",
        }
    }

    /// The role of a word; none: there is none of this word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// Whether an action of this name is allowed; an action that is not in the table is nobody's.
    #[must_use]
    pub fn may(self, action: &str) -> bool {
        TABLE
            .iter()
            .any(|(name, roles, _)| *name == action && roles.contains(&self))
    }
}

/// An action: its name, who may, and by which methods and addresses it is asked for.
type Row = (&'static str, &'static [Role], &'static [&'static str]);

const EVERYBODY: &[Role] = &Role::ALL;
const DESK: &[Role] = &[Owner, Admin, Treasurer, FrontDesk];
/// Who looks at money without touching it, too.
const BOOKS: &[Role] = &[Owner, Admin, Treasurer, ReadOnly];
const MONEY: &[Role] = &[Owner, Admin, Treasurer];
const RULES: &[Role] = &[Owner, Admin];
const OWNERS: &[Role] = &[Owner];

/// What members do at their own pages, each for themselves.
pub const OWN: &str = "own.use";

/// Every action.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // --- what anybody who is signed in sees
    ("today.see", EVERYBODY, &["GET /admin", "GET /admin/live"]),
    ("members.see", EVERYBODY, &["GET /api/v1/members", "GET /api/v1/members/{member}", "GET /api/v1/members/{member}/explain", "GET /api/v1/members/{member}/grants", "GET /api/v1/members/{member}/holds", "GET /api/v1/members/{member}/inductions", "GET /api/v1/notices", "GET /admin/members", "POST /admin/members/search", "GET /admin/members/{member}"]),
    ("cards.see", EVERYBODY, &["GET /api/v1/cards", "GET /api/v1/cards/{card}", "GET /api/v1/loaners", "GET /admin/cards", "GET /admin/cards/{card}", "POST /admin/cards/search"]),
    ("badges.see", EVERYBODY, &["GET /api/v1/badges", "GET /api/v1/badges/{badge}/explain", "GET /admin/badges"]),
    ("doors.see", EVERYBODY, &["GET /api/v1/doors", "GET /api/v1/doors/{door}", "GET /api/v1/doors/{door}/refusals", "GET /api/v1/agents", "GET /api/v1/agents/{agent}", "GET /api/v1/zones", "GET /api/v1/zones/{zone}", "GET /api/v1/schedules", "GET /api/v1/schedules/{schedule}", "GET /admin/doors", "GET /admin/doors/{door}", "GET /admin/agents", "GET /admin/agents/{agent}", "GET /admin/zones", "GET /admin/types", "GET /admin/types/{type}", "GET /admin/zones/{zone}", "GET /admin/schedules", "GET /admin/schedules/{schedule}", "GET /admin/locations/{location}"]),
    ("attention.see", EVERYBODY, &["GET /api/v1/attention", "GET /api/v1/attention/kinds", "GET /admin/attention"]),
    ("rules.see", EVERYBODY, &["GET /api/v1/organisation", "GET /api/v1/locations", "GET /api/v1/locations/{location}", "GET /api/v1/membership-types", "GET /api/v1/membership-types/{type}", "GET /api/v1/catalogue"]),
    // --- people who need something now
    ("members.create", DESK, &["POST /api/v1/members", "POST /admin/members"]),
    ("members.change", DESK, &["PATCH /api/v1/members/{member}", "POST /admin/members/{member}"]),
    ("cards.give", DESK, &["POST /api/v1/cards", "PATCH /api/v1/cards/{card}", "POST /admin/members/{member}/cards", "POST /admin/cards", "POST /admin/cards/{card}", "POST /admin/cards/enrol"]),
    ("cards.mark", DESK, &["POST /api/v1/cards/{card}/mark", "POST /admin/cards/{card}/mark"]),
    ("cards.lend", DESK, &["POST /api/v1/loaners", "DELETE /api/v1/loaners/{loaner}", "POST /api/v1/loaners/{loaner}/lend", "POST /api/v1/loaners/{loaner}/return", "POST /admin/loaners", "POST /admin/loaners/tap", "POST /admin/loaners/{loaner}/lend", "POST /admin/loaners/{loaner}/return", "POST /admin/loaners/{loaner}/remove", "POST /admin/members/{member}/lend"]),
    ("pins.set", DESK, &["PUT /api/v1/members/{member}/pin", "DELETE /api/v1/members/{member}/pin"]),
    ("inductions.note", DESK, &["PUT /api/v1/members/{member}/inductions/{zone}", "DELETE /api/v1/members/{member}/inductions/{zone}"]),
    ("notes.see", EVERYBODY, &["GET /api/v1/members/{member}/notes"]),
    ("notes.write", DESK, &["POST /api/v1/members/{member}/notes", "POST /admin/members/{member}/notes"]),
    ("gift_cards.redeem", DESK, &["POST /api/v1/gift-cards/redeem"]),
    ("doors.command", DESK, &["POST /api/v1/doors/{door}/commands", "POST /admin/doors/{door}/commands"]),
    ("doors.lock_down", DESK, &["POST /admin/zones/{zone}/lockdown"]),
    // --- money
    ("money.see", BOOKS, &["GET /api/v1/payments", "GET /api/v1/reversals", "GET /api/v1/customers", "GET /api/v1/members/{member}/credit", "GET /api/v1/gift-cards", "GET /api/v1/discount-codes"]),
    ("books.see", BOOKS, &["GET /api/v1/payments/totals", "GET /api/v1/payments.csv", "GET /api/v1/members/paying-nothing", "GET /api/v1/members/{member}/pays-for", "GET /admin/payments", "GET /admin/payments.csv", "GET /admin/paying-nothing"]),
    ("stripe.see", BOOKS, &["GET /api/v1/stripe", "GET /admin/stripe", "GET /admin/stripe/catalogue"]),
    ("stripe.compare", MONEY, &["POST /api/v1/stripe/check", "POST /api/v1/reconciliation", "POST /admin/stripe/check", "GET /admin/stripe/reconciliation", "POST /admin/stripe/reconciliation"]),
    ("inbox.see", MONEY, &["GET /api/v1/inbox", "GET /api/v1/inbox/{event}", "GET /admin/stripe/inbox", "GET /admin/stripe/inbox/{event}"]),
    ("inbox.replay", MONEY, &["POST /api/v1/inbox/{event}/replay", "POST /admin/stripe/inbox/{event}/replay"]),
    ("payments.record", MONEY, &["POST /api/v1/payments", "POST /admin/members/{member}/payments"]),
    ("payments.void", MONEY, &["POST /api/v1/payments/{payment}/void", "POST /admin/payments/{payment}/void"]),
    ("plans.change", MONEY, &["POST /api/v1/members/{member}/plan-change", "GET /admin/members/{member}/plan", "POST /admin/members/{member}/plan"]),
    ("gift_cards.make", MONEY, &["POST /api/v1/gift-cards", "POST /api/v1/gift-cards/{card}/void"]),
    ("discounts.make", MONEY, &["POST /api/v1/discount-codes"]),
    ("catalogue.map", MONEY, &["PUT /api/v1/catalogue/{price}/mapping", "DELETE /api/v1/catalogue/{price}/mapping", "POST /admin/stripe/catalogue", "POST /admin/stripe/catalogue/map", "POST /admin/stripe/catalogue/unmap"]),
    ("catalogue.retrofit", MONEY, &["POST /api/v1/catalogue/{price}/retrofit", "POST /admin/stripe/catalogue/retrofit"]),
    ("coverage.name", MONEY, &["PUT /api/v1/coverage/{item}/{seat}", "DELETE /api/v1/coverage/{item}/{seat}", "POST /api/v1/customers/{customer}/link", "POST /admin/coverage", "POST /admin/coverage/free", "POST /admin/members/{member}/customers"]),
    ("attention.resolve", MONEY, &["POST /api/v1/attention/{item}/resolve", "POST /admin/attention/{item}/resolve"]),
    ("members.bulk", MONEY, &["POST /api/v1/members/bulk", "POST /admin/members/bulk"]), // and each deed's own
    ("members.export", MONEY, &["POST /admin/members/export"]),
    ("notes.erase", MONEY, &["POST /api/v1/notes/{note}/erase", "POST /admin/notes/{note}/erase"]),
    // --- who may enter, and when
    ("grants.make", RULES, &["POST /api/v1/members/{member}/grants", "POST /api/v1/grants/{grant}/end", "POST /admin/members/{member}/grants", "POST /admin/grants/{grant}/end"]),
    ("holds.make", RULES, &["POST /api/v1/members/{member}/holds", "POST /api/v1/holds/{hold}/end", "POST /admin/members/{member}/holds", "POST /admin/holds/{hold}/end"]),
    ("keyholders.name", RULES, &[]), // a field of a member, looked at where it is changed
    ("addresses.replace", MONEY, &[]), // another
    ("rules.change", RULES, &["PATCH /api/v1/organisation", "PUT /api/v1/locations/{location}", "PUT /api/v1/membership-types/{type}", "PUT /api/v1/schedules/{schedule}", "POST /api/v1/schedules/{schedule}/preview", "PUT /api/v1/zones/{zone}/access", "POST /api/v1/zones/{zone}/access/preview", "PUT /api/v1/zones/{zone}", "PATCH /api/v1/zones/{zone}/settings", "PUT /api/v1/zones/{zone}/access/{type}", "DELETE /api/v1/zones/{zone}/access/{type}", "POST /admin/zones", "POST /admin/zones/{zone}", "POST /admin/zones/{zone}/access", "POST /admin/zones/{zone}/settings", "POST /admin/zones/{zone}/open", "POST /admin/schedules", "POST /admin/schedules/{schedule}", "POST /admin/types", "POST /admin/types/stand-in", "POST /admin/types/{type}", "POST /admin/locations", "POST /admin/locations/{location}"]),
    ("doors.change", RULES, &["PUT /api/v1/doors/{door}", "DELETE /api/v1/doors/{door}", "POST /admin/doors", "POST /admin/doors/{door}", "POST /admin/doors/{door}/remove"]),
    ("agents.change", RULES, &["POST /api/v1/agents", "POST /api/v1/agents/{agent}/pairing-code", "POST /api/v1/agents/{agent}/revoke", "POST /api/v1/agents/{agent}/commands", "POST /admin/agents", "POST /admin/agents/{agent}/code", "POST /admin/agents/{agent}/revoke", "POST /admin/agents/{agent}/commands"]),
    ("start.follow", RULES, &["GET /api/v1/start", "GET /api/v1/locked-out", "POST /api/v1/catalogue/types", "GET /admin/start", "POST /admin/start/club", "POST /admin/start/check", "POST /admin/start/types", "POST /admin/start/type", "POST /admin/start/zone", "POST /admin/start/door", "POST /admin/start/code"]),
    // --- what is kept about a person
    ("members.data", RULES, &["GET /api/v1/members/{member}/data", "GET /admin/members/{member}/data"]),
    ("members.forget", RULES, &["POST /api/v1/members/{member}/erasure", "DELETE /api/v1/members/{member}/erasure", "POST /admin/members/{member}/erasure", "POST /admin/members/{member}/erasure/end"]),
    // --- members themselves: nobody's by a role
    (OWN, &[], &["GET /me", "GET /me/live", "GET /me/pay", "GET /me/portal", "GET /me/payments/{payment}/receipt", "GET /me/plan", "POST /me/plan", "POST /me/cards/{card}/lost", "GET /me/data", "GET /me/erasure", "POST /me/erasure", "POST /me/erasure/end", "POST /me/sessions/{session}/end", "POST /me/sign-out"]),
    // --- letters
    ("letters.see", MONEY, &["GET /api/v1/letters", "GET /api/v1/letters/{letter}", "GET /api/v1/letter-texts/{kind}/{language}", "GET /admin/mail", "GET /admin/mail/{letter}", "GET /admin/mail/texts/{kind}/{language}"]),
    ("letters.write", RULES, &["PUT /api/v1/letter-texts/{kind}/{language}", "DELETE /api/v1/letter-texts/{kind}/{language}", "POST /admin/mail/texts/{kind}/{language}", "POST /admin/mail/language"]),
    ("audit.see", RULES, &["GET /api/v1/audit", "GET /api/v1/audit/check", "GET /admin/audit"]),
    ("import", RULES, &["POST /api/v1/import", "GET /api/v1/imports", "POST /api/v1/imports", "POST /api/v1/imports/{import}/undo", "GET /admin/import", "POST /admin/import", "POST /admin/import/{import}/undo"]),
    // --- who may do all this
    ("staff.see", EVERYBODY, &["GET /admin/people"]),
    ("staff.change", OWNERS, &["POST /admin/people", "POST /admin/people/{staff}/role", "POST /admin/people/{staff}/remove", "POST /admin/people/{staff}/sign-out"]),
    ("passkeys.keep", EVERYBODY, &["POST /admin/me/password", "POST /admin/me/passkeys", "POST /admin/me/passkeys/{passkey}/remove", "POST /admin/me/identities", "POST /admin/me/identities/{identity}/remove"]),
    ("sessions.end", EVERYBODY, &["GET /admin/me", "POST /admin/me/sessions/{session}/end", "POST /admin/sign-out"]),
    ("staff.mailed", EVERYBODY, &["POST /admin/me/mail"]),
];

static BY_ROUTE: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let routes = |row: &'static Row| row.2.iter().map(|route| (*route, row.0));
    TABLE.iter().flat_map(routes).collect()
});

/// The action that a method and the pattern of an address ask for; none: nobody may.
#[must_use]
pub fn action(method: &str, pattern: &str) -> Option<&'static str> {
    BY_ROUTE
        .get(format!("{method} {pattern}").as_str())
        .copied()
}

/// What somebody must be allowed, besides resolving attention items, for whom an item is to be settled in this way.
#[must_use]
pub fn of_resolution(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Seen
        | Resolution::Accept
        | Resolution::Approve
        | Resolution::Replay
        | Resolution::Retry
        | Resolution::Resend => "attention.resolve",
        Resolution::NewMember => "members.create",
        Resolution::Link | Resolution::Confirm | Resolution::Cover | Resolution::Uncover => {
            "coverage.name"
        }
        Resolution::GiveCard => "cards.give",
        Resolution::MakeType | Resolution::DefaultType => "rules.change",
        Resolution::Map => "catalogue.map",
        Resolution::Hold | Resolution::EndNow => "holds.make",
        Resolution::EndGrant => "grants.make",
        Resolution::Revoke => "agents.change",
    }
}

/// The table for people: a row for each action, a column for each role.
#[must_use]
pub fn golden() -> String {
    let line = |name: &str, cells: [&str; 5]| {
        let mut line = format!("{name:20}");
        for cell in cells {
            line.push_str(&format!(" {cell:10}"));
        }
        format!("{}\n", line.trim_end())
    };
    let row = |(name, roles, _): &Row| {
        let cells = Role::ALL.map(|role| if roles.contains(&role) { "yes" } else { "-" });
        line(name, cells)
    };
    let rows = TABLE.iter().map(row);
    std::iter::once(line("", Role::ALL.map(Role::word)))
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_action_and_no_route_is_there_twice() {
        let names: BTreeSet<&str> = TABLE.iter().map(|row| row.0).collect();
        assert_eq!(names.len(), TABLE.len());
        let routes: usize = TABLE.iter().map(|row| row.2.len()).sum();
        assert_eq!(BY_ROUTE.len(), routes);
    }

    #[test]
    fn what_is_not_in_the_table_is_nobodys() {
        assert_eq!(action("POST", "/api/v1/everything"), None);
        assert!(!Owner.may("everything"));
        assert!(Owner.may("staff.change") && !Admin.may("staff.change"));
        for role in Role::ALL {
            assert_eq!(Role::read(role.word()), Some(role));
        }
    }
}
