//! Bytes on their way in and out: a window over a source, a cursor over the bytes at hand, and how bytes are hashed,
//! shown and written into JSON. Knows nothing of the format.

pub(crate) mod crc;
pub(crate) mod cursor;
pub(crate) mod encoded;
pub(crate) mod hash;
pub(crate) mod key_text;
pub(crate) mod source;
pub(crate) mod stop;
pub(crate) mod window;
