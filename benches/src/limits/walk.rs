//! The least that any reader does: stepping from length to length, without reading what is between.
//!
//! It supports the types that Redis 7 writes, and trusts the file: the only check is that no bytes are missing.

/// The role of a string in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A key.
    Key,
    /// A member of a set or sorted set, or a field of a hash, in a table.
    Member,
    /// A collection in one string.
    Packed(Packing),
    /// A string with contents that are not needed.
    Other,
}

/// The kind of a collection in one string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    /// A listpack with a member in every entry.
    Set,
    /// A listpack with a member in every other entry: a hash or a sorted set.
    Pairs,
    /// A listpack without members: a list, or a node of a stream.
    Items,
    /// Integers of one width.
    Intset,
}

/// A string as it is in the file.
#[derive(Debug, Clone, Copy)]
pub(super) enum Text<'f> {
    /// The text, or the one to four bytes of an integer.
    Plain(&'f [u8]),
    /// A compressed string.
    Lzf { packed: &'f [u8], declared: usize },
}

/// Receives the strings that the walk passes.
pub(super) trait Watcher<'f> {
    fn text(&mut self, _role: Role, _text: Text<'f>) {}
    /// Announces the number of members of a table.
    fn table(&mut self, _members: u64) {}
}

/// Ignores everything, for the walk alone.
impl Watcher<'_> for () {}

/// Walks a whole file. Returns the number of its keys, or `None` if the file has something unsupported or is
/// incomplete.
pub(super) fn walk<'f, W: Watcher<'f>>(file: &'f [u8], watcher: &mut W) -> Option<u64> {
    const HEADER_BYTES: usize = 9;
    let mut walk = Walk { rest: file.get(HEADER_BYTES..)?, watcher };
    let mut keys = 0;
    loop {
        match walk.byte()? {
            255 => return Some(keys),
            254 | 248 => drop(walk.number()?),
            253 => drop(walk.take(4)?),
            252 => drop(walk.take(8)?),
            251 => {
                walk.number()?;
                walk.number()?;
            }
            250 => {
                walk.text(Role::Other)?;
                walk.text(Role::Other)?;
            }
            249 => drop(walk.byte()?),
            245 => walk.text(Role::Other)?,
            type_id => {
                walk.text(Role::Key)?;
                walk.value(type_id)?;
                keys += 1;
            }
        }
    }
}

struct Walk<'f, 'w, W> {
    rest: &'f [u8],
    watcher: &'w mut W,
}

impl<'f, W: Watcher<'f>> Walk<'f, '_, W> {
    #[inline]
    fn value(&mut self, type_id: u8) -> Option<()> {
        match type_id {
            0 => self.text(Role::Other),
            1 => (0..self.number()?).try_for_each(|_| self.text(Role::Other)),
            2 => self.table(|_| Some(())),
            4 => self.table(|walk| walk.text(Role::Other)),
            5 => self.table(|walk| walk.take(8).map(drop)),
            11 => self.text(Role::Packed(Packing::Intset)),
            16 | 17 => self.text(Role::Packed(Packing::Pairs)),
            20 => self.text(Role::Packed(Packing::Set)),
            18 => self.quicklist(),
            15 => self.stream(1),
            19 => self.stream(2),
            21 => self.stream(3),
            _ => None,
        }
    }

    fn table(&mut self, rest_of_row: impl Fn(&mut Self) -> Option<()>) -> Option<()> {
        let rows = self.number()?;
        self.watcher.table(rows);
        for _ in 0..rows {
            self.text(Role::Member)?;
            rest_of_row(self)?;
        }
        Some(())
    }

    fn quicklist(&mut self) -> Option<()> {
        const PLAIN: u64 = 1;
        for _ in 0..self.number()? {
            let role = if self.number()? == PLAIN { Role::Other } else { Role::Packed(Packing::Items) };
            self.text(role)?;
        }
        Some(())
    }

    fn stream(&mut self, version: u8) -> Option<()> {
        const ID_BYTES: usize = 16;
        const TIME_BYTES: usize = 8;
        for _ in 0..self.number()? {
            self.text(Role::Other)?;
            self.text(Role::Packed(Packing::Items))?;
        }
        self.numbers(if version >= 2 { 8 } else { 3 })?;
        for _ in 0..self.number()? {
            self.text(Role::Other)?;
            self.numbers(if version >= 2 { 3 } else { 2 })?;
            for _ in 0..self.number()? {
                self.take(ID_BYTES + TIME_BYTES)?;
                self.number()?;
            }
            for _ in 0..self.number()? {
                self.text(Role::Other)?;
                self.take(if version >= 3 { 2 * TIME_BYTES } else { TIME_BYTES })?;
                let ids = usize::try_from(self.number()?).ok()?;
                self.take(ids.checked_mul(ID_BYTES)?)?;
            }
        }
        Some(())
    }

    fn text(&mut self, role: Role) -> Option<()> {
        let first = *self.rest.first()?;
        let text = match first {
            0..0xc0 => {
                let bytes = self.number()?;
                Text::Plain(self.take(usize::try_from(bytes).ok()?)?)
            }
            0xc0..0xc3 => {
                self.byte()?;
                Text::Plain(self.take(1 << (first & 3))?)
            }
            0xc3 => {
                self.byte()?;
                let packed = usize::try_from(self.number()?).ok()?;
                let declared = usize::try_from(self.number()?).ok()?;
                Text::Lzf { packed: self.take(packed)?, declared }
            }
            _ => return None,
        };
        self.watcher.text(role, text);
        Some(())
    }

    fn numbers(&mut self, count: u8) -> Option<()> {
        (0..count).try_for_each(|_| self.number().map(drop))
    }

    #[inline]
    fn number(&mut self) -> Option<u64> {
        let first = self.byte()?;
        Some(match first >> 6 {
            0 => u64::from(first),
            1 => u64::from(first & 0x3f) << 8 | u64::from(self.byte()?),
            2 if first == 0x80 => u64::from(u32::from_be_bytes(self.array()?)),
            2 if first == 0x81 => u64::from_be_bytes(self.array()?),
            _ => return None,
        })
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (first, behind) = self.rest.split_first()?;
        self.rest = behind;
        Some(*first)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.first_chunk().copied()
    }

    #[inline]
    fn take(&mut self, bytes: usize) -> Option<&'f [u8]> {
        let (taken, behind) = self.rest.split_at_checked(bytes)?;
        self.rest = behind;
        Some(taken)
    }
}
