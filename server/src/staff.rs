//! How people with rights sign in: password and code, tries, sessions.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use sha2::{Digest as _, Sha256};
use shared::time::{Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

/// A password has at least so many characters (OWASP ASVS 5.0, 6.2.1: 15 are better than 8).
pub const SHORTEST: usize = 12;
/// And at most so many.
pub const LONGEST: usize = 200;
/// A code is good for so many seconds (RFC 6238, section 5.2).
const STEP: i64 = 30;
/// Clocks of phones are off by so many steps.
const OFF: i64 = 1;
/// So many wrong tries cost nothing.
const FREE: i64 = 5;
/// Whoever failed oftener waits twice as long each time, beginning with this.
const WAIT: Span = Span::seconds(30);
/// But never longer.
const LONGEST_WAIT: Span = Span::minutes(15);
/// A session that is not used ends.
pub const IDLE: Span = Span::hours(12);
/// Every session ends.
pub const LIFE: Span = Span::days(14);
/// An invitation works for so long.
pub const INVITED: Span = Span::days(7);

/// What somebody wants as a password.
pub struct Password(Zeroizing<String>);

impl Password {
    /// As it was typed.
    #[must_use]
    pub fn typed(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Whether it will do; what is known of the person is guessed first.
    #[must_use]
    pub fn is_good(&self, known: &[&str]) -> bool {
        let length = self.0.chars().count();
        (SHORTEST..=LONGEST).contains(&length)
            && zxcvbn::zxcvbn(&self.0, known).score() >= zxcvbn::Score::Three
    }
}

/// Hashes passwords, a few at a time: each takes 19 MiB (OWASP Password Storage Cheat Sheet: argon2id, 2 passes).
#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(PLACES)),
            turns: Arc::new(Semaphore::new(2)),
        }
    }
}

/// So many at most wait for their turn or have it: about a second on a small machine. More are sent away at once, so that a
/// flood neither fills the memory nor keeps people waiting for ever.
pub const PLACES: usize = 16;

/// A place among those who wait; given back when it is dropped.
pub struct Place {
    _held: OwnedSemaphorePermit,
}

impl Passwords {
    /// A place in the queue; none: too many wait.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let held = self.places.clone().try_acquire_owned().ok()?;
        Some(Place { _held: held })
    }

    /// As it is stored. None if the process has no thread left.
    pub async fn hash(&self, place: Place, password: Password, salt: [u8; 16]) -> Option<String> {
        let turn = self.turns.clone().acquire_owned().await.ok()?;
        let hashed = tokio::task::spawn_blocking(move || {
            let salt = SaltString::encode_b64(&salt).expect("16 bytes are a salt");
            let hash = Argon2::default().hash_password(password.0.as_bytes(), &salt);
            drop((turn, place));
            hash.expect("a password of any length has a hash")
                .to_string()
        });
        hashed.await.ok()
    }

    /// Whether it is the one that is stored. Where none is stored it is not, and that takes as long.
    pub async fn fits(&self, place: Place, password: Password, stored: Option<String>) -> bool {
        let Ok(turn) = self.turns.clone().acquire_owned().await else {
            return false;
        };
        let verified = tokio::task::spawn_blocking(move || {
            let known = stored.is_some();
            let stored = stored.unwrap_or_else(|| NOBODYS.to_owned());
            let fits = PasswordHash::new(&stored).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.0.as_bytes(), &hash)
                    .is_ok()
            });
            drop((turn, place));
            known && fits
        });
        verified.await.unwrap_or(false)
    }
}

/// The hash of a password that nobody has, made like all others.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The secret that a phone makes codes of: 160 bits (RFC 4226, section 4).
pub struct CodeSecret(Zeroizing<Vec<u8>>);

impl CodeSecret {
    /// From fresh randomness, or as it was kept; none if it is too short to be one.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= 20).then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// From what people type and phones read (RFC 4648, base32).
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_uppercase();
        let secret = totp_rs::Secret::try_from_base32(text).ok()?;
        Self::new(secret.as_ref())
    }

    /// As people type it.
    #[must_use]
    pub fn text(&self) -> String {
        totp_rs::Secret::from(self.0.to_vec()).to_base32()
    }

    /// As it is sealed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// What phones read from a picture (Google Authenticator's key URI format); none if a name cannot be written there.
    #[must_use]
    pub fn uri(&self, club: &str, mail: &str) -> Option<String> {
        let (club, mail) = (club.replace(':', " "), mail.replace(':', " "));
        let totp = self.totp().with_account_name(mail).with_issuer(Some(club));
        totp.build_noncompliant().to_url().ok()
    }

    /// The time step for which this is the code, if it is one that was not used: later than `used`.
    #[must_use]
    pub fn step(&self, code: &str, used: i64, now: Timestamp) -> Option<i64> {
        let code: String = code
            .chars()
            .filter(|letter| !letter.is_whitespace())
            .collect();
        let current = now.as_seconds().div_euclid(STEP);
        (current - OFF..=current + OFF)
            .filter(|step| *step > used)
            .find(|step| self.of_step(*step).as_bytes().ct_eq(code.as_bytes()).into())
    }

    /// What the phone shows now.
    #[must_use]
    pub fn code(&self, now: Timestamp) -> String {
        self.of_step(now.as_seconds().div_euclid(STEP))
    }

    /// The code of a time step.
    fn of_step(&self, step: i64) -> String {
        let totp = self.totp().build_noncompliant();
        totp.generate((step * STEP).unsigned_abs()).to_string()
    }

    fn totp(&self) -> totp_rs::Builder {
        totp_rs::Builder::new()
            .with_secret(self.0.to_vec())
            .with_step_duration(STEP.unsigned_abs())
    }
}

/// From when on somebody may try again who failed so often, the last time then.
#[must_use]
pub fn may_try(failures: i64, failed_at: Option<Timestamp>) -> Option<Timestamp> {
    let over = failures - FREE;
    let failed_at = failed_at.filter(|_| over >= 0)?;
    let doubled = u32::try_from(over.min(10)).map_or(1, |over| 1_i64 << over);
    let wait = Span(WAIT.0 * doubled).min(LONGEST_WAIT);
    Some(failed_at + wait)
}

/// So many addresses that are nobody's are kept apart; the one that was tried longest ago goes first.
const STRANGERS: usize = 10_000;

/// Tries by addresses that are nobody's: they wait as those of people do, or waiting would tell who is there.
#[derive(Default)]
pub struct Strangers {
    tries: BTreeMap<[u8; 32], (i64, Timestamp)>,
}

impl Strangers {
    /// Counts a try; false if it comes too soon and does not count.
    pub fn may_try(&mut self, mail: &str, now: Timestamp) -> bool {
        let known = digest(mail);
        let (failures, failed_at) = match self.tries.get(&known) {
            Some((failures, failed_at)) => (*failures, Some(*failed_at)),
            None => (0, None),
        };
        if may_try(failures, failed_at).is_some_and(|from| now < from) {
            return false;
        }
        self.tries.insert(known, (failures + 1, now));
        if self.tries.len() > STRANGERS {
            let oldest = self.tries.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(oldest) = oldest.map(|(mail, _)| *mail) {
                self.tries.remove(&oldest);
            }
        }
        true
    }
}

/// Whether a session that began and was last seen then is over.
#[must_use]
pub fn is_over(created_at: Timestamp, seen_at: Timestamp, now: Timestamp) -> bool {
    now >= created_at + LIFE || now >= seen_at + IDLE
}

/// By which a secret that somebody carries is found: nobody can make it from what is stored.
#[must_use]
pub fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_111_111_109);

    fn secret() -> CodeSecret {
        CodeSecret::new(b"12345678901234567890").expect("20 bytes")
    }

    #[test]
    fn codes_are_those_of_the_rfc_and_each_is_used_once() {
        // RFC 6238, appendix B: 07081804 at 1111111109, of which six digits are asked for.
        let step = 1_111_111_109 / 30;
        assert_eq!(secret().step("081804", 0, NOW), Some(step));
        assert_eq!(secret().step("081 804", step - 1, NOW), Some(step));
        assert_eq!(secret().step("081804", step, NOW), None, "used");
        assert_eq!(secret().step("081805", 0, NOW), None);
        assert_eq!(secret().step("", 0, NOW), None);
        for (seconds, fits) in [(-60, false), (-30, true), (30, true), (60, false)] {
            let later = secret().step("081804", 0, NOW + Span::seconds(seconds));
            assert_eq!(later.is_some(), fits, "{seconds} s later");
        }
    }

    #[test]
    fn a_secret_is_read_as_it_was_shown() {
        let text = secret().text();
        let again = CodeSecret::read(&format!(" {} ", text.to_lowercase())).expect("it is one");
        assert_eq!(again.bytes(), secret().bytes());
        assert!(CodeSecret::read("MFRGG").is_none(), "too short");
        assert!(CodeSecret::read("?").is_none());
        let uri = secret()
            .uri("Holz & Co", "a@example.org")
            .expect("it can be written");
        assert!(
            uri.starts_with("otpauth://totp/Holz%20%26%20Co:a%40example.org?"),
            "{uri}"
        );
        assert!(uri.contains(&format!("secret={text}")), "{uri}");
    }

    #[test]
    fn who_fails_often_waits_longer_and_never_long() {
        assert_eq!(may_try(4, Some(NOW)), None);
        assert_eq!(may_try(5, Some(NOW)), Some(NOW + Span::seconds(30)));
        assert_eq!(may_try(7, Some(NOW)), Some(NOW + Span::seconds(120)));
        for failures in [11, 60, 64, i64::MAX] {
            assert_eq!(may_try(failures, Some(NOW)), Some(NOW + Span::minutes(15)));
        }
    }

    #[test]
    fn sessions_end_by_rest_and_by_age() {
        assert!(!is_over(NOW, NOW, NOW + Span::hours(12) - Span(1)));
        assert!(is_over(NOW, NOW, NOW + Span::hours(12)));
        let seen = NOW + Span::days(14) - Span::hours(1);
        assert!(!is_over(NOW, seen, NOW + Span::days(14) - Span(1)));
        assert!(is_over(NOW, seen, NOW + Span::days(14)));
    }

    #[test]
    fn easy_passwords_are_refused() {
        for bad in [
            "",
            "correct",
            "password1234",
            "aaaaaaaaaaaaaaaa",
            "qwertzuiop12",
        ] {
            assert!(!Password::typed(bad.to_owned()).is_good(&[]), "{bad}");
        }
        let name = Password::typed("BetonmischerPaula".to_owned());
        assert!(!name.is_good(&["Betonmischer", "Paula", "BetonmischerPaula"]));
        assert!(Password::typed("lathe cobalt seventeen drum".to_owned()).is_good(&[]));
        assert!(!Password::typed("x".repeat(201)).is_good(&[]));
    }

    #[tokio::test]
    async fn a_password_fits_itself_alone() {
        let passwords = Passwords::default();
        let password = |text: &str| Password::typed(text.to_owned());
        let place = || passwords.place().expect("nobody else waits");
        let stored = passwords
            .hash(place(), password("lathe cobalt"), [7; 16])
            .await;
        assert!(
            stored
                .as_ref()
                .is_some_and(|hash| hash.starts_with("$argon2id$"))
        );
        assert!(
            passwords
                .fits(place(), password("lathe cobalt"), stored.clone())
                .await
        );
        assert!(
            !passwords
                .fits(place(), password("lathe cobald"), stored)
                .await
        );
        assert!(
            !passwords
                .fits(place(), password("lathe cobalt"), None)
                .await
        );
    }

    #[tokio::test]
    async fn who_finds_no_place_is_sent_away_and_a_place_is_given_back() {
        let passwords = Passwords::default();
        let taken: Vec<Place> = (0..PLACES).filter_map(|_| passwords.place()).collect();
        assert_eq!(taken.len(), PLACES);
        assert!(passwords.place().is_none());
        drop(taken);
        let place = passwords.place().expect("there is room");
        let password = Password::typed("a guess".to_owned());
        assert!(!passwords.fits(place, password, None).await);
        let free: Vec<Place> = (0..PLACES).filter_map(|_| passwords.place()).collect();
        assert_eq!(free.len(), PLACES, "the one that was used is free again");
    }

    #[test]
    fn strangers_wait_as_people_do_and_are_forgotten_when_there_are_too_many() {
        let mut strangers = Strangers::default();
        let now = Timestamp(0);
        let tried = (0..7)
            .map(|_| strangers.may_try("a", now))
            .collect::<Vec<_>>();
        assert_eq!(tried, [true, true, true, true, true, false, false]);
        assert!(strangers.may_try("a", now + WAIT));
        for number in 0..STRANGERS {
            assert!(strangers.may_try(&number.to_string(), now + LIFE));
        }
        assert_eq!(strangers.tries.len(), STRANGERS);
        assert!(!strangers.tries.contains_key(&digest("a")));
    }
}
