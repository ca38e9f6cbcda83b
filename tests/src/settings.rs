//! What a run of the tests is told from outside.

/// A whole number in an environment variable; none if it is not set.
///
/// # Panics
/// If it holds something else.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the named place for settings of tests"
)]
pub fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.trim()
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a whole number, not `{text}`")),
    )
}

/// A number that nobody chose, for a run that was told none.
///
/// # Panics
/// If the system has no randomness.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "a fresh seed, which the run prints so that it can be repeated"
)]
pub fn fresh_seed() -> u64 {
    u64::from(getrandom::u32().expect("randomness of the system"))
}
