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
        stop::{Result, Stop, broken},
    },
    fault::FaultCode,
    packed::Packing,
    pieces::{Length, MAX_PACKED_ROWS, Piece},
    scan::visit::Visitor,
    walk::{Listpack, PackedEntry},
};

/// The opcode of a template. It has this meaning since RDB 15.
pub(crate) const TEMPLATE: u8 = 242;
/// The version that introduced templates.
pub(crate) const FIRST_VERSION_WITH_TEMPLATES: u32 = 15;
/// Templates are kept up to this many bytes. Files with more cannot be read.
pub const MAX_TEMPLATES_BYTES: u64 = 64 << 20;
/// What a template and one of its fields take beside their text.
const TEMPLATE_BYTES: u64 = 64;
const FIELD_BYTES: u64 = 16;
/// The longest listpack of a hash that refers to a template; servers write none of this size.
const MAX_LISTPACK_BYTES: u64 = 512 << 10;

/// The templates of a file: the lengths of their fields.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Templates {
    #[serde(with = "shared")]
    fields: Arc<BTreeMap<u64, Vec<Length>>>,
    bytes: u64,
}

/// Fields as they are, without what shares them.
mod shared {
    use super::{Arc, BTreeMap, Deserialize, Length, Serialize};

    type Fields = Arc<BTreeMap<u64, Vec<Length>>>;

    pub(super) fn serialize<S: serde::Serializer>(fields: &Fields, serializer: S) -> Result<S::Ok, S::Error> {
        fields.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Fields, D::Error> {
        BTreeMap::deserialize(deserializer).map(Arc::new)
    }
}

impl Templates {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The number of fields of a template.
    pub(crate) fn count(&self, id: u64) -> Result<u64> {
        match self.fields.get(&id) {
            Some(fields) => Ok(fields.len() as u64),
            None => {
                broken(FaultCode::BadValue, format!("the hash refers to template {id}, which is not there"))
            }
        }
    }

    fn field(&self, id: u64, place: u64) -> Length {
        let fields = self.fields.get(&id);
        fields.and_then(|fields| fields.get(place as usize)).copied().unwrap_or_default()
    }

    fn begin(&mut self, id: u64) -> Result<()> {
        let fields = Arc::make_mut(&mut self.fields);
        if fields.insert(id, Vec::new()).is_some() {
            return broken(FaultCode::BadValue, format!("template {id} is there twice"));
        }
        take_room(&mut self.bytes, TEMPLATE_BYTES)
    }

    fn add(&mut self, id: u64, field: Length) -> Result<()> {
        take_room(&mut self.bytes, FIELD_BYTES + field.bytes())?;
        Arc::make_mut(&mut self.fields).entry(id).or_default().push(field);
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

    /// Reads a template.
    pub(super) fn template(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        let id = cursor.number()?;
        let left = cursor.count(1)?;
        if left == 0 {
            return broken(FaultCode::BadValue, format!("template {id} has no fields"));
        }
        if let Some(templates) = &mut self.shared.templates {
            templates.begin(id)?;
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
            let length = Length::of(&field);
            if let Some(templates) = &mut self.shared.templates {
                templates.add(id, length)?;
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
        let mut values = Listpack::new(contents);
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
