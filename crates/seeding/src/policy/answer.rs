//! Three-valued answers: yes, no, or undecided.

/// The answer to a question about a policy. Answers are ordered: "and" is the minimum of two, "or" the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Certainly not.
    No,
    /// It depends on something unknown here: a condition, or the name of a session.
    Perhaps,
    /// Certainly.
    Yes,
}

impl Answer {
    /// Negates the answer.
    #[must_use]
    pub(super) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Perhaps => Self::Perhaps,
            Self::Yes => Self::No,
        }
    }

    /// Returns the lesser answer: whether both hold.
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
