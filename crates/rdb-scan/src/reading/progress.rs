//! What a scan tells of itself while it runs, and what it is answered.

/// How far a scan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The file offset that was reached, in bytes.
    pub offset: u64,
    /// Keys read since this scan began, those before its start position not counted.
    pub keys: u64,
}

/// The answer to a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Go on.
    Continue,
    /// Stop as soon as a position can hold what is needed to go on: at a record boundary, inside a string, or between
    /// two elements of a value that is too large for its members to be compared.
    Pause,
}

/// Is told how far a scan is, and says whether it is to go on.
pub(crate) type Watch<'w> = &'w mut dyn FnMut(&Progress) -> Control;
