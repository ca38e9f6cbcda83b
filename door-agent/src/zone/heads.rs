//! What verified heads say of a zone: which of them is news, which list and which policy it names.
//!
//! A server's clock may be set back, so it is the numbers that order heads. When a head was issued decides only between
//! heads that say the same, and how fresh the contact is.

use super::{HeldPolicy, Zone, identity, policy_identity};
use shared::allow_list::{Digest, Revision, compare};
use shared::wire::{Head, RefusedWhy};

/// Heads remembered, for a snapshot that arrives after the list has moved on.
const HEADS: usize = 64;

impl Zone {
    /// Whether a head continues what is held; it changes nothing otherwise.
    pub fn check_head(&self, head: &Head) -> Result<(), RefusedWhy> {
        let offered = (head.revision, head.digest);
        let newest = self.head.as_ref().map(|head| (head.revision, head.digest));
        for held in [self.highest, newest].into_iter().flatten() {
            compare(held, offered)?;
        }
        Ok(())
    }

    /// Takes a head that was checked, if it is news: the first, one issued after all others, or one that names a higher
    /// revision or a higher policy than the newest, whenever it was issued.
    pub fn hear_head(&mut self, head: Head) {
        if self.issued.is_none_or(|issued| head.issued_at > issued) {
            self.issued = Some(head.issued_at);
            self.set_aside = None;
            self.take_head(head);
        } else {
            self.place(head);
        }
    }

    /// Takes a head that was issued before others if its numbers are higher, and sets it aside while that is unknown.
    fn place(&mut self, head: Head) {
        let Some(newest) = &self.head else {
            return;
        };
        let named = |head: &Head| (head.revision, head.digest);
        let Ok(list) = compare(named(newest), named(&head)) else {
            return;
        };
        let known = self.is_held(newest);
        if list.is_gt() {
            self.take_head(head);
        } else if head.policy == newest.policy || self.is_held(&head) {
            // Nothing it names is higher.
        } else if self.is_offered(&head) {
            let replaced = self.head.take();
            self.take_head(head);
            // What it names may be higher still.
            self.set_aside = replaced.filter(|_| !known);
        } else {
            self.set_aside = Some(head);
        }
    }

    fn take_head(&mut self, head: Head) {
        let named = (head.revision, head.digest);
        if self.heads.back() != Some(&named) {
            if self.heads.len() == HEADS {
                self.heads.pop_front();
            }
            self.heads.push_back(named);
        }
        self.head = Some(head);
        self.order_keys();
        self.note_contact();
    }

    /// Whether the list is behind what a head names, or what was once accepted.
    #[must_use]
    pub fn wants_list(&self) -> bool {
        let held = self.list.as_ref().map(|held| identity(&held.list));
        let Some(held) = held else { return true };
        let behind =
            |other: (Revision, Digest)| compare(held, other).is_ok_and(std::cmp::Ordering::is_gt);
        self.highest.is_some_and(behind)
            || self
                .head
                .as_ref()
                .is_some_and(|head| behind((head.revision, head.digest)))
    }

    /// Whether the newest head names a policy that is not in force, or another may name a newer one.
    #[must_use]
    pub fn wants_policy(&self) -> bool {
        self.head
            .as_ref()
            .map_or(self.policy.is_none(), |head| !self.is_held(head))
            || self.set_aside.is_some()
    }

    /// Takes an offer of a policy; it waits until a head names it.
    pub fn offer_policy(&mut self, offered: HeldPolicy) -> Result<(), RefusedWhy> {
        if let Some(held) = &self.policy
            && compare(policy_identity(held), policy_identity(&offered))?.is_eq()
        {
            // The broker has nothing newer: what was set aside names something older.
            self.set_aside = None;
            return Ok(());
        }
        let newer = self.offered_policy.as_ref().is_none_or(|waiting| {
            compare(policy_identity(waiting), policy_identity(&offered)).is_ok()
                || self.is_named(&offered)
        });
        if newer {
            self.offered_policy = Some(offered);
        }
        if let Some(head) = self.set_aside.take() {
            self.place(head);
        }
        Ok(())
    }

    /// The offered policy, if the newest head names it; to be stored and then put in force.
    pub fn take_named_policy(&mut self) -> Option<HeldPolicy> {
        self.offered_policy.take_if(|offered| {
            self.head
                .as_ref()
                .is_some_and(|head| head.policy == offered.digest)
        })
    }

    /// Puts a policy in force.
    pub fn set_policy(&mut self, policy: HeldPolicy) {
        self.policy = Some(policy);
    }

    fn is_held(&self, head: &Head) -> bool {
        self.policy
            .as_ref()
            .is_some_and(|held| held.digest == head.policy)
    }

    /// Whether a head names the policy that waits, which is always higher than the one in force.
    fn is_offered(&self, head: &Head) -> bool {
        self.offered_policy
            .as_ref()
            .is_some_and(|offered| offered.digest == head.policy)
    }

    fn is_named(&self, offered: &HeldPolicy) -> bool {
        self.head
            .as_ref()
            .is_some_and(|head| head.policy == offered.digest)
    }
}
