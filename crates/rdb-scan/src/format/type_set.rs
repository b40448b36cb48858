//! Sets of value types.

use serde::{Deserialize, Serialize};

use super::value_type::ValueType;

/// A set of value types. The default is empty.
///
/// A type is in it by its number in the file: of two types that share a number under different magics, both are in a
/// set or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TypeSet(u64);

impl TypeSet {
    /// Whether there is no type in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether a type is in it.
    #[inline]
    pub const fn contains(self, value_type: ValueType) -> bool {
        self.0 & bit(value_type) != 0
    }

    /// Whether all its types are in another set.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }
}

impl FromIterator<ValueType> for TypeSet {
    fn from_iter<I: IntoIterator<Item = ValueType>>(types: I) -> Self {
        Self(types.into_iter().map(bit).fold(0, |set, bit| set | bit))
    }
}

/// The bit of a type. All numbers are below 64.
const fn bit(value_type: ValueType) -> u64 {
    1 << (value_type.id() & 63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_a_place_in_a_set() {
        for one in ValueType::ALL {
            assert!(one.id() < 64);
            let alone = TypeSet::from_iter([*one]);
            assert!(!alone.is_empty() && alone.is_within(ValueType::ALL.iter().copied().collect()));
            let others = ValueType::ALL.iter().filter(|other| alone.contains(**other));
            assert!(others.into_iter().all(|other| other.id() == one.id()));
        }
        assert!(TypeSet::default().is_empty() && TypeSet::default().is_within(TypeSet::default()));
        let strings = TypeSet::from_iter([ValueType::String]);
        assert!(!strings.is_within(TypeSet::from_iter([ValueType::SetTable])));
    }
}
