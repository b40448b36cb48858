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
        let row = match value_type {
            ValueType::SetListpack => 1,
            ValueType::HashListpack | ValueType::ZsetListpack => 2,
            _ => 3,
        };
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        let mut fields = Fields::default();
        let packed = std::mem::take(&mut self.packed);
        let mut entries = Listpack::new(&packed);
        self.seen.clear();
        let mut place = [PackedEntry::Int(0); 3];
        loop {
            let mut read = 0;
            for place in &mut place[..row] {
                let Some(entry) = entries.next() else { break };
                *place = entry.or_else(|message| broken(FaultCode::BadListpack, offset, message))?;
                read += 1;
            }
            if read == 0 {
                break;
            }
            if read < row {
                return broken(
                    FaultCode::BadListpack,
                    offset,
                    format!("a listpack ends inside a row of {row} entries"),
                );
            }
            if self.repairs && !self.is_first(place[0]) {
                fields.repeated += 1;
                continue;
            }
            match &place[..row] {
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
        self.packed = packed;
        self.out.clear();
        push_number(&mut self.out, fields.kept);
        self.out.extend_from_slice(&rows);
        self.rows = rows;
        Ok(fields)
    }
}

pub(super) fn push(rows: &mut Vec<u8>, entry: PackedEntry<'_>) {
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
