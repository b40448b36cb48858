//! Hashes whose fields are in a template, as tables.

use std::io::Read;

use rdb_scan::{
    FaultCode, ValueType,
    walk::{Body, FieldNames, Listpack, PackedEntry, Sink, WalkError},
};

use super::{MAX_PACKED_BYTES, Rewriter, broken, counted, packed::push};
use crate::output::push_text;

impl Rewriter {
    /// Writes the fields of a template, each with its value.
    pub(crate) fn templated<R: Read, S: Sink>(
        &mut self,
        body: &mut Body<'_, R, S>,
        value_type: ValueType,
        templates: &FieldNames,
        offset: u64,
    ) -> Result<(), WalkError> {
        body.cut()?;
        if value_type == ValueType::HashTemplateValues {
            let names = templates.of_next(body)?;
            body.put(&counted(names.count()))?;
            for name in names.iter() {
                self.out.clear();
                push_text(&mut self.out, name);
                body.put(&self.out)?;
                body.uncut();
                body.text()?;
                body.cut()?;
            }
            body.uncut();
            return Ok(());
        }
        body.read_text(&mut self.packed, MAX_PACKED_BYTES)?;
        let mut entries = Listpack::new(&self.packed);
        let names = match entries.next() {
            Some(Ok(PackedEntry::Int(id))) => templates.of(id.cast_unsigned()),
            _ => None,
        };
        let Some(names) = names else {
            return broken(
                FaultCode::BadListpack,
                offset,
                "a hash does not refer to a template that is there",
            );
        };
        self.rows.clear();
        for name in names.iter() {
            push_text(&mut self.rows, name);
            match entries.next() {
                Some(Ok(value)) => push(&mut self.rows, value),
                _ => return broken(FaultCode::BadListpack, offset, "a hash has fewer values than fields"),
            }
        }
        if entries.next().is_some() {
            return broken(FaultCode::BadListpack, offset, "a hash has more values than fields");
        }
        body.put(&counted(names.count()))?;
        body.put(&self.rows)?;
        body.uncut();
        Ok(())
    }
}
