//! Rows in memory.

use std::collections::HashMap;

/// A row with Stripe's id and the id it is grouped by (its customer, or nothing).
pub(crate) trait Row {
    fn id(&self) -> &str;
    fn group(&self) -> &str {
        ""
    }
}

/// Says of kinds of rows by which field they are grouped.
macro_rules! rows {
    ($($row:ty: $group:ident),+) => {
        $(impl crate::stripe_sim::table::Row for $row {
            fn id(&self) -> &str {
                &self.id
            }
            fn group(&self) -> &str {
                &self.$group
            }
        })+
    };
}
pub(crate) use rows;

/// Rows in the order of creation, found by id or by group.
#[derive(Clone, Debug)]
pub(crate) struct Table<T> {
    /// A removed row leaves its place empty.
    rows: Vec<Option<T>>,
    by_id: HashMap<String, usize>,
    by_group: HashMap<String, Vec<usize>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            by_id: HashMap::new(),
            by_group: HashMap::new(),
        }
    }
}

impl<T: Row> Table<T> {
    pub(crate) fn insert(&mut self, row: T) {
        let at = self.rows.len();
        self.by_id.insert(row.id().to_owned(), at);
        self.by_group
            .entry(row.group().to_owned())
            .or_default()
            .push(at);
        self.rows.push(Some(row));
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.by_id
            .get(id)
            .and_then(|at| self.rows.get(*at)?.as_ref())
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.by_id
            .get(id)
            .and_then(|at| self.rows.get_mut(*at)?.as_mut())
    }

    /// Forgets a row.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some(row) = self.by_id.remove(id).and_then(|at| self.rows.get_mut(at)) {
            *row = None;
        }
    }

    /// The row of an id that this program itself has handed out.
    pub(crate) fn must(&self, id: &str) -> &T {
        self.get(id)
            .unwrap_or_else(|| panic!("no such object in the simulated account: {id}"))
    }

    /// The row of an id that this program itself has handed out, to change it.
    pub(crate) fn must_mut(&mut self, id: &str) -> &mut T {
        self.get_mut(id)
            .unwrap_or_else(|| panic!("no such object in the simulated account: {id}"))
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.iter().flatten()
    }

    /// The rows of one group, oldest first.
    pub(crate) fn of(&self, group: &str) -> impl DoubleEndedIterator<Item = &T> {
        self.by_group
            .get(group)
            .into_iter()
            .flatten()
            .filter_map(|at| self.rows.get(*at)?.as_ref())
    }
}
