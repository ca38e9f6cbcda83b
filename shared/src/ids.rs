//! Every id has its own type; mixing two kinds does not compile.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An id was not of the allowed shape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// A name that people choose and topics carry.
    #[error("`{0}` is not a name: use 1 to 64 of a-z, A-Z, 0-9, `_` and `-`")]
    Name(String),
    /// A number made by the database.
    #[error("`{0}` is not a positive whole number")]
    Number(String),
}

fn check_name(text: &str) -> Result<(), IdError> {
    let good = (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if good {
        Ok(())
    } else {
        Err(IdError::Name(text.to_owned()))
    }
}

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text: 1 to 64 letters, digits, `_` or `-`.
            pub fn new(text: impl Into<String>) -> Result<Self, IdError> {
                let text = text.into();
                check_name(&text)?;
                Ok(Self(text))
            }

            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                encoder: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                encoder.str(&self.0)?;
                Ok(())
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(decoder: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::new(decoder.str()?).map_err(|_| minicbor::decode::Error::message("not a name"))
            }
        }
    )*};
}

names! {
    /// One club: its members, Stripe account and keys.
    OrganisationId
    /// An address with its time zone and holidays.
    LocationId
    /// The `X` of `membertype_X`.
    MembershipTypeId
    /// Doors that share one policy and one allow-list.
    ZoneId
    /// Weekly windows, named.
    ScheduleId
    /// One Raspberry Pi.
    AgentId
    /// One access point.
    DoorId
}

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            minicbor::Encode, minicbor::Decode,
        )]
        #[serde(transparent)]
        #[cbor(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(out)
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                match text.parse() {
                    Ok(number) if number > 0 => Ok(Self(number)),
                    Ok(_) | Err(_) => Err(IdError::Number(text.to_owned())),
                }
            }
        }
    )*};
}

numbers! {
    /// A person.
    MemberId
    /// The opaque number by which doors know a person.
    Holder
    /// A card or fob.
    CardId
    /// A fob that is lent.
    LoanerId
    /// Access given by an admin.
    GrantId
    /// Access withheld by an admin.
    HoldId
    /// A payment, Stripe's or recorded by hand.
    PaymentId
    /// Our row for a Stripe account.
    AccountId
}

/// One run of an agent, from start to end: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, minicbor::Encode, minicbor::Decode)]
#[cbor(transparent)]
pub struct BootId(#[cbor(with = "minicbor::bytes")] pub [u8; 16]);

impl fmt::Debug for BootId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
