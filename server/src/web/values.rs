//! Values that people type, checked where they come in.

use crate::money::currency;
use crate::said::Said;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use shared::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A sentence, in the interface in English.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told(pub Said);

impl std::ops::Deref for Told {
    type Target = Said;

    fn deref(&self) -> &Said {
        &self.0
    }
}

impl Serialize for Told {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.english())
    }
}

impl utoipa::PartialSchema for Told {
    fn schema() -> RefOr<Schema> {
        String::schema()
    }
}

impl utoipa::ToSchema for Told {}

/// A moment, in the interface as RFC 3339 text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Timestamp);

impl Moment {
    /// A moment that may be missing.
    #[must_use]
    pub fn maybe(at: Option<Timestamp>) -> Option<Self> {
        at.map(Self)
    }

    /// From milliseconds since 1970 as the database has them.
    #[must_use]
    pub fn of(milliseconds: i64) -> Self {
        Self(Timestamp(milliseconds))
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ends = [jiff::Timestamp::MIN, jiff::Timestamp::MAX];
        let within = self
            .0
            .0
            .clamp(ends[0].as_millisecond(), ends[1].as_millisecond());
        let moment = jiff::Timestamp::from_millisecond(within).unwrap_or(jiff::Timestamp::MAX);
        serializer.collect_str(&moment)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.parse::<jiff::Timestamp>() {
            Ok(moment) if moment.as_millisecond() >= 0 => {
                Ok(Self(Timestamp(moment.as_millisecond())))
            }
            Ok(_) | Err(_) => Err(D::Error::custom(
                "A moment is written like 2026-01-31T12:00:00Z, from 1970 on",
            )),
        }
    }
}

impl utoipa::PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .build()
            .into()
    }
}

impl utoipa::ToSchema for Moment {}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident: $check:ident, $rule:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl FromStr for $name {
            type Err = &'static str;
            fn from_str(text: &str) -> Result<Self, &'static str> {
                $check(text.trim()).map(Self).ok_or($rule)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

texts! {
    /// What people call something or somebody.
    Title: title, "Write 1 to 200 characters, none of them a control character";
    /// Why an admin did something, or a remark; for staff.
    Remark: remark, "Write 1 to 1000 characters, none of them a control character but line breaks";
    /// A mail address.
    Mail: mail, "Write one mail address with one `@`, without spaces, at most 254 characters";
    /// A currency.
    Currency: currency, "Write the three letters of ISO 4217, like eur";
    /// A time zone.
    TimeZone: time_zone, "Write a time zone of the IANA database, like Europe/Berlin";
    /// A day of the calendar.
    Date: date, "Write a day like 2026-12-24";
    /// A month of the calendar.
    Month: month, "Write a month like 2026-12";
}

fn title(text: &str) -> Option<String> {
    let good = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

fn remark(text: &str) -> Option<String> {
    let good = (1..=1000).contains(&text.chars().count())
        && text
            .chars()
            .all(|letter| letter == '\n' || !letter.is_control());
    good.then(|| text.to_owned())
}

fn mail(text: &str) -> Option<String> {
    let (local, domain) = text.split_once('@')?;
    let good = !local.is_empty()
        && !domain.is_empty()
        && text.len() <= 254
        && !domain.contains('@')
        && !text
            .chars()
            .any(|letter| letter.is_whitespace() || letter.is_control());
    good.then(|| text.to_owned())
}

fn time_zone(text: &str) -> Option<String> {
    jiff::tz::TimeZone::get(text).ok().map(|_| text.to_owned())
}

fn date(text: &str) -> Option<String> {
    text.parse::<jiff::civil::Date>()
        .ok()
        .map(|date| date.to_string())
}

fn month(text: &str) -> Option<String> {
    let first: jiff::civil::Date = format!("{text}-01").parse().ok()?;
    let month = first.strftime("%Y-%m").to_string();
    (month == text).then_some(month)
}

impl Month {
    /// Its first day.
    pub fn first(&self) -> jiff::civil::Date {
        let read = format!("{}-01", self.as_str()).parse();
        read.expect("it was a month when it was read")
    }
}

impl Date {
    /// As a day of the calendar.
    pub fn day(&self) -> jiff::civil::Date {
        let read = self.as_str().parse();
        read.expect("it was one when it was read")
    }
}

/// Reads a field that may be left out, be `null`, or hold a value: three different wishes.
pub fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_goes_there_and_back() {
        let moment: Moment =
            serde_json::from_str("\"2026-01-31T12:00:00.250+01:00\"").expect("valid");
        assert_eq!(moment, Moment(Timestamp(1_769_857_200_250)));
        assert_eq!(
            serde_json::to_string(&moment).expect("writes"),
            "\"2026-01-31T11:00:00.25Z\""
        );
    }

    #[test]
    fn what_people_mistype_is_refused() {
        for text in ["", "  ", "a\u{7}b"] {
            assert!(text.parse::<Title>().is_err(), "{text:?}");
        }
        for text in ["a", "a@", "@b", "a@b@c", "a b@c"] {
            assert!(text.parse::<Mail>().is_err(), "{text:?}");
        }
        assert!("euros".parse::<Currency>().is_err());
        assert!("XXX".parse::<Currency>().is_err(), "no currency at all");
        assert_eq!(
            "EUR"
                .parse::<Currency>()
                .map(|text| text.as_str().to_owned()),
            Ok("eur".to_owned())
        );
        assert!("Europe/Nowhere".parse::<TimeZone>().is_err());
        assert!("2026-02-30".parse::<Date>().is_err());
        for text in ["2026-13", "2026-1", "2026-01-01", "2026"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }
}
