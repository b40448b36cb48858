//! Hashes whose fields have expiries.

use std::io::Read;

use rdb_scan::{
    ValueType,
    walk::{Body, Sink, WalkError},
};

use super::{Fields, MAX_PACKED_BYTES, Rewriter, counted};
use crate::output::push_text;

impl Rewriter {
    /// Writes the rows of a hash. If expiries are kept or the number of fields that stay is given, it is written before
    /// the rows.
    pub(crate) fn table<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        value_type: ValueType,
        count: Option<u64>,
    ) -> Result<Fields, WalkError> {
        body.cut()?;
        let least = match value_type {
            // As servers compute it, also where the least one is 0.
            ValueType::HashExpiries => u64::from_le_bytes(body.array()?).wrapping_sub(1),
            _ => 0,
        };
        let rows = body.count(3)?;
        if let Some(count) = if self.keeps_expiries { Some(rows) } else { count } {
            body.put(&counted(count))?;
        }
        let mut fields = Fields::default();
        for _ in 0..rows {
            if value_type == ValueType::HashExpiriesValkey {
                self.valkey_row(body, &mut fields)?;
                continue;
            }
            let number = body.number()?;
            let expiry = (number != 0).then(|| number.wrapping_add(least).cast_signed());
            if !self.keeps_expiries && expiry.is_some_and(|at| at <= self.now_ms) {
                body.text()?;
                body.text()?;
                fields.expired += 1;
                continue;
            }
            body.uncut();
            body.text()?;
            body.text()?;
            body.cut()?;
            if self.keeps_expiries {
                body.put(&expiry.unwrap_or(-1).to_le_bytes())?;
            }
            fields.expiring += u64::from(expiry.is_some());
            fields.kept += 1;
        }
        body.uncut();
        Ok(fields)
    }

    /// Copies a hash of Valkey 9. Returns how many of its fields have an expiry.
    #[allow(clippy::unused_self, reason = "one of the ways of writing a value")]
    pub(crate) fn copied<R: Read, S: Sink>(&self, body: &mut Body<'_, R, S>) -> Result<u64, WalkError> {
        let mut expiring = 0;
        for _ in 0..body.count(10)? {
            body.text()?;
            body.text()?;
            expiring += u64::from(i64::from_le_bytes(body.array()?) != -1);
        }
        Ok(expiring)
    }

    fn valkey_row<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        fields: &mut Fields,
    ) -> Result<(), WalkError> {
        body.read_text(&mut self.text, MAX_PACKED_BYTES)?;
        body.read_text(&mut self.packed, MAX_PACKED_BYTES)?;
        let expiry = i64::from_le_bytes(body.array()?);
        if expiry != -1 && expiry <= self.now_ms {
            fields.expired += 1;
            return Ok(());
        }
        self.out.clear();
        push_text(&mut self.out, &self.text);
        push_text(&mut self.out, &self.packed);
        body.put(&self.out)?;
        fields.expiring += u64::from(expiry != -1);
        fields.kept += 1;
        Ok(())
    }
}
