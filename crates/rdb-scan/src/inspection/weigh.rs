//! Weighing a file: bytes per cluster slot by rules that this crate does not know, such as the memory that a server
//! will use.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    format::slot::SLOTS,
    pieces::{Mark, Pieces, Whole},
};

/// Rules to weigh by.
pub trait Scales: Send + Sync {
    /// The identity of these rules. Weights with the same id are added up.
    fn id(&self) -> String;

    /// The largest packed collections, in elements, with a weight that does not depend on their rows.
    fn whole(&self) -> Whole {
        Whole::default()
    }

    /// Starts to weigh a part of a file.
    fn weigher(&self) -> Box<dyn Weigher>;
}

/// Weighs one part of a file.
pub trait Weigher: Send {
    /// Adds the next pieces, in file order.
    fn weigh(&mut self, pieces: &Pieces);

    /// Passes on the weight of each value with a mark since the last call: [`Pieces::marked_strings`],
    /// [`Pieces::marked_packed`], and values after [`crate::Piece::Marked`].
    fn marked(&mut self, _tell: &mut dyn FnMut(Mark, u64)) {}

    /// Adds a library of functions with this many bytes of code. Libraries are in every shard, whatever its slots.
    fn library(&mut self, _code_bytes: u64) {}

    /// Adds the number of functions that a library registers.
    fn functions(&mut self, _registered: u64) {}

    /// The weight, since the last call, of what belongs to no slot and is in every shard.
    fn take_everywhere(&mut self) -> u64 {
        0
    }

    /// The weight of each slot since the last call, ascending by slot, without slots that weigh nothing. Drops a value
    /// that is not complete.
    fn take(&mut self) -> Vec<(u16, u64)>;

    /// Returns what is known about the incomplete value, and drops it here.
    fn suspend(&mut self) -> String;

    /// Continues a value from what another weigher of the same rules returned. Ignores anything else.
    fn resume(&mut self, known: &str);
}

/// Rules that an inspection weighs by.
#[derive(Clone)]
pub struct Weighing(Arc<dyn Scales>);

impl Weighing {
    /// Weighs by these rules.
    pub fn by(scales: impl Scales + 'static) -> Self {
        Self(Arc::new(scales))
    }

    pub(crate) fn whole(&self) -> Whole {
        self.0.whole()
    }

    pub(crate) fn begin(&self) -> (String, Box<dyn Weigher>) {
        (self.0.id(), self.0.weigher())
    }
}

impl fmt::Debug for Weighing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Weighing").field(&self.0.id()).finish()
    }
}

impl PartialEq for Weighing {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for Weighing {}

/// The weight of a part of a file by some rules.
///
/// Serialized with all slots in one string, of at most 250 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Weights {
    /// The id of the rules, [`Scales::id`].
    pub id: String,
    #[serde(with = "packed")]
    slots: Vec<(u16, u64)>,
    /// The weight of what is in every shard: libraries of functions.
    #[serde(default, skip_serializing_if = "is_zero")]
    everywhere: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Weights {
    pub(crate) fn new(id: String, slots: Vec<(u16, u64)>, everywhere: u64) -> Self {
        Self { id, slots, everywhere }
    }

    /// The weight of each slot that weighs anything, ascending by slot.
    pub fn slots(&self) -> &[(u16, u64)] {
        &self.slots
    }

    /// The weight of what belongs to no slot and is in every shard: libraries of functions.
    pub fn everywhere(&self) -> u64 {
        self.everywhere
    }

    /// The weight of all slots, plus once the weight of what is in every shard.
    pub fn total(&self) -> u64 {
        self.slots.iter().fold(self.everywhere, |sum, (_, weight)| sum.saturating_add(*weight))
    }

    pub(crate) fn join(&mut self, other: Self) {
        self.everywhere = self.everywhere.saturating_add(other.everywhere);
        let slots = std::mem::take(&mut self.slots);
        self.slots = join_slots(slots, other.slots, u64::saturating_add);
    }
}

/// Up to this many slots are inserted one by one.
const FEW_SLOTS: usize = 16;

/// Adds up two lists by slot, both ascending.
pub(crate) fn join_slots<T: Copy>(
    mut one: Vec<(u16, T)>,
    other: Vec<(u16, T)>,
    plus: impl Fn(T, T) -> T,
) -> Vec<(u16, T)> {
    if one.is_empty() {
        return other;
    }
    if one.len() == SLOTS {
        // A full list has each slot at its own index.
        for (slot, value) in other {
            if let Some((_, sum)) = one.get_mut(usize::from(slot)) {
                *sum = plus(*sum, value);
            }
        }
        return one;
    }
    if other.len() <= FEW_SLOTS {
        for (slot, value) in other {
            match one.binary_search_by_key(&slot, |(slot, _)| *slot) {
                Ok(place) => {
                    if let Some((_, sum)) = one.get_mut(place) {
                        *sum = plus(*sum, value);
                    }
                }
                Err(place) => one.insert(place, (slot, value)),
            }
        }
        return one;
    }
    let mut slots = Vec::with_capacity(SLOTS.min(one.len() + other.len()));
    let mut others = other.into_iter().peekable();
    for (slot, mut value) in one {
        while let Some(before) = others.next_if(|(other, _)| *other < slot) {
            slots.push(before);
        }
        if let Some((_, same)) = others.next_if(|(other, _)| *other == slot) {
            value = plus(value, same);
        }
        slots.push((slot, value));
    }
    slots.extend(others);
    slots
}

/// Slots and weights as base64 of numbers with seven bits per byte: the distance to the previous slot, then the weight.
mod packed {
    use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::SLOTS;

    pub(super) fn serialize<S: Serializer>(slots: &[(u16, u64)], serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = Vec::with_capacity(slots.len() * 5);
        let mut last = 0;
        for (slot, weight) in slots {
            push(&mut bytes, u64::from(slot - last));
            push(&mut bytes, *weight);
            last = *slot;
        }
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<(u16, u64)>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
        let mut rest = bytes.as_slice();
        let mut slots: Vec<(u16, u64)> = Vec::new();
        while !rest.is_empty() {
            let (Some(step), Some(weight)) = (pull(&mut rest), pull(&mut rest)) else {
                return Err(D::Error::custom("the weights end in the middle of a number"));
            };
            let last = slots.last().map(|(slot, _)| u64::from(*slot));
            let slot = last.unwrap_or(0).saturating_add(step);
            if slot >= SLOTS as u64 || (step == 0 && last.is_some()) {
                return Err(D::Error::custom(format!(
                    "slot {slot} is not above the one before it, or above 16383"
                )));
            }
            slots.push((slot as u16, weight));
        }
        Ok(slots)
    }

    fn push(bytes: &mut Vec<u8>, mut number: u64) {
        while number >= 0x80 {
            bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        bytes.push(number as u8);
    }

    fn pull(rest: &mut &[u8]) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let (byte, behind) = rest.split_first()?;
            *rest = behind;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_read_as_they_were_written_and_stay_small() {
        let slots: Vec<_> = (0..SLOTS as u16).map(|slot| (slot, u64::MAX - u64::from(slot))).collect();
        let weights = Weights::new("x".to_owned(), slots, u64::MAX);
        let text = serde_json::to_string(&weights).unwrap();
        assert!(text.len() < 250 << 10, "{}", text.len());
        assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), weights);
        let sparse = Weights::new("x".to_owned(), vec![(0, 0), (7, 1), (16383, 300)], 7);
        let text = serde_json::to_string(&sparse).unwrap();
        assert_eq!(serde_json::from_str::<Weights>(&text).unwrap(), sparse);
        for bad in ["gA", "AAEAAQ", "gIABAQ", "////////////////////"] {
            let text = format!(r#"{{"id":"x","slots":"{bad}"}}"#);
            assert!(serde_json::from_str::<Weights>(&text).is_err(), "{bad}");
        }
    }

    #[test]
    fn lists_by_slot_add_up_whichever_is_longer() {
        let long: Vec<_> = (0..100).map(|slot| (slot * 2, 1)).collect();
        let short = vec![(1, 5), (2, 5), (300, 5)];
        let one = join_slots(long.clone(), short.clone(), |a, b| a + b);
        assert_eq!(one, join_slots(short, long, |a, b| a + b));
        assert_eq!(one.len(), 102);
        assert_eq!(one[..3], [(0, 1), (1, 5), (2, 6)]);
    }
}
