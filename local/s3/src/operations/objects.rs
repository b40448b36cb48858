//! Operations on objects.

mod copy;
mod delete;
mod list;
mod put;
mod read;
