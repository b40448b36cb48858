//! Where the keys of each database go.

mod json;

use std::collections::BTreeMap;

use thiserror::Error;

/// Where the keys of a database go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// They are left out.
    Drop,
    /// To a database, with this before each key.
    To {
        /// The number of the database.
        database: u64,
        /// What precedes each key.
        prefix: Vec<u8>,
    },
}

/// Where the keys of each database go. By default, they stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Databases {
    merge: bool,
    named: BTreeMap<u64, Destination>,
}

/// A list of databases that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseError {
    /// A part that does not say where a database goes.
    #[error(
        "\"{part}\" is no database and where it goes; expected such as 1=drop, 2=3 or 4=0:prefix:, or merge alone"
    )]
    Unknown {
        /// The part.
        part: String,
    },
    /// A database of which it is said twice.
    #[error("database {database} is named twice")]
    Twice {
        /// The number of the database.
        database: u64,
    },
}

impl Databases {
    /// All keys go to database 0.
    pub fn merged() -> Self {
        Self { merge: true, named: BTreeMap::new() }
    }

    /// These databases go where they are said to; others stay.
    pub fn named(named: BTreeMap<u64, Destination>) -> Self {
        Self { merge: false, named }
    }

    /// Reads `merge`, `keep`, or a list such as `1=drop,2=3,4=0:db4:`.
    ///
    /// # Errors
    /// If a part is neither, or a database is named twice.
    pub fn parse(text: &str) -> Result<Self, DatabaseError> {
        match text {
            "merge" => return Ok(Self::merged()),
            "keep" => return Ok(Self::default()),
            _ => {}
        }
        let mut named = BTreeMap::new();
        for part in text.split(',') {
            let (database, destination) =
                Self::part(part).ok_or_else(|| DatabaseError::Unknown { part: part.to_owned() })?;
            if named.insert(database, destination).is_some() {
                return Err(DatabaseError::Twice { database });
            }
        }
        Ok(Self::named(named))
    }

    fn part(part: &str) -> Option<(u64, Destination)> {
        let (from, to) = part.split_once('=')?;
        let number = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
        let destination = if to == "drop" {
            Destination::Drop
        } else {
            let (database, prefix) = to.split_once(':').unwrap_or((to, ""));
            Destination::To { database: number(database)?, prefix: prefix.as_bytes().to_vec() }
        };
        Some((number(from)?, destination))
    }

    /// Whether all keys stay where they are.
    pub fn is_keep(&self) -> bool {
        !self.merge && self.named.is_empty()
    }

    /// Where the keys of a database go: its number and what precedes each key. None if they are left out.
    pub fn of(&self, database: u64) -> Option<(u64, &[u8])> {
        if self.merge {
            return Some((0, &[]));
        }
        match self.named.get(&database) {
            None => Some((database, &[])),
            Some(Destination::Drop) => None,
            Some(Destination::To { database, prefix }) => Some((*database, prefix)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_where_databases_go() {
        let databases = Databases::parse("1=drop,2=3,4=0:db4:").unwrap();
        assert_eq!(databases.of(0), Some((0, &b""[..])));
        assert_eq!(databases.of(1), None);
        assert_eq!(databases.of(2), Some((3, &b""[..])));
        assert_eq!(databases.of(4), Some((0, &b"db4:"[..])));
        assert_eq!(Databases::parse("merge").unwrap().of(7), Some((0, &b""[..])));
        assert!(Databases::parse("keep").unwrap().is_keep());
        for bad in ["", "1", "x=1", "1=x", "1=2,1=3", "1=-1", "1=2:a,b"] {
            assert!(Databases::parse(bad).is_err(), "{bad}");
        }
    }
}
