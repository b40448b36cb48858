//! RDB files as records and tokens. Only for files that servers wrote: anything not understood remains bytes.

use crate::packed::{Form, Packed};

/// The smallest unit of a mutation.
#[derive(Debug, Clone)]
pub enum Token {
    /// A type, an opcode or another single byte.
    Byte(u8),
    /// A length or a number.
    Len(u64),
    /// A plain string, with its length.
    Text(Vec<u8>),
    /// A string in another form, including its head: an integer, or a compressed string.
    Verbatim(Vec<u8>),
    /// Bytes without a length: times, IDs and scores.
    Fixed(Vec<u8>),
    /// A string that is a packed collection.
    Packed(Packed),
}

/// Consecutive items, and the token with their number.
#[derive(Debug, Clone)]
pub struct Series {
    /// The index of the count among the tokens.
    pub count: usize,
    /// The token range of each item.
    pub items: Vec<std::ops::Range<usize>>,
}

/// The part of a file between two boundaries.
#[derive(Debug, Clone)]
pub struct Record {
    /// Type or opcode, after the prefixes.
    pub type_id: u8,
    /// Whether the record is a key with its value.
    pub is_key: bool,
    /// The tokens of the record, prefixes first.
    pub tokens: Vec<Token>,
    /// The index of the token with the key's type.
    pub type_at: usize,
    /// The repeated parts.
    pub series: Vec<Series>,
}

/// A parsed file.
#[derive(Debug, Clone)]
pub struct File {
    /// Magic and version.
    pub header: Vec<u8>,
    /// All records except for the end-of-file opcode.
    pub records: Vec<Record>,
    /// Whether the correct checksum is written. Otherwise, it is zeros, or missing before RDB 5.
    pub checksum: bool,
    /// Number of bytes missing at the end.
    pub cut: usize,
    /// Bytes after the end.
    pub behind: Vec<u8>,
}

impl Token {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Byte(byte) => out.push(*byte),
            Self::Len(length) => out.extend(length_bytes(*length)),
            Self::Text(text) => write_text(text, out),
            Self::Verbatim(bytes) | Self::Fixed(bytes) => out.extend(bytes),
            Self::Packed(packed) => write_text(&packed.bytes(), out),
        }
    }
}

fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.extend(length_bytes(text.len() as u64));
    out.extend(text);
}

/// Encodes a length in its shortest form.
pub fn length_bytes(length: u64) -> Vec<u8> {
    match length {
        0..64 => vec![length as u8],
        64..16384 => vec![0x40 | (length >> 8) as u8, length as u8],
        16384..=0xffff_ffff => [&[0x80], &(length as u32).to_be_bytes()[..]].concat(),
        _ => [&[0x81], &length.to_be_bytes()[..]].concat(),
    }
}

impl Record {
    /// The bytes of the record.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.tokens.iter().for_each(|token| token.write(&mut out));
        out
    }
}

impl File {
    /// The version in the header.
    pub fn version(&self) -> u32 {
        let digits = self.header.iter().filter(|byte| byte.is_ascii_digit());
        digits.fold(0, |version, digit| version * 10 + u32::from(digit - b'0'))
    }

    /// The bytes of the file, with all its faults.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = self.header.clone();
        self.records.iter().for_each(|record| out.extend(record.bytes()));
        out.push(0xff);
        if self.version() >= 5 {
            let crc = if self.checksum { crc64(&out) } else { 0 };
            out.extend(crc.to_le_bytes());
        }
        out.truncate(out.len() - self.cut.min(out.len()));
        out.extend(&self.behind);
        out
    }

    /// Parses a file that a server wrote.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header = bytes.get(..9)?.to_vec();
        let valkey = header.starts_with(b"VALKEY");
        let mut reader = Reader { bytes, at: 9, tokens: Vec::new(), series: Vec::new() };
        let mut records = Vec::new();
        loop {
            let mut type_id = reader.byte()?;
            while matches!(type_id, 248 | 249 | 252 | 253) {
                match type_id {
                    248 => drop(reader.len()?),
                    249 => drop(reader.byte()?),
                    252 => reader.fixed(8)?,
                    _ => reader.fixed(4)?,
                }
                type_id = reader.byte()?;
            }
            if type_id == 255 {
                break;
            }
            let type_at = reader.tokens.len() - 1;
            let is_key = type_id < 128;
            if is_key {
                reader.text()?;
                reader.value(type_id, valkey)?;
            } else {
                reader.opcode(type_id)?;
            }
            let (tokens, series) = (std::mem::take(&mut reader.tokens), std::mem::take(&mut reader.series));
            records.push(Record { type_id, is_key, tokens, type_at, series });
        }
        Some(Self { header, records, checksum: true, cut: 0, behind: Vec::new() })
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    tokens: Vec<Token>,
    series: Vec<Series>,
}

impl Reader<'_> {
    fn take(&mut self, bytes: usize) -> Option<Vec<u8>> {
        let taken = self.bytes.get(self.at..self.at.checked_add(bytes)?)?.to_vec();
        self.at += bytes;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = self.take(1)?[0];
        self.tokens.push(Token::Byte(byte));
        Some(byte)
    }

    fn fixed(&mut self, bytes: usize) -> Option<()> {
        let bytes = self.take(bytes)?;
        self.tokens.push(Token::Fixed(bytes));
        Some(())
    }

    fn read_length(&mut self) -> Option<u64> {
        let first = self.take(1)?[0];
        Some(match first >> 6 {
            0 => u64::from(first),
            1 => u64::from(first & 0x3f) << 8 | u64::from(self.take(1)?[0]),
            _ if first == 0x80 => u64::from(u32::from_be_bytes(*self.take(4)?.first_chunk()?)),
            _ if first == 0x81 => u64::from_be_bytes(*self.take(8)?.first_chunk()?),
            _ => return None,
        })
    }

    fn len(&mut self) -> Option<u64> {
        let length = self.read_length()?;
        self.tokens.push(Token::Len(length));
        Some(length)
    }

    fn read_text(&mut self) -> Option<Token> {
        let start = self.at;
        Some(match self.bytes.get(start)? {
            special @ 0xc0..=0xc2 => Token::Verbatim(self.take(1 + (1 << (special & 3)))?),
            0xc3 => {
                self.at += 1;
                let packed = self.read_length()?;
                self.read_length()?;
                self.take(packed as usize)?;
                Token::Verbatim(self.bytes[start..self.at].to_vec())
            }
            _ => {
                let length = self.read_length()?;
                Token::Text(self.take(length as usize)?)
            }
        })
    }

    fn text(&mut self) -> Option<()> {
        let token = self.read_text()?;
        self.tokens.push(token);
        Some(())
    }

    fn packed(&mut self, form: Form) -> Option<()> {
        let token = match self.read_text()? {
            Token::Text(text) => Token::Packed(Packed::parse(form, &text)),
            other => other,
        };
        self.tokens.push(token);
        Some(())
    }

    /// Reads a count and as many items.
    fn series(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.tokens.len();
        let mut items = Vec::new();
        for _ in 0..self.len()? {
            let start = self.tokens.len();
            item(self)?;
            items.push(start..self.tokens.len());
        }
        self.series.push(Series { count, items });
        Some(())
    }

    fn lens(&mut self, count: usize) -> Option<()> {
        (0..count).try_for_each(|_| self.len().map(drop))
    }

    fn opcode(&mut self, opcode: u8) -> Option<()> {
        match opcode {
            254 => self.lens(1),
            251 => self.lens(2),
            250 => self.text().and_then(|()| self.text()),
            245 => self.text(),
            244 => self.lens(3),
            _ => None,
        }
    }

    fn value(&mut self, type_id: u8, valkey: bool) -> Option<()> {
        match type_id {
            0 => self.text(),
            1 | 2 => self.series(Self::text),
            3 => self.series(|reader| {
                reader.text()?;
                let length = usize::from(reader.byte()?);
                if length < 253 { reader.fixed(length) } else { Some(()) }
            }),
            4 => self.series(|reader| reader.text().and_then(|()| reader.text())),
            5 => self.series(|reader| reader.text().and_then(|()| reader.fixed(8))),
            9 => self.packed(Form::Opaque),
            10 | 12 | 13 => self.packed(Form::Ziplist),
            11 => self.packed(Form::Intset),
            14 => self.series(|reader| reader.packed(Form::Ziplist)),
            16 | 17 | 20 => self.packed(Form::Listpack),
            18 => self.series(|reader| match reader.len()? {
                1 => reader.text(),
                _ => reader.packed(Form::Listpack),
            }),
            15 | 19 | 21 | 26 | 27 => self.stream(type_id),
            22 if valkey => self.series(|reader| {
                reader.text()?;
                reader.text()?;
                reader.fixed(8)
            }),
            24 => {
                self.fixed(8)?;
                self.series(|reader| {
                    reader.len()?;
                    reader.text()?;
                    reader.text()
                })
            }
            25 => {
                self.fixed(8)?;
                self.packed(Form::Listpack)
            }
            _ => None,
        }
    }

    fn stream(&mut self, type_id: u8) -> Option<()> {
        self.series(|reader| reader.text().and_then(|()| reader.packed(Form::Listpack)))?;
        self.lens(if type_id == 15 { 3 } else { 8 })?;
        self.series(|reader| {
            reader.text()?;
            reader.lens(if type_id == 15 { 2 } else { 3 })?;
            reader.series(|reader| {
                reader.fixed(16)?;
                reader.fixed(8)?;
                reader.lens(1)
            })?;
            reader.series(|reader| {
                reader.text()?;
                reader.fixed(if matches!(type_id, 15 | 19) { 8 } else { 16 })?;
                reader.series(|reader| reader.fixed(16))
            })?;
            if type_id == 27 { reader.series(|reader| reader.fixed(16)) } else { Some(()) }
        })?;
        if type_id >= 26 {
            self.lens(2)?;
            self.series(|reader| {
                reader.text()?;
                reader.series(|reader| reader.text().and_then(|()| reader.lens(2)))
            })?;
            self.lens(2)?;
        }
        Some(())
    }
}

/// The CRC-64 checksum of an RDB file, computed one bit at a time.
pub fn crc64(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u64::from(*byte), |crc, _| {
            if crc & 1 == 1 { (crc >> 1) ^ 0x95ac_9329_ac4b_c9b5 } else { crc >> 1 }
        })
    })
}
