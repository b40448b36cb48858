//! What a scan reports to its visitor: records at their end, pieces of values, faults and hazards.

use super::{Current, Phase, Scan, duplicates::duplicate_code, key::KeyFacts};
use crate::{
    bytes::{
        cursor::{Cursor, Text},
        key_text::shown,
        stop::Broken,
    },
    fault::{Fault, Hazard, HazardCode},
    format::value_type::{Encoding, Kind, ValueType},
    pieces::{Expiry, KeyPiece, Length, MAX_INTEGER_BYTES, Mark},
    scan::visit::{Record, Visitor},
};

impl<V: Visitor> Scan<V> {
    /// Reports the record, if its value has ended.
    pub(super) fn finish_value(&mut self, cursor: &mut Cursor<'_>) {
        let done = matches!(&self.phase, Phase::Value(value) if value.is_done());
        if self.shared.open.is_some() || !done {
            if self.shared.seen.pieces.is_full() {
                self.flush_pieces();
            }
            return;
        }
        let Phase::Value(value) = std::mem::take(&mut self.phase) else { return };
        let value_type = self.current.value_type;
        let encoding = match value_type {
            ValueType::String => Encoding::String(self.current.text_form),
            other => Encoding::Value(other),
        };
        let elements = value.elements;
        if let Some(flaw) = self.shared.flaw.take() {
            self.fault(*flaw);
        }
        if let Some(module) = value.module() {
            let (name, version) = (module.name(), module.version());
            self.visitor.module(&name);
            let message = format!("value of module type {name}, encoding version {version}");
            self.hazard(HazardCode::ModuleData, message);
        }
        self.tell_of_members(encoding, elements, value.uncompared(), cursor.from(self.current.value_start));
        if elements == 0 && !matches!(encoding.kind(), Kind::Stream | Kind::Module) {
            let kind = encoding.kind().name();
            self.hazard(HazardCode::EmptyCollection, format!("{kind} without elements"));
            self.visitor.empty_collection(self.current.expires_at_ms);
        }
        if self.current.foreign != 0 {
            let opcode = self.current.foreign;
            let message =
                format!("opcode {opcode} of Redis Enterprise before a key; Redis and Valkey refuse it");
            self.hazard(HazardCode::ForeignRecord, message);
        }
        if value_type.is_pre_ga() {
            let message = "hash as a release candidate of Redis 7.4 wrote it; releases refuse it".to_owned();
            self.hazard(HazardCode::ForeignRecord, message);
        }
        if !self.shared.seen.contradictions.is_empty() {
            for (code, message) in self.shared.seen.contradictions.take() {
                self.hazard(code, message);
            }
        }
        let Current { offset, expires_at_ms, idle_seconds, key, value_start, text, .. } = self.current;
        let record = Record {
            span: offset..cursor.offset(),
            raw: cursor.from(offset),
            value_start,
            type_id: value_type.id(),
            database: self.database,
            key: &self.key,
            key_bytes: key.bytes,
            key_hash: key.hash,
            slot: key.slot,
            expires_at_ms,
            idle_seconds,
            encoding,
            elements,
        };
        self.visitor.record(&record);
        let mark = self.visitor.mark(&record);
        if encoding.kind() == Kind::String {
            self.push_string(key, expires_at_ms, text, mark);
        } else if self.shared.seen.pieces.is_on() {
            let key = self.key_piece(key, expires_at_ms);
            if self.shared.seen.pieces.end(key, (!value.is_table()).then_some(elements), mark) {
                self.flush_pieces();
            }
        }
        self.keys += 1;
        cursor.commit();
        if self.is_noting() {
            self.note_record(cursor.offset());
        }
    }

    #[inline(always)]
    pub(super) fn push_string(
        &mut self,
        key: KeyFacts,
        expires_at_ms: Option<i64>,
        value: Length,
        mark: Option<Mark>,
    ) {
        if self.shared.seen.pieces.is_on() {
            let key = self.key_piece(key, expires_at_ms);
            if self.shared.seen.pieces.push_string(key, value, mark) {
                self.flush_pieces();
            }
        }
    }

    /// The length of a string that was just skipped or opened, if pieces are reported.
    #[inline(always)]
    pub(super) fn string_length(&self, text: Text, cursor: &Cursor<'_>) -> Length {
        if self.shared.seen.pieces.is_on() { string_length(text, cursor) } else { Length::default() }
    }

    #[inline]
    fn key_piece(&self, key: KeyFacts, expires_at_ms: Option<i64>) -> KeyPiece {
        let expiry = match expires_at_ms {
            None => Expiry::Never,
            Some(at_ms) if at_ms < self.expired_before_ms => Expiry::Past,
            Some(_) => Expiry::ToCome,
        };
        KeyPiece { bytes: u32::try_from(key.bytes).unwrap_or(u32::MAX), slot: key.slot, expiry }
    }

    /// Passes the current pieces to the visitor.
    #[cold]
    pub(super) fn flush_pieces(&mut self) {
        let pieces = &mut self.shared.seen.pieces;
        pieces.list_rows();
        if !pieces.is_empty() {
            self.visitor.pieces(pieces);
            pieces.clear();
        }
    }

    fn tell_of_members(&mut self, encoding: Encoding, elements: u64, uncompared: u64, value: Option<&[u8]>) {
        let seen = &mut self.shared.seen;
        let fields = std::mem::take(&mut seen.field_expires);
        self.visitor.field_expires(fields);
        let state = std::mem::take(&mut seen.stream_state);
        self.visitor.stream_state(state);
        let (duplicate, unchecked) = seen.members.end();
        if unchecked || uncompared > 0 {
            self.visitor.uncompared_members(elements);
        }
        if duplicate {
            let (kind, name) = (encoding.kind().name(), encoding.name());
            let message = format!("a member occurs twice in a {kind} of {elements} ({name})");
            let code = duplicate_code(encoding, elements, value);
            self.hazard(code, message);
        }
    }

    pub(super) fn hazard(&mut self, code: HazardCode, message: String) {
        let hazard = Hazard {
            code,
            offset: self.current.offset,
            database: self.database.unwrap_or(Fault::UNKNOWN_DATABASE),
            key: self.shown_key(),
            message,
        };
        self.visitor.hazard(hazard);
    }

    /// Reports the fault that ends the scan, after one inside the same record.
    pub(crate) fn end_with(&mut self, broken: Broken) {
        if let Some(flaw) = self.shared.flaw.take() {
            self.fault(*flaw);
        }
        self.flush_pieces();
        self.fault(broken);
    }

    pub(super) fn fault(&mut self, Broken { code, message }: Broken) {
        let fault = Fault {
            code,
            offset: self.current.offset,
            database: self.database.unwrap_or(Fault::UNKNOWN_DATABASE),
            key: self.shown_key(),
            message,
            cause: None,
        };
        self.visitor.fault(fault);
    }

    fn shown_key(&self) -> Option<String> {
        (self.current.key_known && self.show_keys).then(|| shown(&self.key, self.current.key.bytes))
    }
}

/// The length of a string that was just skipped or opened. A string that may be an integer is in memory.
#[inline(always)]
pub(super) fn string_length(text: Text, cursor: &Cursor<'_>) -> Length {
    match text {
        Text::Raw(bytes) if bytes <= MAX_INTEGER_BYTES => Length::of(cursor.last(bytes as usize)),
        text => text.length(),
    }
}
