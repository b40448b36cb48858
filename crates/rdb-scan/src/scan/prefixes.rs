//! What precedes a value: opcodes, prefixes and the key.

use super::{
    Phase, Scan, expiry,
    key::{self, KeyFacts, KeyText},
    module::Module,
    opcode,
    text::Open,
    visit::Visitor,
};
use crate::{
    bytes::{cursor::Cursor, stop::Result},
    fault::HazardCode,
    format::{opcode::Opcode, value_type::ValueType},
};

impl<V: Visitor> Scan<V> {
    /// Reads what may precede a type, and then the rest of the record.
    #[inline(never)]
    pub(super) fn prefixes(&mut self, cursor: &mut Cursor<'_>, mut id: u8) -> Result<bool> {
        loop {
            let with_template = || ValueType::with_template(id).filter(|_| self.shared.templates.is_some());
            if let Some(value_type) = ValueType::of(id, self.magic).or_else(with_template) {
                self.current.value_type = value_type;
                let Self { shared, key, .. } = self;
                let text = key::read(cursor, &mut shared.unpacker, key)?;
                return self.key_read(cursor, text);
            }
            if self.is_template(id) {
                return self.template(cursor);
            }
            let Some(opcode) = Opcode::of(id, self.magic) else {
                return opcode::unknown(id, self.magic, self.newer).map(|()| true);
            };
            match opcode {
                Opcode::ExpireTime => {
                    let seconds = i64::from(i32::from_le_bytes(cursor.array()?));
                    self.current.expires_at_ms = Some(seconds * 1000);
                }
                Opcode::ExpireTimeMs => {
                    self.current.expires_at_ms = expiry(i64::from_le_bytes(cursor.array()?));
                }
                Opcode::Idle => self.current.idle_seconds = Some(cursor.opcode_number()?),
                Opcode::EnterpriseRamLru | Opcode::EnterpriseSlot => {
                    cursor.number()?;
                    self.current.foreign = id;
                }
                Opcode::Freq => drop(cursor.u8()?),
                Opcode::KeyMetadata => {
                    let classes = cursor.count(5)?;
                    self.current.prefixed = true;
                    self.metadata(cursor, classes)?;
                    self.mixed = true;
                    self.hazard(HazardCode::ModuleData, format!("{classes} classes of key metadata"));
                    return Ok(true);
                }
                Opcode::Eof => {
                    self.note_opcode(cursor.offset());
                    cursor.commit();
                    return Ok(false);
                }
                between_keys => {
                    if self.phase == Phase::Boundary && self.current.prefixed {
                        // The key of this prefix comes later, and a pause may come before it.
                        self.phase = Phase::Prefixes;
                    }
                    self.opcode(cursor, between_keys)?;
                    if matches!(self.phase, Phase::Boundary | Phase::Prefixes) {
                        self.end_opcode(cursor);
                    }
                    cursor.commit();
                    return Ok(true);
                }
            }
            self.current.prefixed = true;
            id = cursor.u8()?;
        }
    }

    /// Reads the next class of metadata that modules attach to a key.
    pub(super) fn metadata(&mut self, cursor: &mut Cursor<'_>, classes: u64) -> Result<bool> {
        self.phase = if classes == 0 {
            Phase::Prefixes
        } else {
            Phase::Metadata(classes - 1, Module::key_metadata(cursor)?)
        };
        cursor.commit();
        Ok(true)
    }

    /// Continues after a key.
    pub(super) fn key_read(&mut self, cursor: &mut Cursor<'_>, text: KeyText<'_>) -> Result<bool> {
        match text {
            KeyText::Plain(text) => self.keep_key(text, KeyFacts::of(text)),
            KeyText::Kept => {
                self.current.key = KeyFacts::of(&self.key);
                self.current.key_known = true;
            }
            KeyText::Long(long) => {
                self.shared.open = Some(Open::Key(long));
                self.phase = Phase::Key;
                cursor.commit();
                return Ok(true);
            }
        }
        self.value_begin(cursor)
    }

    pub(super) fn keep_key(&mut self, text: &[u8], facts: KeyFacts) {
        self.key.clear();
        self.key.extend_from_slice(text);
        self.current.key = facts;
        self.current.key_known = true;
    }
}
