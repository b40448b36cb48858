//! The contents of each file: fixed numbers of keys of fixed shapes, the same every time.
mod documents;
mod shapes;

use std::io::Write;

use crate::{connection::Command, random::Random};

/// Part of each file's stamp. Increase it with every change of a shape, so that old files are replaced.
pub const REVISION: u32 = 1;

/// The contents of one file.
#[derive(Debug, Clone, Copy)]
pub struct Corpus {
    /// The file's name without extension.
    pub name: &'static str,
    /// A short description of the contents.
    pub about: &'static str,
    parts: &'static [Part],
    databases: &'static [u64],
}

/// Keys of one shape.
#[derive(Debug, Clone, Copy)]
struct Part {
    /// Number of keys at scale 1, in all databases together.
    keys: u64,
    /// Writes the commands that create the key with a given number.
    make: Make,
}

type Make = fn(&mut Filling<'_>, u64) -> std::io::Result<()>;

/// The tools with which a shape creates its key.
struct Filling<'a> {
    random: Random,
    command: &'a mut Command,
    out: &'a mut dyn Write,
}

const fn part(keys: u64, make: Make) -> Part {
    Part { keys, make }
}

const fn corpus(name: &'static str, about: &'static str, parts: &'static [Part]) -> Corpus {
    Corpus { name, about, parts, databases: &[0] }
}

/// All files. The last one is created only on request.
pub const CORPORA: [Corpus; 10] = [
    corpus("a", "small strings", &[part(5_000_000, shapes::session)]),
    corpus("b", "hashes of 20 fields, packed", &[part(200_000, shapes::profile)]),
    corpus("c", "hashes of 1000 fields", &[part(20_000, shapes::cart)]),
    corpus("d", "sorted sets, packed and large", &[part(100_000, shapes::board), part(500, shapes::ranking)]),
    corpus("e", "lists, short and long", &[part(100_000, shapes::recent), part(1000, shapes::queue)]),
    corpus(
        "f",
        "sets of numbers, of few and of many members",
        &[part(200_000, shapes::numbers), part(100_000, shapes::tags), part(5000, shapes::group)],
    ),
    corpus("g", "streams with consumer groups", &[part(2000, shapes::events)]),
    corpus("h", "JSON documents of 10 KB, compressed", &[part(60_000, shapes::document)]),
    Corpus {
        name: "i",
        about: "mixed types in 3 databases, half of them expiring",
        parts: &[part(999_999, shapes::mixed)],
        databases: &[0, 3, 7],
    },
    LARGE,
];

/// The file of about 1 GB.
pub const LARGE: Corpus = corpus("a1g", "small strings, 1 GB", &[part(15_000_000, shapes::session)]);

impl Corpus {
    /// Number of keys in the file at a scale.
    pub fn keys(&self, scale: f64) -> u64 {
        let in_each: u64 = self.parts.iter().map(|part| self.keys_of(part, scale)).sum();
        in_each * self.databases.len() as u64
    }

    /// Writes the commands that create all keys at a scale. Reports the number of keys so far to `tell`, once per
    /// 10,000 keys.
    pub fn write(&self, scale: f64, out: &mut dyn Write, tell: &mut dyn FnMut(u64)) -> std::io::Result<()> {
        const TOLD_EVERY: u64 = 10_000;
        let mut command = Command::default();
        let mut made = 0;
        for &database in self.databases {
            command.begin("SELECT").arg(database).send(out)?;
            for (part, number) in self.parts.iter().zip(0..) {
                for key in 1..=self.keys_of(part, scale) {
                    // Only the first letter, so that the large file begins like the small one.
                    let seed = u64::from(self.name.as_bytes()[0]);
                    let random = Random::of(&[seed, database, number, key]);
                    (part.make)(&mut Filling { random, command: &mut command, out }, key)?;
                    made += 1;
                    if made % TOLD_EVERY == 0 {
                        tell(made);
                    }
                }
            }
        }
        Ok(())
    }

    fn keys_of(&self, part: &Part, scale: f64) -> u64 {
        // Numbers are far below the limit of exact integers in a double.
        #[allow(clippy::cast_precision_loss, clippy::cast_sign_loss)]
        let scaled = (part.keys as f64 * scale) as u64;
        (scaled / self.databases.len() as u64).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(corpus: &Corpus, scale: f64) -> Vec<u8> {
        let mut out = Vec::new();
        corpus.write(scale, &mut out, &mut |_| {}).unwrap();
        out
    }

    #[test]
    fn files_are_the_same_every_time_and_small_ones_are_the_beginning_of_large_ones() {
        for corpus in &CORPORA {
            let small = commands(corpus, 0.0005);
            assert!(small == commands(corpus, 0.0005), "{}", corpus.name);
        }
        let (small, large) = (commands(&CORPORA[0], 0.001), commands(&CORPORA[0], 0.002));
        assert!(large.starts_with(&small) && large.len() > small.len());
    }

    #[test]
    fn scale_changes_the_number_of_keys_of_every_part() {
        let sets = CORPORA.iter().find(|corpus| corpus.name == "f").unwrap();
        assert_eq!(sets.keys(1.0), 305_000);
        assert_eq!(sets.keys(0.1), 30_500);
        // Every part has at least one key.
        assert_eq!(sets.keys(0.000_001), 3);
        let mixed = CORPORA.iter().find(|corpus| corpus.name == "i").unwrap();
        assert_eq!(mixed.keys(1.0), 999_999);
        assert_eq!(mixed.keys(0.000_001), 3);
    }
}
