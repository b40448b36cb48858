//! Radix trees of stream ids (`rax.c`): as [`crate::structures::rax`], but only for keys of 16 bytes. Pending entries
//! are many, and each is in two trees.

use serde::{Deserialize, Serialize};

use crate::{
    engine::allocator::Quantum,
    structures::rax::{chain, node},
};

pub(crate) const ID_BYTES: usize = 16;

/// The sizes of nodes, precomputed.
#[derive(Debug, Clone)]
pub(crate) struct IdCosts {
    quantum: Quantum,
    leaf: u64,
    /// The nodes of a path to a leaf or a fork, by its length.
    chains: [u64; ID_BYTES + 1],
}

impl IdCosts {
    pub(crate) fn new(quantum: Quantum) -> Self {
        let mut chains = [0; ID_BYTES + 1];
        for (bytes, cost) in (0..).zip(&mut chains) {
            *cost = chain(bytes, quantum);
        }
        Self { quantum, leaf: node(0, 0, true, quantum), chains }
    }

    /// A child at some depth, with the path to it from a fork above it. The fork holds the first byte of the path.
    #[inline]
    fn hung(&self, child: u64, depth: usize, fork: usize) -> u64 {
        child + self.chains[depth.wrapping_sub(fork + 1).min(ID_BYTES)]
    }
}

/// A tree of ids that are added in ascending order. Only the path to the last one can still change, so nothing else is
/// kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IdTree {
    any: bool,
    /// Bytes of the nodes that are final.
    done: u64,
    last: [u8; ID_BYTES],
    /// Where other ids branch off the last one: a bit per depth, and the number of children there.
    forks: u16,
    children: [u16; ID_BYTES],
}

impl IdTree {
    /// Adds ids. Skips an id that equals the last one.
    pub(crate) fn add_all(&mut self, ids: &[u8], costs: &IdCosts) {
        for id in ids.as_chunks().0 {
            self.add(*id, costs);
        }
    }

    #[inline]
    fn add(&mut self, id: [u8; ID_BYTES], costs: &IdCosts) {
        let difference = u128::from_be_bytes(self.last) ^ u128::from_be_bytes(id);
        self.last = id;
        if !self.any {
            self.any = true;
            return;
        }
        if difference == 0 {
            return;
        }
        let depth = difference.leading_zeros() as usize / 8;
        let (child, child_depth) = self.close(depth + 1, costs);
        self.done += costs.hung(child, child_depth, depth);
        if let Some(children) = self.children.get_mut(depth) {
            let first = self.forks >> depth & 1 == 0;
            self.forks |= 1 << depth;
            *children = if first { 2 } else { children.saturating_add(1) };
        }
    }

    /// The bytes of all nodes.
    pub(crate) fn bytes(&self, costs: &IdCosts) -> u64 {
        if !self.any {
            return node(0, 0, false, costs.quantum);
        }
        let mut all = *self;
        let (child, depth) = all.close(0, costs);
        all.done + costs.chains[depth.min(ID_BYTES)] + child
    }

    /// Removes the forks from a depth on. Returns what is left without a parent, and its depth.
    #[inline]
    fn close(&mut self, from: usize, costs: &IdCosts) -> (u64, usize) {
        let (mut child, mut child_depth) = (costs.leaf, ID_BYTES);
        let mut below = u32::from(self.forks) >> from << from;
        self.forks ^= below as u16;
        while below != 0 {
            let depth = below.ilog2() as usize;
            below ^= 1 << depth;
            self.done += costs.hung(child, child_depth, depth);
            let children = u64::from(self.children[depth % ID_BYTES]);
            (child, child_depth) = (node(children, children, false, costs.quantum), depth);
        }
        (child, child_depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structures::rax::Rax;

    #[test]
    fn a_tree_of_ids_is_one_of_keys() {
        let mut random = 7_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for quantum in [Quantum::Eight, Quantum::Sixteen] {
            let costs = IdCosts::new(quantum);
            for span in [1, 2, 3, 200, 300, 70_000, 1 << 30] {
                let (mut tree, mut keys) = (IdTree::default(), Rax::default());
                assert_eq!(tree.bytes(&costs), keys.bytes(quantum));
                let (mut milliseconds, mut sequence) = (next(1 << 30), 0);
                for _ in 0..500 {
                    if next(3) == 0 {
                        sequence += next(span);
                    } else {
                        (milliseconds, sequence) = (milliseconds + next(span), next(span));
                    }
                    let id = (u128::from(milliseconds) << 64 | u128::from(sequence)).to_be_bytes();
                    if id > tree.last || !tree.any {
                        tree.add_all(&id, &costs);
                        keys.add(&id, quantum);
                    }
                    assert_eq!(tree.bytes(&costs), keys.bytes(quantum), "{span} {milliseconds}-{sequence}");
                }
            }
        }
    }
}
