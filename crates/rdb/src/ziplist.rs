//! Ziplists, the forerunner of listpacks: each entry begins with the length of the one before it.
use crate::blob::Blob;
use crate::fault::FaultCode;
use crate::listpack::{Entries, Entry, Want, little_endian, look, unsigned};
use crate::stop::{Result, broken};

const HEADER_BYTES: usize = 10;
const UNKNOWN_COUNT: u64 = 0xffff;
const END: u8 = 0xff;
const BIG_PREVIOUS: u8 = 0xfe;

pub(crate) struct Ziplist<'b, 'r, 's> {
    blob: &'b mut Blob<'r, 's>,
    tail: u64,
    declared: u64,
    seen: u64,
    // Where the last entry begins, and its length.
    last_at: u64,
    last_bytes: u64,
}

impl<'b, 'r, 's> Ziplist<'b, 'r, 's> {
    pub(crate) fn open(blob: &'b mut Blob<'r, 's>) -> Result<Self> {
        let bytes = blob.bytes();
        let Some(header) = blob.peek(HEADER_BYTES)? else {
            return bad(format!("ziplist of {bytes} bytes has no room for its header"));
        };
        let total = unsigned(&header[..4]);
        let tail = unsigned(&header[4..8]);
        let declared = unsigned(&header[8..]);
        if total != bytes {
            return bad(format!("ziplist says it has {total} bytes but it has {bytes}"));
        }
        blob.advance(HEADER_BYTES);
        Ok(Self { blob, tail, declared, seen: 0, last_at: HEADER_BYTES as u64, last_bytes: 0 })
    }

    fn end(&mut self) -> Result<Option<Entry>> {
        self.blob.advance(1);
        let (left, declared, seen) = (self.blob.left(), self.declared, self.seen);
        if left != 0 {
            return bad(format!("ziplist ends {left} bytes early, after entry {seen}"));
        }
        if declared != UNKNOWN_COUNT && declared != seen {
            return bad(format!("ziplist says it has {declared} entries but it has {seen}"));
        }
        if self.tail != self.last_at {
            let (tail, last) = (self.tail, self.last_at);
            return bad(format!("ziplist says its last entry is at byte {tail} but it is at {last}"));
        }
        Ok(None)
    }

    fn previous_length(&mut self) -> Result<()> {
        let Some(&[first]) = self.blob.peek(1)? else { return self.overrun(1) };
        let (size, previous) = if first == BIG_PREVIOUS {
            let Some([_, length @ ..]) = self.blob.peek(5)? else { return self.overrun(5) };
            (5, unsigned(length))
        } else {
            (1, u64::from(first))
        };
        if previous != self.last_bytes {
            let (seen, last) = (self.seen, self.last_bytes);
            return bad(format!(
                "ziplist entry {seen} says the one before it has {previous} bytes but it has {last}"
            ));
        }
        self.blob.advance(size);
        Ok(())
    }

    fn integer(&mut self, data: usize) -> Result<Entry> {
        let Some(bytes) = self.blob.peek(1 + data)? else { return self.overrun(1 + data as u64) };
        let number = little_endian(&bytes[1..]);
        self.blob.advance(1 + data);
        Ok(Entry::Int(number))
    }

    fn text(&mut self, header: usize, bytes: u64, want: Want) -> Result<Entry> {
        self.blob.advance(header);
        match look(self.blob, bytes, want)? {
            Some(look) => Ok(Entry::Text(look)),
            None => self.overrun(bytes),
        }
    }

    #[cold]
    fn overrun<T>(&self, wanted: u64) -> Result<T> {
        let (seen, at, left) = (self.seen, self.blob.at(), self.blob.left());
        bad(format!("ziplist entry {seen} needs {wanted} bytes at byte {at}, but only {left} are left"))
    }
}

impl Entries for Ziplist<'_, '_, '_> {
    const CODE: FaultCode = FaultCode::BadZiplist;

    fn seen(&self) -> u64 {
        self.seen
    }

    fn next(&mut self, want: Want) -> Result<Option<Entry>> {
        let at = self.blob.at();
        if let Some(&[END]) = self.blob.peek(1)? {
            return self.end();
        }
        self.previous_length()?;
        let Some(&[first]) = self.blob.peek(1)? else { return self.overrun(1) };
        let entry = match first {
            0x00..=0x3f => self.text(1, u64::from(first), want)?,
            0x40..=0x7f => {
                let Some(&[first, low]) = self.blob.peek(2)? else { return self.overrun(2) };
                self.text(2, u64::from(first & 0x3f) << 8 | u64::from(low), want)?
            }
            0x80 => {
                let Some([_, length @ ..]) = self.blob.peek(5)? else { return self.overrun(5) };
                // The one number of the format that is big-endian.
                let length = length.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
                self.text(5, length, want)?
            }
            0xc0 => self.integer(2)?,
            0xd0 => self.integer(4)?,
            0xe0 => self.integer(8)?,
            0xf0 => self.integer(3)?,
            0xfe => self.integer(1)?,
            0xf1..=0xfd => {
                self.blob.advance(1);
                Entry::Int(i64::from(first & 0x0f) - 1)
            }
            _ => {
                let (seen, at) = (self.seen, self.blob.at());
                return bad(format!("ziplist entry {seen} at byte {at} has encoding {first:#04x}"));
            }
        };
        self.last_at = at;
        self.last_bytes = self.blob.at() - at;
        self.seen += 1;
        Ok(Some(entry))
    }
}

fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadZiplist, message)
}
