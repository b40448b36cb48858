//! Values in which a member occurs twice, with the first of each.

use std::io::Read;

use rdb_scan::{
    ValueType,
    walk::{Body, PackedEntry, Sink, WalkError},
};

use super::{Fields, MAX_PACKED_BYTES, Rewriter, counted};
use crate::{
    hash::hash,
    output::{number_bytes, push_text},
};

/// The members of a value are compared if there are at most this many.
const MAX_MEMBERS: u64 = 1 << 18;

impl Rewriter {
    /// Whether the members of a type are compared.
    pub(crate) fn compares(value_type: ValueType) -> bool {
        matches!(
            value_type,
            ValueType::SetTable
                | ValueType::HashTable
                | ValueType::ZsetTable
                | ValueType::SetListpack
                | ValueType::HashListpack
                | ValueType::ZsetListpack
        )
    }

    /// Writes a value with the first of each member. Only if their number is given, it precedes the rows of a table.
    pub(crate) fn different<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        value_type: ValueType,
        offset: u64,
        count: Option<u64>,
    ) -> Result<Fields, WalkError> {
        body.cut()?;
        let fields = match value_type {
            ValueType::SetTable | ValueType::HashTable | ValueType::ZsetTable => {
                self.different_rows(body, value_type, count)?
            }
            _ => {
                let fields = self.packed(body, value_type, offset)?;
                let number = if count.is_some() { 0 } else { number_bytes(fields.kept) as usize };
                body.put(self.out.get(number..).unwrap_or_default())?;
                fields
            }
        };
        body.uncut();
        Ok(fields)
    }

    fn different_rows<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        value_type: ValueType,
        count: Option<u64>,
    ) -> Result<Fields, WalkError> {
        let rows = body.count(1)?;
        if let Some(count) = count {
            body.put(&counted(count))?;
        }
        self.seen.clear();
        let mut fields = Fields::default();
        for _ in 0..rows {
            let is_compared = rows <= MAX_MEMBERS;
            let is_new = if is_compared {
                body.read_text(&mut self.text, MAX_PACKED_BYTES)?;
                self.seen.insert(hash(0, &[], &self.text))
            } else {
                body.text()?;
                true
            };
            if is_new && is_compared {
                self.out.clear();
                push_text(&mut self.out, &self.text);
                body.put(&self.out)?;
                body.uncut();
            }
            match value_type {
                ValueType::HashTable => body.text()?,
                ValueType::ZsetTable => body.skip(8)?,
                _ => {}
            }
            body.cut()?;
            fields.kept += u64::from(is_new);
            fields.repeated += u64::from(!is_new);
        }
        Ok(fields)
    }

    /// Whether a member of a packed collection is the first of its kind.
    pub(super) fn is_first(&mut self, member: PackedEntry<'_>) -> bool {
        match member {
            PackedEntry::Int(number) => self.seen.insert(hash(0, &[], number.to_string().as_bytes())),
            PackedEntry::Text(text) => self.seen.insert(hash(0, &[], text)),
        }
    }
}
