//! The record loop: opcodes and keys, one after the other, as far as the bytes at hand reach.

mod ahead;
mod contents;
mod duplicates;
mod group;
mod ids;
mod key;
mod module;
mod opcode;
mod rows;
mod stream;
mod table;
mod tell;
mod text;
mod value;
pub(crate) mod visit;

use ahead::Then;
use key::{KeyFacts, KeyText};
use module::Module;
use serde::{Deserialize, Serialize};
use tell::string_length;
use text::{Closed, Open, Resumable, Shared};
use value::Value;

use crate::{
    bytes::{
        cursor::Cursor,
        stop::{Broken, Result, Stop},
    },
    fault::HazardCode,
    format::{
        Magic,
        opcode::Opcode,
        value_type::{Encoding, TextForm, ValueType},
    },
    pieces::{Length, Piece, Whole},
    scan::visit::{Record, Visitor},
};

/// A scan between two calls: what it stands in, and whom it tells.
pub(crate) struct Scan<V> {
    pub(crate) visitor: V,
    pub(crate) magic: Magic,
    /// Whether the file's version is newer than those known here, so that an unknown record is no damage.
    pub(crate) newer: bool,
    /// The database of the next record, if it is known.
    pub(crate) database: Option<u64>,
    /// Keys read so far.
    pub(crate) keys: u64,
    phase: Phase,
    current: Current,
    shared: Shared,
    // The first bytes of the current key where they are not at hand any more.
    key: Vec<u8>,
    /// Whether messages and findings may name keys.
    show_keys: bool,
    /// Pieces tell of keys that have expired before this time, in milliseconds.
    expired_before_ms: i64,
}

/// What a record is in the middle of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Phase {
    /// Between two records.
    #[default]
    Boundary,
    /// Behind something that stands before the type.
    Prefixes,
    /// In what modules hang on a key: classes still to come, and the one that is being read.
    Metadata(u64, Module),
    /// In a key.
    Key,
    /// Behind a key.
    ValueBegin,
    Value(Value),
    ModuleAux(Module),
    /// In the last string of an opcode's record.
    Opcode,
}

/// The record that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Current {
    offset: u64,
    expires_at_ms: Option<i64>,
    value_type: ValueType,
    key: KeyFacts,
    value_start: u64,
    /// The length of a string, and the form of its text.
    text: Length,
    #[serde(default)]
    text_form: TextForm,
    /// The opcode of Redis Enterprise that stood before it, or 0.
    #[serde(default)]
    foreign: u8,
    /// Whether something for the next key has been read: it holds over whatever stands before that key.
    #[serde(default)]
    prefixed: bool,
    /// Whether the key has been read, so that a fault can name it.
    key_known: bool,
    broken: bool,
}

/// The inside of a record, as a position holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Inside {
    phase: Phase,
    current: Current,
    open: Option<Resumable>,
    #[serde(with = "crate::bytes::encoded::bytes")]
    key: Vec<u8>,
    /// What those who weigh values know of this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    weighed: Vec<String>,
}

/// Why a scan came back.
#[derive(Debug)]
pub(crate) enum Advance {
    /// So many bytes are needed from the last committed place on.
    More(usize),
    /// The next record begins at or behind the limit.
    Boundary,
    /// The end mark was read.
    End,
    /// Nothing behind this can be trusted.
    Broken(Box<Broken>),
}

impl<V: Visitor> Scan<V> {
    pub(crate) fn new(visitor: V, magic: Magic, database: Option<u64>, show_keys: bool) -> Self {
        Self {
            visitor,
            magic,
            newer: false,
            database,
            keys: 0,
            phase: Phase::Boundary,
            current: Current::default(),
            shared: Shared::default(),
            key: Vec::new(),
            show_keys,
            expired_before_ms: i64::MIN,
        }
    }

    /// Tells the visitor what values are made of.
    pub(crate) fn tell_pieces(&mut self, now_ms: u64, whole: Whole) {
        // 0 stands for no time.
        self.expired_before_ms = if now_ms > 0 { now_ms.cast_signed() } else { i64::MIN };
        self.shared.seen.pieces.switch_on(whole);
    }

    /// Compares the members of values no more.
    pub(crate) fn compare_nothing(&mut self) {
        self.shared.seen.members.switch_off();
    }

    /// Forgets the record that it stands in, and what the database is.
    pub(crate) fn restart(&mut self) {
        self.phase = Phase::Boundary;
        self.database = None;
        self.shared.open = None;
        self.shared.flaw = None;
        self.shared.seen.members.end();
        self.shared.seen.field_expires = 0;
        self.shared.seen.contradictions.take();
        self.shared.seen.pieces.clear();
    }

    /// Whether the key of the record that it stands in has been read.
    pub(crate) fn key(&self) -> Option<&[u8]> {
        (self.phase != Phase::Boundary && self.current.key_known).then_some(&self.key)
    }

    /// Goes on inside a record.
    pub(crate) fn resume(&mut self, inside: Inside) {
        self.phase = inside.phase;
        self.current = inside.current;
        self.key = inside.key;
        self.visitor.resume(&inside.weighed);
        self.shared.open = inside.open.map(|open| match open {
            Resumable::Raw(left) => Open::Raw(left),
            Resumable::Lzf(tokens) => Open::Lzf(tokens),
        });
    }

    /// What is needed to go on later from the last committed place; none where that is not possible.
    pub(crate) fn inside(&mut self) -> Option<Inside> {
        let open = match &self.shared.open {
            None => None,
            Some(Open::Raw(left)) => Some(Resumable::Raw(*left)),
            Some(Open::Lzf(tokens)) => Some(Resumable::Lzf(*tokens)),
            Some(Open::Packed(_) | Open::Key(_)) => return None,
        };
        let comparing = matches!(&self.phase, Phase::Value(value) if value.is_comparing());
        let noted = self.shared.flaw.is_some() || !self.shared.seen.contradictions.is_empty();
        if comparing || matches!(self.phase, Phase::Key) || noted {
            return None;
        }
        let fields = std::mem::take(&mut self.shared.seen.field_expires);
        self.visitor.field_expires(fields);
        self.flush_pieces();
        let weighed = self.visitor.suspend();
        Some(Inside {
            phase: self.phase.clone(),
            current: self.current.clone(),
            open,
            key: self.key.clone(),
            weighed,
        })
    }

    /// Whether the next byte begins a record.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.phase == Phase::Boundary
    }

    /// Where the record that is being read begins.
    pub(crate) fn record_offset(&self) -> u64 {
        self.current.offset
    }

    /// Reads on as far as the bytes reach, up to the first record that begins at `limit` or behind it.
    pub(crate) fn advance(&mut self, cursor: &mut Cursor<'_>, limit: u64) -> Advance {
        loop {
            let step = if self.shared.open.is_some() {
                self.close(cursor)
            } else if self.phase == Phase::Boundary {
                if cursor.offset() >= limit {
                    self.flush_pieces();
                    return Advance::Boundary;
                }
                self.record(cursor)
            } else {
                self.go_on(cursor)
            };
            match step {
                Ok(true) => {}
                Ok(false) => {
                    self.flush_pieces();
                    return Advance::End;
                }
                Err(Stop::More(bytes)) => return Advance::More(bytes),
                Err(Stop::Broken(broken)) => return Advance::Broken(broken),
            }
        }
    }

    /// Reads a record from its beginning; false at the end mark.
    #[inline]
    fn record(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        let offset = cursor.offset();
        self.current.offset = offset;
        (self.current.key_known, self.current.foreign, self.current.prefixed) = (false, 0, false);
        let mut opcode = cursor.u8()?;
        let mut expires_at_ms = None;
        if opcode == Opcode::ExpireTimeMs.id() {
            expires_at_ms = expiry(i64::from_le_bytes(cursor.array()?));
            opcode = cursor.u8()?;
        }
        // Most records are strings that are all there, and those are worth a way of their own.
        let plain = if opcode == ValueType::String.id() { cursor.plain() } else { None };
        let Some(text) = plain else {
            (self.current.expires_at_ms, self.current.prefixed) = (expires_at_ms, expires_at_ms.is_some());
            return self.prefixes(cursor, opcode);
        };
        let value_start = cursor.offset();
        let value = match self.shared.pass(cursor, Then::Record) {
            Ok(value) => value,
            Err(stop) => {
                self.keep_key(text, KeyFacts::of(text));
                if matches!(stop, Stop::Broken(_)) {
                    return Err(stop);
                }
                // The key is done with, as it is where it came before the value did.
                self.current.expires_at_ms = expires_at_ms;
                self.current.value_type = ValueType::String;
                self.phase = Phase::ValueBegin;
                cursor.go_back(value_start);
                cursor.commit();
                return Ok(true);
            }
        };
        let facts = KeyFacts::of(text);
        let length = self.string_length(value, cursor);
        if self.shared.open.is_some() || self.shared.flaw.is_some() {
            self.keep_key(text, facts);
            self.current = Current {
                offset,
                expires_at_ms,
                value_type: ValueType::String,
                key: facts,
                value_start,
                text: length,
                text_form: value::text_form(value),
                foreign: 0,
                prefixed: false,
                key_known: true,
                broken: false,
            };
            self.phase = Phase::Value(Value::string());
            cursor.commit();
            return Ok(true);
        }
        let record = Record {
            span: offset..cursor.offset(),
            raw: cursor.from(offset),
            value_start,
            type_id: opcode,
            database: self.database,
            key: text,
            key_bytes: facts.bytes,
            key_hash: facts.hash,
            slot: facts.slot,
            expires_at_ms,
            encoding: Encoding::String(value::text_form(value)),
            elements: 1,
        };
        self.visitor.record(&record);
        self.push_string(facts, expires_at_ms, length);
        self.keys += 1;
        cursor.commit();
        Ok(true)
    }

    /// Reads what may stand before a type, and then the rest of the record.
    #[inline(never)]
    fn prefixes(&mut self, cursor: &mut Cursor<'_>, mut id: u8) -> Result<bool> {
        loop {
            if let Some(value_type) = ValueType::of(id, self.magic) {
                self.current.value_type = value_type;
                let Self { shared, key, .. } = self;
                let text = key::read(cursor, &mut shared.unpacker, key)?;
                return self.key_read(cursor, text);
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
                Opcode::Idle => drop(cursor.opcode_number()?),
                Opcode::EnterpriseRamLru | Opcode::EnterpriseSlot => {
                    cursor.number()?;
                    self.current.foreign = id;
                }
                Opcode::Freq => drop(cursor.u8()?),
                Opcode::KeyMetadata => {
                    let classes = cursor.count(5)?;
                    self.current.prefixed = true;
                    self.metadata(cursor, classes)?;
                    self.hazard(HazardCode::ModuleData, format!("{classes} classes of key metadata"));
                    return Ok(true);
                }
                Opcode::Eof => {
                    cursor.commit();
                    return Ok(false);
                }
                between_keys => {
                    if self.phase == Phase::Boundary && self.current.prefixed {
                        // The key that it holds for comes later, and a pause may come before it.
                        self.phase = Phase::Prefixes;
                    }
                    self.opcode(cursor, between_keys)?;
                    cursor.commit();
                    return Ok(true);
                }
            }
            self.current.prefixed = true;
            id = cursor.u8()?;
        }
    }

    /// Reads the next class of what modules hang on a key.
    fn metadata(&mut self, cursor: &mut Cursor<'_>, classes: u64) -> Result<bool> {
        self.phase = if classes == 0 {
            Phase::Prefixes
        } else {
            Phase::Metadata(classes - 1, Module::key_metadata(cursor)?)
        };
        cursor.commit();
        Ok(true)
    }

    /// Goes on behind a key.
    fn key_read(&mut self, cursor: &mut Cursor<'_>, text: KeyText<'_>) -> Result<bool> {
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

    fn keep_key(&mut self, text: &[u8], facts: KeyFacts) {
        self.key.clear();
        self.key.extend_from_slice(text);
        self.current.key = facts;
        self.current.key_known = true;
    }

    fn value_begin(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        self.phase = Phase::ValueBegin;
        self.current.value_start = cursor.offset();
        cursor.commit();
        let Self { current, shared, .. } = self;
        let mut value = match current.value_type {
            ValueType::String => {
                let text = shared.pass(cursor, Then::Record)?;
                current.text =
                    if shared.seen.pieces.is_on() { string_length(text, cursor) } else { text.length() };
                current.text_form = value::text_form(text);
                Value::string()
            }
            value_type => {
                let before = shared.seen.pieces.begin(Encoding::Value(value_type));
                match Value::begin(cursor, value_type, shared) {
                    Ok(value) => value,
                    Err(stop) => {
                        shared.seen.pieces.undo(before);
                        return Err(stop);
                    }
                }
            }
        };
        cursor.commit();
        if value.is_table() {
            shared.seen.pieces.push(Piece::Elements(value.elements));
        }
        let step = value.go_on(cursor, shared);
        self.phase = Phase::Value(value);
        step?;
        self.finish_value(cursor);
        Ok(true)
    }

    /// Goes on inside a record, behind a string that was open.
    fn go_on(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        match &mut self.phase {
            Phase::Boundary | Phase::Opcode => {
                self.phase = self.behind_opcode();
                if let Some(flaw) = self.shared.flaw.take() {
                    self.fault(*flaw);
                }
            }
            Phase::Prefixes => {
                let opcode = cursor.u8()?;
                return self.prefixes(cursor, opcode);
            }
            Phase::Metadata(classes, module) => {
                module.go_on(cursor, &mut self.shared)?;
                if module.is_done() {
                    let classes = *classes;
                    return self.metadata(cursor, classes);
                }
            }
            Phase::Key | Phase::ValueBegin => return self.value_begin(cursor),
            Phase::Value(value) => {
                value.go_on(cursor, &mut self.shared)?;
                self.finish_value(cursor);
            }
            Phase::ModuleAux(module) => {
                module.go_on(cursor, &mut self.shared)?;
                if module.is_done() {
                    let name = module.name();
                    self.visitor.module(&name);
                    self.hazard(HazardCode::ModuleData, format!("auxiliary data of module type {name}"));
                    self.phase = self.behind_opcode();
                    cursor.commit();
                }
            }
        }
        Ok(true)
    }

    /// Where a record stands behind an opcode: what came before it for the next key still holds. (KeyDB writes AUX
    /// fields between a key's expiry and the key, and servers keep the expiry: `rdbLoadRioWithLoadingCtx`.)
    fn behind_opcode(&self) -> Phase {
        if self.current.prefixed { Phase::Prefixes } else { Phase::Boundary }
    }

    /// Goes on with the string that is open.
    fn close(&mut self, cursor: &mut Cursor<'_>) -> Result<bool> {
        match (self.shared.go_on(cursor)?, &mut self.phase) {
            (Closed::Packed(elements), Phase::Value(value)) => value.add_elements(elements),
            (Closed::Packed(functions), Phase::Opcode) => self.visitor.functions(functions),
            (Closed::Key(long), _) => {
                self.current.key = long.facts();
                self.current.key_known = true;
                self.key = long.start;
            }
            _ => {}
        }
        if self.shared.seen.pieces.is_full() {
            self.flush_pieces();
        }
        Ok(true)
    }
}

/// An expiry in milliseconds; servers take -1 for none (`rdbLoadRioWithLoadingCtx`).
#[inline(always)]
fn expiry(at_ms: i64) -> Option<i64> {
    (at_ms != -1).then_some(at_ms)
}
