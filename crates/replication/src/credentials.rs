//! Who connects.

use std::fmt::{
    Debug, {self},
};

/// A user and a password. Neither is ever formatted.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The user; none for the default one.
    pub username: Option<String>,
    /// The password; none if it is not known.
    pub password: Option<Secret>,
}

/// Bytes that are never formatted.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// Hides bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_formatted() {
        let credentials =
            Credentials { username: Some("hidden".to_owned()), password: Some(Secret::new("hidden")) };
        assert_eq!(
            format!("{credentials:?} {:#?}", credentials.password),
            "Credentials Some(\n    Secret,\n)"
        );
    }
}
