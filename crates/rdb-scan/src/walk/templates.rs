//! Templates of a file that is walked over: names of fields that hashes refer to.

use std::{
    collections::BTreeMap,
    io::{
        Read, {self},
    },
    sync::Arc,
};

use super::{Body, MAX_WALKED_KEY_BYTES, Sink, Step, Walk, WalkError};
use crate::{
    bytes::source::Source,
    fault::FaultCode,
    pieces::Length,
    reading::position::Position,
    scan::template::{Digest, Templates, room_for},
};

/// No head is known to be longer.
const LIKELY_BYTES: u64 = 1 << 20;

/// The fields of each template, at most [`crate::MAX_TEMPLATES_BYTES`] together. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct FieldNames {
    fields: Arc<BTreeMap<u64, Arc<Names>>>,
    bytes: u64,
    digest: Digest,
}

/// The names of a template's fields.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: Vec<u8>,
    /// Where each name ends.
    ends: Vec<u32>,
}

impl Names {
    /// The number of fields.
    pub fn count(&self) -> u64 {
        self.ends.len() as u64
    }

    /// The names in the order of the values.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let places = starts.zip(&self.ends).map(|(start, end)| start as usize..*end as usize);
        places.map(|place| self.text.get(place).unwrap_or_default())
    }
}

/// Names with the same digest are the same.
impl PartialEq for FieldNames {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for FieldNames {}

impl FieldNames {
    /// Reads the templates before the first key, which parts of a file cannot be read without, or those among them that
    /// end at or before an offset. Of a damaged file, returns those before the damage.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of_head<S: Source + ?Sized>(source: &S, before: u64) -> io::Result<Self> {
        let before = before.min(source.size_bytes());
        let head = source.open(0..before.min(LIKELY_BYTES))?;
        let mut walk = match Walk::new(head.take(before)) {
            Ok(walk) => walk,
            Err(error) => return Self::default().or_failed(error),
        };
        loop {
            match walk.step() {
                Ok(Step::Record | Step::End) => return Ok(walk.templates),
                Ok(_) => {}
                Err(error) => return walk.templates.or_failed(error),
            }
        }
    }

    fn or_failed(self, error: WalkError) -> io::Result<Self> {
        match error {
            WalkError::Io(error) => Err(error),
            WalkError::Broken { .. } => Ok(self),
        }
    }

    /// What the reader of a part of the file needs to know of them.
    pub fn templates(&self) -> Templates {
        let lengths = |names: &Arc<Names>| names.iter().map(Length::of).collect();
        let fields = self.fields.iter().map(|(id, names)| (*id, lengths(names))).collect();
        Templates::of_head(fields, self.bytes, self.digest)
    }

    /// Whether these are the templates that a part of the file has been found to need.
    pub fn are(&self, templates: &Templates) -> bool {
        self.digest == templates.digest()
    }

    /// The fields of a template; none if it is not there.
    pub fn of(&self, id: u64) -> Option<Arc<Names>> {
        self.fields.get(&id).cloned()
    }

    /// Reads which template a hash refers to. Returns its fields.
    ///
    /// # Errors
    /// If there is no such template, and those of reading.
    pub fn of_next<R: Read, S: Sink>(&self, body: &mut Body<'_, R, S>) -> Result<Arc<Names>, WalkError> {
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
        let (mut bytes, mut digest) = (self.bytes, self.digest);
        digest.begin(id, count);
        room_for(&mut bytes, None).or_else(|stop| body.stopped(stop))?;
        let (mut names, mut field) = (Names::default(), Vec::new());
        for _ in 0..count {
            field.clear();
            body.read_text(&mut field, MAX_WALKED_KEY_BYTES)?;
            room_for(&mut bytes, Some(&field)).or_else(|stop| body.stopped(stop))?;
            digest.add(&field);
            names.text.extend(&field);
            // At most 64 MiB.
            names.ends.push(names.text.len() as u32);
        }
        names.text.shrink_to_fit();
        names.ends.shrink_to_fit();
        if Arc::make_mut(&mut self.fields).insert(id, Arc::new(names)).is_some() {
            return body.broken(FaultCode::BadValue, format!("template {id} is there twice"));
        }
        (self.bytes, self.digest) = (bytes, digest);
        Ok(())
    }
}

impl Position {
    /// Puts the templates back: [`FieldNames::of_head`] of the file's bytes before [`Self::offset`].
    ///
    /// # Errors
    /// `InvalidData` if the file has others than when the position was made.
    pub fn with_templates(mut self, head: &FieldNames) -> io::Result<Self> {
        let templates = self.header.as_mut().and_then(|header| header.templates.as_mut());
        if templates.is_some_and(|templates| !templates.put_head(&head.templates())) {
            let message = format!("the templates before offset {} have changed", self.offset);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(self)
    }
}
