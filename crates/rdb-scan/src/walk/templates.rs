//! Templates of a file that is walked over: names of fields that hashes refer to.

use std::{collections::BTreeMap, io::Read, sync::Arc};

use super::{Body, MAX_WALKED_KEY_BYTES, Sink, WalkError};
use crate::{fault::FaultCode, scan::template::room_for};

/// The fields of each template, at most [`crate::MAX_TEMPLATES_BYTES`] together. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct FieldNames {
    fields: Arc<BTreeMap<u64, Arc<Vec<Vec<u8>>>>>,
    bytes: u64,
}

impl FieldNames {
    /// The fields of a template; none if it is not there.
    pub fn of(&self, id: u64) -> Option<Arc<Vec<Vec<u8>>>> {
        self.fields.get(&id).cloned()
    }

    /// Reads which template a hash refers to. Returns its fields.
    ///
    /// # Errors
    /// If there is no such template, and those of reading.
    pub fn of_next<R: Read, S: Sink>(
        &self,
        body: &mut Body<'_, R, S>,
    ) -> Result<Arc<Vec<Vec<u8>>>, WalkError> {
        let id = body.number()?;
        let missing = || format!("the hash refers to template {id}, which is not there");
        self.of(id).map_or_else(|| body.broken(FaultCode::BadValue, missing()), Ok)
    }

    pub(super) fn read<R: Read, S: Sink>(&mut self, body: &mut Body<'_, R, S>) -> Result<(), WalkError> {
        let id = body.number()?;
        let count = body.count(1)?;
        if count == 0 {
            return body.broken(FaultCode::BadValue, format!("template {id} has no fields"));
        }
        room_for(&mut self.bytes, None).or_else(|stop| body.stopped(stop))?;
        let mut fields = Vec::new();
        for _ in 0..count {
            let mut field = Vec::new();
            body.read_text(&mut field, MAX_WALKED_KEY_BYTES)?;
            room_for(&mut self.bytes, Some(&field)).or_else(|stop| body.stopped(stop))?;
            fields.push(field);
        }
        if Arc::make_mut(&mut self.fields).insert(id, Arc::new(fields)).is_some() {
            return body.broken(FaultCode::BadValue, format!("template {id} is there twice"));
        }
        Ok(())
    }
}
