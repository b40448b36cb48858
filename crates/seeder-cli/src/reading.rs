//! What the commands read backups from: files, objects and archives; and the progress of reading.

mod archive;
mod object;
mod progress;

pub(crate) use self::{
    archive::{Archive, Compressed, Compression, FIRST_BYTES},
    object::{ObjectSource, Objects, is_object},
    progress::Meter,
};
