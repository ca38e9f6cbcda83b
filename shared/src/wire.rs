//! What travels between server and doors: CBOR in a signed envelope, bound to its topic.
//!
//! Version 1 only grows: fields are appended with new indices, never moved or reused. The bytes are frozen by
//! `tests/wire_v1.rs`; when that fails, the change is wrong and not the test.

pub mod envelope;
pub mod messages;
pub mod pairing;
pub mod topics;

pub use envelope::{Kind, Opened, WireError, open, seal};
pub use messages::*;
pub use topics::Topic;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::allow_list::{Epoch, Revision};
    use crate::decide::Policy;
    use crate::time::Timestamp;

    #[test]
    fn of_rules_said_twice_those_are_named_that_are_read() {
        let revision = Revision {
            epoch: Epoch {
                number: 1,
                id: [1; 8],
            },
            number: 1,
        };
        let rules = |lockdown| Policy {
            lockdown,
            ..Policy::standard()
        };
        let mut body = minicbor::Encoder::new(Vec::new());
        body.map(4)
            .and_then(|body| body.u8(0)?.encode(revision))
            .and_then(|body| body.u8(1)?.encode(Timestamp(1)))
            .and_then(|body| body.u8(2)?.encode(rules(true)))
            .and_then(|body| body.u8(2)?.encode(rules(false)))
            .expect("writing to memory cannot fail");
        let body = body.into_writer();
        let read: PolicyMessage = minicbor::decode(&body).expect("it is a policy");
        let named = PolicyMessage::rules(&body).expect("it has rules");
        let named: Policy = minicbor::decode(named).expect("they are rules");
        assert_eq!(named, read.policy);
    }
}
