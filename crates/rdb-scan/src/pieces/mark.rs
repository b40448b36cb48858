//! The mark of a value whose weight is asked for.

/// A key that is weighed for its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The index of the group.
    pub(crate) group: u32,
    /// The chance less 1.
    pub(crate) chance: u32,
}
