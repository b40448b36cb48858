//! Reading of compressed backups.

mod compressed;

use std::{
    fmt,
    io::{
        BufRead, ErrorKind, Read, {self},
    },
    mem,
    sync::Arc,
};

pub(crate) use compressed::{Compressed, Counter, FIRST_BYTES};
use flate2::bufread::GzDecoder;
use rdb_scan::{Fault, Hazard, HazardCode, Inspection};
use zstd::stream::read::Decoder as ZstdDecoder;

/// The largest zstd window that is accepted, as the exponent of 2 in bytes: the default limit of `zstd -d`. The window
/// is the memory that decompression needs.
const MAX_WINDOW_LOG: u32 = 27;

/// The compression of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Zstd,
}

impl Compression {
    /// Detects the compression by a file's first bytes, whatever its name.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        if begins_gzip(start) {
            Some(Self::Gzip)
        } else if begins_zstd(behind_skippable(start)) {
            Some(Self::Zstd)
        } else {
            None
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    /// The name of a part that can be decompressed on its own.
    fn part(self) -> &'static str {
        match self {
            Self::Gzip => "gzip member",
            Self::Zstd => "zstd frame",
        }
    }

    /// The command that decompresses it.
    fn tool(self) -> &'static str {
        match self {
            Self::Gzip => "gunzip",
            Self::Zstd => "zstd -d",
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn begins_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x1f\x8b\x08")
}

fn begins_zstd(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x28\xb5\x2f\xfd")
}

/// Whether this is a frame without data, as parallel and seekable writers add them (RFC 8878, 3.1.2).
fn begins_skippable(bytes: &[u8]) -> bool {
    matches!(bytes, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// Returns what follows a leading frame without data, if that frame is short.
fn behind_skippable(bytes: &[u8]) -> &[u8] {
    match bytes {
        [_, _, _, _, a, b, c, d, rest @ ..] if begins_skippable(bytes) => {
            rest.get(u32::from_le_bytes([*a, *b, *c, *d]) as usize..).unwrap_or_default()
        }
        bytes => bytes,
    }
}

/// The contents of an archive: all its members in sequence, like the output of its tool.
pub(crate) struct Archive<'s> {
    compression: Compression,
    counter: Arc<Counter>,
    state: State<'s>,
    /// The bytes of contents read so far.
    given: u64,
    members: u64,
    /// The offset of the second member: in the archive and in the contents.
    second: Option<(u64, u64)>,
    trailing: Option<Trailing>,
}

enum State<'s> {
    Between(Compressed<'s>),
    Gzip(Box<GzDecoder<Compressed<'s>>>),
    Zstd(ZstdDecoder<'static, Compressed<'s>>),
    End,
}

/// What follows the last member and is not a member.
struct Trailing {
    at: u64,
    bytes: u64,
    only_zeros: bool,
}

impl<'s> Archive<'s> {
    pub(crate) fn new(compression: Compression, compressed: Compressed<'s>) -> Self {
        Self {
            compression,
            counter: compressed.counter(),
            state: State::Between(compressed),
            given: 0,
            members: 0,
            second: None,
            trailing: None,
        }
    }

    /// Reports hazards of the archive itself, once it is read to its end.
    pub(crate) fn tell(&self, inspection: &mut Inspection) {
        let (part, tool) = (self.compression.part(), self.compression.tool());
        let hazard = |code, offset, message| Hazard {
            code,
            offset,
            database: Fault::UNKNOWN_DATABASE,
            key: None,
            message,
        };
        if let Some((at, offset)) = self.second {
            let message = format!(
                "the archive has {} parts: the second {part} begins at its offset {at}; all are read one after the other, as \
                 {tool} does",
                self.members
            );
            inspection.tell_hazard(hazard(HazardCode::AnotherMember, offset, message));
        }
        if let Some(Trailing { at, bytes, only_zeros }) = &self.trailing {
            let (code, what) = if *only_zeros {
                (HazardCode::Padding, "zeros")
            } else {
                (HazardCode::TrailingBytes, "other bytes")
            };
            let message = format!(
                "{bytes} {what} follow the last {part}, from offset {at} of the archive; they are ignored"
            );
            inspection.tell_hazard(hazard(code, self.given, message));
        }
    }

    /// Starts the next member; returns false if there is none.
    fn begin_member(&mut self, mut compressed: Compressed<'s>) -> io::Result<bool> {
        let start = compressed.peek()?;
        let (is_member, is_skippable) = match self.compression {
            Compression::Gzip => (begins_gzip(start), false),
            Compression::Zstd => (begins_zstd(start), begins_skippable(start)),
        };
        if !is_member && !is_skippable {
            self.trailing = look_at_rest(&mut compressed)?;
            return Ok(false);
        }
        if is_member {
            self.members += 1;
        }
        if self.members == 2 && self.second.is_none() {
            self.second = Some((compressed.offset(), self.given));
        }
        self.state = match self.compression {
            Compression::Gzip => State::Gzip(Box::new(GzDecoder::new(compressed))),
            Compression::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(compressed)?.single_frame();
                decoder.window_log_max(MAX_WINDOW_LOG)?;
                State::Zstd(decoder)
            }
        };
        Ok(true)
    }

    /// Explains an error of the archive to the user; an error of the source stays as it is.
    fn explain(&self, error: io::Error) -> io::Error {
        if self.counter.has_failed() {
            return error;
        }
        let (name, at) = (self.compression, self.counter.bytes());
        let text = error.to_string();
        let message = if error.kind() == ErrorKind::UnexpectedEof {
            format!("the {name} archive ends too early, after {at} bytes: copy it again")
        } else if text.contains("too much memory") {
            format!(
                "the {name} archive needs a window of more than {} MiB: decompress it first (zstd -d --long=31)",
                1 << (MAX_WINDOW_LOG - 20)
            )
        } else {
            format!(
                "the {name} archive is damaged before offset {at} ({text}): copy it again and compare checksums"
            )
        };
        io::Error::new(error.kind(), message)
    }
}

impl Read for Archive<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.state {
                State::Gzip(decoder) => decoder.read(buffer),
                State::Zstd(decoder) => decoder.read(buffer),
                State::Between(_) | State::End => Ok(0),
            };
            let read = read.map_err(|error| self.explain(error))?;
            if read > 0 || buffer.is_empty() {
                self.given += read as u64;
                return Ok(read);
            }
            let compressed = match mem::replace(&mut self.state, State::End) {
                State::Gzip(decoder) => decoder.into_inner(),
                State::Zstd(decoder) => decoder.finish(),
                State::Between(compressed) => compressed,
                State::End => return Ok(0),
            };
            let begun = self.begin_member(compressed).map_err(|error| self.explain(error))?;
            if !begun {
                return Ok(0);
            }
        }
    }
}

fn look_at_rest(compressed: &mut Compressed<'_>) -> io::Result<Option<Trailing>> {
    let (at, mut bytes, mut only_zeros) = (compressed.offset(), 0, true);
    loop {
        let rest = compressed.fill_buf()?;
        let step = rest.len();
        if step == 0 {
            return Ok((bytes > 0).then_some(Trailing { at, bytes, only_zeros }));
        }
        only_zeros &= rest.iter().all(|byte| *byte == 0);
        bytes += step as u64;
        compressed.consume(step);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_is_told_by_content() {
        assert_eq!(Compression::of(b"\x1f\x8b\x08\0"), Some(Compression::Gzip));
        assert_eq!(Compression::of(b"\x28\xb5\x2f\xfd\x24"), Some(Compression::Zstd));
        // The first bytes of pzstd's output.
        let parallel = b"\x50\x2a\x4d\x18\x04\0\0\0\x11\x22\0\0\x28\xb5\x2f\xfd";
        assert_eq!(Compression::of(parallel), Some(Compression::Zstd));
        for other in [&b"REDIS0010"[..], b"", b"\x1f\x8b", b"\x50\x2a\x4d\x18\xff\xff\xff\xff"] {
            assert_eq!(Compression::of(other), None);
        }
    }
}
