//! Scans a source: bytes are read, scanned and dropped, up to a limit, a pause or the end.

mod behind;
pub(crate) mod header;
pub(crate) mod looks_like;
pub(crate) mod position;
pub(crate) mod progress;

use std::io::{
    Read, {self},
};

use crate::{
    bytes::{
        cursor::Cursor,
        stop::{Broken, Stop},
        window::{MAX_LOOK_BYTES, Window},
    },
    fault::{Cause, FaultCode, Hazard, HazardCode},
    format::{FIRST_VERSION_WITH_CRC, HEADER_BYTES},
    reading::{
        header::{FIRST_BYTES, Header, MAX_RDB_VERSION, VALKEY_RDB_VERSION, parse},
        looks_like::{Beginning, LOOK_BYTES, shows_line_ends, what_it_is},
        progress::{Control, Progress, Watch},
    },
    scan::{Advance, Inside, Scan, visit::Visitor},
};

pub(crate) struct Reading<'r, V> {
    pub(crate) window: Window<'r>,
    pub(crate) scan: Scan<V>,
    size_bytes: Option<u64>,
    start: u64,
    /// What the first bytes of the file show about it, once they have been read.
    pub(crate) beginning: Option<Beginning>,
    /// What was done to the file, as shown by the record with the fault or the pause.
    pub(crate) suspect: Option<Cause>,
    record: RecordStart,
}

/// The first bytes of a record, which may not be in memory any more when the record turns out to be broken.
#[derive(Default)]
struct RecordStart {
    offset: u64,
    bytes: Vec<u8>,
}

/// Why reading stopped.
pub(crate) enum Reached {
    /// The next record begins at or after the limit.
    Limit,
    /// A pause was requested, and reading stopped inside a record.
    Inside(Box<Inside>),
    /// The end mark and everything after it was read.
    End(Trailer),
    /// The rest cannot be trusted. The visitor has received the fault.
    Fault,
}

/// The end of a file.
pub(crate) struct Trailer {
    /// The offset of the end mark.
    pub(crate) end_mark: u64,
    /// CRC64 of the bytes that were read up to and including the end mark, and their number.
    pub(crate) crc: u64,
    pub(crate) crc_bytes: u64,
    /// The checksum stored in the file, if it has one.
    pub(crate) stored_crc: Option<u64>,
    /// The offset after the checksum.
    pub(crate) end: u64,
}

impl<'r, V: Visitor> Reading<'r, V> {
    pub(crate) fn new(source: &'r mut dyn Read, offset: u64, size_bytes: Option<u64>, scan: Scan<V>) -> Self {
        let mut scan = scan;
        scan.begin_part(offset);
        Self {
            window: Window::new(source, offset),
            scan,
            size_bytes,
            start: offset,
            beginning: None,
            suspect: None,
            record: RecordStart::default(),
        }
    }

    /// Reads the header at the start of the file, and sets the magic of the scan. The visitor receives a fault.
    pub(crate) fn header(&mut self) -> io::Result<Option<Header>> {
        self.window.fill(FIRST_BYTES)?;
        let bytes = self.window.bytes();
        let first = bytes.get(..FIRST_BYTES).unwrap_or(bytes);
        match parse(first) {
            Ok(header) => {
                self.beginning = Some(Beginning::of(first));
                let known = header.check();
                self.scan.magic = header.magic;
                header.lead(&mut self.scan, HEADER_BYTES as u64);
                self.window.consume(HEADER_BYTES);
                self.scan.begin_stretch(self.window.offset());
                if header.is_newer() {
                    self.newer(&header);
                }
                if let Err(Stop::Broken(broken)) = known {
                    self.scan.end_with(*broken);
                }
                Ok(Some(header))
            }
            Err(Stop::Broken(broken)) => {
                if broken.code == FaultCode::NotAnRdb {
                    let cause = what_it_is(first).cause;
                    self.beginning = Some(Beginning { cause, ..Beginning::default() });
                }
                self.scan.end_with(*broken);
                Ok(None)
            }
            Err(Stop::More(_)) => Ok(None),
        }
    }

    /// Reports a version newer than the known ones: its records may be unknown.
    fn newer(&mut self, header: &Header) {
        let message = format!(
            "{} is newer than what is known here, REDIS {MAX_RDB_VERSION} and VALKEY {VALKEY_RDB_VERSION}; read up to the first record that came with it",
            header.name()
        );
        self.scan.visitor.hazard(Hazard {
            code: HazardCode::NewerFormat,
            offset: 0,
            database: 0,
            key: None,
            message,
        });
    }

    /// Reads up to the first record that begins at or after `limit`. Calls `watch` about every 256 KiB.
    pub(crate) fn run(&mut self, limit: u64, version: u32, watch: Watch<'_>) -> io::Result<Reached> {
        let mut limit = limit;
        loop {
            let mut cursor = Cursor::new(self.window.bytes(), self.window.offset(), self.size_bytes);
            let advance = self.scan.advance(&mut cursor, limit);
            let used = cursor.committed();
            self.window.consume(used);
            if self.scan.is_noting() {
                self.note_crc();
            }
            let wanted = match advance {
                Advance::More(wanted) => wanted.max(self.window.bytes().len() + 1),
                Advance::Boundary => return Ok(Reached::Limit),
                Advance::End => {
                    return self.trailer(version).map(|end| end.map_or(Reached::Fault, Reached::End));
                }
                Advance::Broken(broken) => {
                    self.scan.end_with(*broken);
                    self.suspect()?;
                    return Ok(Reached::Fault);
                }
            };
            if wanted > MAX_LOOK_BYTES {
                let offset = self.window.offset();
                let message = format!(
                    "one element at offset {offset} takes more than {MAX_LOOK_BYTES} bytes, which none does"
                );
                self.scan.end_with(Broken { code: FaultCode::BadLength, message });
                self.suspect()?;
                return Ok(Reached::Fault);
            }
            self.remember_record();
            if !self.window.fill(wanted)? {
                self.truncated(wanted);
                self.suspect()?;
                return Ok(Reached::Fault);
            }
            if watch(&self.progress()) == Control::Pause {
                if self.window.offset() > self.start
                    && !self.scan.is_at_boundary()
                    && let Some(inside) = self.scan.inside()
                {
                    self.suspect()?;
                    return Ok(Reached::Inside(Box::new(inside)));
                }
                // Pause at the next boundary, but not before a record has been read.
                limit = limit.min(self.start + 1);
            }
        }
    }

    /// Computes the checksums that stretches need, before more bytes are read.
    #[cold]
    #[inline(never)]
    fn note_crc(&mut self) {
        let Self { window, scan, .. } = self;
        scan.note_crc(window.offset(), &mut |offset| window.crc_at(offset));
    }

    /// Starts a new part at the next byte.
    pub(crate) fn begin_part(&mut self) {
        self.window.restart_crc();
        self.start = self.window.offset();
        self.scan.begin_part(self.start);
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress { offset: self.window.offset(), keys: self.scan.keys }
    }

    /// Reads what follows the end mark, which has just been read.
    fn trailer(&mut self, version: u32) -> io::Result<Option<Trailer>> {
        let crc = self.window.crc();
        let behind = self.window.offset();
        self.window.fill(9)?;
        // Eight bytes after the end of an early version are a checksum too: the version may be what was damaged.
        let checked = version >= FIRST_VERSION_WITH_CRC || self.window.bytes().len() == 8;
        let mut stored_crc = None;
        if checked {
            let Some(stored) = self.window.bytes().first_chunk::<8>() else {
                self.truncated(8);
                return Ok(None);
            };
            // Zero means that none was computed.
            stored_crc = Some(u64::from_le_bytes(*stored)).filter(|crc| *crc != 0);
            self.window.consume(8);
        }
        let end = self.window.offset();
        self.behind(end)?;
        let crc_bytes = behind - self.start;
        Ok(Some(Trailer { end_mark: behind - 1, crc, crc_bytes, stored_crc, end }))
    }

    /// Keeps the first bytes of the current record, as far as they are in memory.
    fn remember_record(&mut self) {
        let offset = self.scan.record_offset();
        if self.record.offset != offset {
            self.record.offset = offset;
            self.record.bytes.clear();
        }
        let known = self.record.bytes.len();
        if known < LOOK_BYTES {
            let bytes = self.window.since(offset + known as u64);
            self.record.bytes.extend(bytes.iter().take(LOOK_BYTES - known));
        }
    }

    /// Finds what was done to the file from the first bytes of the current record, which are the same however the file
    /// is cut.
    fn suspect(&mut self) -> io::Result<()> {
        let offset = self.scan.record_offset();
        if offset < self.start {
            // The reader of those bytes has checked them.
            return Ok(());
        }
        self.remember_record();
        let ahead = (offset + LOOK_BYTES as u64).saturating_sub(self.window.offset());
        self.window.fill(ahead as usize)?;
        self.remember_record();
        self.suspect = shows_line_ends(&self.record.bytes).then_some(Cause::LineEnds);
        Ok(())
    }

    /// The offset from which on there are only zeros, up to where reading is.
    ///
    /// If the file broke off, it must have done so among them: the current record and all bytes in memory must be
    /// zeros.
    pub(crate) fn zeros_from(&mut self, broke_off: bool) -> Option<u64> {
        let from = self.window.zeros_from();
        let record = self.scan.record_offset();
        let among_zeros = || from <= record && self.window.bytes().iter().all(|byte| *byte == 0);
        (!broke_off || among_zeros()).then_some(from)
    }

    fn truncated(&mut self, wanted: usize) {
        let at = self.window.offset();
        let end = at + self.window.bytes().len() as u64;
        let message =
            format!("the file ends at offset {end}, but at least {wanted} bytes are due from offset {at} on");
        self.scan.end_with(Broken { code: FaultCode::Truncated, message });
    }
}
