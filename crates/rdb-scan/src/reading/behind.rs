//! The bytes after the end of a file, which no server reads.

use std::io;

use super::Reading;
use crate::{
    fault::{Fault, Hazard, HazardCode},
    format::{HEADER_BYTES, Magic},
    reading::{
        header::parse,
        looks_like::{END_MARK_BYTES, is_end_mark},
    },
    scan::visit::Visitor,
};

/// The most zeros that are checked. Checking more would take too long.
const MAX_ZEROS: u64 = 64 << 20;

impl<V: Visitor> Reading<'_, V> {
    /// Reports to the visitor what follows `end`.
    pub(super) fn behind(&mut self, end: u64) -> io::Result<()> {
        self.window.fill(END_MARK_BYTES + 1)?;
        let mark = self.begins_with_mark();
        if mark {
            self.window.consume(END_MARK_BYTES);
        }
        let zeros = self.pass_zeros()?;
        let at = self.window.offset();
        self.window.fill(HEADER_BYTES)?;
        let bytes = self.window.bytes();
        let next = parse(bytes.get(..HEADER_BYTES).unwrap_or_default()).ok();
        let aof = matches!(bytes, [b'*', digit, ..] if digit.is_ascii_digit());
        let nothing = bytes.is_empty();
        let left = self.left_behind(at)?;
        if let Some(header) = &next {
            let name = match header.magic {
                Magic::Redis => "REDIS",
                Magic::Valkey => "VALKEY",
            };
            let message = format!(
                "another RDB file ({name} version {}) begins at offset {at} and {left} bytes follow from there: servers load \
                 the first file only",
                header.version
            );
            self.tell_of_behind(HazardCode::AnotherRdb, at, message);
        } else if aof {
            let message =
                format!("{left} bytes of append-only commands follow the end; a restore loses them");
            self.tell_of_behind(HazardCode::AofTail, at, message);
        } else if zeros == MAX_ZEROS {
            let bytes = zeros + left;
            let message = format!(
                "{bytes} bytes of padding, the first {zeros} of them zeros, follow the end; servers ignore them"
            );
            self.tell_of_behind(HazardCode::Padding, at - zeros, message);
        } else if !nothing {
            let bytes = at - end + left;
            let message = format!("{bytes} bytes follow the end; servers ignore them");
            self.tell_of_behind(HazardCode::TrailingBytes, end, message);
        } else if zeros > 0 {
            let message = format!(
                "{zeros} zeros follow the end, as storage in whole blocks leaves them; servers ignore them"
            );
            self.tell_of_behind(HazardCode::Padding, at - zeros, message);
        }
        if mark && (nothing || next.is_some() || aof) {
            let message = format!(
                "the {END_MARK_BYTES} bytes of a replication stream's end mark follow the end, as redis-cli --rdb - leaves \
                 them; servers ignore them"
            );
            self.tell_of_behind(HazardCode::ReplicationEndMark, end, message);
        }
        Ok(())
    }

    /// Whether the mark of a replication stream comes next, unless the byte after it shows that it is part of a longer
    /// text.
    fn begins_with_mark(&self) -> bool {
        let Some((mark, rest)) = self.window.bytes().split_at_checked(END_MARK_BYTES) else { return false };
        is_end_mark(mark) && rest.first().is_none_or(|byte| matches!(byte, 0 | b'*' | b'R' | b'V'))
    }

    /// Skips zeros. Returns how many there were.
    fn pass_zeros(&mut self) -> io::Result<u64> {
        let mut zeros = 0;
        while zeros < MAX_ZEROS && self.window.fill(1)? {
            let bytes = self.window.bytes();
            let most = bytes.len().min((MAX_ZEROS - zeros) as usize);
            let step = bytes.iter().take(most).take_while(|byte| **byte == 0).count();
            self.window.consume(step);
            zeros += step as u64;
            if step < most {
                break;
            }
        }
        Ok(zeros)
    }

    /// The number of bytes from `at` on. If the file's size is unknown, they are read.
    fn left_behind(&mut self, at: u64) -> io::Result<u64> {
        match self.size_bytes {
            Some(size) if size > at => Ok(size - at),
            _ => self.count_rest(),
        }
    }

    fn count_rest(&mut self) -> io::Result<u64> {
        let mut bytes = 0;
        loop {
            let step = self.window.bytes().len();
            bytes += step as u64;
            self.window.consume(step);
            if !self.window.fill(1)? {
                return Ok(bytes);
            }
        }
    }

    fn tell_of_behind(&mut self, code: HazardCode, offset: u64, message: String) {
        let database = self.scan.database.unwrap_or(Fault::UNKNOWN_DATABASE);
        self.scan.visitor.hazard(Hazard { code, offset, database, key: None, message });
    }
}
