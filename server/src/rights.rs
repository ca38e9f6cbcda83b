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

/// Every action.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    // --- what anybody who is signed in sees
    ("today.see", EVERYBODY, &["GET /admin", "GET /admin/live"]),
    ("members.see", EVERYBODY, &["GET /api/v1/members", "GET /api/v1/members/{member}", "GET /api/v1/members/{member}/explain", "GET /api/v1/members/{member}/grants", "GET /api/v1/members/{member}/holds", "GET /api/v1/members/{member}/inductions", "GET /api/v1/notices", "GET /admin/members", "POST /admin/members/search", "GET /admin/members/{member}"]),
    ("cards.see", EVERYBODY, &["GET /api/v1/cards"]),
    ("badges.see", EVERYBODY, &["GET /api/v1/badges", "GET /api/v1/badges/{badge}/explain", "GET /admin/badges"]),
    ("doors.see", EVERYBODY, &["GET /api/v1/doors", "GET /api/v1/doors/{door}", "GET /api/v1/agents", "GET /api/v1/agents/{agent}", "GET /api/v1/zones", "GET /api/v1/zones/{zone}", "GET /api/v1/schedules", "GET /api/v1/schedules/{schedule}", "GET /admin/doors"]),
    ("attention.see", EVERYBODY, &["GET /api/v1/attention", "GET /api/v1/attention/kinds", "GET /admin/attention"]),
    ("rules.see", EVERYBODY, &["GET /api/v1/organisation", "GET /api/v1/locations", "GET /api/v1/locations/{location}", "GET /api/v1/membership-types", "GET /api/v1/membership-types/{type}", "GET /api/v1/catalogue"]),
    // --- people who need something now
    ("members.create", DESK, &["POST /api/v1/members", "POST /admin/members"]),
    ("members.change", DESK, &["PATCH /api/v1/members/{member}", "POST /admin/members/{member}"]),
    ("cards.give", DESK, &["POST /api/v1/cards", "POST /admin/members/{member}/cards"]),
    ("cards.mark", DESK, &["POST /api/v1/cards/{card}/mark", "POST /admin/cards/{card}/mark"]),
    ("pins.set", DESK, &["PUT /api/v1/members/{member}/pin", "DELETE /api/v1/members/{member}/pin"]),
    ("inductions.note", DESK, &["PUT /api/v1/members/{member}/inductions/{zone}", "DELETE /api/v1/members/{member}/inductions/{zone}"]),
    ("gift_cards.redeem", DESK, &["POST /api/v1/gift-cards/redeem"]),
    ("doors.command", DESK, &["POST /api/v1/doors/{door}/commands", "POST /admin/doors/{door}/commands"]),
    ("doors.lock_down", DESK, &["POST /admin/zones/{zone}/lockdown"]),
    // --- money
    ("money.see", BOOKS, &["GET /api/v1/payments", "GET /api/v1/reversals", "GET /api/v1/customers", "GET /api/v1/members/{member}/credit", "GET /api/v1/gift-cards", "GET /api/v1/discount-codes"]),
    ("inbox.see", MONEY, &["GET /api/v1/inbox", "GET /api/v1/inbox/{event}"]),
    ("payments.record", MONEY, &["POST /api/v1/payments", "POST /admin/members/{member}/payments"]),
    ("payments.void", MONEY, &["POST /api/v1/payments/{payment}/void"]),
    ("plans.change", MONEY, &["POST /api/v1/members/{member}/plan-change"]),
    ("gift_cards.make", MONEY, &["POST /api/v1/gift-cards", "POST /api/v1/gift-cards/{card}/void"]),
    ("discounts.make", MONEY, &["POST /api/v1/discount-codes"]),
    ("catalogue.map", MONEY, &["PUT /api/v1/catalogue/{price}/mapping", "DELETE /api/v1/catalogue/{price}/mapping"]),
    ("catalogue.retrofit", MONEY, &["POST /api/v1/catalogue/{price}/retrofit"]),
    ("coverage.name", MONEY, &["PUT /api/v1/coverage/{item}/{seat}", "DELETE /api/v1/coverage/{item}/{seat}", "POST /api/v1/customers/{customer}/link"]),
    ("attention.resolve", MONEY, &["POST /api/v1/attention/{item}/resolve", "POST /admin/attention/{item}/resolve"]),
    // --- who may enter, and when
    ("grants.make", RULES, &["POST /api/v1/members/{member}/grants", "POST /api/v1/grants/{grant}/end", "POST /admin/members/{member}/grants", "POST /admin/grants/{grant}/end"]),
    ("holds.make", RULES, &["POST /api/v1/members/{member}/holds", "POST /api/v1/holds/{hold}/end", "POST /admin/members/{member}/holds", "POST /admin/holds/{hold}/end"]),
    ("keyholders.name", RULES, &[]), // a field of a member, looked at where it is changed
    ("rules.change", RULES, &["PATCH /api/v1/organisation", "PUT /api/v1/locations/{location}", "PUT /api/v1/membership-types/{type}", "PUT /api/v1/schedules/{schedule}", "PUT /api/v1/zones/{zone}", "PATCH /api/v1/zones/{zone}/settings", "PUT /api/v1/zones/{zone}/access/{type}", "DELETE /api/v1/zones/{zone}/access/{type}"]),
    ("doors.change", RULES, &["PUT /api/v1/doors/{door}", "DELETE /api/v1/doors/{door}"]),
    ("agents.change", RULES, &["POST /api/v1/agents", "POST /api/v1/agents/{agent}/pairing-code", "POST /api/v1/agents/{agent}/revoke", "POST /api/v1/agents/{agent}/commands"]),
    ("import", RULES, &["POST /api/v1/import"]),
    // --- who may do all this
    ("staff.see", EVERYBODY, &["GET /admin/people"]),
    ("staff.change", OWNERS, &["POST /admin/people", "POST /admin/people/{staff}/role", "POST /admin/people/{staff}/remove"]),
    ("sessions.end", EVERYBODY, &["GET /admin/me", "POST /admin/me/sessions/{session}/end", "POST /admin/sign-out"]),
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
