//! What can be wrong with a row.

use super::Meaning;

/// What is wrong; the pages' words say what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No name, or a far too long one.
    Name,
    /// No mail address.
    Mail,
    /// Nothing by which the member is found again.
    Nameless,
    /// A spreadsheet has rounded a card's number.
    Rounded,
    /// No card numbers in hexadecimal digits.
    Hexadecimal,
    /// No card numbers in decimal digits.
    Decimal,
    /// No card numbers of three and five digits.
    Wiegand,
    /// No day.
    Day,
    /// It is not said what was paid for.
    NoType,
    /// There is no such membership type; these there are.
    UnknownType(String),
    /// No currency.
    Currency,
    /// No amount.
    Amount,
    /// An earlier row has the same mail address.
    SameMail(u64),
    /// An earlier row has the same card.
    SameCard(u64),
    /// Several members have the mail address.
    SharedMail,
    /// Mail address, customer and cards are of different members.
    Different,
    /// Stripe does not know the customer.
    Customer,
    /// Readers could not tell a card of it from another.
    Alike,
}

impl Trouble {
    /// Its word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mail => "mail",
            Self::Nameless => "nameless",
            Self::Rounded => "rounded",
            Self::Hexadecimal => "hexadecimal",
            Self::Decimal => "decimal",
            Self::Wiegand => "wiegand",
            Self::Day => "day",
            Self::NoType => "no_type",
            Self::UnknownType(_) => "unknown_type",
            Self::Currency => "currency",
            Self::Amount => "amount",
            Self::SameMail(_) => "same_mail",
            Self::SameCard(_) => "same_card",
            Self::SharedMail => "shared_mail",
            Self::Different => "different",
            Self::Customer => "customer",
            Self::Alike => "alike",
        }
    }

    /// What its words speak of: a row, or the types there are.
    #[must_use]
    pub fn about(&self) -> String {
        match self {
            Self::UnknownType(known) => known.clone(),
            Self::SameMail(line) | Self::SameCard(line) => line.to_string(),
            Self::Name
            | Self::Mail
            | Self::Nameless
            | Self::Rounded
            | Self::Hexadecimal
            | Self::Decimal
            | Self::Wiegand
            | Self::Day
            | Self::NoType
            | Self::Currency
            | Self::Amount
            | Self::SharedMail
            | Self::Different
            | Self::Customer
            | Self::Alike => String::new(),
        }
    }

    /// In which column it stands.
    #[must_use]
    pub fn column(&self) -> Meaning {
        match self {
            Self::Name | Self::Customer => Meaning::Name,
            Self::Mail | Self::Nameless | Self::SameMail(_) | Self::SharedMail => Meaning::Mail,
            Self::Rounded
            | Self::Hexadecimal
            | Self::Decimal
            | Self::Wiegand
            | Self::SameCard(_)
            | Self::Different
            | Self::Alike => Meaning::Cards,
            Self::Day => Meaning::PaidUntil,
            Self::NoType | Self::UnknownType(_) => Meaning::Membership,
            Self::Currency => Meaning::Currency,
            Self::Amount => Meaning::Amount,
        }
    }

    /// Every word.
    #[must_use]
    pub fn words() -> [&'static str; 18] {
        [
            Self::Name,
            Self::Mail,
            Self::Nameless,
            Self::Rounded,
            Self::Hexadecimal,
            Self::Decimal,
            Self::Wiegand,
            Self::Day,
            Self::NoType,
            Self::UnknownType(String::new()),
            Self::Currency,
            Self::Amount,
            Self::SameMail(0),
            Self::SameCard(0),
            Self::SharedMail,
            Self::Different,
            Self::Customer,
            Self::Alike,
        ]
        .map(|trouble| trouble.word())
    }
}
