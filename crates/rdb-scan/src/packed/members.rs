//! Detection of members that occur twice in one value.

mod few;

use self::few::{FEW, Few};

/// Of values with more members than this, not all members are compared, or none.
pub(crate) const MAX_MEMBERS: usize = 1 << 18;
const SMALLEST_TABLE: usize = 64;
/// Values of at least this many members get [`ROOM`] places per member. In a nearly empty table the branch on a free
/// place is predicted well, which saves more than clearing the places costs.
const MANY: usize = 256;
/// Places per member of a large value.
const ROOM: usize = 8;
/// The most places that [`ROOM`] leads to, so that the table stays in the core's own cache.
const MOST_ROOM: usize = 1 << 15;

/// The hashes of the members of one value: a few in a list, more in an open-addressed table. The memory is reused for
/// the next value.
#[derive(Debug, Default)]
pub(crate) struct Members {
    few: Few,
    is_few: bool,
    // 0 is a free place. The size is a power of two, at most twice MAX_MEMBERS; at most half of it is used.
    table: Vec<u64>,
    len: usize,
    duplicate: bool,
    unchecked: bool,
    /// Whether comparison is switched off.
    off: bool,
}

/// Room for a number of members, which are added without checking for space.
pub(crate) struct Room<'m> {
    few: Option<&'m mut Few>,
    table: &'m mut [u64],
    added: usize,
    len: &'m mut usize,
    duplicate: &'m mut bool,
}

impl Room<'_> {
    /// Adds a member by its hash.
    #[inline(always)]
    pub(crate) fn push(&mut self, hash: u64) {
        match &mut self.few {
            // `room_for` has checked that it fits.
            Some(few) => _ = few.push(*self.len + self.added, hash),
            None if put(self.table, hash) => *self.duplicate = true,
            None => {}
        }
        self.added += 1;
    }
}

impl Drop for Room<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.len += self.added;
    }
}

/// Puts a hash into a table with a free place. Returns whether it was there.
#[inline(always)]
fn put(table: &mut [u64], hash: u64) -> bool {
    let hash = hash.max(1);
    let mask = table.len().wrapping_sub(1);
    let mut place = hash as usize & mask;
    while let Some(found) = table.get_mut(place) {
        if *found == 0 {
            *found = hash;
            return false;
        }
        if *found == hash {
            return true;
        }
        place = (place + 1) & mask;
    }
    false
}

impl Members {
    /// Switches comparison off for good.
    pub(crate) fn switch_off(&mut self) {
        self.off = true;
    }

    /// Drops the last value and makes room for about `expected` members. `alike` members, such as the fields of hashes,
    /// are often the same from one value to the next. They always go into a table, because the branches on its places
    /// are then predicted.
    #[inline]
    pub(crate) fn begin(&mut self, expected: u64, alike: bool) {
        (self.len, self.duplicate, self.unchecked) = (0, false, false);
        self.is_few = expected <= FEW as u64 && !alike && !self.off;
        if !self.is_few {
            self.make_table(expected);
        }
    }

    fn make_table(&mut self, expected: u64) {
        let expected = (expected as usize).clamp(SMALLEST_TABLE / 2, MAX_MEMBERS);
        let room = if expected < MANY { 0 } else { (ROOM * expected).min(MOST_ROOM) };
        let places = (2 * expected).max(room).next_power_of_two();
        self.table.clear();
        self.table.resize(if self.off { 0 } else { places }, 0);
    }

    /// Adds a member by its hash.
    #[inline]
    pub(crate) fn push(&mut self, hash: u64) {
        if self.is_few {
            if self.few.push(self.len, hash) {
                self.len += 1;
                return;
            }
            self.spill();
        }
        if 2 * self.len >= self.table.len() && !self.grow() {
            return;
        }
        self.len += 1;
        self.duplicate |= put(&mut self.table, hash);
    }

    /// Room for `members` more members, if nothing has to grow for them.
    #[inline]
    pub(crate) fn room_for(&mut self, members: u64) -> Option<Room<'_>> {
        let all = members.saturating_add(self.len as u64);
        let Self { few, is_few, table, len, duplicate, .. } = self;
        let fits = if *is_few { all <= FEW as u64 } else { all.saturating_mul(2) <= table.len() as u64 };
        let few = is_few.then_some(few);
        fits.then_some(Room { few, table, added: 0, len, duplicate })
    }

    /// Moves the list into a table.
    #[cold]
    fn spill(&mut self) {
        let count = std::mem::take(&mut self.len);
        self.is_few = false;
        self.make_table(2 * count as u64);
        for place in 0..count {
            let hash = self.few.hash(place);
            self.push(hash);
        }
    }

    /// Adds a member that cannot be read.
    pub(crate) fn push_unseen(&mut self) {
        self.unchecked = true;
    }

    /// Whether a member of the last value occurred twice, and whether some were not compared. Resets both.
    pub(crate) fn end(&mut self) -> (bool, bool) {
        if self.is_few && self.few.may_have_equal(self.len) {
            self.spill();
        }
        (self.is_few, self.len) = (false, 0);
        (std::mem::take(&mut self.duplicate), std::mem::take(&mut self.unchecked))
    }

    #[cold]
    fn grow(&mut self) -> bool {
        if self.len >= MAX_MEMBERS || self.table.is_empty() {
            self.unchecked = true;
            return false;
        }
        let places = 2 * self.table.len();
        let old = std::mem::replace(&mut self.table, vec![0; places]);
        self.len = 0;
        for hash in old.into_iter().filter(|hash| *hash != 0) {
            self.push(hash);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_is_there_twice_is_found_wherever_it_stands() {
        let mut members = Members::default();
        let mix = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for count in [1, 2, 3, 7, 8, 9, 20, 63, 64, 65, 200, 300] {
            for (expected, alike) in [(count, false), (count, true), (1, false), (0, true)] {
                let mut add = |again: Option<(u64, u64)>| {
                    members.begin(expected, alike);
                    for place in 0..count {
                        let twin = again.filter(|(_, second)| *second == place).map(|(first, _)| first);
                        members.push(mix(1 + twin.unwrap_or(place)));
                    }
                    members.end()
                };
                assert_eq!(add(None), (false, false), "{count} of {expected}");
                for second in 1..count {
                    for first in [0, second / 2, second - 1] {
                        let found = add(Some((first, second)));
                        assert_eq!(found, (true, false), "{first} and {second} of {count}");
                    }
                }
            }
        }
    }

    #[test]
    fn hashes_with_one_end_are_two() {
        let mut members = Members::default();
        members.begin(40, false);
        (1..40).for_each(|place| members.push(place << 16 | 7));
        assert_eq!(members.end(), (false, false));
    }
}
