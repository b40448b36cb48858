//! Packed collections as lists of entries, which can be put together again with faults.

/// The form of a packed collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Entries followed by their own length.
    Listpack,
    /// Entries that start with the length of the previous one.
    Ziplist,
    /// Integers of one width.
    Intset,
    /// Anything else: bytes.
    Opaque,
}

/// A packed collection and its faults.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The format of the entries.
    pub form: Form,
    /// The entries, without the lengths that depend on other entries.
    pub entries: Vec<Vec<u8>>,
    /// The width of an intset's members in bytes.
    pub width: u32,
    /// Difference added to the number of bytes in the header.
    pub wrong_total: i32,
    /// The count in the header, if not the correct one.
    pub count: Option<u16>,
    /// Bytes to change after writing: the index, from the start or, if negative, from the end, and the new value.
    pub patches: Vec<(i64, u8)>,
    /// Number of bytes missing at the end.
    pub cut: usize,
    /// Bytes after the end.
    pub behind: Vec<u8>,
}

impl Packed {
    /// Parses a well-formed collection. Anything that is not in this form becomes opaque.
    pub fn parse(form: Form, bytes: &[u8]) -> Self {
        let parsed = match form {
            Form::Listpack => listpack(bytes),
            Form::Ziplist => ziplist(bytes),
            Form::Intset => intset(bytes),
            Form::Opaque => None,
        };
        let (form, (width, entries)) = match parsed {
            Some(parsed) => (form, parsed),
            None => (Form::Opaque, (0, vec![bytes.to_vec()])),
        };
        Self { form, entries, width, wrong_total: 0, count: None, patches: vec![], cut: 0, behind: vec![] }
    }

    /// The bytes of the collection, with all its faults.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = match self.form {
            Form::Listpack => self.write_listpack(),
            Form::Ziplist => self.write_ziplist(),
            Form::Intset => self.write_intset(),
            Form::Opaque => self.entries.concat(),
        };
        for (at, value) in &self.patches {
            let at = if *at < 0 { bytes.len() as i64 + at } else { *at };
            if let Some(byte) = usize::try_from(at).ok().and_then(|at| bytes.get_mut(at)) {
                *byte = *value;
            }
        }
        bytes.truncate(bytes.len() - self.cut.min(bytes.len()));
        bytes.extend(&self.behind);
        bytes
    }

    fn count(&self) -> u16 {
        self.count.unwrap_or_else(|| u16::try_from(self.entries.len()).unwrap_or(u16::MAX))
    }

    fn write_listpack(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for entry in &self.entries {
            body.extend(entry);
            body.extend(back_length(entry.len()));
        }
        let total = (body.len() as i32 + 7).wrapping_add(self.wrong_total);
        [&total.to_le_bytes(), &self.count().to_le_bytes()[..], &body, &[0xff]].concat()
    }

    fn write_ziplist(&self) -> Vec<u8> {
        let (mut body, mut last, mut tail) = (Vec::new(), 0usize, 10);
        for entry in &self.entries {
            tail = 10 + body.len();
            let start = body.len();
            match u8::try_from(last) {
                Ok(short) if short < 254 => body.push(short),
                _ => body.extend([&[254], &(last as u32).to_le_bytes()[..]].concat()),
            }
            body.extend(entry);
            last = body.len() - start;
        }
        let total = (body.len() as i32 + 11).wrapping_add(self.wrong_total);
        let (tail, count) = ((tail as u32).to_le_bytes(), self.count().to_le_bytes());
        [&total.to_le_bytes(), &tail, &count[..], &body, &[0xff]].concat()
    }

    fn write_intset(&self) -> Vec<u8> {
        let count = self.count.map_or(self.entries.len() as u32, u32::from);
        [&self.width.to_le_bytes()[..], &count.to_le_bytes(), &self.entries.concat()].concat()
    }
}

/// The backward length of a listpack entry.
fn back_length(bytes: usize) -> Vec<u8> {
    let mut groups = vec![(bytes & 127) as u8];
    let mut left = bytes >> 7;
    while left > 0 {
        groups.push((left & 127) as u8);
        left >>= 7;
    }
    // Read from the end, each group except for the last one has the flag.
    groups.reverse();
    groups.iter_mut().skip(1).for_each(|group| *group |= 128);
    groups
}

type Entries = (u32, Vec<Vec<u8>>);

fn listpack(bytes: &[u8]) -> Option<Entries> {
    let mut rest = bytes.get(6..)?;
    let mut entries = Vec::new();
    while *rest.first()? != 0xff {
        let size = match rest[0] {
            0..=0x7f => 1,
            first @ 0x80..=0xbf => 1 + usize::from(first & 0x3f),
            0xc0..=0xdf => 2,
            first @ 0xe0..=0xef => 2 + (usize::from(first & 15) << 8 | usize::from(*rest.get(1)?)),
            0xf0 => 5 + u32::from_le_bytes(*rest.get(1..)?.first_chunk()?) as usize,
            0xf1 => 3,
            0xf2 => 4,
            0xf3 => 5,
            0xf4 => 9,
            _ => return None,
        };
        entries.push(rest.get(..size)?.to_vec());
        rest = rest.get(size + back_length(size).len()..)?;
    }
    Some((0, entries))
}

fn ziplist(bytes: &[u8]) -> Option<Entries> {
    let mut rest = bytes.get(10..)?;
    let mut entries = Vec::new();
    while *rest.first()? != 0xff {
        rest = rest.get(if rest[0] < 254 { 1 } else { 5 }..)?;
        let size = match *rest.first()? {
            first @ 0..=0x3f => 1 + usize::from(first),
            first @ 0x40..=0x7f => 2 + (usize::from(first & 0x3f) << 8 | usize::from(*rest.get(1)?)),
            0x80 => 5 + u32::from_be_bytes(*rest.get(1..)?.first_chunk()?) as usize,
            0xc0 => 3,
            0xd0 => 5,
            0xe0 => 9,
            0xf0 => 4,
            0xfe => 2,
            0xf1..=0xfd => 1,
            _ => return None,
        };
        entries.push(rest.get(..size)?.to_vec());
        rest = rest.get(size..)?;
    }
    Some((0, entries))
}

fn intset(bytes: &[u8]) -> Option<Entries> {
    let width = u32::from_le_bytes(*bytes.first_chunk()?);
    let members = bytes.get(8..)?.chunks(width.max(1) as usize);
    Some((width, members.map(<[u8]>::to_vec).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_apart_goes_together_again() {
        let text = [b'x'; 200];
        let entry = [&[0xe0, 200], &text[..]].concat();
        let whole = [&[7 + 2 + 202 + 2, 0, 0, 0, 2, 0, 5, 1], &entry[..], &[1, 202, 0xff]].concat();
        let packed = Packed::parse(Form::Listpack, &whole);
        assert_eq!(packed.entries.len(), 2);
        assert_eq!(packed.bytes(), whole);
        let whole = b"\x13\0\0\0\x0f\0\0\0\x03\0\0\x01f\x03\xf2\x02\x01v\xff";
        let packed = Packed::parse(Form::Ziplist, whole);
        assert_eq!((packed.form, packed.entries.len()), (Form::Ziplist, 3));
        assert_eq!(packed.bytes(), whole);
    }
}
