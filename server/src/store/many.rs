//! Statements over many rows at once: of few different lengths, so that every text is prepared once and kept.

const LENGTHS: [usize; 7] = [64, 16, 8, 4, 3, 2, 1];

/// Cuts rows into parts of few different lengths, in order.
pub fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = LENGTHS.into_iter().find(|length| *length <= rows.len())?;
        let (part, rest) = rows.split_at(length);
        rows = rest;
        Some(part)
    })
}

/// `$2, $3, $4`: so many places, from the first on.
#[must_use]
pub fn list(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count)
        .map(|place| format!("${place}"))
        .collect();
    places.join(", ")
}

/// `($1, $2), ($3, $4)`: places for so many rows of so many columns, from the first on.
#[must_use]
pub fn rows(first: usize, rows: usize, columns: usize) -> String {
    let row = |row: usize| format!("({})", list(first + row * columns, columns));
    let rows: Vec<String> = (0..rows).map(row).collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_few_lengths_and_none_is_lost() {
        let numbers: Vec<u8> = (0..150).collect();
        let lengths: Vec<usize> = parts(&numbers).map(<[u8]>::len).collect();
        assert_eq!(lengths, [64, 64, 16, 4, 2]);
        assert_eq!(
            parts(&numbers).flatten().copied().collect::<Vec<u8>>(),
            numbers
        );
        assert_eq!(parts::<u8>(&[]).count(), 0);
    }

    #[test]
    fn places_are_counted_on() {
        assert_eq!(list(2, 3), "$2, $3, $4");
        assert_eq!(rows(3, 2, 2), "($3, $4), ($5, $6)");
    }
}
