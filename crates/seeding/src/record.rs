//! The files of a seeding: its record, what is known of its backups, and the keys of both.

pub(crate) mod file_key;
pub(crate) mod files;
pub(crate) mod identity;
pub(crate) mod known;
pub(crate) mod partial;
pub(crate) mod seeding;
