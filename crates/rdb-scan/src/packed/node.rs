//! A stream node: a listpack with a master entry, which holds the usual fields, and then the entries.

use super::{Entry, Meaning, Seen};
use crate::{
    bytes::stop::{Result, broken},
    fault::{FaultCode, HazardCode},
};

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

/// The meaning of the entries of a stream node.
#[derive(Debug)]
pub(crate) struct Node {
    index: u64,
    next: Next,
    live: i64,
    deleted: i64,
    master_fields: i64,
    found: i64,
    found_deleted: i64,
    // Fields and values still to come of the current entry, and the number of its parts.
    items: i64,
    parts: i64,
}

/// The expected next entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    LiveCount,
    DeletedCount,
    MasterFieldCount,
    MasterField,
    MasterEnd,
    Flags,
    Milliseconds { same_fields: bool },
    Sequence { same_fields: bool },
    FieldCount,
    Item,
    Back,
}

impl Node {
    /// The node with this index in its stream.
    pub(crate) fn new(index: u64) -> Self {
        Self {
            index,
            next: Next::LiveCount,
            live: 0,
            deleted: 0,
            master_fields: 0,
            found: 0,
            found_deleted: 0,
            items: 0,
            parts: 0,
        }
    }

    /// Prepares for `items` fields and values. Returns `some`, or `then` if there are none.
    #[inline]
    fn expect(&mut self, items: Option<i64>, fixed_parts: i64, some: Next, then: Next) -> Result<Next> {
        let Some(items) = items.filter(|items| (0..=i64::from(u32::MAX)).contains(items)) else {
            let (node, found) = (self.index, self.found);
            return bad(format!("entry {found} of node {node} says it has an impossible number of fields"));
        };
        self.items = items;
        self.parts = items + fixed_parts;
        Ok(if items == 0 { then } else { some })
    }

    #[cold]
    fn not_an_integer(&self) -> Result<()> {
        let Self { index: node, found, next, .. } = self;
        bad(format!("entry {found} of node {node} has a string in place of its {}", next.name()))
    }
}

impl Meaning for Node {
    #[inline]
    fn entry(&mut self, entry: Entry<'_>, seen: &mut Seen) -> Result<()> {
        if matches!(self.next, Next::MasterField | Next::Item) {
            self.items -= 1;
            if self.items == 0 {
                self.next = if self.next == Next::Item { Next::Back } else { Next::MasterEnd };
            }
            return Ok(());
        }
        let number = match entry {
            Entry::Int(number) => number,
            // Servers that do not check deeply skip these without reading them.
            _ if self.next.is_passed_over() => -1,
            _ => return self.not_an_integer(),
        };
        self.next = match self.next {
            Next::Flags => {
                self.found_deleted += i64::from(number & DELETED != 0);
                Next::Milliseconds { same_fields: number & SAME_FIELDS != 0 }
            }
            Next::Milliseconds { same_fields } => Next::Sequence { same_fields },
            Next::Sequence { same_fields: true } => {
                self.expect(Some(self.master_fields), 3, Next::Item, Next::Back)?
            }
            Next::Sequence { same_fields: false } => Next::FieldCount,
            Next::FieldCount => self.expect(number.checked_mul(2), 4, Next::Item, Next::Back)?,
            Next::Back => {
                if number != self.parts {
                    let Self { index: node, found, parts, .. } = self;
                    let message =
                        || format!("entry {found} of node {node} has {parts} parts but says {number}");
                    seen.contradictions.note(HazardCode::StreamNode, message);
                }
                self.found += 1;
                Next::Flags
            }
            Next::LiveCount => {
                self.live = number;
                Next::DeletedCount
            }
            Next::DeletedCount => {
                self.deleted = number;
                Next::MasterFieldCount
            }
            Next::MasterFieldCount => {
                self.master_fields = number;
                self.expect(Some(number), 0, Next::MasterField, Next::MasterEnd)?
            }
            Next::MasterEnd if number != 0 => {
                let node = self.index;
                let message = || format!("the master entry of node {node} ends with {number}; expected 0");
                seen.contradictions.note(HazardCode::StreamNode, message);
                Next::Flags
            }
            // MasterField and Item were handled above: they take strings.
            Next::MasterEnd | Next::MasterField | Next::Item => Next::Flags,
        };
        Ok(())
    }

    /// Returns the number of entries that are not deleted.
    fn end(&mut self, seen: &mut Seen) -> Result<u64> {
        let Self { index: node, next, live, deleted, found, found_deleted, .. } = self;
        if *next == Next::Back {
            *found += 1;
            let message = || format!("node {node} ends before the length of its last entry");
            seen.contradictions.note(HazardCode::StreamNode, message);
        } else if *next != Next::Flags {
            return bad(format!("node {node} ends before the {} of entry {found}", next.name()));
        }
        let agree = *live >= 0
            && *deleted >= 0
            && live.checked_add(*deleted) == Some(*found)
            && deleted == found_deleted;
        if !agree {
            let message = || {
                format!(
                    "node {node} says it has {live} live and {deleted} deleted entries, but it has {found} with {found_deleted} deleted"
                )
            };
            seen.contradictions.note(HazardCode::StreamNode, message);
        }
        if found == found_deleted {
            let message = || format!("all {found} entries of node {node} are deleted");
            seen.contradictions.note(HazardCode::EmptyStreamNode, message);
        }
        Ok((*found - *found_deleted).unsigned_abs())
    }
}

impl Next {
    /// Whether reading a stream forward skips this number, so that only a deep check compares it.
    fn is_passed_over(self) -> bool {
        matches!(self, Self::LiveCount | Self::DeletedCount | Self::MasterEnd | Self::Back)
    }

    fn name(self) -> &'static str {
        match self {
            Self::LiveCount => "entry count",
            Self::DeletedCount => "count of deleted entries",
            Self::MasterFieldCount | Self::FieldCount => "field count",
            Self::MasterField => "usual fields",
            Self::MasterEnd => "end of the master entry",
            Self::Flags => "flags",
            Self::Milliseconds { .. } => "milliseconds",
            Self::Sequence { .. } => "sequence number",
            Self::Item => "fields and values",
            Self::Back => "length",
        }
    }
}

#[cold]
fn bad<T>(message: String) -> Result<T> {
    broken(FaultCode::BadStream, message)
}
