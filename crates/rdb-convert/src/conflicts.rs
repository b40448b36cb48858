//! Keys that two databases bring to one, or that a database has twice.

mod found;
mod repeated;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use rdb_scan::walk::{Head, Step, Walk};
use serde::{Deserialize, Serialize};

pub use self::{found::Found, repeated::Repeated};
use self::{
    found::{Find, Sizes, add_hashes, add_size, add_sizes},
    repeated::{Hashes, Places},
};
use crate::{
    ConvertError, MAX_COMPARED_KEYS, Options, RecordRange, encoded::pairs, filter::why_gone, hash::hash,
};

/// A key that occurs more than once takes as much memory as this many that are compared: its hash, its places, and
/// where these were found, with room to grow.
pub(crate) const KEYS_OF_CONFLICT: u64 = 8;
/// Of a file with more databases none are merged or renumbered.
const MAX_DATABASES: usize = 1 << 16;

/// The search for keys that occur more than once, in several readings of the source.
///
/// As long as [`Comparison::needs_reading`] says so, every range is read by [`Comparison::read`], all results are added
/// by [`Comparison::add`] in any order, and [`Comparison::step`] goes to the next reading. What is found depends on the
/// file and the options only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Comparison {
    stage: Stage,
    /// The databases whose keys are not kept, because each is the largest of those that go to the same one.
    largest: BTreeSet<u64>,
    /// The databases that receive the keys of several.
    receiving: BTreeSet<u64>,
    /// Whether all keys are compared, also those of one database.
    all: bool,
    /// See [`Options::most_compared_keys`].
    most: u64,
}

/// What is looked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// How many keys of each database stay.
    Sizes(#[serde(with = "pairs")] Sizes),
    /// The hashes of the keys that are compared. Too many are only counted.
    Hashes(Hashes, u64),
    /// Which of these the largest databases have, and which occur repeatedly among themselves.
    Matches { hashes: Hashes, found: Hashes },
    /// Where these are first and last.
    Places(Repeated),
    /// Nothing more.
    Done(Repeated),
}

impl Comparison {
    /// The search that these options need; none of it, if all keys stay where they are and nothing is mended.
    pub fn new(options: &Options) -> Self {
        let stage = match (options.databases.is_keep(), options.repair) {
            (true, false) => Stage::Done(Repeated::default()),
            (_, true) => Stage::Hashes(Hashes::default(), 0),
            (false, false) => Stage::Sizes(Sizes::new()),
        };
        let (largest, receiving) = (BTreeSet::new(), BTreeSet::new());
        let most = options.most_compared_keys.min(MAX_COMPARED_KEYS);
        Self { stage, largest, receiving, all: options.repair, most }
    }

    /// Whether the source has to be read once more.
    pub fn needs_reading(&self) -> bool {
        !matches!(self.stage, Stage::Done(_))
    }

    /// The number of the next reading, from 0. Some are left out if they would find nothing.
    pub fn reading(&self) -> u32 {
        match self.stage {
            Stage::Sizes(_) => 0,
            Stage::Hashes(..) => 1,
            Stage::Matches { .. } => 2,
            Stage::Places(_) => 3,
            Stage::Done(_) => 4,
        }
    }

    /// Reads a range. `source` has been opened at its first record.
    ///
    /// # Errors
    /// Those of reading.
    pub fn read<R: Read>(
        &self,
        source: R,
        range: &RecordRange,
        options: &Options,
    ) -> Result<Found, ConvertError> {
        self.read_walk(&mut range.walk(source)?, options)
    }

    pub(crate) fn read_walk<R: Read>(
        &self,
        walk: &mut Walk<R>,
        options: &Options,
    ) -> Result<Found, ConvertError> {
        let find = match &self.stage {
            Stage::Done(_) => Find::Nothing,
            Stage::Sizes(_) => {
                let mut sizes = Sizes::new();
                keys(walk, options, |head, _, _| add_size(&mut sizes, head.database, 1))?;
                Find::Sizes(sizes)
            }
            Stage::Hashes(..) => {
                let (mut hashes, mut keys_read) = (Hashes::default(), 0);
                keys(walk, options, |head, to, prefix| {
                    if self.is_kept(head.database, to) {
                        keys_read += 1;
                        hashes.push_up_to(hash(to, prefix, &head.key), self.most);
                    }
                })?;
                Find::Hashes(hashes, keys_read)
            }
            Stage::Matches { hashes, .. } => {
                let mut found = Hashes::default();
                let most = self.most_conflicts(hashes);
                keys(walk, options, |head, to, prefix| {
                    if self.largest.contains(&head.database) && self.receiving.contains(&to) {
                        let hash = hash(to, prefix, &head.key);
                        if hashes.contains(hash) {
                            found.push_new(hash, most);
                        }
                    }
                })?;
                Find::Hashes(found, 0)
            }
            Stage::Places(repeated) => {
                let mut places = Places::default();
                keys(walk, options, |head, to, prefix| {
                    if let Some(index) = repeated.index(hash(to, prefix, &head.key)) {
                        places.push(index, head.offset);
                    }
                })?;
                Find::Places(places)
            }
        };
        Ok(Found(find))
    }

    /// How many keys that occur more than once are kept.
    fn most_conflicts(&self, hashes: &Hashes) -> u64 {
        self.most.saturating_sub(hashes.count()) / KEYS_OF_CONFLICT
    }

    /// Whether the hash of a key is kept.
    fn is_kept(&self, database: u64, to: u64) -> bool {
        self.all || (self.receiving.contains(&to) && !self.largest.contains(&database))
    }

    /// Adds what a range has found.
    pub fn add(&mut self, found: Found) {
        match (&mut self.stage, found.0) {
            (Stage::Sizes(sizes), Find::Sizes(more)) => add_sizes(sizes, more),
            (Stage::Hashes(hashes, keys), Find::Hashes(more, more_keys)) => {
                add_hashes(hashes, keys, more, more_keys, self.most);
            }
            (Stage::Matches { found, .. }, Find::Hashes(more, _)) => found.append_new(more),
            (Stage::Places(repeated), Find::Places(more)) => repeated.place_at(&more),
            _ => {}
        }
    }

    /// Goes to the next reading, after all ranges have been read.
    ///
    /// # Errors
    /// [`ConvertError::TooManyKeys`] and [`ConvertError::TooManyConflicts`].
    pub fn step(&mut self, options: &Options) -> Result<(), ConvertError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done(Repeated::default())) {
            Stage::Sizes(sizes) if sizes.len() > MAX_DATABASES => {
                return Err(ConvertError::TooMany { what: "databases", most: MAX_DATABASES });
            }
            Stage::Sizes(sizes) => self.choose(&sizes, options)?,
            Stage::Hashes(_, keys) if keys > self.most => {
                if !options.databases.is_keep() {
                    return Err(ConvertError::TooManyKeys { keys, most: self.most });
                }
                Stage::Done(Repeated::unchecked(keys))
            }
            Stage::Hashes(mut hashes, keys) => {
                let conflicts = hashes.sort();
                if conflicts * KEYS_OF_CONFLICT > self.most - keys {
                    self.too_many(keys, conflicts, options)?
                } else {
                    let found = hashes.take_repeated();
                    if self.all { Self::places(found) } else { Stage::Matches { hashes, found } }
                }
            }
            Stage::Matches { hashes, mut found } => {
                found.sort();
                found.take_repeated();
                if found.count() > self.most_conflicts(&hashes) {
                    self.too_many(hashes.count(), found.count(), options)?
                } else {
                    Self::places(found)
                }
            }
            Stage::Places(repeated) | Stage::Done(repeated) => Stage::Done(repeated),
        };
        Ok(())
    }

    /// What is done about more keys that occur more than once than memory is planned for.
    fn too_many(&self, keys: u64, conflicts: u64, options: &Options) -> Result<Stage, ConvertError> {
        if options.databases.is_keep() {
            return Ok(Stage::Done(Repeated::unchecked(keys)));
        }
        Err(ConvertError::TooManyConflicts { conflicts, keys, most: self.most })
    }

    fn places(found: Hashes) -> Stage {
        let repeated = Repeated::of(found);
        if repeated.is_empty() { Stage::Done(repeated) } else { Stage::Places(repeated) }
    }

    /// Chooses which databases are compared.
    fn choose(&mut self, sizes: &Sizes, options: &Options) -> Result<Stage, ConvertError> {
        let most = self.most;
        let mut sources: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for database in sizes.keys() {
            if let Some((to, _)) = options.databases.of(*database) {
                sources.entry(to).or_default().push(*database);
            }
        }
        sources.retain(|_, from| from.len() > 1);
        let size = |database: &u64| sizes.get(database).copied().unwrap_or_default();
        self.largest = sources.values().filter_map(|from| from.iter().copied().max_by_key(size)).collect();
        self.receiving = sources.keys().copied().collect();
        let compared = sources.values().flatten().filter(|from| !self.largest.contains(from)).map(size).sum();
        match compared {
            0 => Ok(Stage::Done(Repeated::default())),
            keys if keys > most => Err(ConvertError::TooManyKeys { keys, most }),
            _ => Ok(Stage::Hashes(Hashes::default(), 0)),
        }
    }

    /// What was found, after the last reading.
    pub fn into_repeated(self) -> Repeated {
        match self.stage {
            Stage::Done(repeated) => repeated,
            _ => Repeated::default(),
        }
    }
}

/// Reads the keys that stay, and where they go.
fn keys<R: Read>(
    walk: &mut Walk<R>,
    options: &Options,
    mut each: impl FnMut(&Head, u64, &[u8]),
) -> Result<(), ConvertError> {
    loop {
        match walk.step()? {
            Step::End => return Ok(()),
            Step::Record => {
                // An empty collection goes, so that a key of the same name is none too many.
                let is_empty = options.repair && walk.is_empty_collection()?;
                let head = walk.head();
                if let Some((to, prefix)) = options.databases.of(head.database)
                    && !is_empty
                    && why_gone(options, head).is_none()
                {
                    each(head, to, prefix);
                }
            }
            _ => {}
        }
    }
}
