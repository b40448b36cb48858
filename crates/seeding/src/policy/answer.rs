//! Yes, no, or not to be told from here.

/// What can be said to a question about a policy. They are in order: both of two answers are the lesser one, either of
/// them is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Surely not.
    No,
    /// It depends on what is not known here: a condition, the name of a session.
    Perhaps,
    /// Surely.
    Yes,
}

impl Answer {
    /// The contrary.
    #[must_use]
    pub(super) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
            Self::Yes => Self::No,
        }
    }

    /// Whether both hold.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }
}

impl From<bool> for Answer {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}
