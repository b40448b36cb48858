//! Bytes without the format: a window over a source, a cursor over a slice, and how bytes are hashed, shown and written
//! into JSON.

pub(crate) mod crc;
pub(crate) mod cursor;
pub(crate) mod encoded;
pub(crate) mod hash;
pub(crate) mod key_text;
pub(crate) mod source;
pub(crate) mod stop;
pub(crate) mod window;
