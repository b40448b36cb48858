//! All loops over compressed strings, and the time of each.
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

/// How tokens are read, how many strings run side by side, and whether references are checked.
const PROOFS: [Proof; 7] = [
    walk::<Jump, 1, false>,
    walk::<LookUp, 1, false>,
    walk::<LookUp, 2, false>,
    walk::<LookUp, 4, false>,
    walk::<Jump, 1, true>,
    walk::<LookUp, 2, true>,
    walk::<LookUp, 4, true>,
];
/// Number of the first loops, which check too little for a proof.
const UNCHECKED: usize = 4;

const DECODERS: [Decoder; 4] = [
    |_, strings| decode_plainly(strings),
    Unpacker::decode::<1>,
    Unpacker::decode::<2>,
    Unpacker::decode::<4>,
];

/// The names of the loops, in the order of [`Loops::seconds`].
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

/// The best times of all loops over the same strings.
#[derive(Debug, Default)]
pub(in crate::limits) struct Loops {
    proofs: [Best; PROOFS.len()],
    decoders: [Best; DECODERS.len()],
    unpacker: Unpacker,
}

impl Loops {
    /// Runs each loop once.
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

    /// The shortest time to step over all tokens, without checking where references reach.
    pub(in crate::limits) fn tokens(&self) -> f64 {
        Best::of(&self.proofs[..UNCHECKED])
    }

    /// The shortest time to prove that all tokens are sound.
    pub(in crate::limits) fn proven(&self) -> f64 {
        Best::of(&self.proofs[UNCHECKED..])
    }

    /// The shortest time to decompress the contents.
    pub(in crate::limits) fn decoded(&self) -> f64 {
        Best::of(&self.decoders)
    }

    /// The time of each loop.
    pub(in crate::limits) fn seconds(&self) -> Vec<f64> {
        self.proofs.iter().chain(&self.decoders).map(|best| best.seconds).collect()
    }
}
