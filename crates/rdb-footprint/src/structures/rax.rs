//! Radix trees (`rax.c`) of keys that are added in ascending order.

use serde::{Deserialize, Serialize};

use crate::engine::allocator::{POINTER_BYTES, Quantum};

/// A node's header: flags and size.
const HEADER_BYTES: u64 = 4;
/// Longer keys are cut to this length, so that their nodes count for less than they use.
const MAX_KEY_BYTES: usize = 1024;

/// A tree in which all keys have values. Only the path to the last key can still change, so nothing else is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rax {
    keys: u64,
    /// Bytes of the nodes that are final.
    done: u64,
    /// The last key.
    last: Vec<u8>,
    /// Where other keys branch off the last one, from the root on.
    forks: Vec<Fork>,
}

/// A node with several children, or with one child and a key that ends there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Fork {
    depth: u64,
    children: u64,
    is_key: bool,
    /// The length of the path to its last child that is final.
    way: u64,
}

/// What is attached to the last fork.
#[derive(Clone, Copy)]
enum Child {
    Leaf,
    Fork(Fork),
}

impl Rax {
    /// Adds the next key. Skips a key that is a prefix of the last one.
    pub(crate) fn add(&mut self, key: &[u8], quantum: Quantum) {
        let key = key.get(..MAX_KEY_BYTES).unwrap_or(key);
        if self.keys > 0 {
            let common = common_bytes(&self.last, key);
            if common == key.len() {
                return;
            }
            self.part(common as u64, quantum);
        }
        self.keys += 1;
        if self.last.len() == key.len() {
            self.last.copy_from_slice(key);
        } else {
            self.last = key.to_vec();
        }
    }

    /// The bytes of all nodes.
    pub(crate) fn bytes(&self, quantum: Quantum) -> u64 {
        if self.keys == 0 {
            return node(0, 0, false, quantum);
        }
        let mut all = self.clone();
        let (child, depth) = all.close(None, quantum);
        all.done + chain(depth, quantum) + child.bytes(quantum)
    }

    /// Branches off the last key at this depth.
    #[inline]
    fn part(&mut self, depth: u64, quantum: Quantum) {
        let (child, child_depth) = self.close(Some(depth), quantum);
        if let Some(fork) = self.forks.last_mut().filter(|fork| fork.depth == depth) {
            fork.children += 1;
            self.hang(child, child_depth, quantum);
        } else if child_depth == depth {
            // The last key is a prefix of the next one.
            self.forks.push(Fork { depth, children: 1, is_key: true, way: 0 });
        } else {
            self.forks.push(Fork { depth, children: 2, is_key: false, way: 0 });
            self.hang(child, child_depth, quantum);
        }
    }

    /// Removes the forks below a depth, or all. Returns what is left without a parent, and its depth.
    #[inline]
    fn close(&mut self, depth: Option<u64>, quantum: Quantum) -> (Child, u64) {
        let (mut child, mut child_depth) = (Child::Leaf, self.last.len() as u64);
        while let Some(fork) =
            self.forks.last().copied().filter(|fork| depth.is_none_or(|depth| fork.depth > depth))
        {
            self.hang(child, child_depth, quantum);
            let hung = self.forks.pop().unwrap_or(fork);
            (child, child_depth) = (Child::Fork(hung), hung.depth);
        }
        (child, child_depth)
    }

    /// Attaches a final child to the last fork.
    #[inline]
    fn hang(&mut self, child: Child, child_depth: u64, quantum: Quantum) {
        let Some(fork) = self.forks.last_mut() else { return };
        fork.way = child_depth - fork.depth;
        // The fork holds the first byte of the path.
        self.done += chain(fork.way - 1, quantum) + child.bytes(quantum);
    }
}

impl Child {
    #[inline]
    fn bytes(self, quantum: Quantum) -> u64 {
        match self {
            Self::Leaf => node(0, 0, true, quantum),
            // One child and a value: the path to the child is in the same node, and was counted as a node of its own.
            Self::Fork(Fork { children: 1, way, .. }) => {
                node(way, 1, true, quantum).saturating_sub(chain(way.saturating_sub(1), quantum))
            }
            Self::Fork(Fork { children, is_key, .. }) => node(children, children, is_key, quantum),
        }
    }
}

/// The length of the common prefix of two keys. Ids of entries are compared at once.
#[inline]
fn common_bytes(one: &[u8], other: &[u8]) -> usize {
    if let (Ok(one), Ok(other)) = (<[u8; 16]>::try_from(one), <[u8; 16]>::try_from(other)) {
        let difference = u128::from_be_bytes(one) ^ u128::from_be_bytes(other);
        return difference.leading_zeros() as usize / 8;
    }
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// A node with this much text and this many pointers (`raxNodeCurrentLength`).
#[inline]
pub(crate) fn node(text: u64, pointers: u64, value: bool, quantum: Quantum) -> u64 {
    let aligned = (HEADER_BYTES + text).next_multiple_of(POINTER_BYTES);
    quantum.allocation(aligned + POINTER_BYTES * (pointers + u64::from(value)))
}

/// The node of a path without forks.
#[inline]
pub(crate) fn chain(bytes: u64, quantum: Quantum) -> u64 {
    if bytes == 0 { 0 } else { node(bytes, 1, false, quantum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(keys: &[&str]) -> u64 {
        let mut rax = Rax::default();
        for key in keys {
            rax.add(key.as_bytes(), Quantum::Eight);
        }
        rax.bytes(Quantum::Eight)
    }

    #[test]
    fn nodes_are_those_of_the_trees_in_rax_c() {
        assert_eq!(bytes(&[]), 8);
        // "annibale" -> []
        assert_eq!(bytes(&["annibale"]), 24 + 16);
        // "anni" -> [be] -> "ale" -> [], "ntare" -> []
        assert_eq!(bytes(&["annibale", "annientare"]), 16 + 24 + (16 + 16) + (24 + 16));
        // [ac] -> "nnibale" -> [], "iao" -> []
        assert_eq!(bytes(&["annibale", "ciao"]), 24 + (24 + 16) + (16 + 16));
        // "anni" -> "bale"(value) -> []
        assert_eq!(bytes(&["anni", "annibale"]), 16 + 24 + 16);
        // "gr" -> "p"... one node: "grp" -> [1 2](no value), 1 is a key with a child "0"
        assert_eq!(bytes(&["grp1", "grp10", "grp2"]), 16 + 24 + (24 + 16) + 16);
    }

    #[test]
    fn a_state_is_small_and_goes_on_elsewhere() {
        let ids = |range: std::ops::Range<u64>| range.map(|id| u128::from(id * 37).to_be_bytes());
        let mut whole = Rax::default();
        ids(0..5000).for_each(|id| whole.add(&id, Quantum::Sixteen));
        let mut half = Rax::default();
        ids(0..2500).for_each(|id| half.add(&id, Quantum::Sixteen));
        let text = serde_json::to_string(&half).unwrap();
        assert!(text.len() < 1000, "{text}");
        let mut rest: Rax = serde_json::from_str(&text).unwrap();
        ids(2500..5000).for_each(|id| rest.add(&id, Quantum::Sixteen));
        assert_eq!(rest, whole);
        assert!((80_000..400_000).contains(&whole.bytes(Quantum::Sixteen)));
    }
}
