//! Intsets: ascending integers of one width.

use super::{Form, Meaning, Seen, signed, unsigned};
use crate::{
    bytes::stop::{Result, broken},
    fault::{FaultCode, HazardCode},
    pieces::Length,
};

const HEADER_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Intset {
    bytes: u64,
    left: u64,
    width: usize,
    index: u64,
    count: u64,
    last: Option<i64>,
}

impl Form for Intset {
    fn new(bytes: u64) -> Self {
        Self { bytes, left: bytes, width: 0, index: 0, count: 0, last: None }
    }

    /// Passes no members on: their order alone shows that there is no duplicate.
    fn feed<M: Meaning>(&mut self, chunk: &[u8], meaning: &mut M, seen: &mut Seen) -> Result<usize> {
        let mut at = 0;
        if self.left == self.bytes {
            self.header(chunk)?;
            at = HEADER_BYTES;
        }
        let members = &chunk[at..];
        let whole = members.len() - members.len() % self.width.max(1);
        let members = &members[..whole];
        let ascending = match self.width {
            2 => self.ascending(members.as_chunks().0, |member| i64::from(i16::from_le_bytes(member))),
            4 => self.ascending(members.as_chunks().0, |member| i64::from(i32::from_le_bytes(member))),
            _ => self.ascending(members.as_chunks().0, i64::from_le_bytes),
        };
        if !ascending {
            seen.contradictions.note(HazardCode::IntsetOrder, || self.out_of_order(members));
        }
        let count = (members.len() / self.width.max(1)) as u64;
        meaning.unseen(count);
        if seen.pieces.is_on() && self.count > seen.pieces.whole.intset {
            for member in members.chunks_exact(self.width.max(1)) {
                seen.pieces.push_row(Length::integer(signed(member)), Length::default());
            }
        }
        self.index += count;
        at += members.len();
        self.left -= at as u64;
        Ok(at)
    }
}

impl Intset {
    fn header(&mut self, chunk: &[u8]) -> Result<()> {
        let bytes = self.bytes;
        let Some(header) = chunk.first_chunk::<HEADER_BYTES>() else {
            return bad(format!("intset of {bytes} bytes has no room for its header"));
        };
        let width = unsigned(&header[..4]);
        let count = unsigned(&header[4..]);
        if !matches!(width, 2 | 4 | 8) {
            return bad(format!("intset of width {width}; expected 2, 4 or 8"));
        }
        self.width = width as usize;
        self.count = count;
        if count == 0 {
            return bad("intset without members, which every server refuses".to_owned());
        }
        let expected = HEADER_BYTES as u64 + width * count;
        if expected != bytes {
            return bad(format!(
                "intset of {count} members of {width} bytes needs {expected} bytes but has {bytes}"
            ));
        }
        Ok(())
    }

    /// Checks all members without stopping at the first wrong one, so that several are compared at a time.
    #[inline]
    fn ascending<const N: usize>(&mut self, members: &[[u8; N]], number: impl Fn([u8; N]) -> i64) -> bool {
        let (Some(first), Some(last)) = (members.first(), members.last()) else { return true };
        let begins = self.last.is_none_or(|before| before < number(*first));
        self.last = Some(number(*last));
        let follows = members.iter().zip(members.iter().skip(1));
        begins & follows.fold(true, |good, (one, next)| good & (number(*one) < number(*next)))
    }

    #[cold]
    fn out_of_order(&self, members: &[u8]) -> String {
        let mut last = None;
        for (index, member) in (self.index..).zip(members.chunks_exact(self.width.max(1))) {
            let number = signed(member);
            if last.is_some_and(|last| last >= number) {
                return format!("intset member {index}, {number}, does not come after the one before it");
            }
            last = Some(number);
        }
        format!("intset member {} does not come after the one before it", self.index)
    }
}

#[cold]
fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadIntset, message)
}
