//! Operations on objects.

pub(crate) mod copy;
mod delete;
mod list;
pub(crate) mod put;
mod read;
