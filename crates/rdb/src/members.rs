//! Members that occur twice in one value.

/// Values with more members than this are not checked for duplicates.
pub(crate) const MAX_MEMBERS: usize = 1 << 18;
const SMALLEST_TABLE: usize = 64;
/// Whether a place is free is foreseen where nearly all are, which is worth more than the clearing of as many: from
/// values of so many members on, each gets
const MANY: usize = 256;
/// so many places,
const ROOM: usize = 8;
/// as long as the table stays in the core's own cache.
const MOST_ROOM: usize = 1 << 15;

/// The hashes of the members of one value: an open table, kept from one value to the next for its memory.
#[derive(Debug, Default)]
pub(crate) struct Members {
    // Zeros are free places. A power of two, at most twice MAX_MEMBERS, and at most half full.
    table: Vec<u64>,
    len: usize,
    duplicate: bool,
    unchecked: bool,
    /// Nothing is compared.
    off: bool,
}

/// Room for some members, which are added without a look at how many there are.
pub(crate) struct Room<'m> {
    table: &'m mut [u64],
    len: &'m mut usize,
    duplicate: &'m mut bool,
    added: usize,
}

impl Room<'_> {
    /// Adds a member by its hash.
    #[inline(always)]
    pub(crate) fn push(&mut self, hash: u64) {
        self.added += 1;
        if put(self.table, hash) {
            *self.duplicate = true;
        }
    }
}

impl Drop for Room<'_> {
    #[inline]
    fn drop(&mut self) {
        *self.len += self.added;
    }
}

/// Puts a hash into a table with a free place; whether it was there.
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
    /// Compares nothing from now on.
    pub(crate) fn switch_off(&mut self) {
        self.off = true;
    }

    /// Forgets the last value and makes room for about so many members.
    pub(crate) fn begin(&mut self, expected: u64) {
        let expected = (expected as usize).clamp(SMALLEST_TABLE / 2, MAX_MEMBERS);
        let room = if expected < MANY { 0 } else { (ROOM * expected).min(MOST_ROOM) };
        let places = (2 * expected).max(room).next_power_of_two();
        self.table.clear();
        self.table.resize(if self.off { 0 } else { places }, 0);
        self.len = 0;
        self.duplicate = false;
        self.unchecked = false;
    }

    /// Adds a member by its hash.
    #[inline]
    pub(crate) fn push(&mut self, hash: u64) {
        if 2 * self.len >= self.table.len() && !self.grow() {
            return;
        }
        self.len += 1;
        self.duplicate |= put(&mut self.table, hash);
    }

    /// Has room for so many more, if nothing has to grow for that.
    #[inline]
    pub(crate) fn room_for(&mut self, members: u64) -> Option<Room<'_>> {
        let all = members.saturating_add(self.len as u64);
        let Self { table, len, duplicate, .. } = self;
        (all.saturating_mul(2) <= table.len() as u64).then_some(Room { table, len, duplicate, added: 0 })
    }

    /// Adds a member that cannot be looked at.
    pub(crate) fn push_unseen(&mut self) {
        self.unchecked = true;
    }

    /// Whether a member of the last value occurred twice, and whether not all of them were compared. Once.
    pub(crate) fn end(&mut self) -> (bool, bool) {
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
