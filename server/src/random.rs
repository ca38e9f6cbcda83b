//! The only place in the server that asks the system for randomness.

use rand_core::{TryCryptoRng, TryRng, UnwrapErr};
use std::convert::Infallible;

/// The system's randomness.
#[expect(
    clippy::disallowed_types,
    reason = "the one place that asks; everything else is handed it"
)]
#[must_use]
pub fn system() -> Box<dyn rand_core::CryptoRng + Send> {
    Box::new(UnwrapErr::<getrandom::SysRng>::default())
}

/// Randomness behind a function: lets a locked generator be handed on without holding its lock.
pub struct Handed<F>(F);

impl<F: FnMut(&mut [u8])> Handed<F> {
    /// Randomness from a function that fills bytes from a cryptographic generator.
    pub fn new(fill: F) -> Self {
        Self(fill)
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.0)(&mut bytes);
        bytes
    }
}

impl<F: FnMut(&mut [u8])> TryRng for Handed<F> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(u32::from_le_bytes(self.bytes()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from_le_bytes(self.bytes()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        (self.0)(bytes);
        Ok(())
    }
}

impl<F: FnMut(&mut [u8])> TryCryptoRng for Handed<F> {}
