//! The progress that a scan reports, and the caller's answer.

/// The progress of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The file offset that was reached, in bytes.
    pub offset: u64,
    /// Keys read since this scan began, without those before its start position.
    pub keys: u64,
}

/// The answer to a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Continue.
    Continue,
    /// Pause as soon as a position can hold the state: at a record boundary, inside a string, or between two elements
    /// of a value with members that are not being compared.
    Pause,
}

/// Called with the progress of a scan; decides whether it continues.
pub(crate) type Watch<'w> = &'w mut dyn FnMut(&Progress) -> Control;
