//! Many strings in one allocation, so that iterating over them costs as little as possible.

/// Consecutive strings.
#[derive(Debug, Default)]
pub(super) struct Strings {
    bytes: Vec<u8>,
    lengths: Vec<u32>,
}

impl Strings {
    /// Adds a string. No file has one of 4 GiB.
    pub(super) fn push(&mut self, string: &[u8]) {
        self.bytes.extend_from_slice(string);
        self.lengths.push(u32::try_from(string.len()).unwrap_or(u32::MAX));
    }

    pub(super) fn len(&self) -> usize {
        self.lengths.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &self.bytes[..];
        self.lengths.iter().map(move |&length| {
            let (string, behind) = rest.split_at(length as usize);
            rest = behind;
            string
        })
    }
}
