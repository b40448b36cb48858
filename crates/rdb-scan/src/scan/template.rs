//! Templates of Redis 8.10: names of fields that many hashes share. They precede the keys, and a hash that refers to
//! one cannot be read without it.
//!
//! Source: `rdb.c` of Redis (`rdbSaveHashTemplates`, `rdbLoadObject`). No server that writes them was at hand.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Phase, Scan, text::Shared};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        hash::{fold, hash_bytes},
        stop::{Result, Stop, broken},
    },
    fault::FaultCode,
    packed::{ListpackEntries, PackedEntry, Packing},
    pieces::{Length, MAX_PACKED_ROWS, Piece},
    scan::visit::Visitor,
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
/// The longest listpack of a hash that refers to a template; servers write none of this size.
const MAX_LISTPACK_BYTES: u64 = 512 << 10;

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

    /// The same, at a place behind `keys` keys.
    pub(crate) fn behind(&self, keys: u64) -> Self {
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

    fn field(&self, id: u64, place: u64) -> Length {
        self.of(id).and_then(|fields| fields.get(place as usize)).copied().unwrap_or_default()
    }

    /// Begins the next template.
    pub(crate) fn begin(&mut self, id: u64, fields: u64) -> Result<()> {
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

impl<V: Visitor> Scan<V> {
    /// Whether an unknown number is the opcode of a template.
    pub(super) fn is_template(&self, id: u8) -> bool {
        id == TEMPLATE && self.shared.templates.is_some()
    }

    /// Refuses further templates. Where a scan begins is only likely, and servers write them before the first key.
    pub(crate) fn refuse_templates(&mut self) {
        self.refuses_templates = true;
    }

    /// Reads a template.
    pub(super) fn template(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        let id = cursor.number()?;
        let left = cursor.count(1)?;
        if left == 0 {
            return broken(FaultCode::BadValue, format!("template {id} has no fields"));
        }
        if self.refuses_templates {
            return broken(FaultCode::BadValue, format!("template {id} is after the first key"));
        }
        let keys = self.keys;
        if let Some(templates) = &mut self.shared.templates {
            templates.head_is_over |= keys > 0;
            templates.begin(id, left)?;
        }
        self.phase = Phase::Template { id, left };
        cursor.commit();
        self.template_fields(cursor, id, left)
    }

    /// Reads the names of a template's fields that are left.
    pub(super) fn template_fields(
        &mut self,
        cursor: &mut Cursor<'_>,
        id: u64,
        mut left: u64,
    ) -> Result<bool> {
        while left > 0 {
            let field = super::opcode::name(cursor, &mut self.shared.unpacker)?;
            if let Some(templates) = &mut self.shared.templates {
                templates.add(id, &field)?;
            }
            left -= 1;
            self.phase = Phase::Template { id, left };
            cursor.commit();
        }
        self.end_opcode(cursor);
        Ok(true)
    }
}

/// The values of a hash that refers to a template and stores them one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Templated {
    id: u64,
    place: u64,
    count: u64,
}

impl Templated {
    /// Reads which template it is.
    pub(super) fn begin(cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Self> {
        let id = cursor.number()?;
        let count =
            shared.templates.as_ref().map_or_else(|| Templates::default().count(id), |all| all.count(id))?;
        shared.seen.pieces.sorts_integers = shared.seen.pieces.is_on() && count <= MAX_PACKED_ROWS;
        Ok(Self { id, place: 0, count })
    }

    /// Reads a listpack of the id and the values. Returns the number of values.
    pub(super) fn listpack(cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<Self> {
        let contents = match cursor.text()? {
            Text::Raw(bytes) if bytes <= MAX_LISTPACK_BYTES => cursor.take(bytes as usize)?.to_vec(),
            Text::Lzf { packed, unpacked } if packed.max(unpacked) <= MAX_LISTPACK_BYTES => {
                let packed = cursor.take(packed as usize)?;
                shared.unpacker.unpack(packed, unpacked as usize)?.to_vec()
            }
            other => {
                let bytes = other.length().bytes();
                let message = format!(
                    "listpack of {bytes} bytes in a hash with a template; at most {MAX_LISTPACK_BYTES} are read"
                );
                return broken(FaultCode::BadListpack, message);
            }
        };
        let templates = shared.templates.take().unwrap_or_default();
        let read = Self::check(&contents, &templates, shared);
        shared.templates = Some(templates);
        // The end of the string is known, whatever is in it.
        Ok(shared.contain(read)?.unwrap_or(Self { id: 0, place: 0, count: 0 }))
    }

    fn check(contents: &[u8], templates: &Templates, shared: &mut Shared) -> Result<Self> {
        let entries = Packing::ListpackList.check(contents, &mut shared.seen)?;
        let mut values = ListpackEntries::new(contents);
        let Some(Ok(PackedEntry::Int(id))) = values.next() else {
            let message = "the listpack of a hash with a template does not begin with the template's number";
            return broken(FaultCode::BadListpack, message);
        };
        let id = id.cast_unsigned();
        let count = templates.count(id)?;
        if entries != count + 1 {
            let message =
                format!("{} values for the {count} fields of template {id}", entries.saturating_sub(1));
            return broken(FaultCode::BadListpack, message);
        }
        shared.seen.pieces.push(Piece::Elements(count));
        for (place, value) in values.flatten().enumerate() {
            let value = match value {
                PackedEntry::Int(number) => Length::integer(number),
                PackedEntry::Text(text) => Length::text(text.len() as u64),
            };
            shared.seen.pieces.push_row(templates.field(id, place as u64), value);
        }
        Ok(Self { id, place: count, count })
    }

    pub(super) fn go_on(&mut self, cursor: &mut Cursor<'_>, shared: &mut Shared) -> Result<()> {
        while self.place < self.count && !shared.is_interrupted() {
            let value = shared.measure::<{ crate::pieces::lengths::ASK }>(cursor)?;
            let field =
                shared.templates.as_ref().map_or_else(Length::default, |all| all.field(self.id, self.place));
            shared.seen.pieces.push_row(field, value);
            self.place += 1;
            cursor.commit();
        }
        Ok(())
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn is_done(&self) -> bool {
        self.place == self.count
    }
}

/// A fault of templates as text and code, for a walk.
pub(crate) fn room_for(taken: &mut u64, field: Option<&[u8]>) -> std::result::Result<(), Stop> {
    take_room(taken, field.map_or(TEMPLATE_BYTES, |field| FIELD_BYTES + field.len() as u64))
}
