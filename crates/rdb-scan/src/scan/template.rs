//! Templates of Redis 8.10: names of fields that many hashes share. They precede the keys, and a hash that refers to
//! one cannot be read without it.
//!
//! Source: `rdb.c` of Redis (`rdbSaveHashTemplates`, `rdbLoadObject`). No server that writes them was at hand.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    bytes::{
        hash::{fold, hash_bytes},
        stop::{Result, Stop, broken},
    },
    fault::FaultCode,
    pieces::Length,
};

/// The opcode of a template. It has this meaning since RDB 15.
pub(crate) const TEMPLATE: u8 = 242;
/// The version that introduced templates.
pub(crate) const FIRST_VERSION_WITH_TEMPLATES: u32 = 15;
/// Templates are kept up to this many bytes. Files with more cannot be read.
pub const MAX_TEMPLATES_BYTES: u64 = 64 << 20;
/// What a template and one of its fields take beside their text, at most.
const TEMPLATE_BYTES: u64 = 160;
const FIELD_BYTES: u64 = 16;

/// The templates of a file: the lengths of their fields.
///
/// Those before the first key, the head, are not in the JSON, which has their digest: whoever continues reads them from
/// the file; see [`crate::walk::FieldNames::of_head`]. Servers write no others.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Templates {
    #[serde(skip)]
    head: Arc<Fields>,
    /// Those after the first key.
    #[serde(with = "shared", default, skip_serializing_if = "has_none")]
    late: Arc<Fields>,
    /// Whether a key was read, so that what follows is late.
    head_is_over: bool,
    /// What all of them take.
    bytes: u64,
    /// The number of those in the head, and the digests of these and of all.
    head_count: u64,
    head_digest: Digest,
    digest: Digest,
}

type Fields = BTreeMap<u64, Vec<Length>>;

/// A digest of templates: numbers, names of fields, and their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(#[serde(with = "crate::bytes::encoded")] u64);

impl Digest {
    pub(crate) fn begin(&mut self, id: u64, fields: u64) {
        self.0 = fold(fold(self.0 ^ SEED, id ^ SEED) ^ fields, SEED);
    }

    pub(crate) fn add(&mut self, field: &[u8]) {
        self.0 = fold(self.0 ^ SEED, hash_bytes(field) | 1);
    }
}

/// Any number that is not 0: zeros would stay zeros.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Fields as they are, without what shares them.
mod shared {
    use super::{Arc, BTreeMap, Deserialize, Fields, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
        fields.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Fields>, D::Error> {
        BTreeMap::deserialize(deserializer).map(Arc::new)
    }
}

fn has_none(fields: &Fields) -> bool {
    fields.is_empty()
}

/// Templates with the same digests are the same.
impl PartialEq for Templates {
    fn eq(&self, other: &Self) -> bool {
        let digests = |one: &Self| (one.head_count, one.head_digest, one.digest);
        digests(self) == digests(other)
    }
}

impl Eq for Templates {}

impl Templates {
    pub(crate) fn of_head(fields: Fields, bytes: u64, digest: Digest) -> Self {
        let head_count = fields.len() as u64;
        Self {
            head: Arc::new(fields),
            late: Arc::default(),
            head_is_over: true,
            bytes,
            head_count,
            head_digest: digest,
            digest,
        }
    }

    /// The digest of all.
    pub(crate) fn digest(&self) -> Digest {
        self.digest
    }

    /// Whether there are some, all of them before the first key.
    pub fn are_needed(&self) -> bool {
        self.head_count > 0
    }

    /// Whether some follow the first key. No part of such a file can be read on its own.
    pub(crate) fn has_late(&self) -> bool {
        self.digest != self.head_digest
    }

    /// Whether nothing is missing of what JSON leaves out.
    pub(crate) fn is_complete(&self) -> bool {
        self.head.len() as u64 == self.head_count
    }

    /// The same, without the fields.
    pub(crate) fn without_fields(&self) -> Self {
        Self { head: Arc::default(), late: Arc::default(), ..self.clone() }
    }

    /// The same, at a place after `keys` keys.
    pub(super) fn after(&self, keys: u64) -> Self {
        Self { head_is_over: self.head_is_over || keys > 0, ..self.clone() }
    }

    /// Puts the head back. Returns false if it is another one.
    pub(crate) fn put_head(&mut self, head: &Self) -> bool {
        self.head = Arc::clone(&head.head);
        (self.head_count, self.head_digest) == (head.head_count, head.head_digest)
    }

    /// The number of fields of a template.
    pub(crate) fn count(&self, id: u64) -> Result<u64> {
        match self.of(id) {
            Some(fields) => Ok(fields.len() as u64),
            None => {
                broken(FaultCode::BadValue, format!("the hash refers to template {id}, which is not there"))
            }
        }
    }

    fn of(&self, id: u64) -> Option<&Vec<Length>> {
        self.head.get(&id).or_else(|| self.late.get(&id))
    }

    pub(super) fn field(&self, id: u64, place: u64) -> Length {
        self.of(id).and_then(|fields| fields.get(place as usize)).copied().unwrap_or_default()
    }

    /// Begins the next template, after `keys` keys.
    pub(super) fn begin(&mut self, id: u64, fields: u64, keys: u64) -> Result<()> {
        self.head_is_over |= keys > 0;
        if self.of(id).is_some() {
            return broken(FaultCode::BadValue, format!("template {id} is there twice"));
        }
        take_room(&mut self.bytes, TEMPLATE_BYTES)?;
        self.digest.begin(id, fields);
        if self.head_is_over {
            Arc::make_mut(&mut self.late).insert(id, Vec::new());
        } else {
            Arc::make_mut(&mut self.head).insert(id, Vec::new());
            self.head_count += 1;
            self.head_digest = self.digest;
        }
        Ok(())
    }

    /// Adds a field to it.
    pub(crate) fn add(&mut self, id: u64, field: &[u8]) -> Result<()> {
        take_room(&mut self.bytes, FIELD_BYTES + field.len() as u64)?;
        self.digest.add(field);
        if !self.head_is_over {
            self.head_digest = self.digest;
        }
        let fields = if self.head_is_over { &mut self.late } else { &mut self.head };
        Arc::make_mut(fields).entry(id).or_default().push(Length::of(field));
        Ok(())
    }
}

/// Counts bytes that templates take, and refuses too many.
pub(crate) fn take_room(taken: &mut u64, bytes: u64) -> Result<()> {
    *taken += bytes;
    if *taken > MAX_TEMPLATES_BYTES {
        let message = format!("templates of more than {MAX_TEMPLATES_BYTES} bytes; no more are kept");
        return broken(FaultCode::RdbVersionUnknown, message);
    }
    Ok(())
}

/// A fault of templates as text and code, for a walk.
pub(crate) fn room_for(taken: &mut u64, field: Option<&[u8]>) -> std::result::Result<(), Stop> {
    take_room(taken, field.map_or(TEMPLATE_BYTES, |field| FIELD_BYTES + field.len() as u64))
}
