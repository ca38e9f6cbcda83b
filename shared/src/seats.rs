//! Seats: who loses one when fewer are paid for than members were named.

use crate::time::Timestamp;

/// A seat of a subscription item that an admin gave to a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedSeat {
    /// Counted from 1.
    pub seat: u32,
    /// Since when; none: it is not on record.
    pub named_at: Option<Timestamp>,
}

/// The place of a seat among all that were named of its item: it is paid for as long as its place is not beyond the
/// quantity. The first seat is the payer's own, whatever comes; the others have their places in the order of naming, so
/// that the last-named is the first to lose one, and a seat that nobody has is lost before any.
#[must_use]
pub fn place(seat: NamedSeat, all: &[NamedSeat]) -> u32 {
    if seat.seat <= 1 || seat.named_at.is_none() {
        return seat.seat;
    }
    let order = |seat: &NamedSeat| (seat.named_at, seat.seat);
    let further = all.iter().filter(|other| other.seat > 1);
    let before = further.filter(|other| order(other) < order(&seat)).count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(seat: u32, day: i64) -> NamedSeat {
        NamedSeat {
            seat,
            named_at: Some(Timestamp::from_seconds(day * 86_400)),
        }
    }

    #[test]
    fn places_follow_the_order_of_naming_and_leave_no_gap() {
        let all = [named(1, 9), named(3, 1), named(5, 2), named(2, 3)];
        let places = all.map(|seat| place(seat, &all));
        assert_eq!(places, [1, 2, 3, 4]);
    }

    #[test]
    fn the_payers_own_seat_is_the_first_although_nobody_was_named_for_it() {
        let all = [named(2, 1), named(3, 1)];
        assert_eq!(all.map(|seat| place(seat, &all)), [2, 3]);
    }

    #[test]
    fn without_a_moment_on_record_the_number_counts() {
        let old = NamedSeat {
            seat: 3,
            named_at: None,
        };
        assert_eq!(place(old, &[old]), 3);
    }
}
