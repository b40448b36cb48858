//! What a seeding writes down: its own record, what is known of its backups, and the files that hold them.

pub(crate) mod file_key;
pub(crate) mod files;
pub(crate) mod identity;
pub(crate) mod known;
pub(crate) mod partial;
pub(crate) mod seeding;
