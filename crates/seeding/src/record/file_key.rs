//! Keys of files, typed by their content.

use std::{fmt, marker::PhantomData};

use serde::{Deserialize, Serialize};

/// The key of a file in the reports bucket that holds a `T` as JSON.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileKey<T> {
    key: String,
    #[serde(skip)]
    content: PhantomData<fn() -> T>,
}

impl<T> FileKey<T> {
    pub(crate) const fn new(key: String) -> Self {
        Self { key, content: PhantomData }
    }

    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.key
    }
}

impl<T> Clone for FileKey<T> {
    fn clone(&self) -> Self {
        Self::new(self.key.clone())
    }
}

impl<T> fmt::Debug for FileKey<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.key, formatter)
    }
}

impl<T> fmt::Display for FileKey<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.key)
    }
}

impl<T> PartialEq for FileKey<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for FileKey<T> {}

impl<T> PartialOrd for FileKey<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for FileKey<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> From<&str> for FileKey<T> {
    fn from(key: &str) -> Self {
        Self::new(key.to_owned())
    }
}
