//! Money as people write it: integer minor units inside, with a point outside.

use shared::receipts::NO_CURRENCY;

/// A currency in lower case, if it may be one: three letters (ISO 4217), and not those of none.
pub(crate) fn currency(text: &str) -> Option<String> {
    let good = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    let currency = text.to_ascii_lowercase();
    (good && currency != NO_CURRENCY).then_some(currency)
}

/// Digits after the point: most currencies have two, some none or three
/// (docs.stripe.com/currencies, "zero-decimal" and "three-decimal currencies").
fn places(currency: &str) -> usize {
    match currency {
        "bif" | "clp" | "djf" | "gnf" | "jpy" | "kmf" | "krw" | "mga" | "pyg" | "rwf" | "vnd"
        | "vuv" | "xaf" | "xof" | "xpf" => 0,
        "bhd" | "jod" | "kwd" | "omr" | "tnd" => 3,
        _ => 2,
    }
}

/// An amount in minor units as people write it, without its currency.
pub(crate) fn digits(amount: i64, currency: &str) -> String {
    let places = places(currency);
    let sign = if amount < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", amount.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at(digits.len() - places);
    let point = if places == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{part}")
}

/// An amount in minor units as people write it.
pub(crate) fn in_words(amount: i64, currency: &str) -> String {
    let digits = digits(amount, currency);
    format!("{digits} {}", currency.to_uppercase())
}

/// Reads an amount that is not negative, in minor units: whole, or with all the digits that its currency has after the
/// point. None for anything else.
pub(crate) fn read(text: &str, currency: &str) -> Option<i64> {
    let places = places(currency);
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) if places > 0 && part.len() == places => (whole, part.to_owned()),
        Some(_) => return None,
        None => (text, "0".repeat(places)),
    };
    let digits = format!("{whole}{part}");
    let plain = !whole.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_with_the_places_of_its_currency_and_read_again() {
        for (amount, currency, text) in [
            (4000, "eur", "40.00"),
            (5, "usd", "0.05"),
            (500, "jpy", "500"),
            (1500, "kwd", "1.500"),
        ] {
            let words = format!("{text} {}", currency.to_uppercase());
            assert_eq!(in_words(amount, currency), words);
            assert_eq!(read(text, currency), Some(amount));
        }
        assert_eq!(in_words(-250, "chf"), "-2.50 CHF");
        assert_eq!(read("40", "eur"), Some(4000));
    }

    #[test]
    fn what_may_mean_two_amounts_is_none() {
        for (text, currency) in [
            ("40.5", "eur"),
            ("40,00", "eur"),
            ("1.500", "eur"),
            ("5.0", "jpy"),
            ("-5", "eur"),
            ("+5", "eur"),
            (".50", "eur"),
            ("", "jpy"),
            ("99999999999999999999", "eur"),
        ] {
            assert_eq!(read(text, currency), None, "{text}");
        }
    }
}
