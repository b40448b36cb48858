//! The record of a seeding, and what is known of its backups.

pub(crate) mod file_key;
pub(crate) mod known;
pub(crate) mod partial;
pub(crate) mod seeding;
