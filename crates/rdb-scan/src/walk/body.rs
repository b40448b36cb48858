//! What follows the head of a record: read piece by piece, and passed on, left out or replaced.

use std::io::Read;

use super::{
    MAX_WALKED_KEY_BYTES, WalkError,
    input::{Input, Sink, WINDOW_BYTES},
};
use crate::{
    fault::FaultCode,
    format::value_type::{Layout, PackedLayout, TableRow, ValueType},
};

const MAX_COUNT: u64 = 1 << 40;
const MAX_TEXT_BYTES: u64 = 64 << 30;

/// A length, or the number of a special string encoding.
enum Length {
    Plain(u64),
    Encoded(u8),
}

/// What follows the head of a record.
///
/// Everything that is read is passed on as it is, except between [`Body::cut`] and [`Body::uncut`].
#[derive(Debug)]
pub struct Body<'w, R, S> {
    input: &'w mut Input<R>,
    sink: &'w mut S,
}

impl<'w, R: Read, S: Sink> Body<'w, R, S> {
    pub(super) fn new(input: &'w mut Input<R>, sink: &'w mut S) -> Self {
        Self { input, sink }
    }

    /// Passes on what has been read. Has to be called at the end, and before anything is put between.
    pub fn keep(&mut self) -> Result<(), WalkError> {
        if !self.input.cutting && self.input.mark < self.input.at {
            self.sink.put(self.input.kept())?;
        }
        self.input.mark = self.input.at;
        Ok(())
    }

    /// Passes on what has been read, and from now on nothing.
    pub fn cut(&mut self) -> Result<(), WalkError> {
        self.keep()?;
        self.input.cutting = true;
        Ok(())
    }

    /// File offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// From now on passes on what is read.
    pub fn uncut(&mut self) {
        self.input.cutting = false;
        self.input.mark = self.input.at;
    }

    /// Passes on other bytes, after what has been read.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), WalkError> {
        self.keep()?;
        Ok(self.sink.put(bytes)?)
    }

    #[inline]
    fn need(&mut self, bytes: usize) -> Result<(), WalkError> {
        if self.input.rest().len() < bytes { self.input.refill(bytes, self.sink) } else { Ok(()) }
    }

    /// Reads a byte.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, WalkError> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads some bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WalkError> {
        self.need(N)?;
        let bytes = self.input.rest().first_chunk().copied().unwrap_or([0; N]);
        self.input.at += N;
        Ok(bytes)
    }

    /// Reads a number in the encoding of lengths.
    #[inline]
    pub fn number(&mut self) -> Result<u64, WalkError> {
        match self.length()? {
            Length::Plain(number) => Ok(number),
            Length::Encoded(code) => self
                .broken(FaultCode::BadLength, format!("string encoding {code} where a length is expected")),
        }
    }

    /// Reads a number of elements.
    pub fn count(&mut self, _least_bytes: u64) -> Result<u64, WalkError> {
        let count = self.number()?;
        if count > MAX_COUNT {
            return self.broken(FaultCode::BadLength, format!("{count} elements declared"));
        }
        Ok(count)
    }

    #[inline]
    fn length(&mut self) -> Result<Length, WalkError> {
        let first = self.byte()?;
        Ok(match first >> 6 {
            0 => Length::Plain(u64::from(first)),
            1 => Length::Plain(u64::from(first & 0x3f) << 8 | u64::from(self.byte()?)),
            2 if first == 0x80 => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            2 if first == 0x81 => Length::Plain(u64::from_be_bytes(self.array()?)),
            2 => return self.broken(FaultCode::BadLength, format!("byte {first:#04x} begins no length")),
            _ => Length::Encoded(first & 0x3f),
        })
    }

    /// Reads over bytes.
    #[inline]
    pub fn skip(&mut self, mut bytes: u64) -> Result<(), WalkError> {
        loop {
            let here = self.input.rest().len() as u64;
            if bytes <= here {
                self.input.at += bytes as usize;
                return Ok(());
            }
            self.input.at += here as usize;
            bytes -= here;
            self.input.refill(bytes.min(WINDOW_BYTES as u64) as usize, self.sink)?;
        }
    }

    /// Reads over a string.
    #[inline]
    pub fn text(&mut self) -> Result<(), WalkError> {
        let bytes = match self.length()? {
            Length::Plain(bytes) => bytes,
            Length::Encoded(code @ 0..=2) => 1 << code,
            Length::Encoded(3) => {
                let packed = self.number()?;
                self.number()?;
                packed
            }
            Length::Encoded(code) => {
                return self.broken(FaultCode::BadLength, format!("unknown string encoding {code}"));
            }
        };
        if bytes > MAX_TEXT_BYTES {
            return self.broken(FaultCode::BadLength, format!("string of {bytes} bytes declared"));
        }
        self.skip(bytes)
    }

    /// Reads a string into memory: decompressed, and integers as text.
    ///
    /// # Errors
    /// As a bad length if it is longer than `most` bytes.
    pub fn read_text(&mut self, text: &mut Vec<u8>, most: u64) -> Result<(), WalkError> {
        text.clear();
        match self.length()? {
            Length::Plain(bytes) => self.read_bytes(text, bytes, most),
            Length::Encoded(0) => {
                self.integer(|body| body.array().map(i8::from_le_bytes).map(i64::from), text)
            }
            Length::Encoded(1) => {
                self.integer(|body| body.array().map(i16::from_le_bytes).map(i64::from), text)
            }
            Length::Encoded(2) => {
                self.integer(|body| body.array().map(i32::from_le_bytes).map(i64::from), text)
            }
            Length::Encoded(3) => {
                let (packed_bytes, bytes) = (self.number()?, self.number()?);
                if bytes > most {
                    return self.too_long(bytes, most);
                }
                self.unpack(text, packed_bytes, bytes, most)?;
                Ok(())
            }
            Length::Encoded(code) => {
                self.broken(FaultCode::BadLength, format!("unknown string encoding {code}"))
            }
        }
    }

    /// Appends the contents of a compressed string, and leaves its tokens in `packed` of the input.
    fn unpack(
        &mut self,
        text: &mut Vec<u8>,
        packed_bytes: u64,
        bytes: u64,
        most: u64,
    ) -> Result<(), WalkError> {
        // One token of three bytes gives at most 264.
        if bytes > packed_bytes.saturating_mul(264) {
            let message = format!("compressed string of {packed_bytes} bytes declares {bytes}");
            return self.broken(FaultCode::BadLzf, message);
        }
        let mut packed = std::mem::take(&mut self.input.packed);
        packed.clear();
        let read = self.read_bytes(&mut packed, packed_bytes, most);
        self.input.packed = packed;
        read?;
        let Input { unpacker, packed, record, .. } = &mut *self.input;
        match unpacker.unpack(packed, bytes as usize) {
            Ok(contents) => text.extend_from_slice(contents),
            Err(stop) => return Err(super::broken(stop, *record)),
        }
        Ok(())
    }

    fn integer(
        &mut self,
        read: impl Fn(&mut Self) -> Result<i64, WalkError>,
        text: &mut Vec<u8>,
    ) -> Result<(), WalkError> {
        let number = read(self)?;
        text.extend_from_slice(number.to_string().as_bytes());
        Ok(())
    }

    fn read_bytes(&mut self, text: &mut Vec<u8>, mut bytes: u64, most: u64) -> Result<(), WalkError> {
        if bytes > most {
            return self.too_long(bytes, most);
        }
        while bytes > 0 {
            let step = bytes.min(WINDOW_BYTES as u64 / 2);
            self.need(step as usize)?;
            text.extend_from_slice(&self.input.rest()[..step as usize]);
            self.input.at += step as usize;
            bytes -= step;
        }
        Ok(())
    }

    #[cold]
    fn too_long(&self, bytes: u64, most: u64) -> Result<(), WalkError> {
        let message = format!("string of {bytes} bytes; at most {most} can be read here");
        self.broken(FaultCode::BadLength, message)
    }

    /// Reads a key, as it is and as it is stored.
    pub(super) fn read_key(&mut self, key: &mut Vec<u8>, raw: &mut Vec<u8>) -> Result<(), WalkError> {
        key.clear();
        raw.clear();
        self.need(1)?;
        // Nearly every key is plain, and is in the window.
        if let Some((text, stored)) = plain(self.input.rest()) {
            key.extend_from_slice(text);
            raw.extend_from_slice(stored);
            self.input.at += raw.len();
            return Ok(());
        }
        let first = self.input.rest().first().copied().unwrap_or_default();
        if first >> 6 == 3 && first & 0x3f == 3 {
            raw.push(self.byte()?);
            let (packed_bytes, bytes) = (self.stored_number(raw)?, self.stored_number(raw)?);
            if bytes > MAX_WALKED_KEY_BYTES {
                return self.too_long(bytes, MAX_WALKED_KEY_BYTES);
            }
            self.unpack(key, packed_bytes, bytes, MAX_WALKED_KEY_BYTES)?;
            raw.extend_from_slice(&self.input.packed);
            return Ok(());
        }
        if first >> 6 == 3 {
            self.need(1 + (1 << (first & 3)))?;
            let bytes = 1 + (1usize << (first & 3));
            raw.extend_from_slice(self.input.rest().get(..bytes).unwrap_or_default());
            return self.read_text(key, MAX_WALKED_KEY_BYTES);
        }
        let bytes = self.stored_number(raw)?;
        self.read_bytes(key, bytes, MAX_WALKED_KEY_BYTES)?;
        raw.extend_from_slice(key);
        Ok(())
    }

    /// Reads a number, and appends it as it is stored, which may be in more bytes than it needs.
    pub(super) fn stored_number(&mut self, raw: &mut Vec<u8>) -> Result<u64, WalkError> {
        self.need(1)?;
        let bytes = match self.input.rest().first() {
            Some(0x40..0x80) => 2,
            Some(0x80) => 5,
            Some(0x81) => 9,
            _ => 1,
        };
        self.need(bytes)?;
        raw.extend_from_slice(self.input.rest().get(..bytes).unwrap_or_default());
        self.number()
    }

    /// Reads over a value.
    pub fn value(&mut self, value_type: ValueType) -> Result<(), WalkError> {
        match value_type.layout() {
            Layout::Text | Layout::TemplateListpack => self.text(),
            Layout::Texts => self.texts(1),
            Layout::Table(row) => self.table(row),
            Layout::Packed(layout) => {
                if let PackedLayout::ListpackWithExpiries { counts_from_least: true } = layout {
                    self.skip(8)?;
                }
                self.text()
            }
            Layout::Quicklist { containers } => {
                for _ in 0..self.count(1)? {
                    if containers {
                        self.number()?;
                    }
                    self.text()?;
                }
                Ok(())
            }
            Layout::Stream(version) => self.stream(version),
            Layout::Module => self.module(),
            Layout::Array => self.array_value(),
            Layout::TemplateValues => {
                self.broken(FaultCode::BadValue, "a hash cannot be read without its template".to_owned())
            }
        }
    }

    /// Reads over strings.
    pub fn texts_of(&mut self, count: u64) -> Result<(), WalkError> {
        for _ in 0..count {
            self.text()?;
        }
        Ok(())
    }

    fn texts(&mut self, each: u64) -> Result<(), WalkError> {
        for _ in 0..self.count(each)? {
            for _ in 0..each {
                self.text()?;
            }
        }
        Ok(())
    }

    fn table(&mut self, row: TableRow) -> Result<(), WalkError> {
        match row {
            TableRow::Member => return self.texts(1),
            TableRow::MemberAndValue => return self.texts(2),
            _ => {}
        }
        if let TableRow::ExpiryFieldAndValue { counts_from_least: true } = row {
            self.skip(8)?;
        }
        for _ in 0..self.count(row.least_bytes())? {
            match row {
                TableRow::MemberAndScore => {
                    self.text()?;
                    self.skip(8)?;
                }
                TableRow::MemberAndTextScore => {
                    self.text()?;
                    let bytes = self.byte()?;
                    self.skip(if bytes < 253 { u64::from(bytes) } else { 0 })?;
                }
                TableRow::FieldValueAndExpiry => {
                    self.text()?;
                    self.text()?;
                    self.skip(8)?;
                }
                TableRow::ExpiryFieldAndValue { .. } => {
                    self.number()?;
                    self.text()?;
                    self.text()?;
                }
                TableRow::Member | TableRow::MemberAndValue => {}
            }
        }
        Ok(())
    }

    fn stream(&mut self, version: u8) -> Result<(), WalkError> {
        self.texts(2)?;
        self.numbers(if version >= 2 { 8 } else { 3 })?;
        for _ in 0..self.count(4)? {
            self.text()?;
            self.numbers(if version >= 2 { 3 } else { 2 })?;
            for _ in 0..self.count(25)? {
                self.skip(24)?;
                self.number()?;
            }
            for _ in 0..self.count(10)? {
                self.text()?;
                self.skip(if version >= 3 { 16 } else { 8 })?;
                let owned = self.count(16)?;
                self.skip(16 * owned)?;
            }
            if version >= 5 {
                let given_back = self.count(16)?;
                self.skip(16 * given_back)?;
            }
        }
        if version >= 4 {
            self.producers()?;
        }
        Ok(())
    }

    /// Reads over the producers of a stream. Returns how many there are.
    pub fn producers(&mut self) -> Result<u64, WalkError> {
        self.numbers(2)?;
        let producers = self.count(2)?;
        for _ in 0..producers {
            self.text()?;
            for _ in 0..self.count(3)? {
                self.text()?;
                self.numbers(2)?;
            }
        }
        self.numbers(2)?;
        Ok(producers)
    }

    /// Reads over numbers.
    pub fn numbers(&mut self, count: u64) -> Result<(), WalkError> {
        for _ in 0..count {
            self.number()?;
        }
        Ok(())
    }

    pub(super) fn module(&mut self) -> Result<(), WalkError> {
        self.number()?;
        self.module_parts()
    }

    /// Reads over what a module wrote, up to its end.
    pub(super) fn module_parts(&mut self) -> Result<(), WalkError> {
        loop {
            match self.number()? {
                0 => return Ok(()),
                1 | 2 => drop(self.number()?),
                3 => self.skip(4)?,
                4 => self.skip(8)?,
                5 => self.text()?,
                code => return self.broken(FaultCode::BadModule, format!("module data has opcode {code}")),
            }
        }
    }

    fn array_value(&mut self) -> Result<(), WalkError> {
        let count = self.count(3)?;
        if self.number()? != 0 {
            self.number()?;
        }
        for _ in 0..count {
            self.number()?;
            match self.number()? {
                0 | 3 => self.text()?,
                1 | 2 => self.skip(8)?,
                tag => return self.broken(FaultCode::BadArray, format!("array element has tag {tag}")),
            }
        }
        Ok(())
    }

    pub(super) fn functions_pre_ga(&mut self) -> Result<(), WalkError> {
        self.text()?;
        self.text()?;
        if self.number()? != 0 {
            self.text()?;
        }
        self.text()
    }

    /// The checksum of everything up to here.
    pub(super) fn crc(&mut self) -> u64 {
        self.input.crc()
    }

    /// An error as of a scan, at the current record.
    pub(super) fn stopped<T>(&self, stop: crate::bytes::stop::Stop) -> Result<T, WalkError> {
        Err(super::broken(stop, self.input.record))
    }

    /// An error at the current record.
    #[cold]
    pub fn broken<T>(&self, code: FaultCode, message: String) -> Result<T, WalkError> {
        Err(WalkError::Broken { code, offset: self.input.record, message })
    }
}

/// A plain string that is shorter than 16 KiB and entirely in these bytes, and the same with its length.
#[inline]
fn plain(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, end) = crate::bytes::cursor::plain_at(bytes, 0)?;
    Some((text, bytes.get(..end)?))
}
