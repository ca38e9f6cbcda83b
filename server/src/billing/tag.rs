//! The membership type `X` that a price carries as `membertype_X`.
//!
//! Only the exact tag counts, case and all. What merely looks like one is reported, so that staff learn of a slip
//! before a member does.

use super::read::PriceInfo;
use shared::ids::MembershipTypeId;
use std::collections::BTreeSet;
use std::fmt;

/// What a tag begins with.
pub const PREFIX: &str = "membertype_";

/// The metadata key whose value is a membership type.
pub const METADATA_KEY: &str = "membertype";

/// Where a tag stands; earlier places win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The id of the price or plan.
    Id,
    /// The nickname, in the dashboard *price description*.
    Nickname,
    /// The name plans had until 2018.
    PlanName,
    /// The metadata of the price or plan.
    Metadata,
    /// The lookup key.
    LookupKey,
    /// The metadata of the product.
    ProductMetadata,
    /// The name of the product.
    ProductName,
    /// The description of the product.
    ProductDescription,
}

impl Place {
    /// All places, best first.
    pub const ALL: [Self; 8] = [
        Self::Id,
        Self::Nickname,
        Self::PlanName,
        Self::Metadata,
        Self::LookupKey,
        Self::ProductMetadata,
        Self::ProductName,
        Self::ProductDescription,
    ];

    /// A short name that does not change.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Nickname => "nickname",
            Self::PlanName => "plan_name",
            Self::Metadata => "metadata",
            Self::LookupKey => "lookup_key",
            Self::ProductMetadata => "product_metadata",
            Self::ProductName => "product_name",
            Self::ProductDescription => "product_description",
        }
    }

    /// The place of that short name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.as_str() == name)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Id => "price or plan id",
            Self::Nickname => "price description (nickname)",
            Self::PlanName => "plan name",
            Self::Metadata => "price metadata `membertype`",
            Self::LookupKey => "price lookup key",
            Self::ProductMetadata => "product metadata `membertype`",
            Self::ProductName => "product name",
            Self::ProductDescription => "product description",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.words())
    }
}

/// Something staff should look at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Warning {
    /// Almost a tag.
    #[error(
        "the {place} `{text}` looks like a membertype but is none: write `membertype_X` at its very beginning"
    )]
    NearMiss {
        /// Where.
        place: Place,
        /// The whole text.
        text: String,
    },
    /// A tag without a usable type.
    #[error(
        "the {place} `{text}` is tagged, but what follows `membertype_` is no type: use 1 to 64 of a-z, A-Z, 0-9 and `_`, not `0`"
    )]
    Malformed {
        /// Where.
        place: Place,
        /// The whole text.
        text: String,
    },
    /// Two places name different types.
    #[error("the {place} says `{x}` and the {other_place} says `{other_x}`: the {place} rules")]
    Disagree {
        /// Which rules.
        place: Place,
        /// What it says.
        x: String,
        /// Which is overruled.
        other_place: Place,
        /// What that says.
        other_x: String,
    },
    /// Well-formed, but no such type.
    #[error("there is no membership type `{x}`: make one, or correct the tag")]
    Unknown {
        /// What the tag says.
        x: String,
    },
    /// No such type, but one that is written almost so.
    #[error("there is no membership type `{x}`; did you mean `{meant}`?")]
    Almost {
        /// What the tag says.
        x: String,
        /// What exists.
        meant: MembershipTypeId,
    },
    /// Read as CiviCRM's extension did: only what follows the last `_`.
    #[error(
        "there is no membership type `{x}`; it is read as `{taken}`, as older installations did"
    )]
    LastPart {
        /// What the tag says.
        x: String,
        /// The type taken.
        taken: MembershipTypeId,
    },
}

/// A type that a price names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The `X` of `membertype_X`; well-formed, not yet known to exist.
    pub x: String,
    /// Where it stands.
    pub place: Place,
}

/// What a price says about membership.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    /// The type it names.
    pub found: Option<Found>,
    /// What staff should look at.
    pub warnings: Vec<Warning>,
}

/// A tag matched with the types there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// The type.
    pub membership: Option<MembershipTypeId>,
    /// What staff should look at.
    pub warning: Option<Warning>,
}

/// Reads the tag of a price: the first well-formed one by [`Place`] wins, a malformed one blocks none.
#[must_use]
pub fn resolve(price: &PriceInfo) -> Tag {
    let mut tag = Tag::default();
    for place in Place::ALL {
        for text in texts(price, place) {
            note(&mut tag, place, text);
        }
    }
    tag
}

/// Finds the type that `x` names: exactly, or else by the part after its last `_`.
#[must_use]
pub fn match_type(x: &str, known: &BTreeSet<MembershipTypeId>) -> Match {
    let named = |name: &str| {
        MembershipTypeId::new(name)
            .ok()
            .filter(|id| known.contains(id))
    };
    if let Some(id) = named(x) {
        return Match {
            membership: Some(id),
            warning: None,
        };
    }
    let x = x.to_owned();
    if let Some(taken) = x.rsplit_once('_').and_then(|(_, last)| named(last)) {
        return Match {
            membership: Some(taken.clone()),
            warning: Some(Warning::LastPart { x, taken }),
        };
    }
    let bare = |text: &str| text.trim_start_matches('0').to_ascii_lowercase();
    let meant = known
        .iter()
        .find(|id| bare(id.as_str()) == bare(&x))
        .cloned();
    let warning = match meant {
        Some(meant) => Warning::Almost { x, meant },
        None => Warning::Unknown { x },
    };
    Match {
        membership: None,
        warning: Some(warning),
    }
}

fn texts(price: &PriceInfo, place: Place) -> impl Iterator<Item = &str> {
    let product = price.product.as_ref();
    let (first, second) = match place {
        Place::Id => (Some(&price.id), price.plan.as_ref()),
        Place::Nickname => (price.nickname.as_ref(), None),
        Place::PlanName => (price.name.as_ref(), None),
        Place::Metadata => (price.metadata.get(METADATA_KEY), None),
        Place::LookupKey => (price.lookup_key.as_ref(), None),
        Place::ProductMetadata => (
            product.and_then(|product| product.metadata.get(METADATA_KEY)),
            None,
        ),
        Place::ProductName => (product.and_then(|product| product.name.as_ref()), None),
        Place::ProductDescription => (
            product.and_then(|product| product.description.as_ref()),
            None,
        ),
    };
    first.into_iter().chain(second).map(String::as_str)
}

fn note(tag: &mut Tag, place: Place, text: &str) {
    let owned = || text.to_owned();
    match read(place, text) {
        Reading::Tagged(x) => match &tag.found {
            None => {
                tag.found = Some(Found {
                    x: x.to_owned(),
                    place,
                })
            }
            Some(found) if found.x != x => tag.warnings.push(Warning::Disagree {
                place: found.place,
                x: found.x.clone(),
                other_place: place,
                other_x: x.to_owned(),
            }),
            Some(_) => {}
        },
        Reading::Malformed => tag.warnings.push(Warning::Malformed {
            place,
            text: owned(),
        }),
        Reading::NearMiss if tag.found.is_none() => tag.warnings.push(Warning::NearMiss {
            place,
            text: owned(),
        }),
        Reading::NearMiss | Reading::Nothing => {}
    }
}

enum Reading<'a> {
    Tagged(&'a str),
    Malformed,
    NearMiss,
    Nothing,
}

fn read(place: Place, text: &str) -> Reading<'_> {
    if let Some(rest) = text.strip_prefix(PREFIX) {
        let x = rest
            .split(|c: char| c == '-' || c == ':' || c.is_whitespace())
            .next()
            .unwrap_or(rest);
        return if is_type(x) {
            Reading::Tagged(x)
        } else {
            Reading::Malformed
        };
    }
    match place {
        // Under this key the type may stand alone.
        Place::Metadata | Place::ProductMetadata if is_type(text) => Reading::Tagged(text),
        Place::Metadata | Place::ProductMetadata => Reading::Malformed,
        Place::Id
        | Place::Nickname
        | Place::PlanName
        | Place::LookupKey
        | Place::ProductName
        | Place::ProductDescription => {
            if looks_like_a_tag(text) {
                Reading::NearMiss
            } else {
                Reading::Nothing
            }
        }
    }
}

/// `0` is what older installations read as *none*.
fn is_type(x: &str) -> bool {
    (1..=64).contains(&x.len())
        && x != "0"
        && x.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn looks_like_a_tag(text: &str) -> bool {
    let folded: String = text
        .chars()
        .filter(|c| !is_invisible(*c))
        .map(folded)
        .collect();
    if folded.contains(PREFIX) {
        return true;
    }
    let Some(rest) = folded.trim_start().strip_prefix("member") else {
        return false;
    };
    let rest = rest.strip_prefix(['_', '-']).unwrap_or(rest);
    let Some(rest) = rest.strip_prefix("type") else {
        return false;
    };
    rest.chars().next().is_none_or(|c| !c.is_alphabetic())
}

/// White space of no width, which copying brings along.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{00ad}'
    )
}

/// Lower case; full-width letters and digits as the usual ones.
fn folded(c: char) -> char {
    let code = u32::from(c);
    let usual = (0xff01..=0xff5e)
        .contains(&code)
        .then(|| char::from_u32(code - 0xfee0))
        .flatten();
    usual.unwrap_or(c).to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
