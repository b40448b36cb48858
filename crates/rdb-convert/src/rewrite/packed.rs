//! Packed collections, as tables.

use std::io::Read;

use rdb_scan::{
    FaultCode, ValueType,
    walk::{Body, Listpack, PackedEntry, Sink, WalkError, push_number},
};

use super::{Fields, MAX_PACKED_BYTES, Rewriter, broken, push_integer};
use crate::output::push_text;

impl Rewriter {
    /// Reads a packed collection, and writes it as a table into [`Rewriter::out`].
    pub(crate) fn packed<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        value_type: ValueType,
        offset: u64,
    ) -> Result<Fields, WalkError> {
        if value_type == ValueType::HashListpackExpiries {
            // Each field has its own expiry.
            body.array::<8>()?;
        }
        body.read_text(&mut self.packed, MAX_PACKED_BYTES)?;
        let entries: Result<Vec<_>, _> = Listpack::new(&self.packed).collect();
        let entries = entries.or_else(|message| broken(FaultCode::BadListpack, offset, message))?;
        let row = match value_type {
            ValueType::SetListpack => 1,
            ValueType::HashListpack | ValueType::ZsetListpack => 2,
            _ => 3,
        };
        if entries.len() % row != 0 {
            let message = format!("a listpack has {} entries, which make no rows of {row}", entries.len());
            return broken(FaultCode::BadListpack, offset, message);
        }
        let mut rows = Vec::new();
        let mut fields = Fields::default();
        for row in entries.chunks_exact(row) {
            match row {
                [member] => push(&mut rows, *member),
                [member, score] if value_type == ValueType::ZsetListpack => {
                    push(&mut rows, *member);
                    let Some(score) = score_of(*score) else {
                        return broken(FaultCode::BadScore, offset, "a score in a listpack is no number");
                    };
                    rows.extend(score.to_le_bytes());
                }
                [field, value, rest @ ..] => {
                    let expiry = match rest {
                        [PackedEntry::Int(at)] if *at > 0 => Some(*at),
                        [] | [PackedEntry::Int(_)] => None,
                        _ => {
                            return broken(FaultCode::BadValue, offset, "the expiry of a field is no number");
                        }
                    };
                    if !self.keeps_expiries && expiry.is_some_and(|at| at <= self.now_ms) {
                        fields.expired += 1;
                        continue;
                    }
                    fields.expiring += u64::from(expiry.is_some());
                    push(&mut rows, *field);
                    push(&mut rows, *value);
                    if self.keeps_expiries && !rest.is_empty() {
                        rows.extend(expiry.unwrap_or(-1).to_le_bytes());
                    }
                }
                [] => {}
            }
            fields.kept += 1;
        }
        self.out.clear();
        push_number(&mut self.out, fields.kept);
        self.out.extend_from_slice(&rows);
        Ok(fields)
    }
}

fn push(rows: &mut Vec<u8>, entry: PackedEntry<'_>) {
    match entry {
        PackedEntry::Int(number) => push_integer(rows, number),
        PackedEntry::Text(text) => push_text(rows, text),
    }
}

#[expect(clippy::cast_precision_loss, reason = "servers do the same")]
fn score_of(entry: PackedEntry<'_>) -> Option<f64> {
    match entry {
        PackedEntry::Int(number) => Some(number as f64),
        PackedEntry::Text(text) => {
            std::str::from_utf8(text).ok()?.trim().parse().ok().filter(|score: &f64| !score.is_nan())
        }
    }
}
