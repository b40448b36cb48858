//! Keys that two databases bring to one.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hasher},
    io::Read,
};

use rdb_scan::walk::{Head, Step, Walk};

use crate::{ConvertError, Options, engine::why_gone};

/// Conflicts are looked for among at most this many keys, not counting those of the largest database that goes to the
/// same one: 1 GiB of memory.
pub const MAX_COMPARED_KEYS: u64 = 1 << 26;

/// Keys that occur more than once, as hashes, in ascending order, with how often they occur.
#[derive(Debug, Clone, Default)]
pub(crate) struct Duplicates {
    hashes: Vec<u128>,
    counts: Vec<u32>,
    /// Keys that were not compared, because there are too many.
    pub(crate) unchecked: u64,
}

impl Duplicates {
    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    /// The place of a key among these.
    pub(crate) fn place(&self, database: u64, prefix: &[u8], key: &[u8]) -> Option<usize> {
        if self.hashes.is_empty() {
            return None;
        }
        self.hashes.binary_search(&hash(database, prefix, key)).ok()
    }

    pub(crate) fn count(&self, place: usize) -> u32 {
        self.counts.get(place).copied().unwrap_or_default()
    }

    /// Reads a file, and finds these.
    pub(crate) fn of<R: Read>(
        open: &mut impl FnMut() -> std::io::Result<R>,
        options: &Options,
    ) -> Result<Self, ConvertError> {
        if options.databases.is_keep() {
            return if options.repair { Self::of_all(open, options) } else { Ok(Self::default()) };
        }
        let mut sizes: BTreeMap<u64, u64> = BTreeMap::new();
        keys(open()?, options, |head, _, _| *sizes.entry(head.database).or_default() += 1)?;
        let mut sources: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for database in sizes.keys() {
            if let Some((to, _)) = options.databases.of(*database) {
                sources.entry(to).or_default().push(*database);
            }
        }
        sources.retain(|_, from| from.len() > 1);
        let size = |database: &u64| sizes.get(database).copied().unwrap_or_default();
        let largest: HashMap<u64, u64> = sources
            .iter()
            .filter_map(|(to, from)| Some((*to, *from.iter().max_by_key(|database| size(database))?)))
            .collect();
        let compared: u64 = sources
            .iter()
            .flat_map(|(to, from)| from.iter().filter(|from| largest.get(to) != Some(from)))
            .map(size)
            .sum();
        if compared > MAX_COMPARED_KEYS {
            return Err(ConvertError::TooManyKeys { keys: compared });
        }
        if compared == 0 {
            return Ok(Self::default());
        }
        let mut hashes = Vec::new();
        keys(open()?, options, |head, to, prefix| {
            if largest.get(&to).is_some_and(|database| *database != head.database) {
                hashes.push(hash(to, prefix, &head.key));
            }
        })?;
        hashes.sort_unstable();
        let mut found: Vec<u128> =
            hashes.chunk_by(u128::eq).flat_map(|same| same.iter().skip(1).copied()).collect();
        keys(open()?, options, |head, to, prefix| {
            if largest.get(&to) == Some(&head.database) {
                let hash = hash(to, prefix, &head.key);
                if hashes.binary_search(&hash).is_ok() {
                    found.push(hash);
                }
            }
        })?;
        drop(hashes);
        Ok(Self::of_repeated(found))
    }

    /// Keys that a database has twice; none if there are too many keys to compare.
    fn of_all<R: Read>(
        open: &mut impl FnMut() -> std::io::Result<R>,
        options: &Options,
    ) -> Result<Self, ConvertError> {
        let mut hashes = Vec::new();
        let mut unchecked = 0;
        keys(open()?, options, |head, to, prefix| {
            if (hashes.len() as u64) < MAX_COMPARED_KEYS {
                hashes.push(hash(to, prefix, &head.key));
            } else {
                unchecked += 1;
            }
        })?;
        hashes.sort_unstable();
        let found = hashes.chunk_by(u128::eq).flat_map(|same| same.iter().skip(1).copied()).collect();
        Ok(Self { unchecked, ..Self::of_repeated(found) })
    }

    /// Those whose hashes were found once more than these say.
    fn of_repeated(mut found: Vec<u128>) -> Self {
        found.sort_unstable();
        let mut duplicates = Self::default();
        for same in found.chunk_by(u128::eq) {
            duplicates.hashes.extend(same.first());
            duplicates.counts.push(u32::try_from(same.len() + 1).unwrap_or(u32::MAX));
        }
        duplicates
    }
}

/// Reads the keys that stay, and where they go.
fn keys<R: Read>(
    source: R,
    options: &Options,
    mut each: impl FnMut(&Head, u64, &[u8]),
) -> Result<(), ConvertError> {
    let mut walk = Walk::new(source)?;
    loop {
        match walk.step()? {
            Step::End => return Ok(()),
            Step::Record => {
                let head = walk.head();
                if let Some((to, prefix)) = options.databases.of(head.database)
                    && why_gone(options, head).is_none()
                {
                    each(head, to, prefix);
                }
            }
            _ => {}
        }
    }
}

/// A hash of 128 bits. Equal ones count as equal keys.
pub(crate) fn hash(database: u64, prefix: &[u8], key: &[u8]) -> u128 {
    let half = |seed: u64| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(seed);
        hasher.write_u64(database);
        hasher.write(prefix);
        hasher.write(key);
        hasher.finish()
    };
    u128::from(half(1)) << 64 | u128::from(half(2))
}
