//! Signing in by OpenID Connect: what goes along with somebody to the provider, and whom its answer vouches for. Without a
//! clock and without a socket, but for [`provider`].

pub mod provider;
mod token;

pub use token::{Expected, Keys, Wrong, subject};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::bytes::{ByteArray, ByteSlice};
use sha2::{Digest as _, Sha256};
use shared::time::{Span, Timestamp};
use subtle::ConstantTimeEq as _;

/// Whoever was sent to the provider comes back within so long.
pub const AWAY: Span = Span::minutes(10);

/// What a browser carries, sealed, while somebody is at the provider. All that the provider gets of it is made of one secret
/// by SHA-256, so that none of it tells another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// When.
    pub at: Timestamp,
    /// Who links an account, and in which session; none: somebody signs in.
    pub linking: Option<(i64, i64)>,
    /// Random.
    pub secret: [u8; 32],
}

impl Begun {
    /// As it is sealed.
    #[must_use]
    pub fn written(&self) -> Vec<u8> {
        let fields = (
            self.at.0,
            self.linking,
            <&ByteSlice>::from(&self.secret[..]),
        );
        minicbor::to_vec(fields).expect("writing to memory cannot fail")
    }

    /// What was sealed; none: nothing of the kind.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (at, linking, secret): (_, _, ByteArray<32>) = minicbor::decode(bytes).ok()?;
        Some(Self {
            at: Timestamp(at),
            linking,
            secret: secret.into(),
        })
    }

    /// Whether somebody comes back with this, and in time (RFC 6749, 10.12).
    #[must_use]
    pub fn fits(&self, state: &str, now: Timestamp) -> bool {
        let same = self.state().as_bytes().ct_eq(state.as_bytes());
        bool::from(same) && now >= self.at && now <= self.at + AWAY
    }

    /// What the provider sends back with the person.
    #[must_use]
    pub fn state(&self) -> String {
        self.derived("state")
    }

    /// What the ID token must repeat (OpenID Connect Core, 15.5.2).
    #[must_use]
    pub fn nonce(&self) -> String {
        self.derived("nonce")
    }

    /// By which only we get something for the code (RFC 7636, 4.1).
    #[must_use]
    pub fn verifier(&self) -> String {
        self.derived("verifier")
    }

    /// What the provider is told of the verifier beforehand: `S256` (RFC 7636, 4.2).
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    fn derived(&self, what: &str) -> String {
        let digest = Sha256::new_with_prefix(self.secret).chain_update(what);
        URL_SAFE_NO_PAD.encode(digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_767_607_200_000);

    fn begun(linking: Option<(i64, i64)>) -> Begun {
        Begun {
            at: NOW,
            linking,
            secret: [7; 32],
        }
    }

    #[test]
    fn what_is_carried_is_read_again_and_nothing_else() {
        for linking in [None, Some((3, 4))] {
            let carried = begun(linking);
            assert_eq!(Begun::read(&carried.written()), Some(carried));
        }
        assert_eq!(Begun::read(b""), None);
        assert_eq!(Begun::read(&[0x83, 0x01, 0xf6, 0x41, 0x00]), None);
    }

    #[test]
    fn only_who_comes_back_in_time_with_what_was_sent_along_fits() {
        let carried = begun(None);
        let state = carried.state();
        assert!(carried.fits(&state, NOW) && carried.fits(&state, NOW + AWAY));
        assert!(!carried.fits(&state, NOW + AWAY + Span(1)));
        assert!(!carried.fits(&state, Timestamp(NOW.0 - 1)));
        assert!(!carried.fits("", NOW) && !carried.fits(&carried.nonce(), NOW));
    }

    #[test]
    fn no_two_are_the_same() {
        let carried = begun(None);
        let mut all = vec![
            carried.state(),
            carried.nonce(),
            carried.verifier(),
            carried.challenge(),
        ];
        assert!(all.iter().all(|one| one.len() == 43), "{all:?}");
        all.dedup();
        assert_eq!(all.len(), 4);
    }
}
