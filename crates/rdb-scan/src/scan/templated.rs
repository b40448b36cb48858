//! Reading templates, and hashes that refer to them.

use serde::{Deserialize, Serialize};

use super::{
    Phase, Scan,
    opcode::name,
    template::{TEMPLATE, Templates},
    text::Shared,
    visit::Visitor,
};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        stop::{Result, broken},
    },
    fault::FaultCode,
    packed::{ListpackEntries, PackedEntry, Packing},
    pieces::{Length, MAX_PACKED_ROWS, Piece, lengths},
};

/// The longest listpack of a hash that refers to a template; servers write none of this size.
const MAX_LISTPACK_BYTES: u64 = 512 << 10;

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
            templates.begin(id, left, keys)?;
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
            let field = name(cursor, &mut self.shared.unpacker)?;
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
            let value = shared.measure::<{ lengths::ASK }>(cursor)?;
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
