//! All loops over compressed strings, and how long each takes.
use anyhow::{Result, ensure};

use super::{
    Compressed,
    decode::{Unpacker, decode_plainly},
    step::{Jump, LookUp},
    walk,
};
use crate::limits::best::Best;

type Proof = fn(&Compressed) -> usize;
type Decoder = fn(&mut Unpacker, &Compressed) -> usize;

/// How tokens are read, and how many strings side by side.
const PROOFS: [Proof; 7] = [
    walk::<Jump, 1, false>,
    walk::<LookUp, 1, false>,
    walk::<LookUp, 2, false>,
    walk::<LookUp, 4, false>,
    walk::<Jump, 1, true>,
    walk::<LookUp, 2, true>,
    walk::<LookUp, 4, true>,
];
/// The first of them do less than a proof needs.
const UNCHECKED: usize = 4;

const DECODERS: [Decoder; 4] = [
    |_, strings| decode_plainly(strings),
    Unpacker::decode::<1>,
    Unpacker::decode::<2>,
    Unpacker::decode::<4>,
];

/// What the loops are called, in the order of [`Loops::seconds`].
pub(in crate::limits) const TITLES: [&str; PROOFS.len() + DECODERS.len()] = [
    "jumps",
    "look-up",
    "look-up, 2 strings",
    "look-up, 4 strings",
    "jumps, checked",
    "look-up, 2 strings, checked",
    "look-up, 4 strings, checked",
    "decoded plainly",
    "decoded by wide copies",
    "decoded, 2 strings",
    "decoded, 4 strings",
];

/// The best run of each loop over the same strings.
#[derive(Debug, Default)]
pub(in crate::limits) struct Loops {
    proofs: [Best; PROOFS.len()],
    decoders: [Best; DECODERS.len()],
    unpacker: Unpacker,
}

impl Loops {
    /// Runs each once.
    pub(in crate::limits) fn run(&mut self, strings: &Compressed) -> Result<()> {
        for (best, proof) in self.proofs.iter_mut().zip(PROOFS) {
            let good = best.time(|| proof(strings));
            ensure!(good == strings.len(), "{} compressed strings are not sound", strings.len() - good);
        }
        for (best, decoder) in self.decoders.iter_mut().zip(DECODERS) {
            let bytes = best.time(|| decoder(&mut self.unpacker, strings));
            ensure!(bytes == strings.contents_bytes(), "not all strings could be decompressed");
        }
        Ok(())
    }

    /// The fastest way to get to the end of all tokens, with no look at where references reach.
    pub(in crate::limits) fn tokens(&self) -> f64 {
        Best::of(&self.proofs[..UNCHECKED])
    }

    /// The fastest way to find out that all tokens are sound.
    pub(in crate::limits) fn proven(&self) -> f64 {
        Best::of(&self.proofs[UNCHECKED..])
    }

    /// The fastest way to have the contents.
    pub(in crate::limits) fn decoded(&self) -> f64 {
        Best::of(&self.decoders)
    }

    /// Of each loop.
    pub(in crate::limits) fn seconds(&self) -> Vec<f64> {
        self.proofs.iter().chain(&self.decoders).map(|best| best.seconds).collect()
    }
}
